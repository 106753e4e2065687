//! `POST /api/analytics/expansion-propensity/refresh`: asking for a refresh.

use expansion_domain::Instant;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::idempotency::check_key;
use crate::{Principal, Problem};

/// A refresh that a manager asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshCommand {
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// Whether the caller named it.
    pub as_of_given: bool,
    /// What asks for it; part of the run's identity.
    pub cause: String,
    /// The key under which a repetition is recognised.
    pub idempotency_key: Option<String>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefreshBody")]
pub(crate) struct Body {
    /// The inclusive bound of what is known: a date, meaning its end, or a time; not after the request. Without it, the
    /// minute of the request.
    #[serde(default)]
    #[schemars(schema_with = "date_or_time")]
    as_of: Option<String>,
}

/// The schema of a text that is read as an [`Instant`], or nothing.
pub(crate) fn date_or_time(_: &mut SchemaGenerator) -> Schema {
    let formats = ["date", "date-time"].map(|format| json_schema!({"type": "string", "format": format}));
    let [date, time] = formats;
    json_schema!({"anyOf": [date, time, {"type": "null"}]})
}

/// Reads a request for a refresh made at `requested_at`.
///
/// The body may be empty or `{"as_of": …}` with a date (meaning its end) or a time not after the request. Without
/// `as_of` it is the minute of the request, and without an idempotency key all requests of that minute are one: a
/// second click does not train a second model.
///
/// # Errors
/// A 403 problem for anybody but a manager, a 400 problem for a body or key that makes no sense.
pub fn refresh_command(
    principal: &Principal,
    idempotency_key: Option<&str>,
    body: &[u8],
    requested_at: Instant,
) -> Result<RefreshCommand, Problem> {
    if *principal != Principal::Manager {
        return Err(Problem::forbidden("Only a manager may ask for a refresh."));
    }
    check_key(idempotency_key)?;
    let body: Body = if body.is_empty() {
        Body::default()
    } else {
        serde_json::from_slice(body).map_err(|e| Problem::invalid_body(e.to_string()))?
    };
    let as_of_given = body.as_of.is_some();
    let as_of = match body.as_of {
        None => whole_minute(requested_at),
        Some(text) => as_of(&text, requested_at)?,
    };
    let cause = idempotency_key.map_or_else(|| "request".to_owned(), |key| format!("request-{}", digest(key)));
    Ok(RefreshCommand { as_of, as_of_given, cause, idempotency_key: idempotency_key.map(str::to_owned) })
}

fn as_of(text: &str, requested_at: Instant) -> Result<Instant, Problem> {
    let parsed: Instant = text
        .parse()
        .map_err(|e: expansion_domain::InvalidInstant| Problem::invalid_parameter("as_of", e.to_string()))?;
    let is_date = text.len() == 10;
    if parsed > requested_at {
        return Err(Problem::invalid_parameter("as_of", "must not be in the future"));
    }
    Ok(if is_date { parsed.end_of_day().min(requested_at.whole_second()) } else { parsed.whole_second() })
}

fn whole_minute(at: Instant) -> Instant {
    let micros = at.micros();
    Instant::from_micros(micros - micros.rem_euclid(60_000_000)).unwrap_or(at)
}

fn digest(key: &str) -> String {
    hex::encode(&Sha256::digest(key.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(key: Option<&str>, body: &str) -> Result<RefreshCommand, Problem> {
        let at = "2026-11-02T06:00:42Z".parse().expect("an instant");
        refresh_command(&Principal::Manager, key, body.as_bytes(), at)
    }

    #[test]
    fn two_clicks_in_a_minute_are_one_refresh() {
        let click = command(None, "").expect("no body is fine");
        assert_eq!(click.as_of.to_string(), "2026-11-02T06:00:00Z");
        assert_eq!(click, command(None, "{}").expect("an empty body too"));
        assert_ne!(click.cause, command(Some("k"), "").expect("a key").cause);
    }

    #[test]
    fn the_future_rubbish_and_csms_are_refused() {
        assert_eq!(command(None, r#"{"as_of":"2027-01-01"}"#).map_err(|p| p.status), Err(400));
        assert_eq!(command(None, r#"{"asof":"2026-01-01"}"#).map_err(|p| p.status), Err(400));
        assert_eq!(command(Some("a b"), "").map_err(|p| p.status), Err(400));
        let csm = Principal::Csm("csm-1".into());
        let at = "2026-11-02T06:00:42Z".parse().expect("an instant");
        assert_eq!(refresh_command(&csm, None, b"", at).map_err(|p| p.status), Err(403));
    }

    #[test]
    fn a_date_means_its_end() {
        let past = command(None, r#"{"as_of":"2026-10-31"}"#).expect("a past date");
        assert_eq!(past.as_of.to_string(), "2026-10-31T23:59:59Z");
        let today = command(None, r#"{"as_of":"2026-11-02"}"#).expect("today");
        assert_eq!(today.as_of.to_string(), "2026-11-02T06:00:42Z");
    }
}
