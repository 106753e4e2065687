//! The common feature crate: a customer's history and an `as_of` in, a snapshot (and, when the horizon has elapsed,
//! a label) out.
//!
//! Owns: what the features are, what they are called, what a missing one means, how rows for training are laid out.
//! Must not know: models, files, AWS. Every feature is a pure function of the facts known at `as_of`; [`Known`] is
//! the only way to them, and a property test holds the law.
//!
//! [`Known`]: expansion_domain::Known

#![warn(missing_docs)]

mod catalogue;
mod dataset;
mod extract;
mod frame;
mod freshness;
mod label;
mod quality;
mod renewals;
mod slots;
mod snapshot;
mod spec;
mod together;

pub use catalogue::catalogue;
pub use dataset::{Dataset, cutoffs, dataset, slots};
pub use extract::SeatOutlook;
pub use frame::{Column, Frame, MISSING_LEVEL};
pub use freshness::{observed_until, stale_tables};
pub use label::{Label, label};
pub use quality::data_report;
pub use renewals::{Renewals, renewals};
pub use slots::{ACTIVE_SEATS, KINDS, METRICS, Slot, Slots};
pub use snapshot::{Catalogue, Inputs, Snapshot, Value};
pub use spec::{Audience, Better, FEATURE_SET_VERSION, FEATURES, Feature, Topic, Unit, feature};
pub use together::{Contradiction, Moved, is_moved_by, moved_together};
