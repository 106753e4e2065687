//! Refreshes: asking for one, and how far they are.

use expansion_domain::{Instant, RefreshRequested, RunId};
use expansion_records::{Run, RunStage};
use expansion_store::{Bus, ControlTable, now};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::request::{date_or_time, past};
use crate::view::{DataReportView, RefreshView, RunView};
use crate::{Config, ConfigError, Conflict, Error, Principal, Request};

const NO_RUN: Error = Error::NotFound("such run");

/// What is to be refreshed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefreshBody")]
pub struct RefreshRequest {
    /// The inclusive bound of what is known: a date, meaning its end, or a time; not after the request. Without it, the
    /// minute of the request.
    #[serde(default)]
    #[schemars(schema_with = "date_or_time")]
    pub as_of: Option<String>,
}

/// A refresh as the run that it begins is derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshCommand {
    /// The inclusive bound of what is known.
    pub as_of: Instant,
    /// What asks for it; part of the run's identity.
    pub cause: String,
}

/// Says how far refreshes are.
#[derive(Debug)]
pub struct Refreshes {
    pub control: ControlTable,
}

impl Refreshes {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { control: config.control()? })
    }

    /// How far a run is.
    pub async fn run(&self, principal: &Principal, run_id: &str) -> Result<RefreshView, Error> {
        let run_id: RunId = run_id.parse().map_err(|_| NO_RUN)?;
        let run = self.control.run(&run_id).await?.ok_or(NO_RUN)?;
        let refresh = beside_current(&self.control, &run).await?;
        Ok(RefreshView { run: refresh.run.seen_by(principal), data: self.data(principal, &run_id).await?, ..refresh })
    }

    /// What the source of a run looked like, for managers: it shows cells of everybody's customers.
    pub async fn data(&self, principal: &Principal, run_id: &RunId) -> Result<Option<DataReportView>, Error> {
        if let Principal::Csm(_) = principal {
            return Ok(None);
        }
        Ok(self.control.data_report(run_id).await?.map(DataReportView::from))
    }

    /// The newest run under way.
    pub async fn open(&self, principal: &Principal) -> Result<Option<RunView>, Error> {
        Ok(self.control.open_runs().await?.last().map(|run| RunView::from(run).seen_by(principal)))
    }

    /// The run of the latest `as_of`, whatever became of it.
    pub async fn latest(&self, principal: &Principal) -> Result<Option<RunView>, Error> {
        Ok(self.control.latest_run().await?.map(|run| RunView::from(&run).seen_by(principal)))
    }

    /// The run that readers see; `None` before the first is complete.
    pub async fn current(&self, principal: &Principal) -> Result<Option<RunView>, Error> {
        let Some(current) = self.control.current_run().await? else { return Ok(None) };
        let run = self.control.expect_run(&current.run.run_id).await?;
        Ok(Some(RunView::from(&run).seen_by(principal)))
    }
}

/// A run beside the one that readers see.
async fn beside_current(control: &ControlTable, run: &Run) -> Result<RefreshView, Error> {
    let current = control.current_run().await?;
    let is_older_than_current = current.is_some_and(|current| current.run.is_newer_than(&run.reference()));
    Ok(RefreshView { run: RunView::from(run), is_older_than_current, data: None })
}

/// Has refreshes made.
#[derive(Debug)]
pub struct RefreshRequests {
    pub control: ControlTable,
    pub bus: Bus,
    pub horizon_days: u16,
    /// What a request that names no `as_of` takes as the time: a portfolio that has ended, like the demo's, would turn
    /// silent by the clock.
    pub today: Option<Instant>,
}

impl RefreshRequests {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let today = config.optional("TODAY").map(|_| config.parsed("TODAY")).transpose()?;
        Ok(Self { control: config.control()?, bus: config.bus()?, horizon_days: config.horizon_days()?, today })
    }

    /// Asks for a refresh: the run is put on record, then the trainer is told.
    ///
    /// # Errors
    /// [`Error`] for anybody but a manager, for an `as_of` that makes no sense, for a key that was used for another one, and
    /// when the store fails.
    pub async fn ask(&self, principal: &Principal, request: &Request<RefreshRequest>) -> Result<RefreshView, Error> {
        may_ask(principal)?;
        let mut command = command(request, self.today)?;
        if let Some(key) = &request.idempotency_key {
            // A repeated key stands for the refresh it was first used for.
            let as_of = self.control.claim_key(key.as_str(), command.as_of).await?;
            if as_of != command.as_of && request.body.as_of.is_some() {
                return Err(Conflict::KeyOfRefresh { as_of }.into());
            }
            command.as_of = as_of;
        }
        let run = Run::requested(command.as_of, &command.cause, self.horizon_days, now());
        let mut run = self.control.create_run(run).await?;
        if run.stage() == RunStage::Failed {
            run = self.control.reopen(&run.run_id).await?.unwrap_or(run);
        }
        // While it has not begun the trainer may not have heard of it.
        if run.stage() == RunStage::Requested {
            let (cause, horizon_days) = (run.cause.clone(), Some(run.horizon_days));
            self.bus.put([RefreshRequested { as_of: run.as_of, cause, horizon_days }]).await?;
        }
        beside_current(&self.control, &run).await
    }
}

