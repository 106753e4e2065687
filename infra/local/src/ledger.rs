//! What is under way, and what is on record.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Counts deliveries that are not finished, so that one can wait for the last.
#[derive(Clone, Default)]
pub(crate) struct Activity(Arc<watch::Sender<usize>>);

/// One delivery; it is finished when this is dropped.
pub(crate) struct Underway(Activity);

impl Activity {
    pub(crate) fn begin(&self) -> Underway {
        self.0.send_modify(|n| *n += 1);
        Underway(self.clone())
    }

    /// Returns once nothing is under way.
    pub(crate) async fn idle(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|n| *n == 0).await;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.0.send_modify(|n| *n -= 1);
    }
}

/// What a ledger keeps: the newest so many.
const MOST_KEPT: usize = 10_000;

/// What was put on the bus, given up or refused, oldest first. Its copies are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger<T>(Arc<Mutex<VecDeque<T>>>);

impl<T: Clone> Ledger<T> {
    pub(crate) fn push(&self, entry: T) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == MOST_KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
