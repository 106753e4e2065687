//! How the segments differ: one table of every rate and weight.
//!
//! Log-odds weights act on the drivers of `customer`, which are scaled to a
//! standard deviation of about one, so that they can be compared.

use crate::catalog;

/// Weights of the weekly log-odds that an expansion opportunity is opened.
pub(crate) struct Opening {
    /// Log-odds of a week in which every driver is zero.
    pub(crate) base: f64,
    /// Use close to, or above, the entitled seats.
    pub(crate) utilisation: f64,
    /// Recent acceleration of growth.
    pub(crate) momentum: f64,
    pub(crate) satisfaction: f64,
    /// Latent interest in buying more, seen only through its traces.
    pub(crate) interest: f64,
    /// Signals of the last weeks.
    pub(crate) signals: f64,
    /// A champion promoted lately.
    pub(crate) promotion: f64,
    /// Contact with executives in the last weeks.
    pub(crate) executive: f64,
    /// The last two months of the fiscal year.
    pub(crate) fiscal_close: f64,
    /// A renewal in the coming months.
    pub(crate) renewal: f64,
    /// An expansion won lately (negative: the need is met).
    pub(crate) recent_win: f64,
    /// Nobody inside argues for the product (negative).
    pub(crate) no_champion: f64,
}

/// Weights of the log-odds that an opportunity is won when it closes.
pub(crate) struct Winning {
    pub(crate) base: f64,
    pub(crate) satisfaction: f64,
    pub(crate) interest: f64,
    pub(crate) utilisation: f64,
    pub(crate) executive: f64,
    pub(crate) no_champion: f64,
}

/// Weights of the log-odds that a customer leaves at a renewal.
pub(crate) struct Leaving {
    pub(crate) base: f64,
    pub(crate) satisfaction: f64,
    pub(crate) utilisation: f64,
}

/// One segment.
pub(crate) struct Behaviour {
    pub(crate) segment: &'static str,
    /// Share of all customers.
    pub(crate) share: f64,
    /// Numbers of the first and last success manager of the segment.
    pub(crate) csms: (u8, u8),
    /// Median of the initially entitled seats, and log standard deviation.
    pub(crate) seats: (f64, f64),
    /// Mean and standard deviation of a customer's yearly log growth of users.
    pub(crate) growth: (f64, f64),
    /// Shares of 12-, 24- and 36-month terms.
    pub(crate) terms: [f64; 3],
    /// Median of the days from opening to closing.
    pub(crate) cycle_days: f64,
    /// Weekly rates of executive contact and of true signals at zero interest.
    pub(crate) executive_rate: f64,
    pub(crate) signal_rate: f64,
    /// Whether a business review takes place every quarter.
    pub(crate) reviews: bool,
    /// Chance that a new customer starts with each product; seats always.
    pub(crate) initial: [f64; catalog::COUNT],
    /// Relative demand for each product in an expansion.
    pub(crate) demand: [f64; catalog::COUNT],
    pub(crate) opening: Opening,
    pub(crate) winning: Winning,
    pub(crate) leaving: Leaving,
}

/// The lengths of [`Behaviour::terms`] in months.
pub(crate) const TERM_MONTHS: [i32; 3] = [12, 24, 36];

/// Position of the public sector, whose fiscal year depends on the region.
pub(crate) const PUBLIC_SECTOR: usize = 3;

