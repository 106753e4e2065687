//! How each feature is computed. Windows are half-open: `(as_of − lookback, as_of]`.

use std::collections::{BTreeSet, HashMap};

use expansion_domain::{Engagement, Instant, Known, Outcome, Reading, Signal, count};

use crate::{Catalogue, Inputs, Slot, Value};

/// After this many days a signal weighs half.
const SIGNAL_HALF_LIFE_DAYS: f64 = 30.0;
/// After this many days a meeting with an executive weighs half.
const EXECUTIVE_HALF_LIFE_DAYS: f64 = 60.0;
/// Meetings with executives older than this are forgotten.
const EXECUTIVE_LOOKBACK_DAYS: i32 = 365;
/// The signal kinds with a feature of their own.
const SIGNAL_KINDS: [&str; 6] =
    ["seat_inquiry", "enterprise_inquiry", "feature_request", "new_team", "champion_promotion", "pricing_page"];
/// Fewer readings don't tell how much they scatter.
const LEAST_SCATTER: usize = 3;
/// Signals older than this are forgotten.
const SIGNAL_LOOKBACK_DAYS: i32 = 180;

/// How a customer's seats stand at `as_of` and how they grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeatOutlook {
    /// Seats under contract.
    pub entitled: f64,
    /// Seats in use, by the least-squares line through the readings of the last 90 days.
    pub active: f64,
    /// Its slope: seats a day.
    pub growth: f64,
    /// Days from the first of these readings to the last.
    pub span: f64,
}

impl SeatOutlook {
    /// The outlook, where seats under contract and at least two days of use are known.
    pub fn of(inputs: &Inputs<'_>) -> Option<Self> {
        let entitled = seats(inputs)?;
        let readings = last(inputs, active_seats(inputs), 90);
        let (active, growth) = line(readings, inputs.known.as_of)?;
        let span = readings.last().zip(readings.first()).map_or(0.0, |(last, first)| last.at.days_since(first.at));
        Some(Self { entitled, active, growth, span })
    }

    /// Seats in use in so many days if they go on like this; not below none.
    pub fn active_in(&self, days: f64) -> f64 {
        (self.active + self.growth * days).max(0.0)
    }
}

// --- usage ---------------------------------------------------------------------------------------------------------

/// The readings of the seats in use, whatever that metric is called.
pub(crate) fn active_seats<'a>(inputs: &Inputs<'a>) -> &'a [Reading] {
    inputs.slots.seats.as_ref().map_or(&[], |metric| inputs.known.usage(metric))
}

/// The readings of the metric that a slot stands for.
pub(crate) fn metric<'a>(inputs: &Inputs<'a>, slot: usize) -> &'a [Reading] {
    inputs.slots.name(Slot::Metric(slot)).map_or(&[], |metric| inputs.known.usage(metric))
}

pub(crate) fn seat_utilisation(inputs: &Inputs<'_>) -> Value {
    ratio(mean(last(inputs, active_seats(inputs), 30)), seats(inputs))
}

pub(crate) fn seat_utilisation_peak(inputs: &Inputs<'_>) -> Value {
    let peak = last(inputs, active_seats(inputs), 90).iter().map(|r| r.value).reduce(f64::max);
    ratio(peak, seats(inputs))
}

/// Days until active seats reach the entitlement at the growth of the last 90 days (least squares); missing when
/// they do not grow. At most ten years.
pub(crate) fn days_to_capacity(inputs: &Inputs<'_>) -> Value {
    let outlook = SeatOutlook::of(inputs).filter(|outlook| outlook.growth > 0.0);
    outlook.map(|o| ((o.entitled - o.active) / o.growth).clamp(0.0, 3650.0)).into()
}

/// The mean reading of the last so many days.
pub(crate) fn level(inputs: &Inputs<'_>, readings: &[Reading], days: i32) -> Value {
    mean(last(inputs, readings, days)).into()
}

/// The mean of the last so many days against that of the twice as many before.
pub(crate) fn change(inputs: &Inputs<'_>, readings: &[Reading], days: i32) -> Value {
    relative(mean(last(inputs, readings, days)), mean(between(inputs, readings, 3 * days, days)))
}

