//! A customer as a state machine that moves one week at a time.
//!
//! It decides what happens and when, and tells an observer; it knows nothing of rows. All of its randomness comes from the
//! stream it is given, and the observer never draws from that one: a recorded history and a silent re-run are the same
//! history.

use std::iter;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::Settings;
use crate::behaviour::{
    APPETITE_SPREAD, COMPANY_FISCAL_CLOSE, DEMAND, FAVOURED, INDUSTRIES, INITIAL, Industry, PUBLIC_INDUSTRIES,
    PUBLIC_SECTOR, REGIONS, Region, TERM_MONTHS, leaving, opening, segments, winning,
};
use crate::calendar::{Day, WEEK, day_of, month_of, months_later};
use crate::catalog::{self, PRODUCTS, Product};

/// Share of customers that sign within the recorded period.
const NEW_SHARE: f64 = 0.3;
/// Oldest age, in days, of a customer at the start of the recorded period.
const OLDEST_AGE: Day = 5 * 365;

const WEEKS_PER_YEAR: f64 = 52.0;

/// Momentum is weekly log growth on top of the customer's own; it lasts for months.
const MOMENTUM_MEMORY: f64 = 0.93;
const MOMENTUM_SHOCK: f64 = 0.0033;
/// Standard deviation of momentum, so that its driver has one of one.
const MOMENTUM_SPREAD: f64 = 0.009;

/// Weekly share of the gap that active users close to the wanted number.
const ADOPTION: f64 = 0.15;
/// Active users may exceed the entitled seats by this factor before access is refused.
const SEAT_TOLERANCE: f64 = 1.06;
/// Initial median of wanted over entitled seats, and its log standard deviation.
const INITIAL_UTILISATION: (f64, f64) = (0.80, 0.28);
/// Utilisation at which pressure is zero, and the step that counts as one.
const PRESSURE: (f64, f64) = (0.82, 0.18);
/// Range of the pressure driver.
const PRESSURE_RANGE: (f64, f64) = (-2.0, 1.3);
/// Chance of a new team a week, and the range of what it adds to wanted seats.
const NEW_TEAM_RATE: f64 = 0.006;
const NEW_TEAM_GROWTH: (f64, f64) = (1.08, 1.30);

/// Satisfaction reverts to the customer's own mean, which varies between customers.
const SATISFACTION_MEMORY: f64 = 0.96;
const SATISFACTION_SHOCK: f64 = 0.19;
const SATISFACTION_MEANS: f64 = 0.75;

/// Interest comes and goes within months.
const INTEREST_MEMORY: f64 = 0.95;
const INTEREST_SHOCK: f64 = 0.31;
/// How much interest an opportunity uses up when won and when lost.
const INTEREST_MET: f64 = 1.0;
const INTEREST_REFUSED: f64 = 0.6;

/// How a true signal's log rate rises with interest and pressure.
const SIGNAL_INTEREST: f64 = 0.75;
const SIGNAL_PRESSURE: f64 = 0.35;
/// How executive contact's log rate rises with interest.
const EXECUTIVE_INTEREST: f64 = 0.25;
/// What is left of signals, executive contact and a promotion after a week.
const SIGNAL_MEMORY: f64 = 0.85;
const EXECUTIVE_MEMORY: f64 = 0.92;
const PROMOTION_MEMORY: f64 = 0.93;
/// More contact than this has no further effect.
const SATURATION: f64 = 3.0;

/// Weekly chances that a champion leaves, is promoted, or is found again.
const CHAMPION_LEAVES: f64 = 0.005;
const CHAMPION_PROMOTED: f64 = 0.006;
const CHAMPION_FOUND: f64 = 0.08;
/// Share of customers that start with a champion.
const INITIAL_CHAMPION: f64 = 0.85;

/// Shortest and longest time from opening to closing, and its log standard deviation.
const CYCLE_DAYS: (f64, f64) = (14.0, 70.0);
const CYCLE_SPREAD: f64 = 0.35;
/// Share of the lasting appetite that also helps to win.
const APPETITE_WINNING: f64 = 0.6;
/// Days over which an expansion's damping effect falls to a third.
const RECENT_WIN_DAYS: f64 = 80.0;
/// Days before a renewal in which it draws attention.
const RENEWAL_WINDOW: std::ops::Range<Day> = 14..120;

