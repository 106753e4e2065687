//! The whole stack in one process: starting it, talking to it, stopping it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider, StalledStreamProtectionConfig};
use axum::Router;
use axum::http::Uri;
use dynoxide::Database;
use expansion_service::Config;
use expansion_store::{SdkConfig, sdk_config};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bus::{self, Bus, Chaos};
use crate::clock::fresh_secret;
use crate::functions::{self, FunctionError, Functions};
use crate::gateway::{self, Gateway};
use crate::ledger::{Activity, DeadLetters, Journal};
use crate::roles::{ADMINISTRATOR, Roles, SECRET, access_key};
use crate::template::{self, BUCKET, REGION, Schedule, Template, TemplateError};
use crate::{dynamodb, queue, s3};

/// How long a server may take to finish what it is answering.
const GRACE: Duration = Duration::from_secs(5);

/// How a stack is to be started. The default is one in memory, on free ports, without chaos.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where data is kept between runs: `dynamodb.sqlite` and `s3/`. Without it nothing is.
    pub data_dir: Option<PathBuf>,
    /// Where the source tables are, instead of in the bucket. Overrides `SOURCE_URI`.
    pub source: Option<String>,
    /// Values for the functions' environment variables, by name, such as `HORIZON_DAYS`.
    pub variables: BTreeMap<String, String>,
    /// A seed: with it some deliveries of events are late, and some come twice.
    pub chaos: Option<u64>,
    /// The port of the HTTP API and of Lambda's invoke API; any free one when absent.
    pub port: Option<u16>,
}

/// The stack could not be started, or not be used so.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The template is not one that can run here.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The wanted port is taken.
    #[error("port {port} is in use: choose another with --port, or stop what listens on it")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// No port to listen on.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// A folder cannot be used.
    #[error("cannot use {folder}", folder = .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The embedded database failed.
    #[error("the embedded DynamoDB: {0}")]
    Database(String),
    /// The data folder is of another version of the template.
    #[error("table {table} in {folder} has other indexes than infra/template.yaml: delete that folder to start afresh", folder = .folder.display())]
    OutdatedTable {
        /// The table.
        table: String,
        /// The data folder.
        folder: PathBuf,
    },
    /// A function refuses its variables.
    #[error("function {function} does not start")]
    Function {
        /// The function's short name.
        function: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The template has other routes than the functions answer.
    #[error("only one of infra/template.yaml and the functions has these routes: {0}")]
    Routes(String),
    /// The template names a function that this program does not contain.
    #[error("infra/template.yaml has a function {0} that the local stack does not know")]
    UnknownFunction(String),
    /// No function has such a variable.
    #[error("no function has a variable {0}")]
    UnknownVariable(String),
    /// What was to be put on the bus is not an event.
    #[error("an event needs source, detail-type and detail: {0}")]
    NotAnEvent(Value),
}

/// Where the services answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The URL of DynamoDB.
    pub dynamodb: String,
    /// The URL of S3.
    pub s3: String,
    /// The URL of EventBridge.
    pub eventbridge: String,
}

/// A running stack. Dropping it stops everything at once and saves nothing; see [`Stack::shutdown`].
///
/// It wants a multi-threaded runtime: a function that computes for seconds would otherwise hold up the servers that
/// it and everyone else talks to.
pub struct Stack {
    template: Template,
    endpoints: Endpoints,
    api_url: String,
    sdk: SdkConfig,
    functions: Functions,
    roles: Roles,
    bus: Arc<Bus>,
    database: Database,
    database_file: Option<PathBuf>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
    pollers: JoinSet<()>,
    /// Holds the objects when no data folder is given; removed with the stack.
    _scratch: Option<TempDir>,
}

impl Stack {
    /// Starts everything that the template describes.
    ///
    /// # Errors
    /// [`StackError`] says what is in the way.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let mut template = Template::parse(template::TEXT, &fresh_secret())?;
        override_variables(&mut template, &options)?;

        // The port first: when it is taken, nothing else needs to be made.
        let gateway_listener = listen(options.port).await?;
        let (folder, scratch) = data_folder(options.data_dir.as_deref())?;
        let database_file = options.data_dir.map(|folder| folder.join("dynamodb.sqlite"));
        let database = open_database(database_file.clone(), template.tables.clone()).await?;
        let roles = Roles::of(&template);
        let objects = s3::router(&folder.join("s3"), BUCKET, roles.clone())?;

        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let (database_listener, dynamodb_listener) = (listen(None).await?, listen(None).await?);
        let (s3_listener, bus_listener) = (listen(None).await?, listen(None).await?);
        let endpoints =
            Endpoints { dynamodb: url(&dynamodb_listener)?, s3: url(&s3_listener)?, eventbridge: url(&bus_listener)? };
        let door = dynamodb::router(roles.clone(), uri(&database_listener)?);
        serve_database(&mut servers, database_listener, database.clone(), stopped.clone());
        serve(&mut servers, dynamodb_listener, door, stopped.clone());
        serve(&mut servers, s3_listener, objects, stopped.clone());

