//! What can be taken away: the rows of a list all at once, and the files of a run.

use std::time::Duration;

use expansion_domain::{Instant, RunId};
use expansion_records::Run;
use expansion_store::{Artifacts, ScoresObject};
use schemars::JsonSchema;
use serde::Serialize;

use crate::list::{ListRequest, Lists, Page};
use crate::{Config, ConfigError, Error, Principal};

/// Rows that can be taken away at once; a run's files have all of them.
pub const MOST_ROWS: usize = 10_000;
/// How long a link to a file can be used.
const VALID: Duration = Duration::from_mins(15);

/// The files with the rows of the current run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExportFiles {
    /// The run.
    pub run_id: RunId,
    /// Until when the links can be used.
    pub expires_at: Instant,
    /// A Parquet file for each shard, all with the same columns.
    pub files: Vec<ExportFile>,
    /// Why files are missing; `null` where none is.
    pub not_available: Option<String>,
}

/// A file with the rows of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExportFile {
    /// Which shard, from 0.
    pub shard: u32,
    /// How long the file is.
    pub bytes: u64,
    /// A link by which whoever has it can read the file.
    pub url: String,
}

/// Gives away what can be taken away.
#[derive(Debug)]
pub struct Exports {
    pub lists: Lists,
    pub artifacts: Artifacts,
}

impl Exports {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { lists: Lists::new(config)?, artifacts: config.artifacts()? })
    }

    /// The rows of the current run that a list would have, page after page.
    ///
    /// # Errors
    /// [`Error`] for filters that make no sense, before the first run, and when the store fails.
    pub async fn rows(&self, principal: &Principal, request: &ListRequest) -> Result<Page, Error> {
        let listed = self.lists.listed(None).await?;
        self.lists.whole(&listed, principal, request, MOST_ROWS).await
    }

    /// The current run's files, with links that can be used from `now` on.
    ///
    /// # Errors
    /// [`Error`] for anybody but a manager, before the first run, and when the store fails.
    pub async fn files(&self, principal: &Principal, now: Instant) -> Result<ExportFiles, Error> {
        principal
            .must_be_manager("Only a manager may take away the files of a run, which have everybody's customers.")?;
        let run = &self.lists.listed(None).await?.run;
        let mut files = Vec::new();
        let found = self.artifacts.scores(&run.run_id).await?;
        for object in &found {
            let ScoresObject { shard, bytes, .. } = *object;
            files.push(ExportFile { shard, bytes, url: self.artifacts.link(object, VALID).await? });
        }
        let micros = now.micros() + i64::try_from(VALID.as_micros()).unwrap_or_default();
        let expires_at = Instant::from_micros(micros).unwrap_or(now);
        Ok(ExportFiles { run_id: run.run_id.clone(), expires_at, not_available: missing(run, files.len()), files })
    }
}

/// Why a run with so many files lacks some of them.
pub fn missing(run: &Run, files: usize) -> Option<String> {
    let shards = run.plan().map_or(0, |plan| plan.shards);
    match files {
        _ if u32::try_from(files).is_ok_and(|files| files >= shards) => None,
        0 => Some(
            "The run is of a version that wrote no files, or they have expired; the next refresh writes them."
                .to_owned(),
        ),
        some => {
            Some(format!("Only {some} of the run's {shards} files are there; the next refresh writes all of them."))
        }
    }
}

#[cfg(test)]
mod tests {
    use expansion_fixtures::run;

    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        // It has two shards.
        let run = run();
        assert_eq!(missing(&run, 2), None);
        assert!(missing(&run, 0).is_some_and(|reason| reason.contains("expired")));
        assert!(missing(&run, 1).is_some_and(|reason| reason.contains("1 of the run's 2 files")));
    }
}