/// Seats a buyer wants on top of those in use, and the bounds of one purchase.
const HEADROOM: f64 = 1.15;
const SEAT_PURCHASE: (f64, f64) = (0.08, 0.6);
/// Log standard deviations of the quantity of seats, and of the price.
const QUANTITY_SPREAD: f64 = 0.3;
const PRICE_SPREAD: f64 = 0.2;
/// Demand for seats falls to a third over this much pressure.
const SEAT_DEMAND: f64 = 0.4;
/// Below this utilisation a renewal gives seats back, down to this headroom.
const SHRINK_BELOW: f64 = 0.55;
/// Range of a customer's price relative to the list.
const DISCOUNT: (f64, f64) = (0.75, 1.0);

/// A random stream of a customer: its life, its records, or its futures.
pub(crate) fn stream(settings: &Settings, index: usize, purpose: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    rng.set_stream(((index as u64) << 32) | u64::from(purpose));
    rng
}

/// The stream that moves the state machine.
pub(crate) const LIFE: u32 = 0;

/// What stays the same about a customer.
#[derive(Clone, Copy)]
pub(crate) struct Profile {
    /// Position in the portfolio.
    pub(crate) index: usize,
    /// Position in the tables of segments.
    pub(crate) segment: usize,
    pub(crate) industry: &'static Industry,
    pub(crate) region: &'static Region,
    pub(crate) public: bool,
    /// First day as a customer.
    pub(crate) created: Day,
    /// First day of the current term when the records begin.
    pub(crate) term_start: Day,
    /// Price relative to the list.
    pub(crate) discount: f64,
    term_months: i32,
    /// From which day on, and by how much, deals are won more easily.
    drift: Option<(Day, f64)>,
    fiscal_close: u8,
    growth: f64,
    satisfaction: f64,
    appetite: f64,
}

/// An expansion opportunity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Deal {
    pub(crate) product: Product,
    pub(crate) quantity: u32,
    /// Additional annual value.
    pub(crate) amount: f64,
    pub(crate) opened: Day,
    pub(crate) closes: Day,
}

/// What happened in a week, told to the observer as it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Event {
    ChampionLeft,
    ChampionPromoted,
    ChampionFound,
    NewTeam,
    ExecutiveMet,
    SignalSent,
    /// New contracts for everything held, from the first day to the last.
    Renewed {
        from: Day,
        until: Day,
    },
    /// The last event of a customer.
    Churned {
        on: Day,
    },
    DealClosed {
        deal: Deal,
        won: bool,
        on: Day,
    },
    /// Everything else is done; the state is that of the week's end.
    WeekEnded,
}

/// What changes from week to week. Cheap to copy: a copy is another future.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// First day of the next week to be stepped through.
    pub(crate) week: Day,
    pub(crate) churned: Option<Day>,
    /// Units entitled, by product.
    pub(crate) holdings: [u32; catalog::COUNT],
    /// Seats in use.
    pub(crate) active: f64,
    pub(crate) satisfaction: f64,
    pub(crate) interest: f64,
    pub(crate) champion: bool,
    /// First day of the next term.
    pub(crate) renewal: Day,
    pub(crate) deal: Option<Deal>,
    /// Seats that would be in use if there were enough.
    wanted: f64,
    momentum: f64,
    signals: f64,
    executive: f64,
    promotion: f64,
    last_win: Option<Day>,
}

/// A customer with the stream that moves it.
pub(crate) struct Customer {
    pub(crate) profile: Profile,
    pub(crate) state: State,
    rng: ChaCha8Rng,
}

impl Customer {
    /// The customer on the first recorded day, or on its first day if later.
    pub(crate) fn new(settings: &Settings, index: usize) -> Self {
        let mut rng = stream(settings, index, LIFE);
        let profile = draw_profile(settings, index, &mut rng);
        let state = draw_state(&profile, day_of(settings.start()), &mut rng);
        Self { profile, state, rng }
    }

    /// Moves on by a week.
    pub(crate) fn step(&mut self, observe: &mut impl FnMut(&State, Event)) {
        self.state.step(&self.profile, &mut self.rng, observe);
    }

    /// The state after the next week, without moving.
    pub(crate) fn peek(&self) -> State {
        let mut state = self.state;
        state.step(&self.profile, &mut self.rng.clone(), &mut |_, _| {});
        state
    }
}