        let sdk = sdk(&endpoints);
        let (activity, dead_letters) = (Activity::new(), DeadLetters::default());
        let (functions, api) = functions::start(&template, &sdk, &activity, &dead_letters)?;
        let mut pollers = JoinSet::new();
        let bus = Arc::new(make_bus(&template, &functions, &roles, &mut pollers, options.chaos));
        serve(&mut servers, bus_listener, bus::router(Arc::clone(&bus)), stopped.clone());

        let api_url = url(&gateway_listener)?;
        let gateway = Arc::new(Gateway { template: template.clone(), functions: functions.clone() });
        serve(&mut servers, gateway_listener, gateway::router(gateway, api), stopped);

        Ok(Self {
            template,
            endpoints,
            api_url,
            sdk,
            functions,
            roles,
            bus,
            database,
            database_file,
            stop,
            servers,
            pollers,
            _scratch: scratch,
        })
    }

    /// What the template says, with the options' variables in it.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// How the SDKs reach this stack, with the key that may do everything.
    #[must_use]
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// A function's variables with the key that may do everything.
    ///
    /// # Panics
    /// When there is no such function.
    #[must_use]
    pub fn config(&self, function: &str) -> Config {
        let described = &self.template.functions[function];
        let variables = described.variables.clone();
        Config::new(move |variable| variables.get(variable).cloned(), self.sdk.clone())
    }

    /// Where the services answer.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where the HTTP API and Lambda's invoke API answer, such as `http://127.0.0.1:8787`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The name of the bucket.
    #[must_use]
    #[allow(clippy::unused_self, reason = "callers should not care that it is a constant")]
    pub fn bucket(&self) -> &str {
        BUCKET
    }

    /// The whole environment that a function's binary needs to run against this stack; empty for an unknown function.
    #[must_use]
    pub fn environment(&self, function: &str) -> BTreeMap<String, String> {
        let found = self.template.function_name(function);
        let Some(described) = found.and_then(|name| self.template.functions.get(name)) else { return BTreeMap::new() };
        let (memory, key) = (described.memory_mb.to_string(), access_key(found.unwrap_or_default()));
        let runtime: [(&str, &str); 3] = [
            ("AWS_LAMBDA_FUNCTION_NAME", &described.deployed_name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ];
        let mut environment = described.variables.clone();
        environment.extend(
            aws_variables(&self.endpoints, &key)
                .into_iter()
                .chain(runtime)
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        environment
    }

    /// The schedules, none of which fires here.
    #[must_use]
    pub fn schedules(&self) -> &[Schedule] {
        &self.template.schedules
    }

    /// The event that the weekly schedule would put on the bus at `as_of`, ready for [`Stack::put_event`] or for the
    /// trainer. `None` when the template has no such schedule.
    #[must_use]
    pub fn weekly_event(&self, as_of: &str) -> Option<Value> {
        self.scheduled_event("RefreshRequested", as_of)
    }

    /// The event of this type that a schedule would put on the bus at `as_of`.
    #[must_use]
    pub fn scheduled_event(&self, detail_type: &str, as_of: &str) -> Option<Value> {
        self.template.schedules.iter().find(|schedule| schedule.detail_type == detail_type)?.event(as_of).ok()
    }

    /// Puts an event on the bus: an object with `source`, `detail-type` and `detail`.
    ///
    /// # Errors
    /// [`StackError::NotAnEvent`] when one of them is missing.
    pub fn put_event(&self, event: &Value) -> Result<(), StackError> {
        match (event["source"].as_str(), event["detail-type"].as_str(), &event["detail"]) {
            (Some(source), Some(detail_type), detail @ Value::Object(_)) => {
                self.bus.publish(&bus::event(source, detail_type, detail, &json!([]), None));
                Ok(())
            }
            _ => Err(StackError::NotAnEvent(event.clone())),
        }
    }

    /// Invokes a function and waits for its answer. A function of the HTTP API takes an API Gateway event and answers
    /// with an API Gateway response.
    ///
    /// # Errors
    /// [`FunctionError`] when the function fails, panics or takes longer than its time limit, and when there is none
    /// of that name.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        let name = self.template.function_name(function).unwrap_or(function);
        self.functions.invoke(name, payload).await
    }

    /// Returns once no event and no message is on its way or being worked on.
    pub async fn idle(&self) {
        self.functions.activity.idle().await;
    }

    /// The events put on the bus, oldest first; of very many the newest.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.bus.journal.all()
    }

    /// What failed every time: the function or queue, the event and the last error of each.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Value> {
        self.functions.dead_letters.all()
    }

    /// What functions asked of the services without being allowed to by their roles.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.roles.refused()
    }

    /// Saves the database to the data folder; does nothing without one.
    ///
    /// # Errors
    /// [`StackError::Database`] or [`StackError::Folder`] when it cannot be written.
    pub async fn save(&self) -> Result<(), StackError> {
        let Some(file) = self.database_file.clone() else { return Ok(()) };
        let database = self.database.clone();
        blocking(move || dynamodb::save(&database, &file)).await
    }

    /// Stops the servers once they have answered what they were asked, and saves the database.
    ///
    /// Events and messages still under way are lost, as nothing waits for them: wait for [`Stack::idle`] first, or
    /// leave it to the next check of the runs to ask for missing shards again.
    ///
    /// # Errors
    /// As [`Stack::save`].
    pub async fn shutdown(mut self) -> Result<(), StackError> {
        self.pollers.abort_all();
        let _ = self.stop.send(true);
        let all_stopped = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all_stopped).await.is_err() {
            tracing::warn!("a server was still answering when it was stopped");
        }
        self.save().await
    }
}

