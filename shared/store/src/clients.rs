//! The AWS clients, made once at init.

use aws_types::SdkConfig;

use crate::sdk_config;

/// The clients a function uses. Where they point (AWS or the embedded stack) is the endpoint URLs' business.
#[derive(Clone, Debug)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
}

impl Clients {
    /// The clients of a configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            s3: aws_sdk_s3::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
        }
    }

    /// The clients as the environment describes them.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the edge: the variables that Lambda itself sets")]
    pub fn from_env() -> Self {
        Self::new(&sdk_config(|name| std::env::var(name).ok()))
    }
}
