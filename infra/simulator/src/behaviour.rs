//! How the segments differ: one table of every rate and weight.
//!
//! Log-odds weights act on the drivers of `customer`, which are scaled to a standard deviation of about one, so that they
//! can be compared.

use crate::catalog;

/// A value for each segment: SMB, Mid-Market, Enterprise, Public Sector.
type Each<T = f64> = [T; 4];

/// What the segments are like.
#[rustfmt::skip]
pub(crate) mod segments {
    use super::Each;

    pub(crate) const NAME: Each<&str> =         ["SMB",           "Mid-Market",      "Enterprise",      "Public Sector"];
    /// Share of all customers.
    pub(crate) const SHARE: Each =              [0.45,            0.30,              0.15,              0.10];
    /// Numbers of the first and last success manager.
    pub(crate) const CSMS: Each<(u8, u8)> =     [(1, 8),          (9, 16),           (17, 22),          (23, 25)];
    /// Median of the initially entitled seats, and log standard deviation.
    pub(crate) const SEATS: Each<(f64, f64)> =  [(22.0, 0.6),     (120.0, 0.6),      (700.0, 0.7),      (250.0, 0.8)];
    /// Mean and standard deviation of a customer's yearly log growth of users.
    pub(crate) const GROWTH: Each<(f64, f64)> = [(0.10, 0.28),    (0.08, 0.22),      (0.05, 0.15),      (0.02, 0.10)];
    /// Shares of 12-, 24- and 36-month terms.
    pub(crate) const TERMS: Each<[f64; 3]> =    [[0.9, 0.1, 0.0], [0.7, 0.25, 0.05], [0.35, 0.35, 0.3], [0.5, 0.2, 0.3]];
    /// Median of the days from opening to closing.
    pub(crate) const CYCLE_DAYS: Each =         [22.0,            32.0,              48.0,              44.0];
    /// Weekly rate of executive contact at zero interest.
    pub(crate) const EXECUTIVE_RATE: Each =     [0.03,            0.05,              0.06,              0.03];
    /// Weekly rate of true signals at zero interest.
    pub(crate) const SIGNAL_RATE: Each =        [0.035,           0.05,              0.06,              0.04];
    /// Whether a business review takes place every quarter.
    pub(crate) const REVIEWS: Each<bool> =      [false,           true,              true,              true];
}

/// The lengths of [`segments::TERMS`] in months.
pub(crate) const TERM_MONTHS: [i32; 3] = [12, 24, 36];

/// Position of the public sector, whose fiscal year depends on the region.
pub(crate) const PUBLIC_SECTOR: usize = 3;

/// Weights of the weekly log-odds that an expansion opportunity is opened.
///
/// Small companies buy seats when they run out of them; the middle listens to its champions; large companies move when
/// their executives are in the room; public bodies spend what is left before the fiscal year ends.
#[rustfmt::skip]
pub(crate) mod opening {
    use super::Each;

    /// Log-odds of a week in which every driver is zero.
    pub(crate) const BASE: Each =         [-5.4,  -5.25, -5.4,  -5.4];
    /// Use close to, or above, the entitled seats.
    pub(crate) const UTILISATION: Each =  [1.30,  0.80,  0.25,  0.35];
    /// Recent acceleration of growth.
    pub(crate) const MOMENTUM: Each =     [0.35,  0.35,  0.20,  0.10];
    pub(crate) const SATISFACTION: Each = [0.30,  0.45,  0.50,  0.35];
    /// Latent interest in buying more, seen only through its traces.
    pub(crate) const INTEREST: Each =     [0.45,  0.55,  0.55,  0.45];
    /// Signals of the last weeks.
    pub(crate) const SIGNALS: Each =      [0.40,  0.50,  0.35,  0.35];
    /// A champion promoted lately.
    pub(crate) const PROMOTION: Each =    [0.5,   1.6,   0.8,   0.4];
    /// Contact with executives in the last weeks.
    pub(crate) const EXECUTIVE: Each =    [0.05,  0.35,  1.20,  0.30];
    /// The last two months of the fiscal year.
    pub(crate) const FISCAL_CLOSE: Each = [0.0,   0.2,   0.3,   2.0];
    /// A renewal in the coming months.
    pub(crate) const RENEWAL: Each =      [0.2,   0.4,   0.5,   0.6];
    /// An expansion won lately (negative: the need is met).
    pub(crate) const RECENT_WIN: Each =   [-1.2,  -1.0,  -0.7,  -0.8];
    /// Nobody inside argues for the product (negative).
    pub(crate) const NO_CHAMPION: Each =  [-0.2,  -1.0,  -0.7,  -0.4];
}