fn draw_profile(settings: &Settings, index: usize, rng: &mut impl Rng) -> Profile {
    let (start, end) = (day_of(settings.start()), day_of(settings.end));
    let segment = weighted(rng, &segments::SHARE);
    let public = segment == PUBLIC_SECTOR;
    let industries: &[Industry] = if public { &PUBLIC_INDUSTRIES } else { &INDUSTRIES };
    let industry = &industries[rng.random_range(0..industries.len())];
    let region = &REGIONS[weighted(rng, &REGIONS.each_ref().map(|region| region.share))];
    let created = if rng.random_bool(NEW_SHARE) {
        rng.random_range(start..=end)
    } else {
        start - rng.random_range(1..=OLDEST_AGE)
    };
    let term_months = TERM_MONTHS[weighted(rng, &segments::TERMS[segment])];
    let (mean_growth, growth_spread) = segments::GROWTH[segment];
    Profile {
        index,
        segment,
        industry,
        region,
        public,
        created,
        term_start: current_term(created, term_months, start),
        discount: rng.random_range(DISCOUNT.0..DISCOUNT.1),
        term_months,
        drift: settings.drift.map(|drift| (day_of(drift.from), f64::from(drift.tenths) / 10.0)),
        fiscal_close: if public { region.public_fiscal_close } else { COMPANY_FISCAL_CLOSE },
        growth: mean_growth + industry.growth + growth_spread * normal(rng),
        satisfaction: SATISFACTION_MEANS * normal(rng),
        appetite: APPETITE_SPREAD * normal(rng),
    }
}

/// The start of the term that is running on `today` (or on the first day, if later).
fn current_term(created: Day, term_months: i32, today: Day) -> Day {
    let terms = iter::successors(Some(created), |&term| Some(months_later(term, term_months)));
    terms.take_while(|&term| term <= today).last().unwrap_or(created)
}

fn draw_state(profile: &Profile, start: Day, rng: &mut impl Rng) -> State {
    let (median_seats, seat_spread) = segments::SEATS[profile.segment];
    let seats = log_normal(rng, median_seats, seat_spread).max(3.0).round();
    let mut holdings = [0; catalog::COUNT];
    for (product, &chance) in INITIAL[profile.segment].iter().enumerate() {
        if rng.random_bool(chance) {
            holdings[product] = PRODUCTS[product].usual_quantity(seats);
        }
    }
    holdings[catalog::SEATS] = seats as u32;
    let wanted = seats * log_normal(rng, INITIAL_UTILISATION.0, INITIAL_UTILISATION.1);
    // Weeks begin on different weekdays for different customers.
    let week = profile.created.max(start + rng.random_range(0..WEEK));
    State {
        week,
        holdings,
        active: wanted.min(seats),
        satisfaction: profile.satisfaction,
        interest: normal(rng),
        champion: rng.random_bool(INITIAL_CHAMPION),
        renewal: first_renewal(profile, week),
        wanted,
        momentum: MOMENTUM_SPREAD * normal(rng),
        ..State::default()
    }
}

/// The end of the running term, or of the next one if it ends before the first week.
fn first_renewal(profile: &Profile, week: Day) -> Day {
    let renewal = months_later(profile.term_start, profile.term_months);
    if renewal < week { months_later(renewal, profile.term_months) } else { renewal }
}

impl State {
    /// Whether the customer is still one.
    pub(crate) fn is_active(&self) -> bool {
        self.churned.is_none()
    }

    /// Seats in use over seats entitled.
    pub(crate) fn utilisation(&self) -> f64 {
        self.active / self.seats()
    }

    /// Moves on by a week and tells the observer what happened in it.
    ///
    /// A customer that leaves in this week takes no further part in it.
    pub(crate) fn step(&mut self, profile: &Profile, rng: &mut impl Rng, observe: &mut impl FnMut(&Self, Event)) {
        self.renew(profile, rng, observe);
        if !self.is_active() {
            return;
        }
        self.drift(profile, rng);
        self.move_people(profile, rng, observe);
        self.show_interest(profile, rng, observe);
        self.close_deal(profile, rng, observe);
        self.open_deal(profile, rng);
        observe(self, Event::WeekEnded);
        self.week += WEEK;
    }

    /// Growth, adoption, satisfaction and interest take their course.
    fn drift(&mut self, profile: &Profile, rng: &mut impl Rng) {
        self.momentum = MOMENTUM_MEMORY * self.momentum + MOMENTUM_SHOCK * normal(rng);
        self.wanted *= 1.0 + profile.growth / WEEKS_PER_YEAR + self.momentum;
        let reachable = self.wanted.min(SEAT_TOLERANCE * self.seats());
        self.active += ADOPTION * (reachable - self.active);
        self.satisfaction = profile.satisfaction
            + SATISFACTION_MEMORY * (self.satisfaction - profile.satisfaction)
            + SATISFACTION_SHOCK * normal(rng);
        self.interest = INTEREST_MEMORY * self.interest + INTEREST_SHOCK * normal(rng);
    }

