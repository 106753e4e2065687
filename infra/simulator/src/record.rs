//! What of a customer's life reaches the source tables, and with which noise.
//!
//! The recorder draws from a stream of its own, so that recording never changes what happens. It owns everything that only
//! exists in the tables: ids, names, people, measurement noise, gaps.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

use crate::Settings;
use crate::behaviour::segments;
use crate::calendar::{Day, WEEK, date_of, day_of, moment_of, month_of};
use crate::catalog::{self, PRODUCTS, Product};
use crate::customer::{Customer, Deal, Event, Profile, State, log_normal, normal, stream};
use crate::names::{Namer, person, pick};
use crate::tables::{
    ContractRow, CustomerRow, EngagementRow, HealthScoreRow, OpportunityRow, Portfolio, SignalRow, StakeholderRow,
    UsageRow,
};

/// The stream of a customer's records.
const RECORDS: u32 = 1;

/// Chance that each of segment, industry, region and manager is missing.
const MISSING_FACT: f64 = 0.008;
/// Share of customers without telemetry, and of weeks lost by the others.
const NO_TELEMETRY: f64 = 0.05;
const LOST_WEEK: f64 = 0.03;
/// Log standard deviations of measured seats, logins and calls.
const SEAT_NOISE: f64 = 0.06;
const LOGIN_NOISE: f64 = 0.12;
const CALL_NOISE: f64 = 0.25;
/// Logins a week of an active seat, and calls a week of an API unit.
const LOGINS_PER_SEAT: (f64, f64) = (2.5, 7.0);
const CALLS_PER_UNIT: (f64, f64) = (6_000.0, 22_000.0);
/// Share of the usual activity by month: holidays in August and December.
const SEASON: [f64; 12] = [0.97, 1.0, 1.0, 1.0, 1.0, 0.98, 0.93, 0.85, 1.0, 1.0, 1.0, 0.83];

/// Health score of an averagely satisfied customer, its slope, and its noise.
const HEALTH: (f64, f64, f64) = (66.0, 13.0, 6.0);
/// Weeks between health scores.
const HEALTH_WEEKS: std::ops::RangeInclusive<Day> = 2..=4;

/// Chances that an event leaves a trace in the tables.
const SIGNAL_SEEN: f64 = 0.85;
const NEW_TEAM_SEEN: f64 = 0.75;
const PROMOTION_SEEN: f64 = 0.8;
const EXECUTIVE_SEEN: f64 = 0.9;
/// Weekly chance of a signal that means nothing.
const IDLE_SIGNAL: f64 = 0.012;

/// Weekly chances of the routine contacts, and of one more with an open deal.
const EMAIL: f64 = 0.25;
const CALL: f64 = 0.10;
const MEETING: f64 = 0.07;
const DEAL_CONTACT: f64 = 0.35;
/// Weeks between business reviews, and how often executives come to them.
const REVIEW_WEEKS: Day = 13;
const REVIEW_EXECUTIVE: f64 = 0.12;
/// Tickets a week at average satisfaction, and the slope of their log rate.
const TICKETS: f64 = 0.22;
const TICKETS_SATISFACTION: f64 = -0.65;
/// Share of engagements whose counterpart is known.
const PERSON_KNOWN: f64 = 0.8;

/// Office hours as seconds of a day.
const OFFICE_HOURS: std::ops::Range<i64> = 28_800..64_800;
/// When weekly usage is measured, as seconds of a day.
const MEASURED_AT: std::ops::Range<i64> = 18_000..21_600;

/// Stages of an open opportunity, by elapsed quarter of its cycle.
const OPEN_STAGES: [&str; 4] = ["discovery", "qualification", "proposal", "negotiation"];

const RANKS: [&str; 5] = ["Manager", "Senior Manager", "Head", "Director", "Vice President"];
#[rustfmt::skip]
const DEPARTMENTS: [&str; 7] = [
    "Operations", "IT", "Customer Service", "Finance", "Product", "Sales Operations", "Procurement",
];
#[rustfmt::skip]
const EXECUTIVE_TITLES: [&str; 5] = [
    "Chief Operating Officer", "Chief Information Officer", "Chief Financial Officer",
    "Managing Director", "Chief Executive Officer",
];
const USER_TITLES: [&str; 5] = ["Analyst", "Coordinator", "Administrator", "Team Lead", "Specialist"];

