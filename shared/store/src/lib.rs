//! The adapters to DynamoDB, S3 and EventBridge.
//!
//! Owns: keys, conditions, retries and the form of items and objects. Must not know: features, fitting, HTTP. The seam
//! to AWS is the wire: the same clients talk to AWS and to the embedded stack; only the endpoint URLs differ.

mod actions;
mod artifacts;
mod clients;
mod clock;
mod control;
mod error;
mod events;
mod items;
mod learning;
mod propensities;

pub use artifacts::Artifacts;
pub use clients::Clients;
pub use clock::now;
pub use control::{ControlTable, CurrentRun, TOP_ROWS};
pub use error::StoreError;
pub use events::Bus;
pub use learning::{ChampionChange, CommandRefused};
pub use propensities::{Deadline, PropensityTable};
