//! The functions as they are deployed: programs of their own that fetch their work from the Lambda Runtime API.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use escargot::CargoBuild;
use escargot::format::Message;
use lambda_simulator::{InvocationStatus, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use crate::within;

/// How long a function may take.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A function's program, running under a simulated Lambda; it is killed when this is dropped.
pub struct Binary {
    simulator: Simulator,
    process: Child,
    logs: TempDir,
}

impl Binary {
    /// Starts a function with an environment and nothing else.
    pub async fn start(function: &str, environment: &BTreeMap<String, String>) -> Self {
        let simulator = Simulator::builder().function_name(function).invocation_timeout(TIMEOUT).build();
        let simulator = simulator.await.expect("the simulator starts");
        let logs = TempDir::new().expect("a folder for logs");
        let log = |name: &str| File::create(logs.path().join(name)).expect("a log file");
        let process = Command::new(&programs()[function])
            .env_clear()
            .envs(simulator.lambda_env_vars())
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .spawn()
            .expect("the program starts");
        Self { simulator, process, logs }
    }

    /// Invokes the function: its answer, or type and message of its error.
    ///
    /// # Errors
    /// What the function reported.
    pub async fn invoke(&mut self, payload: Value) -> Result<Value, (String, String)> {
        let id = self.simulator.enqueue_payload(payload).await;
        let done = self.simulator.wait_for_invocation_complete(&id, TIMEOUT).await;
        let done = done.unwrap_or_else(|error| panic!("{error}; the function said: {}", self.said()));
        match (done.status, done.response, done.error) {
            (InvocationStatus::Success, Some(response), _) => Ok(response.payload),
            (_, _, Some(error)) => Err((error.error_type, error.error_message)),
            (status, ..) => panic!("neither answer nor error, but {status:?}"),
        }
    }

    /// Waits until a program that cannot start has ended; whether it ended well, and what it said.
    pub async fn ended(mut self) -> (bool, String) {
        let process = &mut self.process;
        let exit = within("the end of the program", async {
            loop {
                if let Some(exit) = process.try_wait().expect("a process of ours") {
                    return exit;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        (exit.await.success(), self.said())
    }

    /// Everything the program wrote, each line of which must be a JSON object.
    pub fn log(&self) -> Vec<Value> {
        let said = self.said();
        let parsed = said.lines().map(|line| match serde_json::from_str(line) {
            Ok(Value::Object(record)) => Value::Object(record),
            _ => panic!("not a JSON object: {line}"),
        });
        parsed.collect()
    }

    fn said(&self) -> String {
        ["stdout", "stderr"].map(|name| read_to_string(self.logs.path().join(name)).expect("a log file")).concat()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The programs, built once from the sources that the tests were built from.
fn programs() -> &'static BTreeMap<String, PathBuf> {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // All that the workspace has (its default members), so that dependencies have the features that they were built with before.
        let build = CargoBuild::new().bins().current_release();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let messages = build.manifest_path(root).exec().expect("cargo runs");
        let mut programs = BTreeMap::new();
        for message in messages {
            let message = message.expect("the programs are built");
            if let Ok(Message::CompilerArtifact(artifact)) = message.decode()
                && let Some(program) = artifact.executable
            {
                programs.insert(artifact.target.name.into_owned(), program.into_owned());
            }
        }
        programs
    })
}
