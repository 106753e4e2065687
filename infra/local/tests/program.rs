//! The program itself: what it keeps when it is killed, how it ends, and what it refuses.
#![allow(clippy::tests_outside_test_module, reason = "an integration test is one")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use expansion_local::{Options, Stack, refresh};
use expansion_records::RunStage;
use expansion_simulator::{Settings, simulate, write};
use jiff::civil::date;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the program may take to begin or to end.
const PATIENCE: Duration = Duration::from_mins(2);
/// Outcomes recorded at the same time, and how many of them by each client.
const CLIENTS: usize = 4;
const OUTCOMES_EACH: usize = 10;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_expansion-local"))
}

/// A small source, with too few outcomes to learn from, which is quicker.
fn source(folder: &Path) {
    let mut portfolio = simulate(&Settings { customers: 60, months: 12, end: date(2025, 6, 30), seed: 3, drift: None });
    portfolio.expansion_opportunities.truncate(10);
    write(&portfolio, folder, None).expect("it is written");
}

/// A program that serves; killed when this is dropped.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    /// Starts the program over `source` and waits until its refresh is complete.
    fn start(source: &Path, data: &Path) -> Self {
        let port = free_port();
        let mut command = program();
        command.arg("--source").arg(source).arg("--data-dir").arg(data).args(["--as-of", "2025-06-30"]);
        let process = command.args(["--port", &port.to_string()]).stdout(Stdio::null()).spawn().expect("it starts");
        let mut served = Self { process, url: format!("http://127.0.0.1:{port}") };
        let began = Instant::now();
        while !served.is_ready() {
            let ended = served.process.try_wait().expect("a process of ours");
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "it does not serve: {ended:?}");
            sleep(Duration::from_millis(50));
        }
        served
    }

    fn is_ready(&self) -> bool {
        let listed = agent().get(format!("{}/api/analytics/expansion-propensity", self.url)).call();
        listed.is_ok_and(|answer| answer.status() == 200)
    }

    /// The rows that readers see.
    fn rows(&self) -> Vec<Value> {
        let mut listed = agent().get(format!("{}/api/analytics/expansion-propensity?limit=100", self.url)).call();
        let text = listed.as_mut().expect("it answers").body_mut().read_to_string().expect("a body");
        let listed: Value = serde_json::from_str(&text).expect("JSON");
        listed["data"].as_array().expect("rows").clone()
    }

    /// Posts what must be answered with `status`; the answer.
    fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let url = format!("{}/api/{path}", self.url);
        let mut answer = agent().post(url).send(body.to_string()).expect("it answers");
        let text = answer.body_mut().read_to_string().expect("a body");
        assert_eq!(answer.status(), status, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Sends SIGTERM and waits for the end; whether it ended well.
    fn terminate(mut self) -> bool {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.process.id())).status();
        assert!(asked.expect("a shell").success());
        let began = Instant::now();
        loop {
            if let Some(exit) = self.process.try_wait().expect("a process of ours") {
                return exit.success();
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // SIGKILL on Unix. It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Runs the program to its end, which must be a failure; what it said.
fn refusal(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let said = String::from_utf8(stderr).expect("UTF-8");
    assert!(!status.success() && stdout.is_empty(), "{said}");
    said
}

async fn opened(data: &Path, source: &Path) -> Stack {
    let (data_dir, source) = (Some(data.to_owned()), Some(source.display().to_string()));
    Stack::start(Options { data_dir, source, ..Options::default() }).await.expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_outlives_a_kill_and_a_refresh_goes_on() {
    let place = TempDir::new().expect("a folder");
    let (tables, data) = (place.path().join("source"), place.path().join("data"));
    source(&tables);
    let served = Served::start(&tables, &data);

    let rows = served.rows();
    assert!(rows.len() > 20);
    let (served_now, customer) = (&served, rows[0]["customer_id"].as_str().expect("an id"));
    let record = |client: usize| {
        for each in 0..OUTCOMES_EACH {
            let deal = format!("o-{client}-{each}");
            let body = json!({"kind": "won", "occurred_at": "2025-06-01", "opportunity_id": deal});
            served_now.post(&format!("customers/{customer}/expansion-propensity/outcome"), &body, 201);
        }
    };
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || record(client));
        }
    });
    served.post("analytics/expansion-propensity/models", &json!({"action": "pin", "generation": 1}), 200);
    let requested = served.post("analytics/expansion-propensity/refresh", &json!({"as_of": "2025-05-31"}), 202);
    drop(served);

    let stack = opened(&data, &tables).await;
    let control = stack.config("trainer").control().expect("a client");
    assert_eq!(control.outcomes().await.expect("they are read").len(), CLIENTS * OUTCOMES_EACH);
    assert!(control.champion().await.expect("it is read").expect("there is one").pinned);
    let propensities = stack.config("scorer").propensities().expect("a client");
    for row in &rows {
        let at = row["calculated_at"].as_str().expect("a time").parse().expect("an instant");
        let kept = propensities.row(row["customer_id"].as_str().expect("an id"), at).await.expect("it is read");
        assert_eq!(kept.expect("it is there").listed.propensity_score, row["propensity_score"]);
    }

    // Killed before it was over, or at once after it.
    refresh::resume(&stack).await.expect("it is requested again");
    stack.idle().await;
    let run_id = requested["run_id"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(control.expect_run(&run_id).await.expect("it is there").stage(), RunStage::Complete);
    assert_eq!(control.open_runs().await.expect("they are read"), []);
    stack.shutdown().await;
}