/// Puts the options' values where the template's would be.
fn override_variables(template: &mut Template, options: &Options) -> Result<(), StackError> {
    let source = options.source.iter().map(|uri| ("SOURCE_URI", uri));
    for (name, value) in options.variables.iter().map(|(name, value)| (&**name, value)).chain(source) {
        let all = template.functions.values_mut().filter_map(|function| function.variables.get_mut(name));
        if all.map(|variable| variable.clone_from(value)).count() == 0 {
            return Err(StackError::UnknownVariable(name.to_owned()));
        }
    }
    Ok(())
}

/// The folder for data, and what removes it again when it is only for now.
fn data_folder(wanted: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), StackError> {
    if let Some(folder) = wanted {
        let at = |source| StackError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(at)?;
        return Ok((folder.to_owned(), None));
    }
    let scratch = TempDir::new().map_err(|source| StackError::Folder { folder: std::env::temp_dir(), source })?;
    Ok((scratch.path().to_owned(), Some(scratch)))
}

async fn open_database(file: Option<PathBuf>, tables: Vec<template::Table>) -> Result<Database, StackError> {
    blocking(move || dynamodb::open(file.as_deref(), &tables)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StackError> + Send + 'static,
) -> Result<T, StackError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(StackError::Database(cause.to_string())))
}

async fn listen(port: Option<u16>) -> Result<TcpListener, StackError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    TcpListener::bind(address).await.map_err(|cause| match (cause.kind(), port) {
        (io::ErrorKind::AddrInUse, Some(port)) => StackError::PortInUse { port },
        _ => StackError::Listen(cause),
    })
}

fn url(listener: &TcpListener) -> Result<String, StackError> {
    listener.local_addr().map(|address| format!("http://{address}")).map_err(StackError::Listen)
}