/// Whether the caller may ask for a refresh.
pub fn may_ask(principal: &Principal) -> Result<(), Error> {
    principal.must_be_manager("Only a manager may ask for a refresh.")
}

/// The refresh that a request stands for. Without an idempotency key all requests of a minute that name no `as_of` are one:
/// a second click does not train a second model. On a `today` that stands still they are one for good.
///
/// # Errors
/// [`Error::InvalidParameters`] for an `as_of` that makes no sense or is in the future.
pub fn command(request: &Request<RefreshRequest>, today: Option<Instant>) -> Result<RefreshCommand, Error> {
    let at = request.received_at;
    let as_of = match &request.body.as_of {
        None => today.unwrap_or_else(|| whole_minute(at)),
        Some(text) => {
            let as_of = past("as_of", text, at)?;
            let is_date = text.len() == 10;
            if is_date { as_of.end_of_day().min(at.whole_second()) } else { as_of.whole_second() }
        }
    };
    let cause = match &request.idempotency_key {
        None => "request".to_owned(),
        Some(key) => format!("request-{}", hex::encode(&Sha256::digest(key.as_str())[..8])),
    };
    Ok(RefreshCommand { as_of, cause })
}

fn whole_minute(at: Instant) -> Instant {
    let micros = at.micros();
    Instant::from_micros(micros - micros.rem_euclid(60_000_000)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(key: Option<&str>, as_of: Option<&str>) -> Result<RefreshCommand, Error> {
        asked_on(None, key, as_of)
    }

    fn asked_on(today: Option<Instant>, key: Option<&str>, as_of: Option<&str>) -> Result<RefreshCommand, Error> {
        let request = Request {
            body: RefreshRequest { as_of: as_of.map(str::to_owned) },
            idempotency_key: key.map(|key| key.parse().expect("a key")),
            received_at: "2026-11-02T06:00:42Z".parse().expect("an instant"),
        };
        command(&request, today)
    }

    #[test]
    fn today_may_stand_still() {
        let end: Instant = "2026-06-30T23:59:59Z".parse().expect("an instant");
        assert_eq!(asked_on(Some(end), None, None).expect("no as_of is fine").as_of, end);
        let named = asked_on(Some(end), None, Some("2026-05-31")).expect("a past date");
        assert_eq!(named.as_of.to_string(), "2026-05-31T23:59:59Z", "what is named counts");
    }

    #[test]
    fn two_clicks_in_a_minute_are_one_refresh() {
        let click = asked(None, None).expect("no as_of is fine");
        assert_eq!((click.as_of.to_string().as_str(), &*click.cause), ("2026-11-02T06:00:00Z", "request"));
        assert_ne!(click.cause, asked(Some("k"), None).expect("a key").cause);
    }

    #[test]
    fn the_future_rubbish_and_csms_are_refused() {
        for (as_of, reason) in [("2027-01-01", "future"), ("soon", "neither a date")] {
            let refused = asked(None, Some(as_of)).expect_err(as_of).to_string();
            assert!(refused.starts_with("as_of: ") && refused.contains(reason), "{refused}");
        }
        assert!(matches!(may_ask(&Principal::Csm("csm-1".into())), Err(Error::Forbidden(_))));
        assert!(may_ask(&Principal::Manager).is_ok());
    }

    #[test]
    fn a_date_means_its_end() {
        let past = asked(None, Some("2026-10-31")).expect("a past date");
        assert_eq!(past.as_of.to_string(), "2026-10-31T23:59:59Z");
        let today = asked(None, Some("2026-11-02")).expect("today");
        assert_eq!(today.as_of.to_string(), "2026-11-02T06:00:42Z");
    }
}
