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
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("port {port} is in use: choose another with --port, or stop what listens on it")]
    PortInUse { port: u16 },
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    #[error("cannot use {folder}", folder = .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the embedded DynamoDB: {0}")]
    Database(String),
    /// The data folder is of another version of the template.
    #[error("table {table} in {folder} has other indexes than infra/template.yaml: delete that folder to start afresh", folder = .folder.display())]
    OutdatedTable { table: String, folder: PathBuf },
    #[error("function {function} does not start")]
    Function {
        function: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("only one of infra/template.yaml and the functions has these routes: {0}")]
    Routes(String),
    #[error("infra/template.yaml has a function {0} that the local stack does not know")]
    UnknownFunction(String),
    #[error("no function has a variable {0}")]
    UnknownVariable(String),
    #[error("an event needs source, detail-type and detail: {0}")]
    NotAnEvent(Value),
}

/// The URLs of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
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
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// How the SDKs reach this stack, with the key that may do everything.
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// A function's variables with the key that may do everything.
    ///
    /// # Panics
    /// When there is no such function.
    pub fn config(&self, function: &str) -> Config {
        let described = &self.template.functions[function];
        let variables = described.variables.clone();
        Config::new(move |variable| variables.get(variable).cloned(), self.sdk.clone())
    }

    /// Where the services answer.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where the HTTP API and Lambda's invoke API answer, such as `http://127.0.0.1:8787`.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    #[allow(clippy::unused_self, reason = "callers should not care that it is a constant")]
    pub fn bucket(&self) -> &str {
        BUCKET
    }

    /// The whole environment that a function's binary needs to run against this stack; empty for an unknown function.
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
    pub fn schedules(&self) -> &[Schedule] {
        &self.template.schedules
    }

    /// The event that the weekly schedule would put on the bus at `as_of`, ready for [`Stack::put_event`] or for the
    /// trainer. `None` when the template has no such schedule.
    pub fn weekly_event(&self, as_of: &str) -> Option<Value> {
        self.scheduled_event("RefreshRequested", as_of)
    }

    /// The event of this type that a schedule would put on the bus at `as_of`.
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
    pub fn events(&self) -> Vec<Value> {
        self.bus.journal.all()
    }

    /// What failed every time: the function or queue, the event and the last error of each.
    pub fn dead_letters(&self) -> Vec<Value> {
        self.functions.dead_letters.all()
    }

    /// What functions asked of the services without being allowed to by their roles.
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
mod tests;
