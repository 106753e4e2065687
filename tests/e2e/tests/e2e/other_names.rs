//! A source whose usage metrics and kinds of signals have names that nobody has told the product of.

use expansion_e2e::{Source, World, as_of, portfolio};
use expansion_records::Run;
use expansion_simulator::OTHER_NAMES;
use serde_json::Value;

fn renamed(name: &str) -> &'static str {
    OTHER_NAMES.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name} has no other name")).1
}

fn auc(run: &Run) -> f64 {
    run.model().and_then(|model| model.metrics).expect("it was tried out of time").auc
}

fn factors(customers: &[Value]) -> impl Iterator<Item = (&str, &str)> {
    let factors = customers.iter().flat_map(|answer| answer["contributing_factors"].as_array().expect("factors"));
    factors.map(|factor| (factor["feature"].as_str().expect("a name"), factor["label"].as_str().expect("words")))
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_signals_under_other_names_serve_as_well() {
    let mut other = portfolio();
    other.usage_metrics.iter_mut().for_each(|row| row.metric = renamed(row.metric));
    other.expansion_signals.iter_mut().for_each(|row| row.kind = renamed(row.kind));
    let own = World::over(&Source::simulated()).await.refreshed(as_of(0)).await;
    let world = World::over(&Source::of(&other, None)).await;
    let run = world.refreshed(as_of(0)).await;
    assert!(auc(&run) > auc(&own) - 0.01, "{} under other names, {} under their own", auc(&run), auc(&own));

    let mut customers = Vec::new();
    for row in world.all_rows().await {
        customers.push(world.customer(row["customer_id"].as_str().expect("an id")).await);
    }
    let said =
        |feature: &str, words: &str| factors(&customers).any(|(name, label)| name == feature && label.contains(words));
    assert!(said("seat_utilisation", "of license capacity"), "the seats in use are found by the seats under contract");
    // The last of their names in order.
    assert!(said("kind_6_signals", "Workspace created "), "{:?}", factors(&customers).collect::<Vec<_>>());
}
