//! The whole stack in one process: starting it, talking to it, stopping it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider, StalledStreamProtectionConfig};
use axum::Router;
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
use crate::dynamodb::Log;
use crate::functions::{self, FunctionError};
use crate::gateway::{self, Gateway};
use crate::ledger::Ledger;
use crate::roles::{ADMINISTRATOR, Roles, SECRET, access_key};
use crate::template::{self, BUCKET, REGION, Template, TemplateError};
use crate::{dynamodb, queue, s3};

/// How long a server may take to finish what it is answering.
const GRACE: Duration = Duration::from_secs(5);

/// How a stack is to be started. The default is one in memory, on free ports, without chaos.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where data is kept between runs: `dynamodb.sqlite` and `s3/`. Without it nothing is. Only one stack at a time may
    /// use a folder.
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
    #[error("cannot use --data-dir {folder}", folder = .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot make a temporary folder in {folder}", folder = .folder.display())]
    TemporaryFolder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("--data-dir {folder} is in use by another process: stop that one, or name another folder", folder = .folder.display())]
    FolderInUse { folder: PathBuf },
    #[error("the embedded DynamoDB: {0}")]
    Database(String),
    #[error("cannot use the database {file}: {reason}", file = .file.display())]
    DatabaseFile { file: PathBuf, reason: String },
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
    pub eventbridge: String,
}

/// A running stack. Dropping it stops everything at once; see [`Stack::shutdown`]. Either way, and if the process is
/// killed, what was answered is in the data folder, and so are all rows of runs that were closed.
///
/// It wants a multi-threaded runtime: a function that computes for seconds would otherwise hold up the servers that
/// it and everyone else talks to.
pub struct Stack {
    template: Template,
    endpoints: Endpoints,
    api_url: String,
    sdk: SdkConfig,
    bus: Arc<Bus>,
    servers: Servers,
    pollers: JoinSet<()>,
    _folder: DataFolder,
}

impl Stack {
    /// Starts everything that the template describes.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let mut template = Template::parse(template::TEXT, &fresh_secret())?;
        override_variables(&mut template, &options)?;

        // The port first: when it is taken, nothing else needs to be made.
        let gateway_listener = listen(options.port).await?;
        let folder = DataFolder::open(options.data_dir.as_deref())?;
        let (database, log) = open_database(&folder, &template).await?;
        let roles = Roles::of(&template);
        let objects = s3::router(&folder.path().join("s3"), BUCKET, roles.clone())?;

        let mut servers = Servers::default();
        let (database_listener, bus_listener) = (listen(None).await?, listen(None).await?);
        let door = dynamodb::router(roles.clone(), url(&database_listener)?, log);
        let stopped = servers.stopped();
        servers.spawn(dynoxide::server::serve_with_shutdown(database_listener, database, stopped));
        let endpoints = Endpoints {
            eventbridge: url(&bus_listener)?,
            dynamodb: servers.serve(listen(None).await?, door)?,
            s3: servers.serve(listen(None).await?, objects)?,
        };

        let sdk = sdk(&endpoints);
        let (functions, api) = functions::start(&template, &sdk)?;
        let mut pollers = JoinSet::new();
        let queues = template.queues.iter().map(|described| {
            let (queue, poller) = queue::open(described.clone(), &functions);
            pollers.spawn(poller);
            (described.name.clone(), queue)
        });
        let bus = Arc::new(Bus {
            name: template.bus.clone(),
            rules: template.rules.clone(),
            roles,
            functions: functions.clone(),
            queues: queues.collect(),
            chaos: options.chaos.map(Chaos::new),
            journal: Ledger::default(),
        });
        servers.serve(bus_listener, bus::router(Arc::clone(&bus)))?;

