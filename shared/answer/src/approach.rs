//! What to do next: what to offer, when, through whom, and how to begin. All rules are tables in this file.

use std::collections::HashMap;

use expansion_domain::{Date, Instant, Stakeholder, share};
use expansion_features::{SeatOutlook, Topic, feature};
use expansion_records::{Advocate, Approach, EntryPoint, Factor, RecommendedProduct, Timing};

use crate::{Missing, Scored};

/// Seats that are full within so many days set the time.
const CAPACITY_DAYS: f64 = 90.0;
/// … and leave at least so many days to talk.
const LEAST_WINDOW: i32 = 14;
/// A renewal sets the time when it is so many days away.
const RENEWAL_DAYS: std::ops::RangeInclusive<f64> = 14.0..=150.0;
/// … from so many days before it, until so many days before it.
const RENEWAL_FROM: i32 = 90;
const RENEWAL_UNTIL: i32 = 14;
/// A quarter sets the time that holds enough of the wins: of the customer's own, of the segment's.
const OWN_SEASON: Season = Season { least_wins: 3, least_share: 0.5 };
const SEGMENT_SEASON: Season = Season { least_wins: 40, least_share: 0.3 };
/// A promotion is news for half a year.
const PROMOTION_DAYS: i32 = 183;

/// When wins are taken to have a season.
#[derive(Clone, Copy)]
struct Season {
    least_wins: usize,
    /// Of the wins, in one quarter.
    least_share: f64,
}

/// What to do next, each part with its reason where it is not known.
pub(crate) fn approach(
    scored: &Scored<'_>,
    factors: &[Factor],
    product: Option<&RecommendedProduct>,
    missing: &mut Missing,
) -> Approach {
    let approach = Approach {
        product: product.map(|product| product.offer.clone()),
        timing: timing(scored),
        advocate: advocate(scored),
        entry_point: entry_point(factors),
    };
    let part = |name: &str| format!("recommended_approach.{name}");
    missing.unless(approach.product.is_some(), &part("product"), "there is no product to recommend");
    let no_time = "no renewal, growth of seats or season of buying is known that would set a time";
    missing.unless(approach.timing.is_some(), &part("timing"), no_time);
    let nobody = "no stakeholder with the role champion is on record";
    missing.unless(approach.advocate.is_some(), &part("champion"), nobody);
    missing.unless(approach.entry_point.is_some(), &part("entry_point"), "no factor speaks for an expansion");
    approach
}

/// When to talk. The first rule that applies:
///
/// | Rule | When | Window |
/// |---|---|---|
/// | capacity | seats full within 90 days at the present growth | from now until they are full, two weeks at least |
/// | renewal | 14 to 150 days away | 90 to 14 days before it |
/// | own season | at least half of three or more wins fell in one calendar quarter | its next days |
/// | segment's season | at least 30 % of 40 or more wins of the segment fell in one calendar quarter | its next days |
fn timing(scored: &Scored<'_>) -> Option<Timing> {
    let (known, as_of) = (&scored.inputs.known, scored.run.as_of);
    capacity(scored)
        .or_else(|| before_renewal(scored))
        .or_else(|| {
            let mut quarters = [0; 4];
            for win in known.wins() {
                quarters[win.closed_at.quarter()] += 1;
            }
            season(quarters, OWN_SEASON, as_of, "the customer's own")
        })
        .or_else(|| {
            let segment = known.segment()?;
            let profile = scored.run.model.profiles.segments.get(&**segment)?;
            season(profile.wins_by_quarter, SEGMENT_SEASON, as_of, &format!("{segment}'s"))
        })
}

fn capacity(scored: &Scored<'_>) -> Option<Timing> {
    let as_of = scored.run.as_of;
    // Full seats are full, whether they grow or not.
    let is_full = SeatOutlook::of(&scored.inputs).is_some_and(|outlook| outlook.active >= outlook.entitled);
    let days = if is_full { Some(0.0) } else { scored.number("days_to_capacity") };
    let days = days.filter(|days| *days <= CAPACITY_DAYS)?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 90")]
    let full = as_of.plus_days(days.ceil() as i32).date();
    let reason = if days < 1.0 {
        "All seats are in use".to_owned()
    } else {
        format!("Seats are full around {full} at the present growth")
    };
    let to = full.max(as_of.plus_days(LEAST_WINDOW).date());
    Some(Timing { label: "Before the seats run out".to_owned(), from: as_of.date(), to, reason })
}

fn before_renewal(scored: &Scored<'_>) -> Option<Timing> {
    let as_of = scored.run.as_of;
    let ends = scored.inputs.known.running().filter_map(|contract| contract.end_date);
    let renewal = ends.filter(|end| RENEWAL_DAYS.contains(&end.days_since(as_of))).min()?;
    let from = renewal.plus_days(-RENEWAL_FROM).max(as_of).date();
    let to = renewal.plus_days(-RENEWAL_UNTIL).max(as_of).date();
    let reason = format!("Renewal on {}", renewal.date());
    Some(Timing { label: "Ahead of the renewal".to_owned(), from, to, reason })
}