fn uri(listener: &TcpListener) -> Result<Uri, StackError> {
    url(listener)?.parse().map_err(|cause| StackError::Listen(io::Error::other(cause)))
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means stop, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn serve(servers: &mut JoinSet<()>, listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    servers.spawn(async move {
        if let Err(cause) = axum::serve(listener, router).with_graceful_shutdown(wait_for(stopped)).await {
            tracing::error!(error = %cause, "a server stopped");
        }
    });
}

fn serve_database(
    servers: &mut JoinSet<()>,
    listener: TcpListener,
    database: Database,
    stopped: watch::Receiver<bool>,
) {
    servers.spawn(async move {
        if let Err(cause) = dynoxide::server::serve_with_shutdown(listener, database, wait_for(stopped)).await {
            tracing::error!(error = cause, "the database's server stopped");
        }
    });
}

/// The bus, with a queue and its poller wherever a function is fed by one.
fn make_bus(
    template: &Template,
    functions: &Functions,
    roles: &Roles,
    pollers: &mut JoinSet<()>,
    chaos: Option<u64>,
) -> Bus {
    let mut queues = BTreeMap::new();
    for described in &template.queues {
        let (queue, poller) = queue::open(described.clone(), functions);
        pollers.spawn(poller);
        queues.insert(described.name.clone(), queue);
    }
    Bus {
        name: template.bus.clone(),
        rules: template.rules.clone(),
        roles: roles.clone(),
        functions: functions.clone(),
        queues,
        chaos: chaos.map(Chaos::new),
        journal: Journal::default(),
    }
}

/// The SDKs' configuration for these endpoints, with the key that may do everything.
fn sdk(endpoints: &Endpoints) -> SdkConfig {
    let variables = aws_variables(endpoints, ADMINISTRATOR);
    let get = |wanted: &str| Some((*variables.iter().find(|(name, _)| *name == wanted)?.1).to_owned());
    // What shares two cores with a training run may well stall for some seconds.
    let config = sdk_config(get).into_builder().stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.build()
}

/// The same configuration with a function's own key.
pub(crate) fn sdk_of(function: &str, sdk: &SdkConfig) -> SdkConfig {
    let credentials = Credentials::new(access_key(function), SECRET, None, None, "local");
    sdk.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// The variables by which the SDKs find this stack.
fn aws_variables<'a>(endpoints: &'a Endpoints, key: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", &endpoints.eventbridge),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ]
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use aws_sdk_dynamodb::error::ProvideErrorMetadata;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_eventbridge::types::PutEventsRequestEntry;
    use aws_sdk_s3::primitives::ByteStream;

    use super::*;

    /// Sends a request by hand, and gives the head and the body of the answer.
    async fn send(url: &str, request: &str, headers: &str, body: &str) -> (String, String) {
        let address = url.trim_start_matches("http://").to_owned();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).expect("the gateway listens");
            stream.write_all(text.as_bytes()).expect("it takes the request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            answer
        });
        let answer = answer.await.expect("the client does not panic");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), body.to_owned())
    }

    fn dynamodb(stack: &Stack) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(stack.sdk())
    }

    fn s3(stack: &Stack) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(stack.sdk())
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    async fn put_run(stack: &Stack, run: &str) {
        let put = dynamodb(stack).put_item().table_name("expansion_control");
        put.item("pk", text("RUN")).item("sk", text(run)).item("open", text("yes")).send().await.expect("it is put");
    }

    async fn open_runs(stack: &Stack) -> usize {
        let query = dynamodb(stack).query().table_name("expansion_control");
        let query = query.index_name("idx_expansion_control_open_runs").key_condition_expression("#o = :o");
        let query = query.expression_attribute_names("#o", "open").expression_attribute_values(":o", text("yes"));
        query.send().await.expect("it is queried").items().len()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sdks_clients_reach_the_embedded_services() {
        let stack = Stack::start(Options::default()).await.expect("it starts");
        put_run(&stack, "r1").await;
        assert_eq!(open_runs(&stack).await, 1);

        let s3 = &s3(&stack);
        let put = || s3.put_object().bucket(stack.bucket()).key("models/m1/manifest.json").if_none_match("*");
        put().body(ByteStream::from_static(b"{}")).send().await.expect("the first is written");
        assert!(put().body(ByteStream::from_static(b"[]")).send().await.is_err());
        let object =
            s3.get_object().bucket(stack.bucket()).key("models/m1/manifest.json").send().await.expect("it is there");
        assert_eq!(&*object.body.collect().await.expect("its body").into_bytes(), b"{}");
        let listed = s3.list_objects_v2().bucket(stack.bucket()).prefix("models/").send().await.expect("a listing");
        assert_eq!(listed.contents()[0].key(), Some("models/m1/manifest.json"));

        let entry = |detail| {
            let entry = PutEventsRequestEntry::builder().event_bus_name("expansion").source("expansion-propensity");
            entry.detail_type("ModelTrained").detail(detail).build()
        };
        let put = aws_sdk_eventbridge::Client::new(stack.sdk()).put_events().entries(entry("{}")).entries(entry("no"));
        let result = put.send().await.expect("a result");
        assert_eq!(result.failed_entry_count(), 1);
        assert!(result.entries()[0].event_id().is_some());
        assert_eq!(result.entries()[1].error_code(), Some("MalformedDetail"));
        stack.idle().await;
        assert_eq!(stack.dead_letters(), Vec::<Value>::new());
        stack.shutdown().await.expect("it stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_function_may_do_only_what_its_role_says() {
        let stack = Stack::start(Options::default()).await.expect("it starts");
        let config = sdk_of("get-propensity", stack.sdk());
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let key = |get: aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder| {
            get.key("pk", text("run")).key("sk", text("r1"))
        };
        key(dynamodb.get_item().table_name("expansion_control")).send().await.expect("it may read");
        let put = dynamodb.put_item().table_name("expansion_control").item("pk", text("run")).item("sk", text("r1"));
        let refused = put.send().await.expect_err("it may not write");
        assert_eq!(refused.code(), Some("AccessDeniedException"), "{refused:?}");
        let s3 = aws_sdk_s3::Client::new(&config);
        let refused = s3.get_object().bucket(stack.bucket()).key("models/m1").send().await.expect_err("no models");
        assert_eq!(refused.code(), Some("AccessDenied"), "{refused:?}");
        let entry = PutEventsRequestEntry::builder().event_bus_name("expansion").source("expansion-propensity");
        let put = aws_sdk_eventbridge::Client::new(&config).put_events();
        let refused = put.entries(entry.detail_type("ModelTrained").detail("{}").build()).send().await;
        assert_eq!(refused.expect_err("no events").code(), Some("AccessDeniedException"));
        assert_eq!(stack.refused().len(), 3);
        stack.shutdown().await.expect("it stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_front_door_answers_as_api_gateway_and_lambda_do() {
        let stack = Stack::start(Options::default()).await.expect("it starts");
        let url = stack.api_url();
        let (head, body) = send(url, "GET /nothing", "", "").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        assert_eq!(body, r#"{"message":"Not Found"}"#);
        let (head, _) = send(url, "GET /api/analytics/expansion-propensity?limit=3", "", "").await;
        assert!(head.starts_with("HTTP/1.1"), "{head}");

        let path = |name: &str| format!("POST /2015-03-31/functions/{name}/invocations");
        let (head, body) = send(url, &path("nobody"), "", "{}").await;
        assert!(head.starts_with("HTTP/1.1 404") && body.contains("Function not found"), "{head} {body}");
        let (head, _) = send(url, &path("trainer"), "", "{").await;
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
        let (head, _) = send(url, &path("trainer"), "x-amz-invocation-type: DryRun\r\n", "{}").await;
        assert!(head.starts_with("HTTP/1.1 204"), "{head}");
        let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Alist-propensities";
        // Not an API Gateway event: the function's error is a successful answer of Lambda's.
        let (head, body) = send(url, &path(arn), "", "{}").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-amz-function-error: Unhandled"), "{head}");
        assert!(body.contains("errorMessage"), "{body}");
        stack.shutdown().await.expect("it stops");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn data_outlives_the_stack_in_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = || Options { data_dir: Some(folder.path().to_owned()), ..Options::default() };
        let first = Stack::start(options()).await.expect("it starts");
        put_run(&first, "r1").await;
        let put = s3(&first).put_object().bucket(first.bucket()).key("source/customers/a.csv");
        put.body(ByteStream::from_static(b"customer_id\n")).send().await.expect("it is written");
        first.shutdown().await.expect("it stops");

        let second = Stack::start(options()).await.expect("it starts again");
        assert_eq!(open_runs(&second).await, 1);
        let head = s3(&second).head_object().bucket(second.bucket()).key("source/customers/a.csv");
        assert!(head.send().await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_taken_port_is_said_so() {
        let stack = Stack::start(Options::default()).await.expect("it starts");
        let port = stack.api_url().rsplit(':').next().and_then(|port| port.parse().ok());
        let again = Stack::start(Options { port, ..Options::default() }).await;
        assert!(matches!(again, Err(StackError::PortInUse { port: taken }) if Some(taken) == port));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_binarys_environment_has_its_variables_and_the_endpoints() {
        let source = Some("file:///data/source".to_owned());
        let variables = BTreeMap::from([("HORIZON_DAYS".to_owned(), "30".to_owned())]);
        let stack = Stack::start(Options { source, variables, ..Options::default() }).await.expect("it starts");
        let environment = stack.environment("trainer");
        assert_eq!(environment["SOURCE_URI"], "file:///data/source");
        assert_eq!(environment["HORIZON_DAYS"], "30");
        assert_eq!(environment["AWS_ENDPOINT_URL_EVENTBRIDGE"], stack.endpoints().eventbridge);
        assert_eq!(stack.environment("list-propensities")["CURSOR_SECRET"].len(), 64);
        assert!(stack.environment("nobody").is_empty());
        let weekly = stack.weekly_event("2026-11-02T06:00:00Z").expect("a weekly schedule");
        assert_eq!(weekly["detail"]["as_of"], "2026-11-02T06:00:00Z");

        let unknown = BTreeMap::from([("HORIZON".to_owned(), "30".to_owned())]);
        let refused = Stack::start(Options { variables: unknown, ..Options::default() }).await;
        assert!(matches!(refused, Err(StackError::UnknownVariable(name)) if name == "HORIZON"));
    }
}
