//! What stands in for AWS where one crate is tested: DynamoDB in memory with the tables of `infra/template.yaml`, S3 in a
//! folder, and a bus that remembers, all at one address and for one test only. Calls can be made to fail, whole or in part.
//!
//! It knows the services and none of the project's own crates, so that each of them can be tested against it.

#![allow(clippy::missing_panics_doc, reason = "a helper that cannot help fails its test")]

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::error_handling::HandleError;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use dynoxide::Database;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The control table's name.
pub const CONTROL: &str = "expansion_control";
/// The name of the table of rows.
pub const PROPENSITIES: &str = "expansion_propensity";
/// The bucket.
pub const BUCKET: &str = "bucket";
/// The bus.
pub const BUS: &str = "expansion";

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
/// The key and the secret of everyone here.
const CREDENTIALS: (&str, &str) = ("test", "test");

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing: the next call's turn.
    None,
    /// All of it is refused for now.
    Throttled,
    /// So many entries, the last ones, are left undone, and said to be so.
    Undone(usize),
}

/// The services; they are gone when this is dropped.
pub struct Backend {
    /// What clients are made from. They try nothing twice by themselves.
    pub config: SdkConfig,
    /// For what none of the project's adapters does.
    pub dynamodb: aws_sdk_dynamodb::Client,
    shared: Arc<Shared>,
    _folder: TempDir,
    _servers: JoinSet<()>,
}

struct Shared {
    /// Where the database answers.
    database: String,
    agent: ureq::Agent,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    events: Mutex<Vec<Vec<Value>>>,
}

impl Backend {
    /// Empty tables, an empty bucket, a silent bus.
    pub async fn start() -> Self {
        let mut servers = JoinSet::new();
        let (database, database_url) = listen().await;
        servers.spawn(dynoxide::server::serve_on(database, tables()));
        let shared = Arc::new(Shared {
            database: database_url,
            agent: ureq::Agent::config_builder().http_status_as_error(false).build().into(),
            faults: Mutex::default(),
            events: Mutex::default(),
        });
        let folder = TempDir::new().expect("a folder");
        let router = objects(&folder).layer(from_fn_with_state(Arc::clone(&shared), answer));
        let (listener, url) = listen().await;
        servers.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        let config = config(&url);
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        Self { config, dynamodb, shared, _folder: folder, _servers: servers }
    }

    /// From now on calls of an operation of DynamoDB or EventBridge go wrong, one after the other, until these are used up.
    pub fn fail(&self, operation: &str, faults: &[Fault]) {
        let faults = faults.iter().copied().collect();
        self.shared.faults.lock().expect("nobody panicked").insert(operation.to_owned(), faults);
    }

    /// The entries that were put on the bus, call by call.
    pub fn events(&self) -> Vec<Vec<Value>> {
        self.shared.events.lock().expect("nobody panicked").clone()
    }
}

/// A free port of this machine, and the URL of what will answer there.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

fn config(url: &str) -> SdkConfig {
    let (key, secret) = CREDENTIALS;
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key, secret, None, None, "test")))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// The template's tables.
fn tables() -> Database {
    let database = Database::memory().expect("a database");
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(TEMPLATE).expect("YAML");
    let resources = template["Resources"].as_mapping().expect("resources").values();
    for table in resources.filter(|resource| resource["Type"] == "AWS::DynamoDB::Table") {
        let known = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];
        let given =
            known.map(|name| (name, &table["Properties"][name])).into_iter().filter(|(_, value)| !value.is_null());
        let request: serde_yaml_ng::Mapping = given.map(|(name, value)| (name.into(), value.clone())).collect();
        database.create_table(serde_yaml_ng::from_value(request.into()).expect("a table")).expect("it is made");
    }
    database
}

/// S3 over a folder.
fn objects(folder: &TempDir) -> Router {
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).expect("a file system"));
    let (key, secret) = CREDENTIALS;
    service.set_auth(SimpleAuth::from_single(key, secret));
    let failed = |_: s3s::HttpError| async { StatusCode::INTERNAL_SERVER_ERROR };
    Router::new().fallback_service(HandleError::new(service.build(), failed))
}