        let gateway = Arc::new(Gateway { template: template.clone(), functions });
        let api_url = servers.serve(gateway_listener, gateway::router(gateway, api))?;
        Ok(Self { template, endpoints, api_url, sdk, bus, servers, pollers, _folder: folder })
    }

    /// How the SDKs reach this stack, with the key that may do everything.
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// A function's variables with the key that may do everything; panics when there is no such function.
    pub fn config(&self, function: &str) -> Config {
        functions::config(&self.template.functions[function], self.sdk.clone())
    }

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
        let Some(name) = self.template.function_name(function) else { return BTreeMap::new() };
        let described = &self.template.functions[name];
        let runtime = [
            ("AWS_LAMBDA_FUNCTION_NAME", described.deployed_name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", described.memory_mb.to_string()),
        ];
        let more = aws_variables(&self.endpoints, access_key(name)).into_iter().chain(runtime);
        let mut environment = described.variables.clone();
        environment.extend(more.map(|(name, value)| (name.to_owned(), value)));
        environment
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
    pub fn put_event(&self, event: &Value) -> Result<(), StackError> {
        let (Some(source), Some(detail_type), detail @ Value::Object(_)) =
            (event["source"].as_str(), event["detail-type"].as_str(), &event["detail"])
        else {
            return Err(StackError::NotAnEvent(event.clone()));
        };
        self.bus.publish(&bus::event(source, detail_type, detail, &json!([]), None));
        Ok(())
    }

    /// Invokes a function and waits for its answer. A function of the HTTP API takes an API Gateway event and answers
    /// with an API Gateway response.
    ///
    /// # Errors
    /// [`FunctionError`] when the function fails, panics or takes longer than its time limit, and when there is none
    /// of that name.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        let name = self.template.function_name(function).unwrap_or(function);
        self.bus.functions.invoke(name, payload).await
    }

    /// Returns once no event and no message is on its way or being worked on.
    pub async fn idle(&self) {
        self.bus.functions.activity.idle().await;
    }

    /// The events put on the bus, oldest first; of very many the newest.
    pub fn events(&self) -> Vec<Value> {
        self.bus.journal.all()
    }

    /// What failed every time: the function or queue, the event and the last error of each.
    pub fn dead_letters(&self) -> Vec<Value> {
        self.bus.functions.dead_letters.all()
    }

    /// What functions asked of the services without being allowed to by their roles.
    pub fn refused(&self) -> Vec<String> {
        self.bus.roles.refused.all()
    }

    /// Stops the servers once they have answered what they were asked.
    ///
    /// Events and messages still under way are lost, as nothing waits for them: wait for [`Stack::idle`] first. Runs that
    /// are then unfinished stay on record, and go on when they are requested again.
    pub async fn shutdown(mut self) {
        self.pollers.abort_all();
        self.servers.stop().await;
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

/// The folder for data.
enum DataFolder {
    /// Kept, and locked against other processes until the file is closed.
    Kept { path: PathBuf, _lock: File },
    /// Only for now.
    Scratch(TempDir),
}

impl DataFolder {
    fn open(wanted: Option<&Path>) -> Result<Self, StackError> {
        let Some(path) = wanted else {
            let in_temporary = |source| StackError::TemporaryFolder { folder: std::env::temp_dir(), source };
            return Ok(Self::Scratch(TempDir::new().map_err(in_temporary)?));
        };
        let at = |source| StackError::Folder { folder: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(at)?;
        let lock = File::create(path.join(".lock")).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self::Kept { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StackError::FolderInUse { folder: path.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(at(cause)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept { path, .. } => path,
            Self::Scratch(folder) => folder.path(),
        }
    }
}

/// The tables of the template, and what makes them durable where the folder is kept.
async fn open_database(folder: &DataFolder, template: &Template) -> Result<(Database, Option<Log>), StackError> {
    let tables = template.tables.clone();
    let DataFolder::Kept { path, .. } = folder else {
        return Ok((blocking(move || dynamodb::open(None, &tables)).await?, None));
    };
    let (folder, file) = (path.clone(), path.join("dynamodb.sqlite"));
    let log = Log::of(&file);
    let database = blocking(move || {
        let database = dynamodb::open(Some(&file), &tables)?;
        dynamodb::sync_folder(&folder).map_err(|source| StackError::Folder { folder, source })?;
        Ok(database)
    });
    Ok((database.await?, Some(log)))
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

/// The servers that run, and what stops them.
#[derive(Default)]
struct Servers {
    running: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Servers {
    /// Returns once the servers are to stop.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // A sender that is gone means stop, too.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    /// Serves a router and returns its URL.
    fn serve(&mut self, listener: TcpListener, router: Router) -> Result<String, StackError> {
        let url = url(&listener)?;
        let stopped = self.stopped();
        self.spawn(axum::serve(listener, router).with_graceful_shutdown(stopped).into_future());
        Ok(url)
    }

    fn spawn<E: Display>(&mut self, server: impl Future<Output = Result<(), E>> + Send + 'static) {
        self.running.spawn(async move {
            if let Err(cause) = server.await {
                tracing::error!(error = %cause, "a server stopped");
            }
        });
    }

    /// Stops the servers once they have answered what they were asked.
    async fn stop(&mut self) {
        self.stop.send_replace(true);
        let all_stopped = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all_stopped).await.is_err() {
            tracing::warn!("a server was still answering when it was stopped");
        }
    }
}

/// The SDKs' configuration for these endpoints, with the key that may do everything.
fn sdk(endpoints: &Endpoints) -> SdkConfig {
    let variables = BTreeMap::from(aws_variables(endpoints, ADMINISTRATOR.to_owned()));
    // What shares two cores with a training run may well stall for some seconds.
    let patient = StalledStreamProtectionConfig::disabled();
    sdk_config(|name| variables.get(name).cloned()).into_builder().stalled_stream_protection(patient).build()
}

/// The same configuration with a function's own key.
pub(crate) fn sdk_of(function: &str, sdk: &SdkConfig) -> SdkConfig {
    let credentials = Credentials::new(access_key(function), SECRET, None, None, "local");
    sdk.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// The variables by which the SDKs find this stack.
fn aws_variables(endpoints: &Endpoints, key: String) -> [(&'static str, String); 6] {
    [
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb.clone()),
        ("AWS_ENDPOINT_URL_S3", endpoints.s3.clone()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", endpoints.eventbridge.clone()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
    ]
}

#[cfg(test)]
mod tests;