/// Kinds of signals with what the account team noted.
type Signal = (&'static str, [&'static str; 3]);

#[rustfmt::skip]
const SEAT_INQUIRY: Signal = ("seat_inquiry", [
    "Asked about additional seats", "Wants a price for more seats", "Reached the seat limit and asked for options",
]);
#[rustfmt::skip]
const ENTERPRISE_INQUIRY: Signal = ("enterprise_inquiry", [
    "Asked what the Enterprise plan includes", "Wants single sign-on for all users", "Requested an Enterprise demo",
]);
#[rustfmt::skip]
const FEATURE_REQUEST: Signal = ("feature_request", [
    "Requested scheduled reports", "Asked for a workflow template library", "Wants an audit log export",
]);
#[rustfmt::skip]
const PRICING_PAGE: Signal = ("pricing_page", [
    "Visited the pricing page", "Compared plans on the pricing page", "Downloaded the price list",
]);
#[rustfmt::skip]
const NEW_TEAM: Signal = ("new_team", [
    "A new team was set up in the workspace", "Another department started a workspace", "New office invited to the workspace",
]);
#[rustfmt::skip]
const CHAMPION_PROMOTION: Signal = ("champion_promotion", [
    "Champion was promoted", "Champion took on a larger team", "Champion announced a new role",
]);

/// The id of the customer at a position of the portfolio.
pub(crate) fn customer_id(index: usize) -> String {
    format!("cus-{index:05}")
}

/// Someone at the customer.
struct Person {
    id: String,
    name: String,
    department: &'static str,
    rank: usize,
}

impl Person {
    fn title(&self) -> String {
        format!("{} of {}", RANKS[self.rank], self.department)
    }
}

/// Writes one customer's rows.
///
/// Changes of people are dated on the first day of their week, so that nobody is met before being known.
pub(crate) struct Recorder<'a> {
    portfolio: &'a mut Portfolio,
    rng: ChaCha8Rng,
    profile: Profile,
    customer_id: String,
    /// Last day of the records.
    end: Day,
    telemetry: bool,
    logins_per_seat: f64,
    calls_per_unit: f64,
    next_health: Day,
    next_review: Day,
    people: u32,
    contracts: u32,
    deals: u32,
    /// Nobody between one champion's departure and the next.
    champion: Option<Person>,
    executive: Person,
}

impl<'a> Recorder<'a> {
    /// Begins with the customer's row, its people, and the contracts it holds.
    pub(crate) fn new(
        settings: &Settings,
        customer: &Customer,
        namer: &mut Namer,
        portfolio: &'a mut Portfolio,
    ) -> Self {
        let (profile, state) = (customer.profile, &customer.state);
        let mut rng = stream(settings, profile.index, RECORDS);
        let customer_id = customer_id(profile.index);
        portfolio.customers.push(customer_row(&profile, &customer_id, namer, &mut rng));
        let mut recorder = Self {
            profile,
            customer_id,
            end: day_of(settings.end),
            telemetry: !rng.random_bool(NO_TELEMETRY),
            logins_per_seat: rng.random_range(LOGINS_PER_SEAT.0..LOGINS_PER_SEAT.1),
            calls_per_unit: rng.random_range(CALLS_PER_UNIT.0..CALLS_PER_UNIT.1),
            next_health: state.week + rng.random_range(HEALTH_WEEKS) * WEEK,
            next_review: state.week + rng.random_range(0..REVIEW_WEEKS) * WEEK,
            people: 0,
            contracts: 0,
            deals: 0,
            champion: None,
            executive: somebody(&mut rng),
            portfolio,
            rng,
        };
        recorder.introduce_people(state, profile.created);
        recorder.hold(state, profile.term_start, state.renewal - 1);
        recorder
    }

