//! One refresh through the bus and the real functions, with its progress.

use std::io::IsTerminal;
use std::time::Duration;

use expansion_domain::{Envelope, Instant, RefreshRequested};
use expansion_records::{Run, RunStage, RunState};
use expansion_source::{Location, inventory};
use expansion_store::now;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::Stack;

type Failure = Box<dyn std::error::Error>;

/// How often the run is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// What asks for a refresh: the same for the same data, so that the same `as_of` is the same run. The demo portfolio is
/// always the same; a source is told by its files. One that cannot be listed is left to the trainer to complain about.
pub async fn cause(stack: &Stack, source: Option<&str>) -> String {
    let Some(location) = source.and_then(|source| source.parse::<Location>().ok()) else {
        return "local".to_owned();
    };
    let files = inventory(&location, &stack.config("trainer").s3()).await;
    files.map_or_else(|_| "local".to_owned(), |files| format!("local-{:.16}", files.fingerprint()))
}

/// Asks for a refresh and waits until it is over.
pub async fn refresh(stack: &Stack, as_of: Instant, horizon_days: u16, cause: String) -> Result<Run, Failure> {
    let control = stack.config("trainer").control()?;
    let run_id = Run::requested(as_of, &cause, horizon_days, now()).run_id;
    let request = RefreshRequested { as_of, cause, horizon_days: Some(horizon_days) };
    let failed_before = control.run(&run_id).await?.filter(|run| run.stage() == RunStage::Failed);
    stack.put_event(&serde_json::to_value(Envelope::new(request))?)?;
    let mut progress = Progress::new();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let run = control.run(&run_id).await?;
        if let Some(run) = run.filter(|run| failed_before.as_ref() != Some(run)) {
            progress.show(&run);
            match run.state {
                RunState::Complete(..) => return Ok(run),
                RunState::Failed { reason, .. } => return Err(reason.into()),
                _ => {}
            }
        }
        if let Some(letter) = stack.dead_letters().first() {
            return Err(format!("a function gave up: {}", letter["error"]).into());
        }
    }
}

/// Asks again for the runs that an earlier process left unfinished, and says how many those are.
pub async fn resume(stack: &Stack) -> Result<usize, Failure> {
    let unfinished = stack.config("trainer").control()?.open_runs().await?;
    for run in &unfinished {
        let (as_of, cause, horizon_days) = (run.as_of, run.cause.clone(), Some(run.horizon_days));
        let request = RefreshRequested { as_of, cause, horizon_days };
        stack.put_event(&serde_json::to_value(Envelope::new(request))?)?;
    }
    Ok(unfinished.len())
}

/// A spinner and a bar on a terminal, gone when this is dropped; a line for each step elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    said: String,
}

impl Progress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(3).with_finish(ProgressFinish::AndClear);
            let style = ProgressStyle::with_template("{spinner} [{bar:30}] {elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(INTERVAL);
            bar
        });
        Self { bar, said: String::new() }
    }

    fn show(&mut self, run: &Run) {
        let (step, message) = match &run.state {
            RunState::Requested => (0, "refresh requested".to_owned()),
            RunState::Training => (0, "reading the source and training the model".to_owned()),
            RunState::Scoring(plan) | RunState::Closing(plan, _) => {
                (1, format!("scoring: {} of {} shards in", plan.done.len(), plan.shards))
            }
            RunState::Complete(..) => (3, "refresh complete".to_owned()),
            RunState::Failed { .. } => (3, "refresh failed".to_owned()),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_position(step);
                bar.set_message(message);
            }
            None if self.said != message => {
                eprintln!("{message}");
                self.said = message;
            }
            None => {}
        }
    }
}
