//! How each feature is computed. Windows are half-open: `(as_of − lookback, as_of]`.

use std::collections::BTreeSet;

use expansion_domain::{Engagement, Id, Instant, Outcome, Reading, Signal};

use crate::{Value, View};

/// After this many days a signal weighs half.
const SIGNAL_HALF_LIFE_DAYS: f64 = 30.0;
/// The signal kinds with a feature of their own.
const SIGNAL_KINDS: [&str; 6] =
    ["seat_inquiry", "enterprise_inquiry", "feature_request", "new_team", "champion_promotion", "pricing_page"];
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
    #[must_use]
    pub fn of(view: &View<'_>) -> Option<Self> {
        let entitled = seats(view)?;
        let readings = last(view, view.known.usage("active_seats"), 90);
        let (active, growth) = line(readings, view.known.as_of)?;
        let span = readings.last().zip(readings.first()).map_or(0.0, |(last, first)| last.at.days_since(first.at));
        Some(Self { entitled, active, growth, span })
    }

    /// Seats in use in so many days if they go on like this; not below none.
    #[must_use]
    pub fn active_in(&self, days: f64) -> f64 {
        (self.active + self.growth * days).max(0.0)
    }
}

// --- usage ---------------------------------------------------------------------------------------------------------

pub(crate) fn seat_utilisation(view: &View<'_>) -> Value {
    ratio(mean(last(view, view.known.usage("active_seats"), 30)), seats(view))
}

pub(crate) fn seat_utilisation_peak(view: &View<'_>) -> Value {
    let peak = last(view, view.known.usage("active_seats"), 90).iter().map(|r| r.value).reduce(f64::max);
    ratio(peak, seats(view))
}

/// Days until active seats reach the entitlement at the growth of the last 90 days (least squares); missing when
/// they do not grow. At most ten years.
pub(crate) fn days_to_capacity(view: &View<'_>) -> Value {
    let outlook = SeatOutlook::of(view).filter(|outlook| outlook.growth > 0.0);
    outlook.map(|o| ((o.entitled - o.active) / o.growth).clamp(0.0, 3650.0)).into()
}

/// The mean reading of the last 30 days.
pub(crate) fn level(view: &View<'_>, metric: &str) -> Value {
    mean(last(view, view.known.usage(metric), 30)).into()
}

/// The mean of the last 30 days against that of the 60 days before.
pub(crate) fn change(view: &View<'_>, metric: &str) -> Value {
    let readings = view.known.usage(metric);
    relative(mean(last(view, readings, 30)), mean(between(view, readings, 90, 30)))
}

pub(crate) fn logins_per_seat(view: &View<'_>) -> Value {
    let logins = last(view, view.known.usage("logins"), 30);
    let total = (!logins.is_empty()).then(|| sum(logins));
    ratio(total, mean(last(view, view.known.usage("active_seats"), 30)))
}

pub(crate) fn days_since_usage(view: &View<'_>) -> Value {
    let last_used = view
        .known
        .all_usage()
        .filter_map(|(_, readings)| readings.iter().rev().find(|r| r.value > 0.0))
        .map(|r| r.at)
        .max();
    since(view, last_used)
}

/// Days with any positive reading; missing when the customer has no readings at all.
pub(crate) fn usage_days(view: &View<'_>, lookback: i32) -> Value {
    let mut any = false;
    let mut days = Vec::new();
    for (_, readings) in view.known.all_usage() {
        any |= !readings.is_empty();
        days.extend(last(view, readings, lookback).iter().filter(|r| r.value > 0.0).map(|r| day(r.at)));
    }
    days.sort_unstable();
    days.dedup();
    any.then(|| count(days.len())).into()
}

/// The total of the last 90 days against the 90 before, averaged over the metrics that have both.
pub(crate) fn usage_volume_change(view: &View<'_>) -> Value {
    let mut changes = view.known.all_usage().filter_map(|(_, readings)| {
        let before = sum(between(view, readings, 180, 90));
        (before > 0.0).then(|| sum(last(view, readings, 90)) / before - 1.0)
    });
    average(&mut changes).into()
}

// --- health --------------------------------------------------------------------------------------------------------

pub(crate) fn health(view: &View<'_>) -> Value {
    last(view, view.known.health, 180).last().map(|r| r.value).into()
}

/// The latest score minus the mean of the scores 30 to 120 days old.
pub(crate) fn health_change(view: &View<'_>) -> Value {
    let now = last(view, view.known.health, 180).last().map(|r| r.value);
    let before = mean(between(view, view.known.health, 120, 30));
    now.zip(before).map(|(now, before)| now - before).into()
}

pub(crate) fn health_low(view: &View<'_>) -> Value {
    last(view, view.known.health, 180).iter().map(|r| r.value).reduce(f64::min).into()
}

