//! What a CSM has done next: recorded once, told on the bus, with the documents that go with it.

use expansion_e2e::{Caller, LIST, Reply, World, as_of, customer_path, weekly_run};
use jiff::civil::Weekday;
use serde_json::{Value, json};

const EVENT: &str = "ExpansionActionRequested";
const OPEN: &str = r#"{"action":"create_opportunity","note":"They called"}"#;

/// A world with one run, and a customer of it for whom everything can be done, with their CSM.
struct Scene {
    world: World,
    customer: Value,
    csm: Caller,
}

impl Scene {
    async fn new() -> Self {
        let world = World::after(&[0]).await;
        for row in world.all_rows().await.iter().filter(|row| row["csm_id"].is_string()) {
            let customer = world.customer(text(&row["customer_id"])).await;
            let approach = &customer["recommended_approach"];
            let products = customer["recommended_products"].as_array().map_or(0, Vec::len);
            if products > 1 && approach["champion"].is_object() && approach["timing"].is_object() {
                let csm = world.csm(text(&customer["csm_id"]));
                return Self { world, customer, csm };
            }
        }
        panic!("there is a customer with products, a champion and a time");
    }

    fn path(&self) -> String {
        actions(text(&self.customer["customer_id"]))
    }

    async fn act(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        self.csm.post(&self.path(), headers, body).await
    }

    async fn done(&self, headers: &[(&str, &str)], body: &str) -> Value {
        let reply = self.act(headers, body).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    }

    /// The details of the events that were put on the bus, each of which is valid.
    fn told(&self) -> Vec<Value> {
        let schema: Value =
            serde_json::from_str(include_str!("../../../../events/schemas/ExpansionActionRequested.json"))
                .expect("JSON");
        let schema = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
        let events = self.world.stack.events().into_iter().filter(|event| event["detail-type"] == EVENT);
        let details: Vec<Value> = events.map(|event| event["detail"].clone()).collect();
        for detail in &details {
            let errors: Vec<String> = schema.iter_errors(detail).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {detail}");
        }
        details
    }

