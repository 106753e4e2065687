//! What the vendor sells: a seats product, two plan upgrades, add-ons, services and metered API calls.

use crate::tables::ProductRow;

/// Position of a product in [`PRODUCTS`] and in a customer's holdings.
pub(crate) type Product = usize;

pub(crate) const SEATS: Product = 0;
pub(crate) const BUSINESS: Product = 1;
pub(crate) const ENTERPRISE: Product = 2;
pub(crate) const ANALYTICS: Product = 3;
pub(crate) const SECURITY: Product = 4;
pub(crate) const AUTOMATION: Product = 5;
pub(crate) const ONBOARDING: Product = 6;
pub(crate) const API: Product = 8;

/// Number of products.
pub(crate) const COUNT: usize = 9;

/// One product of the price list.
pub(crate) struct Item {
    pub(crate) row: ProductRow,
    /// One unit, and another for every so many seats; without it, one unit a seat.
    block: Option<f64>,
}

impl Item {
    /// Units that a customer of so many seats takes.
    pub(crate) fn usual_quantity(&self, seats: f64) -> u32 {
        self.block.map_or(seats as u32, |block| 1 + (seats / block) as u32)
    }
}

const fn item(
    product_id: &'static str,
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    list_price: f64,
    block: Option<f64>,
) -> Item {
    Item { row: ProductRow { product_id, name, kind, unit, list_price }, block }
}

/// The price list. The constants above are positions in it.
#[rustfmt::skip]
pub(crate) const PRODUCTS: [Item; COUNT] = [
    item("prd-seats",      "Team Seats",           "seats",   "seat",          240.0,    None),
    item("prd-business",   "Business Plan",        "tier",    "seat",          96.0,     None),
    item("prd-enterprise", "Enterprise Plan",      "tier",    "seat",          180.0,    None),
    item("prd-analytics",  "Advanced Analytics",   "add_on",  "seat",          60.0,     None),
    item("prd-security",   "Security & Audit",     "add_on",  "seat",          36.0,     None),
    item("prd-automation", "Workflow Automation",  "add_on",  "workspace",     4_800.0,  Some(150.0)),
    item("prd-onboarding", "Onboarding Package",   "service", "package",       6_500.0,  Some(600.0)),
    item("prd-support",    "Premium Support",      "service", "package",       9_000.0,  Some(400.0)),
    item("prd-api",        "API Access",           "usage",   "million calls", 1_200.0,  Some(60.0)),
];