    /// Champions come, rise and go; executives are met; teams are founded.
    fn move_people(&mut self, profile: &Profile, rng: &mut impl Rng, observe: &mut impl FnMut(&Self, Event)) {
        self.promotion *= PROMOTION_MEMORY;
        let chance: f64 = rng.random();
        if !self.champion {
            if chance < CHAMPION_FOUND {
                self.champion = true;
                observe(self, Event::ChampionFound);
            }
        } else if chance < CHAMPION_LEAVES {
            self.champion = false;
            self.promotion = 0.0;
            observe(self, Event::ChampionLeft);
        } else if chance < CHAMPION_LEAVES + CHAMPION_PROMOTED {
            self.promotion = 1.0;
            observe(self, Event::ChampionPromoted);
        }

        self.executive *= EXECUTIVE_MEMORY;
        let rate = segments::EXECUTIVE_RATE[profile.segment] * (EXECUTIVE_INTEREST * self.interest).exp();
        if rng.random::<f64>() < rate {
            self.executive = (self.executive + 1.0).min(SATURATION);
            observe(self, Event::ExecutiveMet);
        }

        if rng.random::<f64>() < NEW_TEAM_RATE {
            self.wanted *= rng.random_range(NEW_TEAM_GROWTH.0..NEW_TEAM_GROWTH.1);
            observe(self, Event::NewTeam);
        }
    }

    /// Interest and a lack of seats make the customer ask.
    fn show_interest(&mut self, profile: &Profile, rng: &mut impl Rng, observe: &mut impl FnMut(&Self, Event)) {
        self.signals *= SIGNAL_MEMORY;
        let log_rate = SIGNAL_INTEREST * self.interest + SIGNAL_PRESSURE * self.pressure();
        if rng.random::<f64>() < segments::SIGNAL_RATE[profile.segment] * log_rate.exp() {
            self.signals = (self.signals + 1.0).min(SATURATION);
            observe(self, Event::SignalSent);
        }
    }

    /// At the end of a term the customer stays or leaves.
    fn renew(&mut self, profile: &Profile, rng: &mut impl Rng, observe: &mut impl FnMut(&Self, Event)) {
        if self.renewal >= self.week + WEEK {
            return;
        }
        let segment = profile.segment;
        let log_odds = leaving::BASE[segment]
            + leaving::SATISFACTION[segment] * self.satisfaction
            + leaving::UTILISATION[segment] * self.pressure();
        let on = self.renewal;
        if happens(rng, log_odds) {
            self.churned = Some(on);
            if let Some(deal) = self.deal.take() {
                observe(self, Event::DealClosed { deal, won: false, on });
            }
            observe(self, Event::Churned { on });
        } else {
            self.settle_holdings();
            self.renewal = months_later(on, profile.term_months);
            observe(self, Event::Renewed { from: on, until: self.renewal - 1 });
        }
    }

    /// What a renewal drops: seats nobody uses, plans outgrown, services rendered.
    fn settle_holdings(&mut self) {
        if self.utilisation() < SHRINK_BELOW {
            let needed = (HEADROOM * self.active).ceil().max(1.0);
            self.holdings[catalog::SEATS] = needed as u32;
        }
        if self.holdings[catalog::ENTERPRISE] > 0 {
            self.holdings[catalog::BUSINESS] = 0;
        }
        self.holdings[catalog::ONBOARDING] = 0;
        let seats = self.seats();
        for (held, item) in self.holdings.iter_mut().zip(&PRODUCTS).skip(catalog::BUSINESS) {
            if *held > 0 {
                *held = item.usual_quantity(seats);
            }
        }
    }

    /// An opportunity whose closing day falls in this week is decided.
    fn close_deal(&mut self, profile: &Profile, rng: &mut impl Rng, observe: &mut impl FnMut(&Self, Event)) {
        let week_end = self.week + WEEK;
        let Some(deal) = self.deal.take_if(|deal| deal.closes < week_end) else { return };
        let segment = profile.segment;
        let log_odds = winning::BASE[segment]
            + winning::SATISFACTION[segment] * self.satisfaction
            + winning::INTEREST[segment] * self.interest
            + winning::UTILISATION[segment] * self.pressure()
            + winning::EXECUTIVE[segment] * self.executive
            + winning::NO_CHAMPION[segment] * f64::from(!self.champion)
            + APPETITE_WINNING * profile.appetite
            + profile.drift.map_or(0.0, |(from, more)| if deal.closes >= from { more } else { 0.0 });
        let won = happens(rng, log_odds);
        if won {
            self.holdings[deal.product] += deal.quantity;
            self.last_win = Some(deal.closes);
        }
        self.interest -= if won { INTEREST_MET } else { INTEREST_REFUSED };
        observe(self, Event::DealClosed { deal, won, on: deal.closes });
    }

