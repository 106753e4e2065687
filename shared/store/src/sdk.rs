//! What the AWS SDKs need to know, taken from the variables that Lambda sets: region and credentials; and the endpoint
//! URLs that only the embedded stack sets. The SDK's own loader also reads profiles, containers and instance metadata,
//! for which it links two more services.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, RuntimeComponents, SharedCredentialsProvider};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Services by their SDK's id, and the variables with their endpoint URLs.
const ENDPOINTS: [(&str, &str); 3] = [
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("S3", "AWS_ENDPOINT_URL_S3"),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
];

/// The configuration of all SDKs, from variables.
pub fn sdk_config(get: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let credentials = || {
        let (key, secret) = (get("AWS_ACCESS_KEY_ID")?, get("AWS_SECRET_ACCESS_KEY")?);
        let credentials = Credentials::new(key, secret, get("AWS_SESSION_TOKEN"), None, "environment");
        Some(SharedCredentialsProvider::new(credentials))
    };
    let urls = ENDPOINTS.iter().filter_map(|(service, variable)| Some((*service, get(variable)?))).collect();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")).map(Region::new))
        .service_config(Endpoints(urls));
    builder.set_credentials_provider(credentials());
    builder.set_http_client(Some(Builder::new().build_with_connector_fn(|settings, components| {
        // As the SDK's default client is made, but for ring in the place of aws-lc: that takes a minute to build and
        // is a megabyte larger.
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })));
    builder.build()
}

/// Endpoint URLs by service.
#[derive(Debug)]
struct Endpoints(BTreeMap<&'static str, String>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() == "AWS_ENDPOINT_URL" { self.0.get(key.service_id()).cloned() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_where_its_variable_says() {
        let config = sdk_config(|name| match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ENDPOINT_URL_S3" => Some("http://127.0.0.1:1".to_owned()),
            _ => None,
        });
        assert_eq!(config.region().map(Region::as_ref), Some("eu-central-1"));
        assert!(config.credentials_provider().is_none());
        let endpoint = |service| {
            let key = ServiceConfigKey::builder().service_id(service).profile("endpoint_url").env("AWS_ENDPOINT_URL");
            config.service_config()?.load_config(key.build().ok()?)
        };
        assert_eq!(endpoint("S3").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(endpoint("DynamoDB"), None);
    }
}