    /// Records an event of the current week.
    pub(crate) fn record(&mut self, state: &State, event: Event) {
        match event {
            Event::WeekEnded => self.record_week(state),
            Event::SignalSent => self.send_signal(state),
            Event::NewTeam => self.maybe_signal(NEW_TEAM_SEEN, &NEW_TEAM, state.week),
            Event::ExecutiveMet => self.meet_executive(state.week),
            Event::ChampionPromoted => self.promote_champion(state.week),
            Event::ChampionLeft => self.lose_champion(state.week),
            Event::ChampionFound => self.find_champion(state.week),
            Event::Renewed { from, until } => self.hold(state, from, until),
            Event::Churned { on } => self.leave(on),
            Event::DealClosed { deal, won, on } => self.close(state, deal, won, on),
        }
    }

    /// Records what is still open on the last day.
    pub(crate) fn finish(mut self, state: &State) {
        if let Some(deal) = state.deal {
            self.push_opportunity(deal, None);
        }
    }

    fn introduce_people(&mut self, state: &State, on: Day) {
        self.executive.id = self.next_person();
        let title = pick(&mut self.rng, &EXECUTIVE_TITLES);
        let (id, name) = (self.executive.id.clone(), self.executive.name.clone());
        self.push_person(id, name, title.to_owned(), "executive", on);
        if state.champion {
            self.find_champion(on);
        }
        for _ in 0..self.rng.random_range(1..=3) {
            let id = self.next_person();
            let name = person(&mut self.rng);
            let title = pick(&mut self.rng, &USER_TITLES);
            self.push_person(id, name, title.to_owned(), "user", on);
        }
    }

    /// One contract for every product held, over one term.
    fn hold(&mut self, state: &State, from: Day, until: Day) {
        for (product, &quantity) in state.holdings.iter().enumerate() {
            if quantity > 0 {
                let value = f64::from(quantity) * PRODUCTS[product].row.list_price * self.profile.discount;
                self.push_contract(product, quantity, value, from, until);
            }
        }
    }

    fn leave(&mut self, on: Day) {
        if on <= self.end
            && let Some(row) = self.portfolio.customers.last_mut()
        {
            row.churned_at = Some(date_of(on));
        }
    }

    /// A closed opportunity; what is won is delivered from that day to the renewal.
    fn close(&mut self, state: &State, deal: Deal, won: bool, on: Day) {
        self.push_opportunity(deal, Some((on, if won { "won" } else { "lost" })));
        if won {
            self.push_contract(deal.product, deal.quantity, deal.amount, on, state.renewal - 1);
        }
    }

    fn record_week(&mut self, state: &State) {
        self.measure_usage(state);
        self.score_health(state);
        self.stay_in_touch(state);
        if self.rng.random_bool(IDLE_SIGNAL) {
            let signal = pick(&mut self.rng, &[&FEATURE_REQUEST, &PRICING_PAGE]);
            self.maybe_signal(1.0, signal, state.week);
        }
    }

    fn measure_usage(&mut self, state: &State) {
        if !self.telemetry || self.rng.random_bool(LOST_WEEK) {
            return;
        }
        let day = state.week + WEEK - 1;
        let at = moment_of(day, self.rng.random_range(MEASURED_AT));
        let season = SEASON[usize::from(month_of(day)) - 1];
        let seats = (state.active * season * self.noise(SEAT_NOISE)).round();
        let logins = (seats * self.logins_per_seat * self.noise(LOGIN_NOISE)).round();
        let mut readings = vec![("active_seats", seats), ("logins", logins)];
        let units = state.holdings[catalog::API];
        if units > 0 {
            let calls = f64::from(units) * self.calls_per_unit * season * self.noise(CALL_NOISE);
            readings.push(("api_calls", calls.round()));
        }
        if day <= self.end {
            self.portfolio.usage_metrics.extend(readings.into_iter().map(|(metric, value)| UsageRow {
                customer_id: self.customer_id.clone(),
                recorded_at: at,
                metric,
                value,
            }));
        }
    }

