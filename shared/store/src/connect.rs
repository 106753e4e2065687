//! How AWS is reached.

use aws_config::{BehaviorVersion, SdkConfig};

/// How the environment says that AWS is reached: region, credentials and, where set, endpoint URLs
/// (`AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_EVENTBRIDGE`).
pub async fn sdk_config() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await
}
