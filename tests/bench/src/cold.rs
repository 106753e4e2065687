//! Cold starts: each function's binary against a Lambda Runtime API and the embedded stack, with the CPU time and the
//! memory that the operating system counted for its process (Linux only).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use expansion_local::{Options, Stack};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use expansion_bench::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder with the binaries, such as `target/lambda-x86_64`.
    #[arg(long)]
    binaries: PathBuf,
    /// A source folder, such as one that `demo --out` wrote.
    #[arg(long)]
    source: PathBuf,
    /// What is known, such as 2026-06-30T23:59:59Z.
    #[arg(long)]
    as_of: String,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 15)]
    starts: usize,
    /// Warm invocations of each cold start.
    #[arg(long, default_value_t = 20)]
    warm: usize,
    /// The functions, each with a sample event: `function=events/function/case.json`.
    #[arg(required = true)]
    functions: Vec<String>,
}

/// The Runtime API of one process: events go out, answers come back.
struct Runtime {
    events: Mutex<mpsc::Receiver<Value>>,
    asked: mpsc::Sender<()>,
    answers: mpsc::Sender<Result<Bytes, String>>,
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let _ = runtime.asked.send(()).await;
    let Some(event) = runtime.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:cold"),
    ];
    (headers, event.to_string()).into_response()
}

async fn answer(State(runtime): State<Arc<Runtime>>, uri: Uri, body: Bytes) -> StatusCode {
    let failed = uri.path().ends_with("/error");
    let answer = if failed { Err(String::from_utf8_lossy(&body).into_owned()) } else { Ok(body) };
    let _ = runtime.answers.send(answer).await;
    StatusCode::ACCEPTED
}

/// What one cold start took, in CPU milliseconds and megabytes.
struct Start {
    init_ms: f64,
    first_ms: f64,
    warm_ms: f64,
    peak_mb: f64,
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(
    binary: &PathBuf,
    environment: &BTreeMap<String, String>,
    event: &Value,
    warm: usize,
) -> Result<Start, Failure> {
    let (send_event, events) = mpsc::channel(1);
    let (asked, mut was_asked) = mpsc::channel(1);
    let (answers, mut answered) = mpsc::channel(1);
    let runtime = Arc::new(Runtime { events: Mutex::new(events), asked, answers });
    let router = Router::new().route("/2018-06-01/runtime/invocation/next", get(next));
    let router = router.fallback(answer).with_state(runtime);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let process = Command::new(binary)
        .env_clear()
        .envs(environment)
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/cold")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "cold")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let process = Killed(process);
    let pid = process.0.id();
    let patience = Duration::from_mins(1);
    tokio::time::timeout(patience, was_asked.recv()).await?.ok_or("no init")?;
    let init_ms = cpu_ms(pid)?;
    let mut invoke = async || -> Result<f64, Failure> {
        let before = cpu_ms(pid)?;
        send_event.send(event.clone()).await?;
        let body = tokio::time::timeout(patience, answered.recv()).await?.ok_or("no answer")??;
        tokio::time::timeout(patience, was_asked.recv()).await?.ok_or("it ended")?;
        let answer: Value = serde_json::from_slice(&body)?;
        if answer.get("statusCode").is_some_and(|status| status != 200) {
            return Err(format!("answered with {answer}").into());
        }
        Ok(cpu_ms(pid)? - before)
    };
    let first_ms = invoke().await?;
    let mut rest = Vec::new();
    for _ in 0..warm {
        rest.push(invoke().await?);
    }
    let peak_mb = peak_mb(pid)?;
    server.abort();
    Ok(Start { init_ms, first_ms, warm_ms: median(rest), peak_mb })
}

/// The CPU time of all threads of a process.
fn cpu_ms(pid: u32) -> Result<f64, Failure> {
    let mut nanoseconds = 0_u64;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds).as_secs_f64() * 1000.0)
}

fn peak_mb(pid: u32) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let source = Some(arguments.source.display().to_string());
    let stack = Stack::start(Options { source, ..Options::default() }).await?;
    stack.put_event(&stack.weekly_event(&arguments.as_of).ok_or("no weekly schedule")?)?;
    stack.idle().await;
    let mut measured = serde_json::Map::new();
    for named in &arguments.functions {
        let (function, file) = named.split_once('=').ok_or("expected function=event.json")?;
        let mut event: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        if event.get("version").is_some_and(|version| version == "2.0") {
            event["requestContext"]["timeEpoch"] = json!(1_782_000_000_000_u64);
        }
        let binary = arguments.binaries.join(function);
        let environment = stack.environment(function);
        let mut starts = Vec::new();
        for _ in 0..arguments.starts {
            starts.push(start(&binary, &environment, &event, arguments.warm).await?);
        }
        let of = |value: fn(&Start) -> f64| hundredths(median(starts.iter().map(value).collect()));
        let size_mb = f64::from(u32::try_from(std::fs::metadata(&binary)?.len())?) / 1_000_000.0;
        measured.insert(
            function.to_owned(),
            json!({
                "binary_mb": hundredths(size_mb),
                "init_cpu_ms": of(|start| start.init_ms),
                "first_cpu_ms": of(|start| start.first_ms),
                "warm_cpu_ms": of(|start| start.warm_ms),
                "peak_rss_mb": of(|start| start.peak_mb),
            }),
        );
    }
    stack.shutdown().await;
    Ok(Value::Object(measured))
}
