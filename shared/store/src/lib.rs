//! The adapters to DynamoDB, S3 and EventBridge.
//!
//! Owns: keys, conditions, retries and the form of items and objects. Must not know: features, fitting, HTTP. The seam
//! to AWS is the wire: the same clients talk to AWS and to the embedded stack; only the endpoint URLs differ.

mod artifacts;
mod clock;
mod control;
mod error;
mod events;
mod items;
mod learning;
mod propensities;
mod sdk;

pub use artifacts::{Artifacts, ScoresObject};
pub use aws_sdk_dynamodb::Client as DynamoDb;
pub use aws_sdk_s3::Client as S3;
pub use aws_types::SdkConfig;
pub use clock::now;
pub use control::{ControlTable, CurrentRun, TOP_ROWS};
pub use error::StoreError;
pub use events::Bus;
pub use learning::{ChampionChange, CommandRefused};
pub use propensities::{Deadline, Partition, PropensityTable};
pub use sdk::sdk_config;
