//! Putting events: in batches of ten, and what the bus did not take once more.

use expansion_backend::{Backend, Fault};
use expansion_domain::ModelPromoted;
use serde_json::Value;

use crate::bus;

fn promotions(count: u64) -> impl Iterator<Item = ModelPromoted> {
    (1..=count).map(|generation| ModelPromoted::new(generation, format!("m-{generation}"), None))
}

fn sizes(calls: &[Vec<Value>]) -> Vec<usize> {
    calls.iter().map(Vec::len).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_out_ten_at_a_time_and_none_goes_nowhere() {
    let backend = Backend::start().await;
    bus(&backend).put(promotions(0)).await.expect("nothing to put");
    bus(&backend).put(promotions(23)).await.expect("they are put");
    assert_eq!(sizes(&backend.events()), [10, 10, 3]);
    let entry = &backend.events()[0][0];
    assert_eq!((&entry["EventBusName"], &entry["Source"]), (&"expansion".into(), &"expansion-propensity".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_bus_did_not_take_is_put_again() {
    let backend = Backend::start().await;
    backend.fail("PutEvents", &[Fault::Undone(3), Fault::Undone(1)]);
    bus(&backend).put(promotions(5)).await.expect("they are put");
    let calls = backend.events();
    assert_eq!(sizes(&calls), [5, 3, 1]);
    assert_eq!((&calls[1][..], &calls[2][..]), (&calls[0][2..], &calls[0][4..]), "the last ones were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_never_takes_an_entry_is_a_failure_that_may_pass() {
    let backend = Backend::start().await;
    backend.fail("PutEvents", &[Fault::Undone(1); 100]);
    let error = bus(&backend).put(promotions(2)).await.expect_err("it gives up");
    assert!(error.is_transient() && error.to_string().contains("Rate exceeded"), "{error}");
    assert_eq!(sizes(&backend.events()), [2, 1, 1, 1, 1, 1, 1], "six attempts after the first");
}