/// Weights of the log-odds that an opportunity is won when it closes.
#[rustfmt::skip]
pub(crate) mod winning {
    use super::Each;

    pub(crate) const BASE: Each =         [-0.1,  -0.2,  -0.6,  -0.2];
    pub(crate) const SATISFACTION: Each = [0.4,   0.5,   0.5,   0.4];
    pub(crate) const INTEREST: Each =     [0.3,   0.4,   0.4,   0.3];
    pub(crate) const UTILISATION: Each =  [0.6,   0.3,   0.1,   0.2];
    pub(crate) const EXECUTIVE: Each =    [0.0,   0.3,   0.7,   0.3];
    pub(crate) const NO_CHAMPION: Each =  [-0.3,  -0.8,  -0.5,  -0.3];
}

/// Weights of the log-odds that a customer leaves at a renewal.
#[rustfmt::skip]
pub(crate) mod leaving {
    use super::Each;

    pub(crate) const BASE: Each =         [-2.0,  -2.5,  -3.1,  -3.2];
    pub(crate) const SATISFACTION: Each = [-0.9,  -1.0,  -1.0,  -0.8];
    pub(crate) const UTILISATION: Each =  [-0.5,  -0.5,  -0.4,  -0.3];
}

/// Chance that a new customer starts with each product; seats always.
#[rustfmt::skip]
pub(crate) const INITIAL: Each<[f64; catalog::COUNT]> = [
    // seats business enterprise analytics security automation onboarding support api
    [ 1.0,   0.15,    0.0,       0.10,     0.03,    0.08,      0.05,      0.02,   0.08 ],
    [ 1.0,   0.45,    0.05,      0.20,     0.15,    0.15,      0.12,      0.10,   0.20 ],
    [ 1.0,   0.40,    0.45,      0.35,     0.40,    0.25,      0.20,      0.35,   0.35 ],
    [ 1.0,   0.40,    0.20,      0.15,     0.50,    0.10,      0.25,      0.30,   0.10 ],
];

/// Relative demand for each product in an expansion.
#[rustfmt::skip]
pub(crate) const DEMAND: Each<[f64; catalog::COUNT]> = [
    [ 0.25,  1.0,     0.0,       0.7,      0.2,     0.6,       0.3,       0.1,    0.5  ],
    [ 0.25,  1.2,     0.6,       1.0,      0.8,     0.8,       0.3,       0.5,    0.8  ],
    [ 0.2,   0.4,     1.5,       1.2,      1.2,     1.0,       0.4,       0.8,    1.0  ],
    [ 0.2,   0.8,     0.8,       0.8,      1.5,     0.5,       0.5,       0.8,    0.4  ],
];

pub(crate) struct Industry {
    pub(crate) name: &'static str,
    /// What it adds to yearly log growth.
    pub(crate) growth: f64,
    /// The product that it wants more than others.
    pub(crate) favours: catalog::Product,
}

/// How much more an industry wants the product that it favours.
pub(crate) const FAVOURED: f64 = 8.0;

#[rustfmt::skip]
pub(crate) const INDUSTRIES: [Industry; 6] = [
    Industry { name: "Technology",         growth: 0.08,  favours: catalog::API },
    Industry { name: "Financial Services", growth: 0.02,  favours: catalog::SECURITY },
    Industry { name: "Healthcare",         growth: 0.03,  favours: catalog::SECURITY },
    Industry { name: "Manufacturing",      growth: -0.02, favours: catalog::AUTOMATION },
    Industry { name: "Retail",             growth: -0.04, favours: catalog::ANALYTICS },
    Industry { name: "Logistics",          growth: 0.0,   favours: catalog::AUTOMATION },
];

/// Industries of public bodies.
#[rustfmt::skip]
pub(crate) const PUBLIC_INDUSTRIES: [Industry; 2] = [
    Industry { name: "Government", growth: 0.0,  favours: catalog::SECURITY },
    Industry { name: "Education",  growth: 0.03, favours: catalog::ANALYTICS },
];

pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) share: f64,
    /// Last month of the fiscal year of its public bodies.
    pub(crate) public_fiscal_close: u8,
}

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
