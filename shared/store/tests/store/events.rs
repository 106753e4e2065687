//! Putting events: in batches of ten, and what the bus did not take once more.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use expansion_domain::ModelPromoted;
use expansion_store::Bus;
use serde_json::{Value, json};

use crate::backend::{config, listen, reply};

/// A bus that takes, call by call, all but so many entries; and what it was given each time.
async fn bus(mut refused: Vec<usize>) -> (Bus, Arc<Mutex<Vec<Vec<String>>>>) {
    refused.reverse();
    let (calls, refused) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(refused)));
    let log = Arc::clone(&calls);
    let answer = async move |body: Bytes| {
        let request: Value = serde_json::from_slice(&body).expect("JSON");
        let details = request["Entries"].as_array().expect("entries").iter();
        let ids: Vec<String> = details.map(|entry| entry["Detail"].as_str().unwrap_or_default().to_owned()).collect();
        let refuse = refused.lock().expect("no panic").pop().unwrap_or_default();
        let taken = |n: usize| match n < refuse {
            true => json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "too fast"}),
            false => json!({"EventId": n.to_string()}),
        };
        let entries: Vec<Value> = (0..ids.len()).map(taken).collect();
        log.lock().expect("no panic").push(ids);
        reply(StatusCode::OK, json!({"FailedEntryCount": refuse, "Entries": entries}).to_string())
    };
    let (listener, url) = listen().await;
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    (Bus { client: aws_sdk_eventbridge::Client::new(&config(&url)), name: "expansion".to_owned() }, calls)
}

fn promotions(count: u64) -> impl Iterator<Item = ModelPromoted> {
    (1..=count).map(|generation| ModelPromoted::new(generation, format!("m-{generation}"), None))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_out_ten_at_a_time_and_none_goes_nowhere() {
    let (bus, calls) = bus(Vec::new()).await;
    bus.put(promotions(0)).await.expect("nothing to put");
    bus.put(promotions(23)).await.expect("they are put");
    let calls = calls.lock().expect("no panic");
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_bus_did_not_take_is_put_again() {
    let (bus, calls) = bus(vec![3, 1]).await;
    bus.put(promotions(5)).await.expect("they are put");
    let calls = calls.lock().expect("no panic");
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [5, 3, 1]);
    assert_eq!(calls[1], calls[0][..3], "the first three were refused");
    assert_eq!(calls[2], calls[0][..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_never_takes_an_entry_is_a_failure_that_may_pass() {
    let (bus, calls) = bus(vec![1; 100]).await;
    let error = bus.put(promotions(2)).await.expect_err("it gives up");
    assert!(error.is_transient() && error.to_string().contains("too fast"), "{error}");
    let calls = calls.lock().expect("no panic");
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1, 1, 1, 1], "six attempts after the first");
}
