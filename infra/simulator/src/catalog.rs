//! What the vendor sells: a seats product, two plan upgrades, add-ons, services
//! and metered API calls.

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

/// How many units a customer of a given number of seats buys.
#[derive(Clone, Copy)]
pub(crate) enum Sizing {
    /// As many seats as the customer is short of.
    Shortage,
    /// One unit a seat.
    PerSeat,
    /// One unit, and another for every so many seats.
    PerBlock(f64),
}

/// One product of the price list.
pub(crate) struct Item {
    pub(crate) id: &'static str,
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    /// Per unit and year.
    pub(crate) list_price: f64,
    pub(crate) sizing: Sizing,
}

const fn item(
    id: &'static str,
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    list_price: f64,
    sizing: Sizing,
) -> Item {
    Item { id, name, kind, unit, list_price, sizing }
}

/// The price list. The constants above are positions in it.
#[rustfmt::skip]
pub(crate) const PRODUCTS: [Item; COUNT] = [
    item("prd-seats",      "Team Seats",           "seats",   "seat",          240.0,    Sizing::Shortage),
    item("prd-business",   "Business Plan",        "tier",    "seat",          96.0,     Sizing::PerSeat),
    item("prd-enterprise", "Enterprise Plan",      "tier",    "seat",          180.0,    Sizing::PerSeat),
    item("prd-analytics",  "Advanced Analytics",   "add_on",  "seat",          60.0,     Sizing::PerSeat),
    item("prd-security",   "Security & Audit",     "add_on",  "seat",          36.0,     Sizing::PerSeat),
    item("prd-automation", "Workflow Automation",  "add_on",  "workspace",     4_800.0,  Sizing::PerBlock(150.0)),
    item("prd-onboarding", "Onboarding Package",   "service", "package",       6_500.0,  Sizing::PerBlock(600.0)),
    item("prd-support",    "Premium Support",      "service", "package",       9_000.0,  Sizing::PerBlock(400.0)),
    item("prd-api",        "API Access",           "usage",   "million calls", 1_200.0,  Sizing::PerBlock(60.0)),
];

/// The products table.
pub(crate) fn rows() -> Vec<ProductRow> {
    PRODUCTS
        .iter()
        .map(|item| ProductRow {
            product_id: item.id,
            name: item.name,
            kind: item.kind,
            unit: item.unit,
            list_price: item.list_price,
        })
        .collect()
}