/// Answers the services that name their operations in a header; S3, which doesn't, is next.
async fn answer(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Some(target) = request.headers().get("x-amz-target").cloned() else { return next.run(request).await };
    let operation = target.to_str().ok().and_then(|target| target.split('.').next_back()).unwrap_or_default();
    let fault = shared.faults.lock().expect("nobody panicked").get_mut(operation).and_then(VecDeque::pop_front);
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    match fault {
        Some(Fault::Throttled) => throttled(),
        fault => {
            let undone = if let Some(Fault::Undone(undone)) = fault { undone } else { 0 };
            if operation == "PutEvents" {
                return put_events(&shared, &body, undone);
            }
            let mut forwarded = ureq::http::Request::post(&shared.database);
            forwarded.headers_mut().expect("headers").extend(head.headers);
            let forward = move |body: Vec<u8>| {
                // The body may have become shorter.
                forwarded.headers_mut().expect("headers").remove("content-length");
                let answer = shared.agent.run(forwarded.body(body).expect("a request"));
                let mut answer = answer.expect("the database answers");
                (answer.status(), answer.body_mut().read_to_vec().expect("a body"))
            };
            forward_most(forward, body, undone).await
        }
    }
}

/// Hands a batch on without its last entries, which the answer lists as not processed.
async fn forward_most(
    forward: impl FnOnce(Vec<u8>) -> (StatusCode, Vec<u8>) + Send + 'static,
    body: Bytes,
    undone: usize,
) -> Response {
    let (kept, left) = if undone == 0 { (body.to_vec(), None) } else { split(&body, undone) };
    let (status, mut answer) = tokio::task::spawn_blocking(|| forward(kept)).await.expect("nobody panicked");
    if let Some((name, left)) = left {
        let mut with: Value = serde_json::from_slice(&answer).expect("JSON");
        with[name] = left;
        answer = with.to_string().into_bytes();
    }
    reply(status, answer)
}

/// A batch without its last entries but with one at least, and those, under the name under which an answer lists them.
fn split(body: &[u8], undone: usize) -> (Vec<u8>, Option<(&'static str, Value)>) {
    let mut kept: Value = serde_json::from_slice(body).expect("JSON");
    let mut left = kept["RequestItems"].clone();
    let mut name = "UnprocessedItems";
    for (table, left) in left.as_object_mut().expect("tables") {
        let kept = &mut kept["RequestItems"][table];
        let (kept, left) = if left.is_array() {
            (kept, left)
        } else {
            name = "UnprocessedKeys";
            (&mut kept["Keys"], &mut left["Keys"])
        };
        let (kept, left) = (kept.as_array_mut().expect("entries"), left.as_array_mut().expect("entries"));
        let from = kept.len().saturating_sub(undone).max(1);
        kept.truncate(from);
        left.drain(..from);
    }
    (kept.to_string().into_bytes(), Some((name, left)))
}

/// Remembers events, but for the last ones, which the answer says to be refused.
fn put_events(shared: &Shared, body: &[u8], undone: usize) -> Response {
    let request: Value = serde_json::from_slice(body).expect("JSON");
    let entries = request["Entries"].as_array().expect("entries");
    let taken = entries.len().saturating_sub(undone);
    let refused = json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"});
    let outcome = |n: usize| if n < taken { json!({"EventId": n.to_string()}) } else { refused.clone() };
    let outcomes: Vec<Value> = (0..entries.len()).map(outcome).collect();
    shared.events.lock().expect("nobody panicked").push(entries.clone());
    let answer = json!({"FailedEntryCount": entries.len() - taken, "Entries": outcomes});
    reply(StatusCode::OK, answer.to_string().into_bytes())
}

fn throttled() -> Response {
    let refusal = json!({"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"});
    reply(StatusCode::BAD_REQUEST, refusal.to_string().into_bytes())
}

fn reply(status: StatusCode, body: Vec<u8>) -> Response {
    let reply = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    reply.body(Body::from(body)).expect("a response")
}