/// All segments.
#[rustfmt::skip]
pub(crate) const SEGMENTS: [Behaviour; 4] = [
    // Small companies buy seats when they run out of them.
    Behaviour {
        segment: "SMB", share: 0.45, csms: (1, 8),
        seats: (22.0, 0.6), growth: (0.10, 0.28), terms: [0.9, 0.1, 0.0],
        cycle_days: 22.0, executive_rate: 0.03, signal_rate: 0.035, reviews: false,
        //         seats business enterprise analytics security automation onboarding support api
        initial: [ 1.0,  0.15,    0.0,       0.10,     0.03,    0.08,      0.05,      0.02,   0.08 ],
        demand:  [ 0.25, 1.0,     0.0,       0.7,      0.2,     0.6,       0.3,       0.1,    0.5  ],
        opening: Opening {
            base: -5.4, utilisation: 1.30, momentum: 0.35, satisfaction: 0.30, interest: 0.45,
            signals: 0.40, promotion: 0.5, executive: 0.05, fiscal_close: 0.0, renewal: 0.2,
            recent_win: -1.2, no_champion: -0.2,
        },
        winning: Winning { base: -0.1, satisfaction: 0.4, interest: 0.3, utilisation: 0.6, executive: 0.0, no_champion: -0.3 },
        leaving: Leaving { base: -2.0, satisfaction: -0.9, utilisation: -0.5 },
    },
    // The middle listens to its champions.
    Behaviour {
        segment: "Mid-Market", share: 0.30, csms: (9, 16),
        seats: (120.0, 0.6), growth: (0.08, 0.22), terms: [0.7, 0.25, 0.05],
        cycle_days: 32.0, executive_rate: 0.05, signal_rate: 0.05, reviews: true,
        initial: [ 1.0,  0.45,    0.05,      0.20,     0.15,    0.15,      0.12,      0.10,   0.20 ],
        demand:  [ 0.25, 1.2,     0.6,       1.0,      0.8,     0.8,       0.3,       0.5,    0.8  ],
        opening: Opening {
            base: -5.25, utilisation: 0.80, momentum: 0.35, satisfaction: 0.45, interest: 0.55,
            signals: 0.50, promotion: 1.6, executive: 0.35, fiscal_close: 0.2, renewal: 0.4,
            recent_win: -1.0, no_champion: -1.0,
        },
        winning: Winning { base: -0.2, satisfaction: 0.5, interest: 0.4, utilisation: 0.3, executive: 0.3, no_champion: -0.8 },
        leaving: Leaving { base: -2.5, satisfaction: -1.0, utilisation: -0.5 },
    },
    // Large companies move when their executives are in the room.
    Behaviour {
        segment: "Enterprise", share: 0.15, csms: (17, 22),
        seats: (700.0, 0.7), growth: (0.05, 0.15), terms: [0.35, 0.35, 0.3],
        cycle_days: 48.0, executive_rate: 0.06, signal_rate: 0.06, reviews: true,
        initial: [ 1.0,  0.40,    0.45,      0.35,     0.40,    0.25,      0.20,      0.35,   0.35 ],
        demand:  [ 0.2,  0.4,     1.5,       1.2,      1.2,     1.0,       0.4,       0.8,    1.0  ],
        opening: Opening {
            base: -5.4, utilisation: 0.25, momentum: 0.20, satisfaction: 0.50, interest: 0.55,
            signals: 0.35, promotion: 0.8, executive: 1.20, fiscal_close: 0.3, renewal: 0.5,
            recent_win: -0.7, no_champion: -0.7,
        },
        winning: Winning { base: -0.6, satisfaction: 0.5, interest: 0.4, utilisation: 0.1, executive: 0.7, no_champion: -0.5 },
        leaving: Leaving { base: -3.1, satisfaction: -1.0, utilisation: -0.4 },
    },
    // Public bodies spend what is left before the fiscal year ends.
    Behaviour {
        segment: "Public Sector", share: 0.10, csms: (23, 25),
        seats: (250.0, 0.8), growth: (0.02, 0.10), terms: [0.5, 0.2, 0.3],
        cycle_days: 44.0, executive_rate: 0.03, signal_rate: 0.04, reviews: true,
        initial: [ 1.0,  0.40,    0.20,      0.15,     0.50,    0.10,      0.25,      0.30,   0.10 ],
        demand:  [ 0.2,  0.8,     0.8,       0.8,      1.5,     0.5,       0.5,       0.8,    0.4  ],
        opening: Opening {
            base: -5.4, utilisation: 0.35, momentum: 0.10, satisfaction: 0.35, interest: 0.45,
            signals: 0.35, promotion: 0.4, executive: 0.30, fiscal_close: 2.0, renewal: 0.6,
            recent_win: -0.8, no_champion: -0.4,
        },
        winning: Winning { base: -0.2, satisfaction: 0.4, interest: 0.3, utilisation: 0.2, executive: 0.3, no_champion: -0.3 },
        leaving: Leaving { base: -3.2, satisfaction: -0.8, utilisation: -0.3 },
    },
];

/// An industry: its name, and what it adds to yearly log growth and to the
/// demand for one product.
pub(crate) struct Industry {
    pub(crate) name: &'static str,
    pub(crate) growth: f64,
    /// A product that the industry wants more than others, and how much more.
    pub(crate) favours: (catalog::Product, f64),
}

/// Industries of companies.
#[rustfmt::skip]
pub(crate) const INDUSTRIES: [Industry; 6] = [
    Industry { name: "Technology",         growth: 0.08,  favours: (catalog::API, 8.0) },
    Industry { name: "Financial Services", growth: 0.02,  favours: (catalog::SECURITY, 8.0) },
    Industry { name: "Healthcare",         growth: 0.03,  favours: (catalog::SECURITY, 8.0) },
    Industry { name: "Manufacturing",      growth: -0.02, favours: (catalog::AUTOMATION, 8.0) },
    Industry { name: "Retail",             growth: -0.04, favours: (catalog::ANALYTICS, 8.0) },
    Industry { name: "Logistics",          growth: 0.0,   favours: (catalog::AUTOMATION, 8.0) },
];

/// Industries of public bodies.
#[rustfmt::skip]
pub(crate) const PUBLIC_INDUSTRIES: [Industry; 2] = [
    Industry { name: "Government", growth: 0.0,  favours: (catalog::SECURITY, 8.0) },
    Industry { name: "Education",  growth: 0.03, favours: (catalog::ANALYTICS, 8.0) },
];

/// A sales region.
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) share: f64,
    /// Last month of the fiscal year of its public bodies.
    pub(crate) public_fiscal_close: u8,
}

/// All regions.
#[rustfmt::skip]
pub(crate) const REGIONS: [Region; 4] = [
    Region { name: "North America", share: 0.45, public_fiscal_close: 9 },
    Region { name: "Europe",        share: 0.33, public_fiscal_close: 12 },
    Region { name: "Asia Pacific",  share: 0.15, public_fiscal_close: 3 },
    Region { name: "Latin America", share: 0.07, public_fiscal_close: 12 },
];

/// Last month of the fiscal year of companies.
pub(crate) const COMPANY_FISCAL_CLOSE: u8 = 12;

/// Standard deviation, in log-odds, of a customer's lasting unobserved appetite.
pub(crate) const APPETITE_SPREAD: f64 = 0.5;