// --- contracts -----------------------------------------------------------------------------------------------------

pub(crate) fn tenure(view: &View<'_>) -> Value {
    Value::number(view.known.as_of.days_since(view.known.created_at()) / 365.25)
}

pub(crate) fn days_to_renewal(view: &View<'_>) -> Value {
    let next = view.known.running().filter_map(|c| c.end_date).min();
    next.map(|end| end.days_since(view.known.as_of)).into()
}

pub(crate) fn days_since_contract(view: &View<'_>) -> Value {
    since(view, view.known.contracts.last().map(|c| c.start_date))
}

pub(crate) fn annual_value(view: &View<'_>) -> Value {
    total(view.known.running().map(|c| c.annual_value)).into()
}

pub(crate) fn entitled_seats(view: &View<'_>) -> Value {
    seats(view).into()
}

pub(crate) fn products_owned(view: &View<'_>) -> Value {
    let owned: BTreeSet<_> = view.known.running().filter_map(|c| c.product_id.as_ref()).collect();
    (!view.known.contracts.is_empty()).then(|| count(owned.len())).into()
}

// --- past expansions -----------------------------------------------------------------------------------------------

pub(crate) fn wins(view: &View<'_>) -> Value {
    Value::number(count(view.known.wins().count()))
}

pub(crate) fn wins_within(view: &View<'_>, lookback: i32) -> Value {
    Value::number(count(view.known.wins().filter(|w| within(view, w.closed_at, lookback)).count()))
}

pub(crate) fn days_since_win(view: &View<'_>) -> Value {
    since(view, view.known.wins().map(|w| w.closed_at).max())
}

/// Days since the last expansion over the mean gap between expansions; at most 20.
pub(crate) fn win_rhythm(view: &View<'_>) -> Value {
    let (mut first, mut latest, mut n) = (None::<Instant>, None::<Instant>, 0_usize);
    for win in view.known.wins() {
        first = Some(first.map_or(win.closed_at, |f| f.min(win.closed_at)));
        latest = latest.max(Some(win.closed_at));
        n += 1;
    }
    let rhythm = || {
        let (first, latest) = first.zip(latest)?;
        let gap = latest.days_since(first) / count(n - 1);
        (n > 1 && gap > 0.0).then(|| (view.known.as_of.days_since(latest) / gap).min(20.0))
    };
    rhythm().into()
}

pub(crate) fn win_amount(view: &View<'_>) -> Value {
    average(&mut view.known.wins().filter_map(|w| w.amount)).into()
}

/// The amounts won, added up; missing when one of them is not recorded.
pub(crate) fn won_amount_within(view: &View<'_>, lookback: i32) -> Value {
    let recent = view.known.wins().filter(|w| within(view, w.closed_at, lookback));
    let amount: Option<f64> = recent.map(|w| w.amount).sum();
    amount.into()
}

pub(crate) fn losses_within(view: &View<'_>, lookback: i32) -> Value {
    let lost = closed(view).filter(|o| !o.won && within(view, o.closed_at, lookback));
    Value::number(count(lost.count()))
}

pub(crate) fn win_rate(view: &View<'_>) -> Value {
    average(&mut closed(view).map(|o| if o.won { 1.0 } else { 0.0 })).into()
}

pub(crate) fn open_deals(view: &View<'_>) -> Value {
    Value::number(count(view.known.deals().filter(|d| d.outcome.is_none()).count()))
}

pub(crate) fn open_deal_age(view: &View<'_>) -> Value {
    since(view, view.known.deals().filter(|d| d.outcome.is_none()).map(|d| d.created_at).max())
}

// --- signals -------------------------------------------------------------------------------------------------------

pub(crate) fn signals(view: &View<'_>, kind: &str) -> Value {
    weight(view, |signal| &*signal.kind == kind)
}

pub(crate) fn signal_count(view: &View<'_>, kind: &str) -> Value {
    recent_signals(view, |signal| &*signal.kind == kind)
}

pub(crate) fn other_signals(view: &View<'_>) -> Value {
    weight(view, is_other)
}

pub(crate) fn other_signal_count(view: &View<'_>) -> Value {
    recent_signals(view, is_other)
}

fn is_other(signal: &Signal) -> bool {
    !SIGNAL_KINDS.contains(&&*signal.kind)
}

/// The recent signals, each weighing less the older it is.
fn weight(view: &View<'_>, wanted: impl Fn(&Signal) -> bool) -> Value {
    let as_of = view.known.as_of;
    let decayed = |signal: &Signal| (-as_of.days_since(signal.detected_at) / SIGNAL_HALF_LIFE_DAYS).exp2();
    // Starting from 0.0, since an empty sum of floats is −0.0.
    Value::number(recent(view).filter(|s| wanted(s)).map(decayed).fold(0.0, |sum, weight| sum + weight))
}