/// How much the mean of the last so many days changed against that of as many before, less how much that one had changed.
pub(crate) fn acceleration(inputs: &Inputs<'_>, readings: &[Reading], days: i32) -> Value {
    let [now, before, earlier] = [0, 1, 2].map(|ago| mean(between(inputs, readings, (ago + 1) * days, ago * days)));
    let changed = |now, before| relative(now, before).as_number();
    changed(now, before).zip(changed(before, earlier)).map(|(now, then)| now - then).into()
}

/// The standard deviation of the readings of the last so many days over their mean.
pub(crate) fn volatility(inputs: &Inputs<'_>, readings: &[Reading], days: i32) -> Value {
    let recent = last(inputs, readings, days);
    let mean = mean(recent).filter(|mean| recent.len() >= LEAST_SCATTER && *mean > 0.0);
    let deviation = |mean: f64| {
        let squares: f64 = recent.iter().map(|r| (r.value - mean).powi(2)).sum();
        (squares / count(recent.len())).sqrt()
    };
    mean.map(|mean| deviation(mean) / mean).into()
}

/// Of the last so many days, those with a positive reading; missing when the customer has no readings at all.
pub(crate) fn days_of_use(inputs: &Inputs<'_>, readings: &[Reading], days: i32) -> Value {
    let mut used: Vec<i64> = last(inputs, readings, days).iter().filter(|r| r.value > 0.0).map(|r| day(r.at)).collect();
    used.dedup();
    (!readings.is_empty()).then(|| count(used.len())).into()
}

/// The readings of the last 30 days together, over the seats in use.
pub(crate) fn per_seat(inputs: &Inputs<'_>, readings: &[Reading]) -> Value {
    let recent = last(inputs, readings, 30);
    let total = (!recent.is_empty()).then(|| sum(recent));
    ratio(total, mean(last(inputs, active_seats(inputs), 30)))
}

pub(crate) fn days_since_usage(inputs: &Inputs<'_>) -> Value {
    let last_used = inputs
        .known
        .all_usage()
        .filter_map(|(_, readings)| readings.iter().rev().find(|r| r.value > 0.0))
        .map(|r| r.at)
        .max();
    since(inputs, last_used)
}

/// Days with any positive reading; missing when the customer has no readings at all.
pub(crate) fn usage_days(inputs: &Inputs<'_>, lookback: i32) -> Value {
    let mut any = false;
    let mut days = Vec::new();
    for (_, readings) in inputs.known.all_usage() {
        any |= !readings.is_empty();
        days.extend(last(inputs, readings, lookback).iter().filter(|r| r.value > 0.0).map(|r| day(r.at)));
    }
    days.sort_unstable();
    days.dedup();
    any.then(|| count(days.len())).into()
}

/// The total of the last 90 days against the 90 before, averaged over the metrics that have both.
pub(crate) fn usage_volume_change(inputs: &Inputs<'_>) -> Value {
    let mut changes = inputs.known.all_usage().filter_map(|(_, readings)| {
        let before = sum(between(inputs, readings, 180, 90));
        (before > 0.0).then(|| sum(last(inputs, readings, 90)) / before - 1.0)
    });
    average(&mut changes).into()
}

// --- health --------------------------------------------------------------------------------------------------------

pub(crate) fn health(inputs: &Inputs<'_>) -> Value {
    last(inputs, inputs.known.health, 180).last().map(|r| r.value).into()
}

/// The latest score minus the mean of the scores 30 to 120 days old.
pub(crate) fn health_change(inputs: &Inputs<'_>) -> Value {
    let now = last(inputs, inputs.known.health, 180).last().map(|r| r.value);
    let before = mean(between(inputs, inputs.known.health, 120, 30));
    now.zip(before).map(|(now, before)| now - before).into()
}

pub(crate) fn health_low(inputs: &Inputs<'_>) -> Value {
    last(inputs, inputs.known.health, 180).iter().map(|r| r.value).reduce(f64::min).into()
}

// --- contracts -----------------------------------------------------------------------------------------------------