    fn score_health(&mut self, state: &State) {
        if state.week < self.next_health {
            return;
        }
        self.next_health += self.rng.random_range(HEALTH_WEEKS) * WEEK;
        let day = self.day_in(state.week);
        let (average, slope, spread) = HEALTH;
        let score = average + slope * state.satisfaction + spread * normal(&mut self.rng);
        if day <= self.end {
            self.portfolio.health_score_history.push(HealthScoreRow {
                customer_id: self.customer_id.clone(),
                recorded_at: date_of(day),
                score: score.clamp(0.0, 100.0).round(),
            });
        }
    }

    /// Routine contacts: more with an open deal, more tickets when unhappy.
    fn stay_in_touch(&mut self, state: &State) {
        for (kind, chance) in [("email", EMAIL), ("call", CALL), ("meeting", MEETING)] {
            let deal = if state.deal.is_some() { DEAL_CONTACT } else { 0.0 };
            if self.rng.random_bool(chance + deal) {
                self.engage(state.week, kind, false);
            }
        }
        if segments::REVIEWS[self.profile.segment] && state.week >= self.next_review {
            self.next_review += REVIEW_WEEKS * WEEK;
            let with_executive = self.rng.random_bool(REVIEW_EXECUTIVE);
            self.engage(state.week, "qbr", with_executive);
        }
        let rate = TICKETS * (TICKETS_SATISFACTION * state.satisfaction).exp();
        let tickets = Poisson::new(rate).map_or(0.0, |count| count.sample(&mut self.rng));
        for _ in 0..tickets as u32 {
            self.engage(state.week, "ticket", false);
        }
    }

    /// A true signal: about seats when they are short, otherwise about more product.
    fn send_signal(&mut self, state: &State) {
        let short_of_seats = self.rng.random_bool(state.utilisation().powi(2).clamp(0.1, 0.9));
        let signal = if short_of_seats {
            &SEAT_INQUIRY
        } else if state.holdings[catalog::ENTERPRISE] == 0 && self.rng.random_bool(0.5) {
            &ENTERPRISE_INQUIRY
        } else {
            pick(&mut self.rng, &[&FEATURE_REQUEST, &PRICING_PAGE])
        };
        self.maybe_signal(SIGNAL_SEEN, signal, state.week);
    }

    fn meet_executive(&mut self, week: Day) {
        if self.rng.random_bool(EXECUTIVE_SEEN) {
            let kind = pick(&mut self.rng, &["meeting", "call"]);
            self.engage(week, kind, true);
        }
    }

    fn promote_champion(&mut self, week: Day) {
        if let Some(mut champion) = self.champion.take() {
            champion.rank = (champion.rank + 1).min(RANKS.len() - 1);
            self.install_champion(champion, week);
        }
        self.maybe_signal(PROMOTION_SEEN, &CHAMPION_PROMOTION, week);
    }

    /// A departed champion is recorded as a former employee without the role.
    fn lose_champion(&mut self, on: Day) {
        if let Some(champion) = self.champion.take() {
            let title = format!("Former {}", champion.title());
            self.push_person(champion.id, champion.name, title, "user", on);
        }
    }

    fn find_champion(&mut self, on: Day) {
        let mut champion = somebody(&mut self.rng);
        champion.id = self.next_person();
        self.install_champion(champion, on);
    }

    fn install_champion(&mut self, champion: Person, on: Day) {
        let (id, name) = (champion.id.clone(), champion.name.clone());
        self.push_person(id, name, champion.title(), "champion", on);
        self.champion = Some(champion);
    }

    fn maybe_signal(&mut self, chance: f64, (kind, notes): &Signal, week: Day) {
        let seen = self.rng.random_bool(chance);
        let day = self.day_in(week);
        let summary = pick(&mut self.rng, notes);
        if seen && day <= self.end {
            self.portfolio.expansion_signals.push(SignalRow {
                customer_id: self.customer_id.clone(),
                detected_at: date_of(day),
                kind,
                summary,
            });
        }
    }

    fn engage(&mut self, week: Day, kind: &'static str, with_executive: bool) {
        let day = self.day_in(week);
        let at = moment_of(day, self.rng.random_range(OFFICE_HOURS));
        let counterpart = if with_executive { Some(&self.executive) } else { self.champion.as_ref() };
        let known = self.rng.random_bool(PERSON_KNOWN);
        let stakeholder_id = counterpart.filter(|_| known).map(|person| person.id.clone());
        if day <= self.end {
            self.portfolio.engagements.push(EngagementRow {
                customer_id: self.customer_id.clone(),
                occurred_at: at,
                kind,
                with_executive,
                stakeholder_id,
            });
        }
    }

