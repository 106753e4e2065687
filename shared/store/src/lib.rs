//! The adapters to DynamoDB, S3 and EventBridge.

mod clients;

pub use clients::Clients;
