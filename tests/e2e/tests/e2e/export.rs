//! Rows that are taken away: as CSV by everybody, as files by managers.

use expansion_e2e::{Caller, LIST, Reply, World, as_of, weekly_run};
use expansion_store::S3;
use serde_json::{Value, json};

const EXPORT: &str = "/api/analytics/expansion-propensity/export";
const FILES: &str = "/api/analytics/expansion-propensity/export/files";

/// The cells of a column, line by line.
fn column(csv: &Reply, name: &str) -> Vec<String> {
    assert_eq!(csv.status, 200, "{}", csv.body);
    let mut reader = csv::Reader::from_reader(csv.body.as_str().expect("CSV is text").as_bytes());
    let place = reader.headers().expect("names").iter().position(|column| column == name);
    let place = place.unwrap_or_else(|| panic!("no column {name}"));
    reader.records().map(|record| record.expect("a line")[place].to_owned()).collect()
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["customer_id"].as_str().expect("an id").to_owned()).collect()
}

async fn export(caller: &Caller, query: &str) -> Reply {
    caller.get(&format!("{EXPORT}?{query}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filtered_list_is_one_csv_file() {
    let world = World::after(&[0]).await;
    let manager = world.manager();
    for query in ["", "standing=ready_to_approach&sort=priority", "segment=SMB&min_score=5", "q=nobody"] {
        let csv = export(&manager, query).await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        let name = format!("attachment; filename=\"expansion-propensity-{}.csv\"", as_of(0).date());
        assert_eq!(csv.headers["content-disposition"], name);
        assert!(!csv.headers.contains_key("x-truncated"), "{query}");
        let rows = world.rows(&manager, format!("{query}&limit=200").trim_start_matches('&')).await;
        assert_eq!(column(&csv, "customer_id"), ids(&rows), "{query}");
        let scores: Vec<String> = rows.iter().map(|row| row["propensity_score"].to_string()).collect();
        assert_eq!(column(&csv, "propensity_score"), scores, "{query}");
        let ranks: Vec<String> = rows.iter().map(|row| row["rank"].to_string().replace("null", "")).collect();
        assert_eq!(column(&csv, "rank"), ranks, "{query}");
    }
    for (query, wrong) in [("limit=5", "limit"), ("per_csm=1", "per_csm"), ("min_score=200", "min_score")] {
        let problem = export(&manager, query).await.problem(400, "invalid-parameter");
        assert_eq!(problem["invalid_parameters"][0]["name"], wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csm_takes_away_their_own_portfolio() {
    let world = World::after(&[0]).await;
    let csm = world.csm("csm-05");
    let csv = export(&csm, "").await;
    let own = world.rows(&csm, "limit=200").await;
    assert!(!own.is_empty() && own.len() < world.all_rows().await.len());
    assert_eq!(column(&csv, "customer_id"), ids(&own));
    assert!(column(&csv, "csm_id").iter().all(|id| id == "csm-05"));
    let problem = export(&csm, "csm_id=csm-06").await.problem(400, "invalid-parameter");
    assert_eq!(problem["invalid_parameters"][0]["name"], "csm_id");
    let _ = csm.get(FILES).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managers_links_open_the_files_of_the_run() {
    let world = World::after(&[0]).await;
    let manager = world.manager();
    let answer = manager.get(FILES).await.ok();
    assert_eq!(answer["run_id"], manager.get(LIST).await.ok()["run"]["run_id"]);
    assert_eq!(answer["not_available"], Value::Null);
    let files = answer["files"].as_array().expect("files");
    assert_eq!(files.iter().map(|file| &file["shard"]).collect::<Vec<_>>(), [0, 1, 2]);
    for file in files {
        let url = file["url"].as_str().expect("a link").to_owned();
        let get = tokio::task::spawn_blocking(|| ureq::get(url).call().expect("it opens").body_mut().read_to_vec());
        let bytes = get.await.expect("no panic here").expect("a file");
        assert_eq!(file["bytes"], bytes.len());
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "it is Parquet");
    }
    assert_eq!(world.stack.refused(), Vec::<String>::new(), "its role is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_files_says_why_it_has_none() {
    let world = World::after(&[0]).await;
    let (s3, bucket) = (S3::new(world.stack.sdk()), world.stack.bucket());
    let run = weekly_run(as_of(0));
    for shard in 0..3 {
        let key = format!("runs/{run}/scores/shard={shard:05}.parquet");
        s3.delete_object().bucket(bucket).key(key).send().await.expect("it is removed");
    }
    let answer = world.manager().get(FILES).await.ok();
    assert_eq!(answer["files"], json!([]));
    assert!(answer["not_available"].as_str().is_some_and(|reason| reason.contains("next refresh")), "{answer}");
}