    fn push_person(&mut self, stakeholder_id: String, name: String, title: String, role: &'static str, on: Day) {
        // Two changes of one person are never recorded on the same day: their order would be lost.
        let before = self.portfolio.stakeholders.iter().rev().take_while(|row| row.customer_id == self.customer_id);
        let last = before.filter(|row| row.stakeholder_id == stakeholder_id).map(|row| day_of(row.recorded_at)).max();
        let on = last.map_or(on, |last| on.max(last + 1));
        if on <= self.end {
            self.portfolio.stakeholders.push(StakeholderRow {
                stakeholder_id,
                customer_id: self.customer_id.clone(),
                name,
                title,
                role,
                recorded_at: date_of(on),
            });
        }
    }

    fn push_contract(&mut self, product: Product, quantity: u32, value: f64, from: Day, until: Day) {
        if from <= self.end {
            self.contracts += 1;
            self.portfolio.contracts.push(ContractRow {
                contract_id: format!("con-{:05}-{:02}", self.profile.index, self.contracts),
                customer_id: self.customer_id.clone(),
                product_id: PRODUCTS[product].row.product_id,
                quantity,
                annual_value: value.round(),
                start_date: date_of(from),
                end_date: Some(date_of(until)),
            });
        }
    }

    /// An opportunity as it stands on the last day, if it has been opened by then.
    fn push_opportunity(&mut self, deal: Deal, closed: Option<(Day, &'static str)>) {
        if deal.opened > self.end {
            return;
        }
        let closed = closed.filter(|(on, _)| *on <= self.end);
        let elapsed = f64::from(self.end - deal.opened) / f64::from(deal.closes - deal.opened);
        let quarter = (elapsed * OPEN_STAGES.len() as f64) as usize;
        self.deals += 1;
        self.portfolio.expansion_opportunities.push(OpportunityRow {
            opportunity_id: format!("opp-{:05}-{:02}", self.profile.index, self.deals),
            customer_id: self.customer_id.clone(),
            product_id: PRODUCTS[deal.product].row.product_id,
            stage: closed.map_or(OPEN_STAGES[quarter.min(OPEN_STAGES.len() - 1)], |(_, stage)| stage),
            amount: deal.amount.round(),
            created_at: date_of(deal.opened),
            closed_at: closed.map(|(on, _)| date_of(on)),
        });
    }

    fn next_person(&mut self) -> String {
        self.people += 1;
        format!("stk-{:05}-{:02}", self.profile.index, self.people)
    }

    fn day_in(&mut self, week: Day) -> Day {
        week + self.rng.random_range(0..WEEK)
    }

    /// A factor around one.
    fn noise(&mut self, spread: f64) -> f64 {
        log_normal(&mut self.rng, 1.0, spread)
    }
}

fn customer_row(profile: &Profile, customer_id: &str, namer: &mut Namer, rng: &mut ChaCha8Rng) -> CustomerRow {
    let name = if profile.public { namer.public_body() } else { namer.company(rng) };
    let (first_csm, last_csm) = segments::CSMS[profile.segment];
    let csm = rng.random_range(first_csm..=last_csm);
    let mut known = || !rng.random_bool(MISSING_FACT);
    CustomerRow {
        customer_id: customer_id.to_owned(),
        name,
        segment: known().then_some(segments::NAME[profile.segment]),
        industry: known().then_some(profile.industry.name),
        region: known().then_some(profile.region.name),
        csm_id: known().then(|| format!("csm-{csm:02}")),
        created_at: date_of(profile.created),
        churned_at: None,
    }
}

/// Someone who has no id yet.
fn somebody(rng: &mut ChaCha8Rng) -> Person {
    Person {
        id: String::new(),
        name: person(rng),
        department: pick(rng, &DEPARTMENTS),
        rank: rng.random_range(0..RANKS.len() - 1),
    }
}
