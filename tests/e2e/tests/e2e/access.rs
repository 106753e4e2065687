//! Who may see and do what.

use expansion_e2e::{LIST, REFRESH, Source, World, as_of, customer_path};

#[tokio::test(flavor = "multi_thread")]
async fn a_csm_sees_their_own_customers_and_nobody_elses() {
    let world = World::after(&[0]).await;
    let all = world.all_rows().await;
    let csm = "csm-05";
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row["csm_id"] == csm);
    assert!(!own.is_empty() && !others.is_empty());
    let caller = world.csm(csm);

    let seen = world.rows(&caller, "limit=4").await;
    let name = |row: &serde_json::Value| row["customer_id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(seen.iter().map(name).collect::<Vec<_>>(), own.iter().map(name).collect::<Vec<_>>());
    assert_eq!(world.rows(&caller, &format!("csm_id={csm}")).await.len(), own.len());
    for row in &own {
        assert_eq!(caller.get(&customer_path(&name(row))).await.ok()["csm_id"], csm);
    }
    // Somebody else's customer looks like no customer at all; so does one that nobody looks after.
    assert!(others.iter().any(|row| row["csm_id"].is_null()));
    for row in &others {
        let hidden = caller.get(&customer_path(&name(row))).await.problem(404, "not-found");
        let absent = caller.get(&customer_path("nobody")).await.problem(404, "not-found");
        assert_eq!(hidden["detail"], absent["detail"]);
    }
    let problem = caller.get(&format!("{LIST}?csm_id=csm-06")).await.problem(400, "invalid-parameter");
    assert_eq!(problem["invalid_parameters"][0]["name"], "csm_id");
    assert_eq!(world.rows(&world.csm("csm-99"), "").await.len(), 0, "a CSM without customers has an empty list");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_manager_asks_for_a_refresh() {
    let world = World::over(&Source::young()).await;
    let _ = world.csm("csm-05").post(REFRESH, &[], "").await.problem(403, "forbidden");
    world.settle().await;
    assert!(world.everything().await.is_empty(), "a refused request leaves nothing behind");

    let body = format!(r#"{{"as_of":"{}"}}"#, as_of(0).date());
    let answer = world.manager().post(REFRESH, &[], &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(answer.headers["location"], answer.body["location"].as_str().unwrap_or_default());
    assert_eq!(answer.body["state"], "requested");
    assert_eq!(answer.body["as_of"], as_of(0).to_string());
    world.settle().await;
    let status = world.manager().get(&answer.headers["location"]).await.ok();
    assert_eq!(status["state"], "complete");
    assert_eq!(world.manager().get(LIST).await.ok()["run"]["run_id"], answer.body["run_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_refused_when_it_is_asked_for_wrongly() {
    let world = World::over(&Source::young()).await;
    let manager = world.manager();
    let _ = manager.post(REFRESH, &[], r#"{"as_of":"2999-01-01"}"#).await.problem(400, "invalid-parameter");
    let _ = manager.post(REFRESH, &[], r#"{"as_of":"June"}"#).await.problem(400, "invalid-parameter");
    let _ = manager.post(REFRESH, &[], r#"{"asof":"2026-06-30"}"#).await.problem(400, "invalid-body");
    let _ = manager.post(REFRESH, &[], "{").await.problem(400, "invalid-body");
    let problem = manager.post(REFRESH, &[("idempotency-key", "a b")], "").await.problem(400, "invalid-parameter");
    assert_eq!(problem["invalid_parameters"][0]["name"], "Idempotency-Key");
    assert!(world.everything().await.is_empty(), "a refused request leaves nothing behind");
}