    /// A customer without an open opportunity may open one.
    fn open_deal(&mut self, profile: &Profile, rng: &mut impl Rng) {
        if self.deal.is_some() || !happens(rng, self.opening_log_odds(profile)) {
            return;
        }
        let product = self.choose_product(profile, rng);
        let quantity = self.choose_quantity(product, rng);
        let list_value = f64::from(quantity) * PRODUCTS[product].row.list_price;
        let amount = profile.discount * log_normal(rng, list_value, PRICE_SPREAD);
        let cycle =
            log_normal(rng, segments::CYCLE_DAYS[profile.segment], CYCLE_SPREAD).clamp(CYCLE_DAYS.0, CYCLE_DAYS.1);
        let opened = self.week + rng.random_range(0..WEEK);
        self.deal = Some(Deal { product, quantity, amount, opened, closes: opened + cycle as Day });
    }

    fn opening_log_odds(&self, profile: &Profile) -> f64 {
        let segment = profile.segment;
        let months_to_close = (profile.fiscal_close + 12 - month_of(self.week)) % 12;
        let recent_win =
            self.last_win.map_or(0.0, |day| (-f64::from(self.week - day).max(0.0) / RECENT_WIN_DAYS).exp());
        profile.appetite
            + opening::BASE[segment]
            + opening::UTILISATION[segment] * self.pressure()
            + opening::MOMENTUM[segment] * self.momentum / MOMENTUM_SPREAD
            + opening::SATISFACTION[segment] * self.satisfaction
            + opening::INTEREST[segment] * self.interest
            + opening::SIGNALS[segment] * self.signals
            + opening::PROMOTION[segment] * self.promotion
            + opening::EXECUTIVE[segment] * self.executive
            + opening::FISCAL_CLOSE[segment] * f64::from(months_to_close <= 1)
            + opening::RENEWAL[segment] * f64::from(RENEWAL_WINDOW.contains(&(self.renewal - self.week)))
            + opening::RECENT_WIN[segment] * recent_win
            + opening::NO_CHAMPION[segment] * f64::from(!self.champion)
    }

    /// What the customer would buy: seats when short of them, otherwise what its segment and industry like and it does not
    /// have yet.
    fn choose_product(&self, profile: &Profile, rng: &mut impl Rng) -> Product {
        let mut demand = DEMAND[profile.segment];
        demand[profile.industry.favours] *= FAVOURED;
        for (product, &held) in self.holdings.iter().enumerate() {
            if held > 0 && product != catalog::API {
                demand[product] = 0.0;
            }
        }
        if self.holdings[catalog::ENTERPRISE] > 0 {
            demand[catalog::BUSINESS] = 0.0;
        }
        demand[catalog::SEATS] = DEMAND[profile.segment][catalog::SEATS] * (self.pressure() / SEAT_DEMAND).exp();
        weighted(rng, &demand)
    }

    fn choose_quantity(&self, product: Product, rng: &mut impl Rng) -> u32 {
        let seats = self.seats();
        if product != catalog::SEATS {
            return PRODUCTS[product].usual_quantity(seats);
        }
        let (least, most) = SEAT_PURCHASE;
        let shortage = (HEADROOM * self.wanted - seats).clamp(least * seats, most * seats);
        log_normal(rng, shortage, QUANTITY_SPREAD).round().max(1.0) as u32
    }

    fn seats(&self) -> f64 {
        f64::from(self.holdings[catalog::SEATS]).max(1.0)
    }

    /// The utilisation driver: zero when comfortable, about one when full.
    fn pressure(&self) -> f64 {
        let (comfortable, step) = PRESSURE;
        ((self.utilisation() - comfortable) / step).clamp(PRESSURE_RANGE.0, PRESSURE_RANGE.1)
    }
}

/// Whether an event of the given log-odds happens.
fn happens(rng: &mut impl Rng, log_odds: f64) -> bool {
    rng.random::<f64>() * (1.0 + (-log_odds).exp()) < 1.0
}

pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

pub(crate) fn log_normal(rng: &mut impl Rng, median: f64, spread: f64) -> f64 {
    median * (spread * normal(rng)).exp()
}

/// A position drawn with the given weights.
fn weighted<const N: usize>(rng: &mut impl Rng, weights: &[f64; N]) -> usize {
    let mut rest = rng.random::<f64>() * weights.iter().sum::<f64>();
    let chosen = weights.iter().position(|weight| {
        rest -= weight;
        rest < 0.0
    });
    chosen.unwrap_or(N - 1)
}
