//! The adapters against the embedded DynamoDB and S3: conditions, retries, paging, and what happens when two writers meet.

mod artifacts;
mod backend;
mod champion;
mod events;
mod records;
mod rows;
