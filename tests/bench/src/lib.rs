//! Sources to measure with, for the commands and the benches.

mod usage;

use std::path::{Path, PathBuf};

use clap::Args;
use expansion_domain::{Instant, SourceData};
use expansion_source::{Limits, Location, inventory, read};
use expansion_store::{S3, sdk_config};

pub use usage::{Form, Usage};

/// Why nothing could be measured.
pub type Failure = Box<dyn std::error::Error>;

/// Reads a source folder.
pub async fn read_folder(folder: &Path) -> Result<SourceData, Failure> {
    // Never called: folders need no S3.
    let s3 = S3::new(&sdk_config(|_| None));
    let files = inventory(&Location::Folder(folder.to_path_buf()), &s3).await?;
    Ok(read(&files, &s3, None, Limits::default()).await?.data)
}

/// A source as it was known at the end of a label window.
#[derive(Debug, Args)]
pub struct Known {
    /// The source folder.
    #[arg(long)]
    source: PathBuf,
    /// What is known: a date (to its end) or an RFC 3339 time.
    #[arg(long)]
    as_of: String,
    /// Days after a cutoff in which an expansion counts.
    #[arg(long, default_value_t = 90)]
    pub horizon_days: u16,
}

impl Known {
    /// The source, and what of it is known.
    pub async fn read(&self) -> Result<(SourceData, Instant), Failure> {
        let as_of: Instant = self.as_of.parse()?;
        let as_of = if self.as_of.len() == 10 { as_of.end_of_day() } else { as_of };
        Ok((read_folder(&self.source).await?, as_of))
    }
}
