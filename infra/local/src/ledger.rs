//! What is under way, and what was given up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

/// Counts deliveries that are not finished, so that one can wait for the last.
#[derive(Clone)]
pub(crate) struct Activity(Arc<watch::Sender<usize>>);

/// One delivery; it is finished when this is dropped.
pub(crate) struct Underway(Activity);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

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

/// The events put on the bus, the newest so many.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<VecDeque<Value>>>);

/// Events kept in a journal.
const MOST_EVENTS: usize = 10_000;

impl Journal {
    pub(crate) fn push(&self, event: Value) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == MOST_EVENTS {
            events.pop_front();
        }
        events.push_back(event);
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Events and messages that failed every time.
#[derive(Clone, Default)]
pub(crate) struct DeadLetters(Arc<Mutex<Vec<Value>>>);

impl DeadLetters {
    pub(crate) fn push(&self, letter: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
