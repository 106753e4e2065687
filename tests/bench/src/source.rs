//! Sources as the benchmarks need them.

use std::path::Path;

use expansion_domain::SourceData;
use expansion_source::{Limits, Location, inventory, read};
use expansion_store::Clients;

use crate::Failure;

/// Reads a source folder.
pub(crate) async fn read_folder(folder: &Path) -> Result<SourceData, Failure> {
    let clients = Clients::from_env().await;
    let files = inventory(&Location::Folder(folder.to_path_buf()), &clients.s3).await?;
    Ok(read(&files, &clients.s3, None, Limits::default()).await?.data)
}
