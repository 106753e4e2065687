//! The AWS clients, made once at init.

use aws_config::BehaviorVersion;

/// The clients a function uses. Where they point (AWS or the embedded stack) is the endpoint URLs' business.
#[derive(Clone, Debug)]
pub struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub s3: aws_sdk_s3::Client,
    pub events: aws_sdk_eventbridge::Client,
}

impl Clients {
    /// The clients as the environment describes them: region, credentials and, where set, endpoint URLs
    /// (`AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_EVENTBRIDGE`).
    pub async fn from_env() -> Self {
        let config = aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await;
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
        }
    }
}