/// What `replay` prints about a customer.
fn replayed(customer: &str, arguments: &[&str]) -> String {
    let output = program().args(["replay", "--customer", customer]).args(arguments).output().expect("it starts");
    let Output { status, stdout, stderr } = output;
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

/// What `check` says of a folder, and its exit code.
fn checked(folder: &Path) -> (Value, Option<i32>) {
    let output = program().args(["check", "--json", "--as-of", "2025-06-30", "--source"]).arg(folder).output();
    let Output { status, stdout, .. } = output.expect("it starts");
    (serde_json::from_slice(&stdout).expect("JSON"), status.code())
}

#[test]
fn a_source_is_looked_at_and_the_exit_code_is_its_grade() {
    let place = TempDir::new().expect("a folder");
    let folder = place.path().join("source");
    source(&folder);
    let (report, code) = checked(&folder);
    assert_eq!((&report["grade"], &report["findings"], code), (&json!("fine"), &json!([]), Some(0)));
    let tables: Vec<&str> =
        report["tables"].as_array().expect("tables").iter().filter_map(|t| t["table"].as_str()).collect();
    assert_eq!(tables.len(), 9, "{tables:?}");

    // The ids of another system.
    let strangers = (0..30).map(|i| format!("x-{i},2025-06-20,logins,3\n")).collect::<Vec<_>>().concat();
    fs::remove_dir_all(folder.join("usage_metrics")).expect("it was there");
    fs::create_dir(folder.join("usage_metrics")).expect("a folder");
    fs::write(folder.join("usage_metrics/u.csv"), format!("customer_id,recorded_at,metric,value\n{strangers}"))
        .expect("it is written");
    let (report, code) = checked(&folder);
    let concern = (&report["findings"][0]["concern"], &report["findings"][0]["table"]);
    assert_eq!(
        (&report["grade"], concern, code),
        (&json!("warned"), (&json!("few_customers"), &json!("usage_metrics")), Some(3))
    );

    let deals = (0..30)
        .map(|i| format!("d{i},cus-00001,Verloren,2025-01-01,2025-02-{:02}\n", 1 + i % 28))
        .collect::<Vec<_>>()
        .concat();
    fs::remove_dir_all(folder.join("expansion_opportunities")).expect("it was there");
    fs::write(
        folder.join("expansion_opportunities.csv"),
        format!("opportunity_id,customer_id,stage,created_at,closed_at\n{deals}"),
    )
    .expect("it is written");
    let (report, code) = checked(&folder);
    assert_eq!(
        (&report["grade"], &report["findings"][0]["concern"], code),
        (&json!("wrong"), &json!("no_won_deal"), Some(4))
    );

    fs::remove_file(folder.join("expansion_opportunities.csv")).expect("it was there");
    let (report, code) = checked(&folder);
    assert_eq!((&report["grade"], code), (&json!("wrong"), Some(4)));
    let error = report["error"].as_str().expect("the reason");
    assert!(error.starts_with("the required table expansion_opportunities has no files"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_row_is_made_again_byte_for_byte() {
    let place = TempDir::new().expect("a folder");
    let (tables, data) = (place.path().join("source"), place.path().join("data"));
    source(&tables);
    let [from, kept] = [&tables, &data].map(|path| path.to_str().expect("UTF-8"));
    for day in ["2025-04-30", "2025-05-31"] {
        let run = program().args(["--once", "--source", from, "--data-dir", kept, "--as-of", day]).output();
        assert!(run.expect("it starts").status.success());
    }
    let stack = opened(&data, &tables).await;
    let control = stack.config("trainer").control().expect("a client");
    let newest = control.current_run().await.expect("it is read").expect("there is one").run;
    let newest = control.expect_run(&newest.run_id).await.expect("it is read");
    let before = newest.plan().and_then(|plan| plan.previous.clone()).expect("there was one before");
    let before = control.expect_run(&before.run_id).await.expect("it is read");
    let propensities = stack.config("scorer").propensities().expect("a client");
    let top = control.top(&newest.run_id).await.expect("it is read");
    let customers: Vec<String> = top.iter().step_by(9).map(|row| row.customer_id.to_string()).collect();
    assert!(customers.len() > 3);
    let mut rows = Vec::new();
    for customer in &customers {
        for run in [&before, &newest] {
            let row = propensities.row(customer, run.calculated_at).await.expect("it is read");
            rows.extend(row.map(|row| (customer, run, row)));
        }
    }
    assert!(rows.iter().any(|(_, _, row)| row.movement.is_some()), "the newer run says what moved");
    stack.shutdown().await;

    // Days later the source has more to tell, of nothing that was known then.
    let later = "customer_id,occurred_at,kind\n".to_owned();
    let later = customers.iter().fold(later, |csv, customer| format!("{csv}{customer},2025-06-20T10:00:00Z,meeting\n"));
    fs::write(tables.join("engagements/later.csv"), later).expect("it is written");
    for (customer, run, row) in &rows {
        let said = replayed(customer, &["--source", from, "--data-dir", kept, "--as-of", &run.as_of.to_string()]);
        let row = serde_json::to_string(row).expect("JSON");
        assert!(said.contains(&format!("\"row\":{row},\"stored\":{{\"state\":\"same\"}}")), "{said}\n{row}");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(said["run"]["run_id"], json!(run.run_id));
        assert_eq!(said["model"]["model_id"], json!(run.model().map(|model| &model.model_id)));
        assert!(said["snapshot"]["tenure"].as_f64().is_some_and(|years| years > 0.0), "{}", said["snapshot"]);
    }

    // Without that folder, the artifact of the first run makes the row of the first run.
    fs::remove_file(tables.join("engagements/later.csv")).expect("it was written");
    let model_id = &before.model().expect("it is complete").model_id;
    let artifact = find(&data, &format!("models/{model_id}/artifact.json"));
    let artifact = artifact.to_str().expect("UTF-8");
    let (customer, _, row) = rows.iter().find(|(_, run, _)| *run == &before).expect("somebody was in the first run");
    let said = replayed(customer, &["--source", from, "--artifact", artifact, "--as-of", "2025-04-30"]);
    let row = serde_json::to_string(row).expect("JSON");
    assert!(said.contains(&format!("\"row\":{row},\"stored\":{{\"state\":\"absent\"}}")), "{said}\n{row}");

    // As of a day without a run, with the model of another one.
    let arguments = ["--source", from, "--data-dir", kept, "--as-of", "2025-05-10", "--model", model_id];
    let said: Value = serde_json::from_str(&replayed(customer, &arguments)).expect("JSON");
    assert_eq!((&said["run"]["is_on_record"], &said["stored"]["state"]), (&json!(false), &json!("absent")));
    assert_eq!(said["row"]["model_id"], json!(model_id));
}

/// The only file below a folder whose path ends so.
fn find(folder: &Path, ending: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let place = TempDir::new().expect("a folder");
    let tables = place.path().join("source");
    source(&tables);
    let refused = |arguments: &[&str]| {
        refusal(program().args(["replay", "--customer", "nobody", "--as-of", "2025-05-31"]).args(arguments))
    };
    let [from, missing] = [&tables, &place.path().join("missing")].map(|path| path.to_str().expect("UTF-8").to_owned());
    assert!(refused(&[]).contains("--source is needed"));
    assert!(refused(&["--source", &from]).contains("name a --data-dir or an --artifact"));
    assert!(refused(&["--data-dir", &missing]).contains(&format!("--data-dir {missing}")));
    assert!(!Path::new(&missing).exists(), "what is mistyped does not become a folder");
    assert!(refused(&["--source", &from, "--artifact", &missing]).contains("cannot read --artifact"));
    assert!(refused(&["--source", &from, "--model", "m"]).contains("--data-dir"));
}

#[test]
fn a_second_process_is_refused_and_the_first_ends_well_when_it_is_told_to() {
    let place = TempDir::new().expect("a folder");
    let (tables, data) = (place.path().join("source"), place.path().join("data"));
    source(&tables);
    let served = Served::start(&tables, &data);

    let said = refusal(program().arg("--source").arg(&tables).arg("--data-dir").arg(&data).arg("--once"));
    assert!(said.contains(&format!("--data-dir {} is in use by another process", data.display())), "{said}");
    assert!(served.is_ready());

    let port = served.url.rsplit(':').next().expect("a port").to_owned();
    let said = refusal(program().arg("--source").arg(&tables).args(["--port", &port]));
    assert!(said.contains(&format!("port {port} is in use")) && said.contains("--port"), "{said}");

    assert!(served.terminate());
    let again = program().arg("--source").arg(&tables).arg("--data-dir").arg(&data).arg("--once").output();
    assert!(again.expect("it starts").status.success(), "the folder is free again");
}

#[test]
fn the_demo_never_deletes_what_it_did_not_write() {
    let place = TempDir::new().expect("a folder");
    let demo = |out: &Path| {
        let mut command = program();
        command.arg("demo").arg("--out").arg(out).args(["--customers", "5"]);
        command
    };
    let out = place.path().join("out");
    for _ in 0..2 {
        assert!(demo(&out).status().expect("it starts").success());
    }
    fs::write(out.join("thesis.txt"), "the only copy").expect("it is written");
    let said = refusal(&mut demo(&out));
    assert!(said.contains(&format!("--out {}", out.display())) && said.contains("thesis.txt"), "{said}");
    assert_eq!(fs::read_to_string(out.join("thesis.txt")).expect("it is there"), "the only copy");

    // Nor where a data folder would have it.
    let theirs = place.path().join("data/demo-source");
    fs::create_dir_all(&theirs).expect("it is made");
    fs::write(theirs.join("thesis.txt"), "the only copy").expect("it is written");
    let said = refusal(program().arg("--data-dir").arg(place.path().join("data")).arg("--once"));
    assert!(said.contains(theirs.to_str().expect("UTF-8")), "{said}");
    assert!(theirs.join("thesis.txt").exists());
}

#[test]
fn what_cannot_be_used_is_named() {
    let place = TempDir::new().expect("a folder");
    let (file, missing) = (place.path().join("file"), place.path().join("missing"));
    fs::write(&file, "").expect("it is written");
    let said = |option: &str, path: &Path| refusal(program().arg("--once").arg(option).arg(path));
    let below = file.join("below");
    for (said, option, path, reason) in [
        (said("--source", &missing), "--source", &missing, "No such file"),
        (said("--source", &file), "--source", &file, "it is a file"),
        (said("--data-dir", &file), "--data-dir", &file, "File exists"),
        (said("--data-dir", &below), "--data-dir", &below, "Not a directory"),
        (refusal(program().arg("demo").arg("--out").arg(&file)), "--out", &file, "it is a file"),
        (refusal(program().arg("demo").arg("--out").arg(&below)), "--out", &below, "Not a directory"),
    ] {
        assert!(said.contains(&format!("{option} {}", path.display())) && said.contains(reason), "{said}");
    }
}