pub(crate) fn days_to_renewal(inputs: &Inputs<'_>) -> Value {
    let next = inputs.known.running().filter_map(|c| c.end_date).min();
    next.map(|end| end.days_since(inputs.known.as_of)).into()
}

pub(crate) fn days_since_contract(inputs: &Inputs<'_>) -> Value {
    since(inputs, inputs.known.contracts.last().map(|c| c.start_date))
}

pub(crate) fn annual_value(inputs: &Inputs<'_>) -> Value {
    total(inputs.known.running().map(|c| c.annual_value)).into()
}

pub(crate) fn products_owned(inputs: &Inputs<'_>) -> Value {
    let owned: BTreeSet<_> = inputs.known.running().filter_map(|c| c.product_id.as_ref()).collect();
    (!inputs.known.contracts.is_empty()).then(|| count(owned.len())).into()
}

// --- past expansions -----------------------------------------------------------------------------------------------

pub(crate) fn wins_within(inputs: &Inputs<'_>, lookback: i32) -> Value {
    inputs.known.wins().filter(|w| within(inputs, w.closed_at, lookback)).count().into()
}

pub(crate) fn days_since_win(inputs: &Inputs<'_>) -> Value {
    since(inputs, inputs.known.wins().map(|w| w.closed_at).max())
}

/// Days since the last expansion over the mean gap between expansions; at most 20.
pub(crate) fn win_rhythm(inputs: &Inputs<'_>) -> Value {
    let closed = || inputs.known.wins().map(|win| win.closed_at);
    let ends = closed().min().zip(closed().max());
    let gap = ends.map(|(first, latest)| latest.days_since(first) / (count(closed().count()) - 1.0));
    let since = closed().max().map(|latest| inputs.known.as_of.days_since(latest));
    since.zip(gap.filter(|gap| *gap > 0.0)).map(|(since, gap)| (since / gap).min(20.0)).into()
}

pub(crate) fn win_amount(inputs: &Inputs<'_>) -> Value {
    average(&mut inputs.known.wins().filter_map(|w| w.amount)).into()
}

/// The amounts won, added up; missing when one of them is not recorded.
pub(crate) fn won_amount_within(inputs: &Inputs<'_>, lookback: i32) -> Value {
    let recent = inputs.known.wins().filter(|w| within(inputs, w.closed_at, lookback));
    recent.map(|w| w.amount).sum::<Option<f64>>().into()
}

pub(crate) fn losses_within(inputs: &Inputs<'_>, lookback: i32) -> Value {
    closed(inputs).filter(|o| !o.won && within(inputs, o.closed_at, lookback)).count().into()
}

pub(crate) fn win_rate(inputs: &Inputs<'_>) -> Value {
    average(&mut closed(inputs).map(|o| if o.won { 1.0 } else { 0.0 })).into()
}

pub(crate) fn open_deals(inputs: &Inputs<'_>) -> Value {
    inputs.known.deals().filter(|d| d.outcome.is_none()).count().into()
}

pub(crate) fn open_deal_age(inputs: &Inputs<'_>) -> Value {
    since(inputs, inputs.known.deals().filter(|d| d.outcome.is_none()).map(|d| d.created_at).max())
}

// --- signals -------------------------------------------------------------------------------------------------------

/// Whether a kind of signal has a feature by its name.
pub(crate) fn is_named_kind(kind: &str) -> bool {
    SIGNAL_KINDS.contains(&kind)
}

/// The recent signals of a kind, each weighing less the older it is.
pub(crate) fn signals(inputs: &Inputs<'_>, kind: &str) -> Value {
    weighed(inputs, recent_signals(inputs).filter(|signal| &*signal.kind == kind))
}

pub(crate) fn signal_count(inputs: &Inputs<'_>, kind: &str) -> Value {
    recent_signals(inputs).filter(|signal| &*signal.kind == kind).count().into()
}

/// The recent signals of the kind that a slot stands for, weighed likewise.
pub(crate) fn slot_signals(inputs: &Inputs<'_>, slot: usize) -> Value {
    inputs.slots.name(Slot::Kind(slot)).map_or(Value::Missing, |kind| signals(inputs, kind))
}