/// The next days of the calendar quarter in which most wins fell, if enough did.
fn season(wins: [usize; 4], season: Season, as_of: Instant, whose: &str) -> Option<Timing> {
    let total: usize = wins.iter().sum();
    let (quarter, most) = (0..4).map(|quarter| (quarter, wins[quarter])).max_by_key(|(_, wins)| *wins)?;
    if total < season.least_wins || share(most, total) < season.least_share {
        return None;
    }
    let today = as_of.date();
    let this_year = quarter_dates(today.year(), quarter);
    let (from, to) = if this_year.1 >= today { this_year } else { quarter_dates(today.year() + 1, quarter) };
    let label = if from <= today { "This quarter".to_owned() } else { format!("Q{} {}", quarter + 1, from.year()) };
    let reason = format!("{most} of {whose} {total} expansions were won in a Q{}", quarter + 1);
    Some(Timing { label, from: from.max(today), to, reason })
}

/// First and last day of a calendar quarter.
fn quarter_dates(year: i16, quarter: usize) -> (Date, Date) {
    let month = i8::try_from(3 * quarter + 1).unwrap_or(1);
    let first = Date::new(year, month, 1).unwrap_or(Date::MAX);
    let last = Date::new(year, month + 2, 1).map_or(Date::MAX, Date::last_of_month);
    (first, last)
}

/// Of those whose latest recorded role is champion, the one promoted last, else last met, else recorded last.
fn advocate(scored: &Scored<'_>) -> Option<Advocate> {
    let known = &scored.inputs.known;
    let mut rows: HashMap<&str, Vec<&Stakeholder>> = HashMap::new();
    for row in known.stakeholders {
        rows.entry(&row.stakeholder_id).or_default().push(row);
    }
    let met = known.engagements.iter().filter_map(|e| Some((e.stakeholder_id.as_deref()?, e.occurred_at)));
    let last_met: HashMap<&str, Instant> = met.collect();
    let advocates = known.people().into_iter().filter(|person| person.role.as_deref() == Some("champion"));
    let advocates = advocates.map(|person| {
        let id = &*person.stakeholder_id;
        let is_news = |at: &Instant| known.as_of.days_since(*at) <= f64::from(PROMOTION_DAYS);
        (promotion(&rows[id]).filter(is_news), last_met.get(id).copied(), person)
    });
    let (promoted_at, last_engaged_at, person) =
        advocates.max_by_key(|(promoted, met, p)| (*promoted, *met, p.recorded_at))?;
    // That a new title is a promotion is known from a signal only.
    let since = known.as_of.plus_days(-PROMOTION_DAYS);
    let is_promotion = known.signals.iter().any(|s| &*s.kind == "champion_promotion" && s.detected_at > since);
    let name = person.name.clone().unwrap_or_else(|| person.stakeholder_id.clone());
    let label = match (&person.title, promoted_at) {
        (Some(title), Some(_)) if is_promotion => format!("{name} (promoted to {title})"),
        (Some(title), Some(_)) => format!("{name} (now {title})"),
        (Some(title), None) => format!("{name} ({title})"),
        (None, _) => name.to_string(),
    };
    Some(Advocate {
        stakeholder_id: person.stakeholder_id.clone(),
        name: person.name.clone(),
        title: person.title.clone(),
        role: person.role.clone(),
        new_title_since: promoted_at,
        last_engaged_at,
        label,
    })
}

/// When a person came to the title they have, from another one; by all that was recorded of them.
fn promotion(rows: &[&Stakeholder]) -> Option<Instant> {
    let now = rows.last()?;
    let held = rows.iter().rev().take_while(|row| row.title == now.title).last()?;
    // A title that was not known before is no new one.
    let was_other = |row: &&Stakeholder| row.title.is_some() && row.title != now.title;
    rows.iter().any(was_other).then_some(held.recorded_at)
}

/// The conversation that the strongest factor in favour calls for.
fn entry_point(factors: &[Factor]) -> Option<EntryPoint> {
    // Most points first. That something is not known calls for nothing.
    let mut in_favour = factors.iter().filter(|factor| factor.points > 0 && factor.value.is_some());
    in_favour.find_map(|factor| {
        let conversation = conversation(feature(&factor.feature)?.1.topic)?.to_owned();
        Some(EntryPoint { conversation, because: factor.label.clone() })
    })
}

/// What there is to talk about.
const fn conversation(topic: Topic) -> Option<&'static str> {
    Some(match topic {
        Topic::OpenDeal => "The open deal",
        Topic::Capacity => "Capacity planning",
        Topic::Seats => "Additional seats",
        Topic::Use => "Growing use",
        Topic::ApiCalls => "API volume",
        Topic::Pricing => "Plans and pricing",
        Topic::AddOns => "Roadmap and add-ons",
        Topic::NewTeam => "Onboarding of the new team",
        Topic::Advocate => "New goals of the champion",
        Topic::Value => "Value review",
        Topic::Executives => "Executive business review",
        Topic::Requests => "Recent requests",
        Topic::PastExpansions => "Next step after the last expansion",
        Topic::Renewal => "Renewal planning",
        Topic::Nothing => return None,
    })
}