fn recent_signals(view: &View<'_>, wanted: impl Fn(&Signal) -> bool) -> Value {
    Value::number(count(recent(view).filter(|s| wanted(s)).count()))
}

fn recent<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Signal> + use<'a> {
    let start = view.known.as_of.plus_days(-SIGNAL_LOOKBACK_DAYS);
    let signals = view.known.signals;
    signals[signals.partition_point(|s| s.detected_at <= start)..].iter()
}

// --- people and touch points ---------------------------------------------------------------------------------------

/// People whose latest recorded role is the given one.
pub(crate) fn people(view: &View<'_>, role: &str) -> Value {
    let rows = view.known.stakeholders;
    let is_latest = |i: usize, id: &Id| rows[i + 1..].iter().all(|later| later.stakeholder_id != *id);
    let held =
        rows.iter().enumerate().filter(|(i, s)| s.role.as_deref() == Some(role) && is_latest(*i, &s.stakeholder_id));
    Value::number(count(held.count()))
}

/// Days since somebody already known was recorded with another title or role.
pub(crate) fn days_since_promotion(view: &View<'_>) -> Value {
    let rows = view.known.stakeholders;
    let changed = |i: usize| {
        let before = rows[..i].iter().rev().find(|s| s.stakeholder_id == rows[i].stakeholder_id);
        before.is_some_and(|b| b.title != rows[i].title || b.role != rows[i].role)
    };
    since(view, (0..rows.len()).rev().find(|&i| changed(i)).map(|i| rows[i].recorded_at))
}

pub(crate) fn engagements(view: &View<'_>, lookback: i32) -> Value {
    Value::number(count(engaged(view, lookback, |_| true)))
}

pub(crate) fn engagements_change(view: &View<'_>) -> Value {
    let now = count(engaged(view, 90, |_| true));
    let before = count(engaged(view, 180, |_| true)) - now;
    relative(Some(now), Some(before))
}

/// Meetings in which an executive took part; missing when that is never recorded for the customer.
pub(crate) fn executive_engagements(view: &View<'_>) -> Value {
    let recorded = view.known.engagements.iter().any(|e| e.with_executive.is_some());
    recorded.then(|| count(engaged(view, 180, |e| e.with_executive == Some(true)))).into()
}

pub(crate) fn days_since_meeting(view: &View<'_>) -> Value {
    let met = |e: &&Engagement| matches!(e.kind.as_deref(), Some("meeting" | "qbr" | "call"));
    since(view, view.known.engagements.iter().rev().find(met).map(|e| e.occurred_at))
}

pub(crate) fn tickets(view: &View<'_>) -> Value {
    Value::number(count(engaged(view, 90, |e| e.kind.as_deref() == Some("ticket"))))
}

fn engaged(view: &View<'_>, lookback: i32, wanted: impl Fn(&Engagement) -> bool) -> usize {
    let all = view.known.engagements;
    let start = view.known.as_of.plus_days(-lookback);
    all[all.partition_point(|e| e.occurred_at <= start)..].iter().filter(|e| wanted(e)).count()
}

// --- shared --------------------------------------------------------------------------------------------------------

/// The seats entitled at `as_of`.
fn seats(view: &View<'_>) -> Option<f64> {
    let catalogue = view.catalogue;
    total(view.known.running().filter(|c| catalogue.counts_seats(c)).map(|c| c.quantity)).filter(|seats| *seats > 0.0)
}

/// The outcomes known at `as_of`.
fn closed<'a>(view: &View<'a>) -> impl Iterator<Item = Outcome> + use<'a> {
    view.known.deals().filter_map(|deal| deal.outcome)
}

fn within(view: &View<'_>, at: Instant, lookback: i32) -> bool {
    at > view.known.as_of.plus_days(-lookback)
}

fn since(view: &View<'_>, at: Option<Instant>) -> Value {
    at.map(|at| view.known.as_of.days_since(at)).into()
}

/// The readings of the last `lookback` days.
fn last<'a>(view: &View<'_>, readings: &'a [Reading], lookback: i32) -> &'a [Reading] {
    between(view, readings, lookback, 0)
}

/// The readings from more than `to` up to `from` days ago (`from` exclusive).
fn between<'a>(view: &View<'_>, readings: &'a [Reading], from: i32, to: i32) -> &'a [Reading] {
    let at_most = |days: i32| {
        let bound = view.known.as_of.plus_days(-days);
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

fn mean(readings: &[Reading]) -> Option<f64> {
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

#[expect(clippy::cast_precision_loss, reason = "no customer has 2^53 facts")]
fn count(n: usize) -> f64 {
    n as f64
}
