//! Worlds that begin where others have ended: a run takes seconds to train, and most tests only need it to be there.
//!
//! What a stack keeps in its data folder is kept in memory for all tests of the process, so each gets a world of its own
//! to do with as it likes, and every run is made once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use expansion_local::Options;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{Source, World, as_of};

/// What a world has left.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The files of its data folder.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// What its bus has carried.
    pub(crate) events: Vec<Value>,
}

/// What tells one kept world from another: its variables, and its runs' days before the end.
type Name = (BTreeMap<String, String>, Vec<i32>);

/// Of the sources that kept worlds read.
const BUCKETS: u32 = 3;

static KEPT: Mutex<BTreeMap<Name, Arc<OnceCell<Arc<Kept>>>>> = Mutex::new(BTreeMap::new());

impl World {
    /// A world over the portfolio, in three buckets, in which weekly runs are complete, each so many days before the end.
    pub async fn after(days: &[i32]) -> Self {
        Self::after_with(days, &Source::bucketed(BUCKETS), Options::default()).await
    }

    /// As [`World::after`] with these variables, and from now on with these options and over this source.
    pub async fn after_with(days: &[i32], source: &Source, options: Options) -> Self {
        let kept = kept(&options.variables, days).await;
        Self::from_kept(&kept, source, options).await
    }

    async fn from_kept(kept: &Kept, source: &Source, options: Options) -> Self {
        let data = TempDir::new().expect("a data folder");
        for (name, bytes) in &kept.files {
            let path = data.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            fs::write(path, bytes).expect("it is written");
        }
        let options = Options { data_dir: Some(data.path().to_owned()), ..options };
        let world = Self::with(source, options).await;
        Self { data: Some(data), events_before: kept.events.clone(), ..world }
    }
}

/// What is left of a world with these runs; whoever comes first makes it.
async fn kept(variables: &BTreeMap<String, String>, days: &[i32]) -> Arc<Kept> {
    let name = (variables.clone(), days.to_vec());
    let cell = Arc::clone(KEPT.lock().expect("nobody panicked").entry(name).or_default());
    Arc::clone(cell.get_or_init(|| Box::pin(make(variables, days))).await)
}

async fn make(variables: &BTreeMap<String, String>, days: &[i32]) -> Arc<Kept> {
    let (last, before) = days.split_last().expect("a world without runs needs no keeping");
    let options = Options { variables: variables.clone(), ..Options::default() };
    let world = if before.is_empty() {
        let data = TempDir::new().expect("a data folder");
        let options = Options { data_dir: Some(data.path().to_owned()), ..options };
        World { data: Some(data), ..World::with(&Source::bucketed(BUCKETS), options).await }
    } else {
        World::from_kept(&*kept(variables, before).await, &Source::bucketed(BUCKETS), options).await
    };
    world.refreshed(as_of(*last)).await;
    let events = world.events();
    let data = world.data.expect("it has one");
    world.stack.shutdown().await;
    Arc::new(Kept { files: files(data.path()).expect("they are read"), events })
}

/// The files below a folder, by their names from there.
fn files(root: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path)?;
                found.push((path.strip_prefix(root).map_err(io::Error::other)?.to_owned(), bytes));
            }
        }
    }
    Ok(found)
}