    async fn on_record(&self) -> usize {
        self.world.control.actions().await.expect("readable").len()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn actions(customer_id: &str) -> String {
    format!("{}/actions", customer_path(customer_id))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_is_recorded_told_and_counted() {
    let scene = Scene::new().await;
    let customer = &scene.customer;
    let opened = scene.done(&[], OPEN).await;
    let met =
        scene.done(&[], r#"{"action":"schedule_meeting","starts_at":"2099-01-06T10:30:00Z","duration_minutes":30}"#);
    let met = met.await;
    let second = &customer["recommended_products"][1];
    let offer = json!({ "action": "generate_proposal", "product_id": second["product_id"] });
    let proposed = scene.done(&[], &offer.to_string()).await;
    scene.world.settle().await;

    let told = scene.told();
    assert_eq!(told.len(), 3);
    assert_eq!(scene.on_record().await, 3);
    for (answer, detail) in [&opened, &met, &proposed].into_iter().zip(&told) {
        assert_eq!(answer["dry_run"], false);
        assert_eq!(&answer["event"]["detail"], detail, "the answer shows what is sent");
        assert_eq!(answer["event"]["detail-type"], EVENT);
        for same in ["action_id", "action", "run_id", "model_id", "propensity_score", "requested_at", "requested_by"] {
            assert_eq!(answer[same], detail[same], "{same}");
            assert!(!answer[same].is_null(), "{same}");
        }
        assert_eq!(detail["version"], 1);
        assert_eq!(detail["as_of"], as_of(0).to_string());
        assert_eq!(detail["calculated_at"], customer["calculated_at"]);
        assert_eq!(detail["propensity_score"], customer["propensity_score"]);
        assert_eq!(detail["propensity_interval"]["lower"], customer["confidence"]["lower"]);
        assert_eq!(detail["confidence_level"], customer["confidence"]["level"]);
        assert_eq!(detail["customer"]["id"], customer["customer_id"]);
        assert_eq!(detail["customer"]["csm_id"], customer["csm_id"]);
        assert_eq!(detail["requested_by"]["csm_id"], customer["csm_id"]);
        assert_eq!(detail["requested_by"]["subject"], customer["csm_id"], "the local stack's subject");
        let approach = &customer["recommended_approach"];
        assert_eq!(detail["approach"]["champion"]["label"], approach["champion"]["label"]);
        assert_eq!(detail["approach"]["timing"]["from"], approach["timing"]["from"]);
        assert!(detail["contributing_factors"].as_array().is_some_and(|factors| factors.len() > 1), "{detail}");
    }
    assert_eq!(told[0]["note"], "They called");
    assert_eq!(told[0]["product"]["offer"], customer["recommended_products"][0]["offer"]);
    assert!(!told[0]["alternatives"].as_array().expect("a list").is_empty());
    assert_eq!(
        (&opened["calendar"], &opened["proposal_html"], &told[0]["meeting"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );

    let meeting = json!({ "starts_at": "2099-01-06T10:30:00Z", "ends_at": "2099-01-06T11:00:00Z" });
    assert_eq!(told[1]["meeting"], meeting);
    let calendar = text(&met["calendar"]);
    assert!(calendar.contains("DTSTART:20990106T103000Z\r\n") && calendar.contains("DTEND:20990106T110000Z\r\n"));
    assert!(calendar.contains(&format!("UID:{}\r\n", text(&met["action_id"]))), "{calendar}");

    assert_eq!(proposed["product_id"], second["product_id"]);
    assert_eq!(told[2]["product"]["probability"], second["probability"]);
    assert_eq!(told[2]["alternatives"], json!([]));
    let name = text(&customer["customer_name"]);
    assert!(text(&proposed["proposal_html"]).contains(name) && text(&proposed["proposal_html"]).contains("</html>"));
    assert!(text(&proposed["proposal_markdown"]).starts_with("# Proposal for "));

    // A deal that was won has past runs judged again.
    let outcome = format!("{}/outcome", customer_path(text(&customer["customer_id"])));
    let won = r#"{"kind":"won","amount":5000}"#;
    assert_eq!(scene.csm.post(&outcome, &[], won).await.status, 201);
    scene.world.settle().await;
    let run = weekly_run(as_of(0));
    let accuracy = scene.world.manager().get(&format!("{LIST}/accuracy?run={run}")).await.ok();
    let counted = &accuracy["data"][0]["feedback"];
    for kind in ["action_create_opportunity", "action_schedule_meeting", "action_generate_proposal", "won"] {
        assert_eq!(counted[kind], 1, "{accuracy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_nothing() {
    let scene = Scene::new().await;
    let before = scene.world.everything().await;
    for action in ["create_opportunity", "schedule_meeting", "generate_proposal"] {
        let body = json!({ "action": action, "dry_run": true }).to_string();
        let answer = scene.act(&[("idempotency-key", "k-1")], &body).await.ok();
        assert_eq!((&answer["dry_run"], &answer["event"]["detail"]["action"]), (&json!(true), &json!(action)));
        assert_eq!(answer["calendar"].is_string(), action == "schedule_meeting");
        assert_eq!(answer["proposal_html"].is_string(), action == "generate_proposal");
    }
    scene.world.settle().await;
    assert_eq!(scene.told(), Vec::<Value>::new());
    assert!(scene.world.everything().await == before, "nothing was stored");

    // The key is still free, and what is done is what was shown.
    let body = |dry_run: bool| json!({ "action": "create_opportunity", "dry_run": dry_run }).to_string();
    let shown = scene.act(&[], &body(true)).await.ok();
    let done = scene.done(&[("idempotency-key", "k-1")], &body(false)).await;
    assert_eq!(done["event"]["detail"]["product"], shown["event"]["detail"]["product"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_twice_is_once_and_told_twice() {
    let scene = Scene::new().await;
    let key = [("idempotency-key", "k-1")];
    let first = scene.done(&key, OPEN).await;
    // Written otherwise, it is the same; and a later run changes nothing about it.
    scene.world.refreshed(expansion_store::now().whole_second()).await;
    let again =
        scene.done(&key, r#"{ "note": "They called", "action": "create_opportunity", "dry_run": false }"#).await;
    assert_eq!(again, first);
    scene.world.settle().await;
    let told = scene.told();
    assert_eq!((told.len(), &told[0]), (2, &told[1]));
    assert_eq!(scene.on_record().await, 1);

    for other in [r#"{"action":"create_opportunity"}"#, r#"{"action":"schedule_meeting"}"#] {
        let _ = scene.act(&key, other).await.problem(409, "idempotency-conflict");
    }
    let dry = r#"{"action":"create_opportunity","dry_run":true}"#;
    let _ = scene.act(&key, dry).await.problem(409, "idempotency-conflict");
    let other = scene.done(&[("idempotency-key", "k-2")], OPEN).await;
    assert_ne!(other["action_id"], first["action_id"]);
    // Without a key, what is asked for is the key.
    let keyless = scene.done(&[], OPEN).await;
    assert_eq!(scene.done(&[], OPEN).await, keyless);
    scene.world.settle().await;
    assert_eq!((scene.told().len(), scene.on_record().await), (5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_time_a_meeting_is_on_a_working_day_to_come() {
    let scene = Scene::new().await;
    let answer = scene.done(&[], r#"{"action":"schedule_meeting"}"#).await;
    let meeting = &answer["event"]["detail"]["meeting"];
    assert!(text(&meeting["time_found_by"]).contains("no starts_at was given"), "{meeting}");
    let starts_at = text(&meeting["starts_at"]);
    let date: jiff::civil::Date = starts_at[..10].parse().expect("a date");
    assert!(starts_at.ends_with("T09:00:00Z") && starts_at >= text(&answer["requested_at"]), "{meeting}");
    assert!(!matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday), "{meeting}");
    assert!(text(&meeting["ends_at"]).ends_with("T09:45:00Z"), "{meeting}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_answered_itself_to_whoever_asks_for_it() {
    let scene = Scene::new().await;
    let id = text(&scene.customer["customer_id"]);
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = scene.act(&browser, r#"{"action":"generate_proposal"}"#).await;
    assert_eq!((page.status, &*page.headers["content-type"]), (201, "text/html; charset=utf-8"));
    let file = format!("attachment; filename=\"proposal-{id}.html\"");
    assert_eq!(page.headers["content-disposition"], file);
    assert!(text(&page.body).starts_with("<!doctype html>"), "{}", page.body);

    let program = [("accept", "text/calendar")];
    let entry = scene.act(&program, r#"{"action":"schedule_meeting","dry_run":true}"#).await;
    assert_eq!((entry.status, &*entry.headers["content-type"]), (200, "text/calendar; charset=utf-8"));
    assert_eq!(entry.headers["content-disposition"], format!("attachment; filename=\"meeting-{id}.ics\""));
    assert!(text(&entry.body).starts_with("BEGIN:VCALENDAR\r\n"), "{}", entry.body);

    // Nothing else has such a form.
    assert!(scene.done(&browser, r#"{"action":"create_opportunity"}"#).await["action_id"].is_string());
    let _ = scene.act(&browser, r#"{"action":"eat"}"#).await.problem(400, "invalid-parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_and_what_is_another_s_is_refused() {
    let scene = Scene::new().await;
    let bad = [
        (r#"{"action":"eat"}"#, "action"),
        (r#"{"action":"create_opportunity","product_id":"yacht"}"#, "product_id"),
        (r#"{"action":"schedule_meeting","starts_at":"2020-01-01T09:00:00Z"}"#, "starts_at"),
        (r#"{"action":"generate_proposal","starts_at":"2099-01-01T09:00:00Z"}"#, "starts_at"),
        (r#"{"action":"schedule_meeting","duration_minutes":1}"#, "duration_minutes"),
        (r#"{"action":"create_opportunity","colour":"red"}"#, "colour"),
    ];
    for (body, named) in bad {
        let problem = scene.act(&[], body).await.problem(400, "invalid-parameter");
        assert_eq!(problem["invalid_parameters"][0]["name"], named, "{body}");
    }
    let _ = scene.act(&[], "open it").await.problem(400, "invalid-body");
    let _ = scene.act(&[("idempotency-key", "a b")], OPEN).await.problem(400, "invalid-parameter");

    let rows = scene.world.all_rows().await;
    let others = rows.iter().filter(|row| row["csm_id"] != scene.customer["csm_id"]);
    let other = others.map(|row| text(&row["customer_id"])).next().expect("another's");
    let hidden = scene.csm.post(&actions(other), &[], OPEN).await.problem(404, "not-found");
    let absent = scene.csm.post(&actions("nobody"), &[], OPEN).await.problem(404, "not-found");
    assert_eq!(hidden["detail"], absent["detail"]);
    scene.world.settle().await;
    assert_eq!((scene.told().len(), scene.on_record().await), (0, 0));
    assert_eq!(scene.world.manager().post(&actions(other), &[], OPEN).await.status, 201);
}