pub(crate) fn slot_signal_count(inputs: &Inputs<'_>, slot: usize) -> Value {
    inputs.slots.name(Slot::Kind(slot)).map_or(Value::Missing, |kind| signal_count(inputs, kind))
}

/// The recent signals of all other kinds, weighed likewise.
pub(crate) fn other_signals(inputs: &Inputs<'_>) -> Value {
    weighed(inputs, others(inputs))
}

pub(crate) fn other_signal_count(inputs: &Inputs<'_>) -> Value {
    others(inputs).count().into()
}

fn others<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = &'a Signal> {
    let kinds = &inputs.slots.kinds;
    recent_signals(inputs).filter(move |signal| !is_named_kind(&signal.kind) && !kinds.contains(&signal.kind))
}

fn weighed<'a>(inputs: &Inputs<'_>, signals: impl Iterator<Item = &'a Signal>) -> Value {
    Value::number(decayed(inputs, signals.map(|signal| signal.detected_at), SIGNAL_HALF_LIFE_DAYS))
}

fn recent_signals<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = &'a Signal> + use<'a> {
    let start = inputs.known.as_of.plus_days(-SIGNAL_LOOKBACK_DAYS);
    let signals = inputs.known.signals;
    signals[signals.partition_point(|s| s.detected_at <= start)..].iter()
}

// --- people and touch points ---------------------------------------------------------------------------------------

/// People whose latest recorded role is the given one.
pub(crate) fn people(inputs: &Inputs<'_>, role: &str) -> Value {
    inputs.known.people().into_iter().filter(|person| person.role.as_deref() == Some(role)).count().into()
}

/// Days since a known stakeholder was recorded with another title or role.
pub(crate) fn days_since_promotion(inputs: &Inputs<'_>) -> Value {
    let mut before = HashMap::new();
    let mut changed_at = None;
    for row in inputs.known.stakeholders {
        let before = before.insert(&*row.stakeholder_id, row);
        if before.is_some_and(|before| before.title != row.title || before.role != row.role) {
            changed_at = Some(row.recorded_at);
        }
    }
    since(inputs, changed_at)
}

pub(crate) fn engagements_change(inputs: &Inputs<'_>) -> Value {
    let now = count(engaged(inputs, 90, |_| true));
    let before = count(engaged(inputs, 180, |_| true)) - now;
    relative(Some(now), Some(before))
}

/// Meetings in which an executive took part; missing when that is never recorded for the customer.
pub(crate) fn executive_engagements(inputs: &Inputs<'_>) -> Value {
    executives_recorded(inputs).then(|| count(with_executive(inputs, 180).count())).into()
}

/// Meetings with an executive, each weighing less the older it is; missing as for [`executive_engagements`].
pub(crate) fn executive_contact(inputs: &Inputs<'_>) -> Value {
    let met = with_executive(inputs, EXECUTIVE_LOOKBACK_DAYS).map(|e| e.occurred_at);
    executives_recorded(inputs).then(|| decayed(inputs, met, EXECUTIVE_HALF_LIFE_DAYS)).into()
}

/// The meetings that [`executive_contact`] weighs, as a number.
pub(crate) fn executive_contact_count(inputs: &Inputs<'_>) -> Value {
    with_executive(inputs, EXECUTIVE_LOOKBACK_DAYS).count().into()
}

fn executives_recorded(inputs: &Inputs<'_>) -> bool {
    inputs.known.engagements.iter().any(|e| e.with_executive.is_some())
}

fn with_executive<'a>(inputs: &Inputs<'a>, lookback: i32) -> impl Iterator<Item = &'a Engagement> + use<'a> {
    recent_engagements(inputs, lookback).iter().filter(|e| e.with_executive == Some(true))
}

pub(crate) fn days_since_meeting(inputs: &Inputs<'_>) -> Value {
    since(inputs, inputs.known.last_conversation().map(|e| e.occurred_at))
}

pub(crate) fn engaged(inputs: &Inputs<'_>, lookback: i32, wanted: impl Fn(&Engagement) -> bool) -> usize {
    recent_engagements(inputs, lookback).iter().filter(|e| wanted(e)).count()
}

