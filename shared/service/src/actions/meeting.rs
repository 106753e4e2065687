//! When to meet: at the time that was asked for, or on the first working day of the recommended window.
//!
//! A working day is Monday to Friday; holidays are not known.

use expansion_domain::{ActionMeeting, ActionRequest, Date, Instant};
use jiff::ToSpan;
use jiff::civil::Weekday;

use crate::Error;

/// How long a meeting is, in minutes, unless somebody says otherwise.
const USUAL_MINUTES: u16 = 45;
/// When a meeting begins, in hours UTC, unless somebody says otherwise.
const USUAL_HOUR: i64 = 9;
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// The meeting that is asked for; `window` is the first and last recommended day.
///
/// # Errors
/// [`Error::InvalidParameters`] for a time that has passed or lies beyond the calendar.
pub(crate) fn meeting(
    request: &ActionRequest,
    window: Option<(Date, Date)>,
    requested_at: Instant,
) -> Result<ActionMeeting, Error> {
    let refused = |reason: &str| Error::invalid("starts_at", reason);
    let (starts_at, time_found_by) = match request.starts_at {
        Some(given) if given < requested_at => return Err(refused("must not be in the past")),
        Some(given) => (given, None),
        None => {
            let found = usual_time(window, requested_at).ok_or_else(|| refused("is missing: no time can be found"))?;
            (found.0, Some(found.1.to_owned()))
        }
    };
    let minutes = i64::from(request.duration_minutes.unwrap_or(USUAL_MINUTES));
    let ends_at = plus_minutes(starts_at, minutes).ok_or_else(|| refused("is too late"))?;
    Ok(ActionMeeting { starts_at, ends_at, time_found_by })
}

/// When to meet where nobody says, and how that was found.
fn usual_time(window: Option<(Date, Date)>, requested_at: Instant) -> Option<(Instant, &'static str)> {
    let from_day = |day: Date| first_working_day(day.max(requested_at.date()), requested_at);
    if let Some(at) = window.and_then(|(from, to)| from_day(from).filter(|at| at.date() <= to)) {
        return Some((at, "no starts_at was given: the first working day of the recommended window, 09:00 UTC"));
    }
    let found_by = match window {
        Some(_) => {
            "no starts_at was given and no working day of the recommended window is left: the next one, 09:00 UTC"
        }
        None => "no starts_at was given and no time is recommended: the next working day, 09:00 UTC",
    };
    Some((from_day(requested_at.date())?, found_by))
}

/// The usual hour of the first working day from `day` on, not before `earliest`.
fn first_working_day(day: Date, earliest: Instant) -> Option<Instant> {
    // Today's hour may have passed, and a weekend may follow.
    let mut days = day.series(1.day()).take(7);
    days.find_map(|day| {
        let at = plus_minutes(Instant::from_date(day)?, 60 * USUAL_HOUR)?;
        let is_working_day = !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        (is_working_day && at >= earliest).then_some(at)
    })
}

fn plus_minutes(at: Instant, minutes: i64) -> Option<Instant> {
    Instant::from_micros(at.micros().checked_add(minutes * MICROS_PER_MINUTE)?)
}

#[cfg(test)]
mod tests {
    use expansion_domain::ActionKind;

    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn asked(starts_at: Option<&str>, duration_minutes: Option<u16>) -> ActionRequest {
        let action = ActionKind::ScheduleMeeting;
        ActionRequest { action, product_id: None, starts_at: starts_at.map(at), duration_minutes, note: None }
    }

    fn found(window: Option<(&str, &str)>, requested_at: &str) -> (String, String) {
        let window = window.map(|(from, to)| (at(from).date(), at(to).date()));
        let meeting = meeting(&asked(None, None), window, at(requested_at)).expect("a meeting");
        assert_eq!(plus_minutes(meeting.starts_at, 45), Some(meeting.ends_at));
        (meeting.starts_at.to_string(), meeting.time_found_by.expect("it was found"))
    }

    #[test]
    fn without_a_time_it_is_the_first_working_day_of_the_window_from_now_on() {
        // 2026-07-03 is a Friday.
        let window = Some(("2026-07-03", "2026-07-17"));
        for (requested_at, wanted) in [
            ("2026-06-30T12:00:00Z", "2026-07-03T09:00:00Z"),
            ("2026-07-03T09:00:00Z", "2026-07-03T09:00:00Z"),
            ("2026-07-03T09:00:01Z", "2026-07-06T09:00:00Z"),
            ("2026-07-04T08:00:00Z", "2026-07-06T09:00:00Z"),
            ("2026-07-08T08:00:00Z", "2026-07-08T09:00:00Z"),
        ] {
            let (starts_at, by) = found(window, requested_at);
            assert_eq!(starts_at, wanted, "{requested_at}");
            assert!(by.contains("first working day of the recommended window"), "{by}");
        }
        let weekend = Some(("2026-07-04", "2026-07-05"));
        let (starts_at, by) = found(weekend, "2026-06-30T12:00:00Z");
        assert_eq!(starts_at, "2026-07-01T09:00:00Z");
        assert!(by.contains("no working day of the recommended window is left"), "{by}");
        assert_eq!(found(window, "2026-07-17T10:00:00Z").0, "2026-07-20T09:00:00Z");
        let (starts_at, by) = found(None, "2026-07-03T10:00:00Z");
        assert_eq!(starts_at, "2026-07-06T09:00:00Z");
        assert!(by.contains("no time is recommended"), "{by}");
    }

    #[test]
    fn a_time_that_was_given_is_kept_unless_it_has_passed() {
        let now = at("2026-07-01T12:00:00Z");
        let kept = meeting(&asked(Some("2026-07-04T20:00:00Z"), Some(5)), None, now).expect("a Saturday night is fine");
        assert_eq!(kept.ends_at, at("2026-07-04T20:05:00Z"));
        assert_eq!(kept.time_found_by, None);
        for wrong in ["2026-07-01T11:59:59Z", "9999-12-30T22:00:00Z"] {
            let refused = meeting(&asked(Some(wrong), None), None, now);
            assert!(refused.expect_err(wrong).to_string().starts_with("starts_at: "), "{wrong}");
        }
    }
}
