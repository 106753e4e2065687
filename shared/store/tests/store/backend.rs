//! What stands in for AWS: a database in memory with the tables of `infra/template.yaml`, a folder of objects, and servers
//! that refuse what a test wants refused.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::error_handling::HandleError;
use axum::http::{HeaderMap, Response, StatusCode};
use dynoxide::Database;
use expansion_store::{Artifacts, ControlTable, PropensityTable};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");
const BUCKET: &str = "models";
/// The key and the secret of everyone here.
const CREDENTIALS: (&str, &str) = ("test", "test");

/// The two tables, of one test only.
pub(crate) struct Tables {
    pub(crate) control: ControlTable,
    pub(crate) propensities: PropensityTable,
    /// The database behind them, for what no adapter does.
    pub(crate) client: aws_sdk_dynamodb::Client,
    url: String,
    servers: JoinSet<()>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// All of it is refused for now.
    Throttled,
    /// So many items of a batch are left undone, and said to be so.
    Undone(usize),
}

impl Tables {
    /// The tables as the template describes them, empty.
    pub(crate) async fn new() -> Self {
        let database = Database::memory().expect("a database");
        let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(TEMPLATE).expect("YAML");
        let resources = template["Resources"].as_mapping().expect("resources");
        for table in resources.values().filter(|resource| resource["Type"] == "AWS::DynamoDB::Table") {
            let wanted = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];
            let all = wanted.iter().map(|name| (*name, &table["Properties"][*name])).filter(|(_, value)| !value.is_null());
            let definition: serde_yaml_ng::Mapping = all.map(|(name, value)| (name.into(), value.clone())).collect();
            let request = serde_yaml_ng::from_value(definition.into()).expect("a definition as CreateTable takes it");
            database.create_table(request).expect("a table");
        }
        let mut servers = JoinSet::new();
        let (listener, url) = listen().await;
        servers.spawn(dynoxide::server::serve_on(listener, database));
        let (control, propensities) = adapters(&url);
        Self { control, propensities, client: aws_sdk_dynamodb::Client::new(&config(&url)), url, servers }
    }

    /// The same tables for somebody whose calls of one operation go wrong, one after the other, until the faults are used
    /// up. The SDK itself tries nothing again.
    pub(crate) async fn behind(&mut self, operation: &'static str, faults: &[Fault]) -> (ControlTable, PropensityTable) {
        let (listener, url) = listen().await;
        let faults = Arc::new(Mutex::new(faults.iter().copied().collect::<VecDeque<_>>()));
        let behind = self.url.clone();
        let answer = async move |headers: HeaderMap, body: Bytes| {
            let target = headers["x-amz-target"].to_str().unwrap_or_default().to_owned();
            let fault = || faults.lock().expect("nobody panicked").pop_front();
            let fault = if target.ends_with(&format!(".{operation}")) { fault() } else { None };
            forward(behind, target, body, fault).await
        };
        let router = Router::new().fallback(answer);
        self.servers.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        adapters(&url)
    }
}

fn adapters(url: &str) -> (ControlTable, PropensityTable) {
    let client = aws_sdk_dynamodb::Client::new(&config(url));
    let control = ControlTable { client: client.clone(), name: "expansion_control".to_owned() };
    (control, PropensityTable { client, name: "expansion_propensity".to_owned() })
}

/// Hands a call on to the database, but for what goes wrong.
async fn forward(url: String, target: String, body: Bytes, fault: Option<Fault>) -> Response<Body> {
    let undone = match fault {
        Some(Fault::Throttled) => {
            let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#;
            return reply(StatusCode::BAD_REQUEST, body.to_owned());
        }
        Some(Fault::Undone(undone)) => undone,
        None => 0,
    };
    let (kept, left) = split(&body, undone);
    let sent = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(url).header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        // Whoever is behind looks at no signature, but at whether there is one.
        let request = request.header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0");
        let mut answer = request.send(kept.as_bytes()).expect("the database answers");
        (answer.status(), answer.body_mut().read_to_string().expect("a body"))
    });
    let (status, answer) = sent.await.expect("no panic");
    match left {
        Some((name, left)) => {
            let mut answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            answer[name] = left;
            reply(status, answer.to_string())
        }
        None => reply(status, answer),
    }
}

/// A batch without its last items, and those under the name under which an answer lists them.
fn split(body: &[u8], undone: usize) -> (String, Option<(&'static str, serde_json::Value)>) {
    let text = || String::from_utf8(body.to_vec()).expect("text");
    if undone == 0 {
        return (text(), None);
    }
    let mut kept: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let mut left = kept["RequestItems"].clone();
    let tables = kept["RequestItems"].as_object_mut().expect("tables").iter_mut();
    let mut name = "UnprocessedItems";
    for ((_, kept), (_, left)) in tables.zip(left.as_object_mut().expect("the same tables").iter_mut()) {
        let [kept, left] = [kept, left].map(|table| match table {
            serde_json::Value::Object(table) => {
                name = "UnprocessedKeys";
                &mut table["Keys"]
            }
            writes => writes,
        });
        let kept = kept.as_array_mut().expect("items");
        let from = kept.len().saturating_sub(undone).max(1);
        kept.truncate(from);
        left.as_array_mut().expect("items").drain(..from);
    }
    (kept.to_string(), Some((name, left)))
}

/// An answer in DynamoDB's form.
pub(crate) fn reply(status: StatusCode, body: String) -> Response<Body> {
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    answer.body(Body::from(body)).expect("a response")
}

/// A bucket of one test only; it goes with the folder.
pub(crate) async fn bucket() -> (Artifacts, aws_sdk_s3::Client, Bucket) {
    let folder = TempDir::new().expect("a folder");
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).expect("a file system"));
    let (key, secret) = CREDENTIALS;
    service.set_auth(SimpleAuth::from_single(key, secret));
    let failed = |_: s3s::HttpError| async { StatusCode::INTERNAL_SERVER_ERROR };
    let router = Router::new().fallback_service(HandleError::new(service.build(), failed));
    let (listener, url) = listen().await;
    let mut servers = JoinSet::new();
    servers.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    let config = aws_sdk_s3::config::Builder::from(&config(&url)).force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let artifacts = Artifacts { client: client.clone(), bucket: BUCKET.to_owned() };
    (artifacts, client, Bucket { _folder: folder, _servers: servers })
}

/// Keeps a bucket there.
pub(crate) struct Bucket {
    _folder: TempDir,
    _servers: JoinSet<()>,
}

/// A free port of this machine, and the URL of what will listen there.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// What a client is made from that talks to this URL, and tries nothing twice.
pub(crate) fn config(url: &str) -> SdkConfig {
    let (key, secret) = CREDENTIALS;
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key, secret, None, None, "test")))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build()
}