fn recent_engagements<'a>(inputs: &Inputs<'a>, lookback: i32) -> &'a [Engagement] {
    let all = inputs.known.engagements;
    let start = inputs.known.as_of.plus_days(-lookback);
    &all[all.partition_point(|e| e.occurred_at <= start)..]
}

// --- shared --------------------------------------------------------------------------------------------------------

/// The seats entitled at `as_of`; none where there is no limit.
pub(crate) fn seats(inputs: &Inputs<'_>) -> Option<f64> {
    entitled(&inputs.known, inputs.catalogue)
}

pub(crate) fn entitled(known: &Known<'_>, catalogue: &Catalogue) -> Option<f64> {
    total(known.running().filter(|c| catalogue.counts_seats(c)).map(|c| c.quantity))
        .filter(|seats| *seats > 0.0 && seats.is_finite())
}

/// The outcomes known at `as_of`.
fn closed<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = Outcome> + use<'a> {
    inputs.known.deals().filter_map(|deal| deal.outcome)
}

fn within(inputs: &Inputs<'_>, at: Instant, lookback: i32) -> bool {
    at > inputs.known.as_of.plus_days(-lookback)
}

/// How many there are, each weighing half after so many days, a quarter after twice as many, and so on.
fn decayed(inputs: &Inputs<'_>, at: impl Iterator<Item = Instant>, half_life_days: f64) -> f64 {
    let weight = |at| (-inputs.known.as_of.days_since(at) / half_life_days).exp2();
    // Starting from 0.0, since an empty sum of floats is −0.0.
    at.map(weight).fold(0.0, |sum, weight| sum + weight)
}

fn since(inputs: &Inputs<'_>, at: Option<Instant>) -> Value {
    at.map(|at| inputs.known.as_of.days_since(at)).into()
}

/// The readings of the last `lookback` days.
fn last<'a>(inputs: &Inputs<'_>, readings: &'a [Reading], lookback: i32) -> &'a [Reading] {
    after(readings, inputs.known.as_of.plus_days(-lookback))
}

/// The readings later than `start`.
pub(crate) fn after(readings: &[Reading], start: Instant) -> &[Reading] {
    &readings[readings.partition_point(|r| r.at <= start)..]
}

/// The readings from more than `to` up to `from` days ago (`from` exclusive).
fn between<'a>(inputs: &Inputs<'_>, readings: &'a [Reading], from: i32, to: i32) -> &'a [Reading] {
    let at_most = |days: i32| {
        let bound = inputs.known.as_of.plus_days(-days);
        readings.partition_point(move |r| r.at <= bound)
    };
    &readings[at_most(from)..at_most(to)]
}

/// Level at `at` and slope per day of the least-squares line through the readings.
fn line(readings: &[Reading], at: Instant) -> Option<(f64, f64)> {
    let n = count(readings.len());
    let x_mean = readings.iter().map(|r| r.at.days_since(at)).sum::<f64>() / n;
    let y_mean = mean(readings)?;
    let (mut sxx, mut sxy) = (0.0, 0.0);
    for reading in readings {
        let x = reading.at.days_since(at) - x_mean;
        sxx += x * x;
        sxy += x * (reading.value - y_mean);
    }
    (sxx > 0.0).then(|| (y_mean - sxy / sxx * x_mean, sxy / sxx))
}

pub(crate) fn mean(readings: &[Reading]) -> Option<f64> {
    (!readings.is_empty()).then(|| sum(readings) / count(readings.len()))
}

fn sum(readings: &[Reading]) -> f64 {
    readings.iter().map(|r| r.value).sum()
}

fn average(values: &mut impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / count(n))
}

/// The sum of what is recorded; `None` when nothing is.
fn total(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(|sum, value| sum + value)
}

fn ratio(part: Option<f64>, whole: Option<f64>) -> Value {
    part.zip(whole).map(|(part, whole)| part / whole).into()
}

/// The change from `before` to `now`, relative to `before`.
fn relative(now: Option<f64>, before: Option<f64>) -> Value {
    now.zip(before).filter(|(_, before)| *before > 0.0).map(|(now, before)| now / before - 1.0).into()
}

