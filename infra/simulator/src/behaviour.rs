//! How the segments differ: one table of every rate and weight.
//!
//! Log-odds weights act on the drivers of `customer`, which are scaled to a standard deviation of about one, so that they
//! can be compared.

use crate::catalog;

/// A value for each segment.
type Each<T = f64> = [T; 4];

/// Weights of the weekly log-odds that an expansion opportunity is opened.
pub(crate) struct Opening {
    /// Log-odds of a week in which every driver is zero.
    pub(crate) base: Each,
    /// Use close to, or above, the entitled seats.
    pub(crate) utilisation: Each,
    /// Recent acceleration of growth.
    pub(crate) momentum: Each,
    pub(crate) satisfaction: Each,
    /// Latent interest in buying more, seen only through its traces.
    pub(crate) interest: Each,
    /// Signals of the last weeks.
    pub(crate) signals: Each,
    /// A champion promoted lately.
    pub(crate) promotion: Each,
    /// Contact with executives in the last weeks.
    pub(crate) executive: Each,
    /// The last two months of the fiscal year.
    pub(crate) fiscal_close: Each,
    /// A renewal in the coming months.
    pub(crate) renewal: Each,
    /// An expansion won lately (negative: the need is met).
    pub(crate) recent_win: Each,
    /// Nobody inside argues for the product (negative).
    pub(crate) no_champion: Each,
}

/// Weights of the log-odds that an opportunity is won when it closes.
pub(crate) struct Winning {
    pub(crate) base: Each,
    pub(crate) satisfaction: Each,
    pub(crate) interest: Each,
    pub(crate) utilisation: Each,
    pub(crate) executive: Each,
    pub(crate) no_champion: Each,
}

/// Weights of the log-odds that a customer leaves at a renewal.
pub(crate) struct Leaving {
    pub(crate) base: Each,
    pub(crate) satisfaction: Each,
    pub(crate) utilisation: Each,
}

/// What the segments are like otherwise.
pub(crate) struct Behaviour {
    pub(crate) segment: Each<&'static str>,
    /// Share of all customers.
    pub(crate) share: Each,
    /// Numbers of the first and last success manager.
    pub(crate) csms: Each<(u8, u8)>,
    /// Median of the initially entitled seats, and log standard deviation.
    pub(crate) seats: Each<(f64, f64)>,
    /// Mean and standard deviation of a customer's yearly log growth of users.
    pub(crate) growth: Each<(f64, f64)>,
    /// Shares of 12-, 24- and 36-month terms.
    pub(crate) terms: Each<[f64; 3]>,
    /// Median of the days from opening to closing.
    pub(crate) cycle_days: Each,
    /// Weekly rate of executive contact at zero interest.
    pub(crate) executive_rate: Each,
    /// Weekly rate of true signals at zero interest.
    pub(crate) signal_rate: Each,
    /// Whether a business review takes place every quarter.
    pub(crate) reviews: Each<bool>,
}

/// The lengths of [`Behaviour::terms`] in months.
pub(crate) const TERM_MONTHS: [i32; 3] = [12, 24, 36];

/// Position of the public sector, whose fiscal year depends on the region.
pub(crate) const PUBLIC_SECTOR: usize = 3;

#[rustfmt::skip]
pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    segment:        ["SMB",           "Mid-Market",      "Enterprise",       "Public Sector"],
    share:          [0.45,            0.30,              0.15,               0.10],
    csms:           [(1, 8),          (9, 16),           (17, 22),           (23, 25)],
    seats:          [(22.0, 0.6),     (120.0, 0.6),      (700.0, 0.7),       (250.0, 0.8)],
    growth:         [(0.10, 0.28),    (0.08, 0.22),      (0.05, 0.15),       (0.02, 0.10)],
    terms:          [[0.9, 0.1, 0.0], [0.7, 0.25, 0.05], [0.35, 0.35, 0.3],  [0.5, 0.2, 0.3]],
    cycle_days:     [22.0,            32.0,              48.0,               44.0],
    executive_rate: [0.03,            0.05,              0.06,               0.03],
    signal_rate:    [0.035,           0.05,              0.06,               0.04],
    reviews:        [false,           true,              true,               true],
};

/// Small companies buy seats when they run out of them; the middle listens to its champions; large companies move when
/// their executives are in the room; public bodies spend what is left before the fiscal year ends.
#[rustfmt::skip]
pub(crate) const OPENING: Opening = Opening {
    //             SMB    Mid    Ent    Public
    base:         [-5.4,  -5.25, -5.4,  -5.4],
    utilisation:  [1.30,  0.80,  0.25,  0.35],
    momentum:     [0.35,  0.35,  0.20,  0.10],
    satisfaction: [0.30,  0.45,  0.50,  0.35],
    interest:     [0.45,  0.55,  0.55,  0.45],
    signals:      [0.40,  0.50,  0.35,  0.35],
    promotion:    [0.5,   1.6,   0.8,   0.4],
    executive:    [0.05,  0.35,  1.20,  0.30],
    fiscal_close: [0.0,   0.2,   0.3,   2.0],
    renewal:      [0.2,   0.4,   0.5,   0.6],
    recent_win:   [-1.2,  -1.0,  -0.7,  -0.8],
    no_champion:  [-0.2,  -1.0,  -0.7,  -0.4],
};

#[rustfmt::skip]
pub(crate) const WINNING: Winning = Winning {
    base:         [-0.1,  -0.2,  -0.6,  -0.2],
    satisfaction: [0.4,   0.5,   0.5,   0.4],
    interest:     [0.3,   0.4,   0.4,   0.3],
    utilisation:  [0.6,   0.3,   0.1,   0.2],
    executive:    [0.0,   0.3,   0.7,   0.3],
    no_champion:  [-0.3,  -0.8,  -0.5,  -0.3],
};

#[rustfmt::skip]
pub(crate) const LEAVING: Leaving = Leaving {
    base:         [-2.0,  -2.5,  -3.1,  -3.2],
    satisfaction: [-0.9,  -1.0,  -1.0,  -0.8],
    utilisation:  [-0.5,  -0.5,  -0.4,  -0.3],
};

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