fn day(at: Instant) -> i64 {
    at.micros().div_euclid(86_400_000_000)
}

#[cfg(test)]
mod tests {
    use expansion_domain::{CustomerHistory, Stakeholder, Table};

    use super::*;
    use crate::{Slots, feature};

    fn as_of() -> Instant {
        "2026-01-01".parse().expect("a date")
    }

    /// A customer with a meeting so many days ago, for each; whether an executive was there.
    fn met(meetings: &[(i32, Option<bool>)]) -> CustomerHistory {
        let engagement = |(days, with_executive): &(i32, Option<bool>)| Engagement {
            occurred_at: as_of().plus_days(-days),
            kind: Some("meeting".into()),
            with_executive: *with_executive,
            stakeholder_id: None,
        };
        let engagements = meetings.iter().map(engagement).collect();
        let mut history = CustomerHistory { engagements, ..CustomerHistory::new("c".into(), as_of().plus_days(-1000)) };
        history.sort();
        history
    }

    fn contact(history: &CustomerHistory) -> (Value, String) {
        let known = history.known(as_of()).expect("it is a customer");
        let inputs =
            Inputs { known, catalogue: &Catalogue::default(), tables: &[Table::Engagements], slots: &Slots::default() };
        let (_, feature) = feature("executive_contact").expect("it is a feature");
        let value = feature.value(&inputs);
        let text = feature.describe(&inputs, &value);
        (value, text)
    }

    #[test]
    fn executive_contact_weighs_half_after_its_half_life_and_reads_as_a_count() {
        let meetings = [(0, Some(true)), (60, Some(true)), (120, Some(true)), (400, Some(true)), (5, Some(false))];
        let (value, text) = contact(&met(&meetings));
        assert_eq!(value, Value::Number(1.75));
        assert_eq!(text, "3 meetings with an executive in the last year");
    }

    #[test]
    fn executive_contact_is_nothing_where_none_was_met_and_missing_where_that_is_not_recorded() {
        assert_eq!(contact(&met(&[(5, Some(false))])).0, Value::Number(0.0));
        assert_eq!(contact(&met(&[(5, None)])), (Value::Missing, "Executive engagement unknown".to_owned()));
    }

    #[test]
    fn people_have_their_latest_role_and_are_promoted_when_title_or_role_change() {
        let row = |days: i32, id: &str, role: &str, title: &str| Stakeholder {
            recorded_at: as_of().plus_days(-days),
            stakeholder_id: id.into(),
            role: Some(role.into()),
            title: Some(title.into()),
            name: None,
        };
        let mut history = CustomerHistory::new("c".into(), as_of().plus_days(-1000));
        history.stakeholders = vec![
            row(90, "a", "user", "Analyst"),
            row(80, "b", "champion", "Lead"),
            row(70, "a", "champion", "Analyst"),
            row(60, "b", "user", "Lead"),
            row(50, "c", "champion", "Head"),
            row(40, "a", "champion", "Analyst"),
        ];
        history.sort();
        let known = |days: i32| history.known(as_of().plus_days(-days)).expect("it is a customer");
        let latest: Vec<&str> = known(0).people().iter().map(|person| &*person.stakeholder_id).collect();
        assert_eq!(latest, ["b", "c", "a"], "in the order of what was recorded last of each");
        let value = |days: i32, name: &str| {
            let (catalogue, tables) = (Catalogue::default(), [Table::Stakeholders]);
            let inputs =
                Inputs { known: known(days), catalogue: &catalogue, tables: &tables, slots: &Slots::default() };
            feature(name).expect("it is a feature").1.value(&inputs)
        };
        assert_eq!([0, 45, 65].map(|days| value(days, "champions")), [2, 2, 2].map(Value::from));
        assert_eq!(value(85, "champions"), Value::Number(0.0));
        // Recorded again as before is no change, and neither is the first row of a person.
        assert_eq!([0, 65].map(|days| value(days, "days_since_promotion")), [Value::Number(60.0), Value::Number(5.0)]);
        assert_eq!(value(75, "days_since_promotion"), Value::Missing);
    }
}
