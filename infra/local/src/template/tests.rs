//! The real template, and small broken ones.

use super::*;

fn template() -> Template {
    Template::parse(TEXT, "s3cret").expect("the template parses")
}

#[test]
fn the_tables_have_their_keys_indexes_and_time_to_live() {
    let tables = template().tables;
    let names: Vec<_> = tables.iter().map(|t| &*t.name).collect();
    assert_eq!(names, ["expansion_control", "expansion_propensity"]);
    assert!(tables.iter().all(|t| t.ttl_attribute.as_deref() == Some("expires_at")));
    let index = &tables[1].definition["GlobalSecondaryIndexes"][0];
    assert_eq!(index["IndexName"], "idx_expansion_propensity_score");
    assert_eq!(index["KeySchema"][1]["AttributeName"], "propensity_score");
    assert_eq!(tables[0].definition["GlobalSecondaryIndexes"][0]["Projection"]["ProjectionType"], "KEYS_ONLY");
}

#[test]
fn every_route_leads_to_a_function() {
    let template = template();
    let routes: BTreeMap<_, _> = template.routes.iter().map(|r| (r.key(), &*r.function)).collect();
    assert_eq!(routes.len(), template.routes.len(), "no route is there twice");
    assert_eq!(routes["GET /api/analytics/expansion-propensity"], "list-propensities");
    assert_eq!(routes["GET /api/customers/{id}/expansion-propensity"], "get-propensity");
    assert_eq!(routes["POST /api/analytics/expansion-propensity/refresh"], "request-refresh");
    assert_eq!(routes["GET /api/analytics/expansion-propensity/refresh/{run_id}"], "request-refresh");
    assert!(template.routes.iter().all(|r| template.functions.contains_key(&r.function)));
}

#[test]
fn events_go_to_the_trainer_and_shards_to_the_queue() {
    let template = template();
    assert_eq!(template.bus, "expansion");
    let targets: BTreeMap<_, _> =
        template.rules.iter().map(|r| (plain(&r.pattern["detail-type"][0]), r.targets.clone())).collect();
    assert_eq!(targets["RefreshRequested"], [Target::Function("trainer".to_owned())]);
    assert_eq!(targets["RunCheckRequested"], [Target::Function("trainer".to_owned())]);
    assert_eq!(targets["PropensityRefreshed"], [Target::Function("judge".to_owned())]);
    assert_eq!(targets["ShardRequested"], [Target::Queue("expansion-propensity-shards".to_owned())]);

    let [queue] = &*template.queues else { panic!("one queue feeds a function") };
    assert_eq!((&*queue.function, queue.batch_size, queue.max_concurrency), ("scorer", 1, 10));
    assert!(queue.max_receives == 5 && queue.reports_item_failures);
}

#[test]
fn every_rule_may_put_what_it_cannot_deliver_into_its_dead_letters() {
    let document = Document::parse(TEXT, "").expect("the template parses");
    let attribute = |value: &Value| value["!GetAtt"].as_str().unwrap_or_default().trim_end_matches(".Arn").to_owned();
    let mut used = BTreeMap::new();
    for (rule, properties) in document.of_type("AWS::Events::Rule") {
        for target in list(&properties["Targets"]).iter().filter(|target| !target["DeadLetterConfig"].is_null()) {
            used.insert(rule.to_owned(), attribute(&target["DeadLetterConfig"]["Arn"]));
        }
    }
    let mut allowed = BTreeMap::new();
    for (_, properties) in document.of_type("AWS::SQS::QueuePolicy") {
        for statement in list(&properties["PolicyDocument"]["Statement"]) {
            for rule in list(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]) {
                // Of the queues that rules deliver to as their target, the dead letters are the subject here.
                let queue = attribute(&statement["Resource"]);
                if queue.ends_with("DeadLetters") {
                    allowed.insert(attribute(rule), queue);
                }
            }
        }
    }
    assert!(used.len() >= 4, "{used:?}");
    assert_eq!(allowed, used, "a policy of the queue (left) names each rule with a DeadLetterConfig (right)");
}

#[test]
fn variables_are_resolved_to_local_names_and_defaults() {
    let functions = template().functions;
    let trainer = &functions["trainer"];
    assert_eq!(trainer.variables["SOURCE_URI"], "s3://expansion-local/source/");
    assert_eq!(trainer.variables["HORIZON_DAYS"], "90");
    assert_eq!(trainer.variables["EVENT_BUS"], "expansion");
    assert_eq!((trainer.timeout_s, trainer.retries), (900, 2));
    let list = &functions["list-propensities"];
    assert_eq!(list.variables["CURSOR_SECRET"], "s3cret");
    assert_eq!(list.variables["PROPENSITY_TABLE"], "expansion_propensity");
    assert_eq!(list.timeout_s, 20);
}

#[test]
fn a_function_is_found_under_all_its_names() {
    let template = template();
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:expansion-propensity-trainer:live";
    for name in ["trainer", "expansion-propensity-trainer", "trainer:1", "000000000000:function:trainer", arn] {
        assert_eq!(template.function_name(name), Some("trainer"), "{name}");
    }
    assert_eq!(template.function_name("train"), None);
}

#[test]
fn a_schedule_says_when_it_was_due() {
    let template = template();
    assert_eq!(template.schedules.len(), 3);
    let weekly = template.schedules.iter().find(|s| s.detail_type == "RefreshRequested").expect("weekly");
    assert_eq!(weekly.expression, "cron(0 6 ? * MON *)");
    let event = weekly.event("2026-11-02T06:00:00Z").expect("JSON");
    assert_eq!(event["detail"], json!({"version": 1, "as_of": "2026-11-02T06:00:00Z", "cause": "schedule"}));
}

#[test]
fn what_cannot_be_resolved_is_an_error() {
    let text = TEXT.replace("BUCKET: !Ref Bucket", "BUCKET: !Ref Pail");
    assert!(matches!(Template::parse(&text, ""), Err(TemplateError::Unresolved(name)) if name == "Pail"));
}

#[test]
fn a_role_has_its_statements_with_final_names() {
    let functions = template().functions;
    let [queries, control] = &*functions["list-propensities"].statements else { panic!("two statements") };
    assert_eq!(queries.actions, ["dynamodb:Query"]);
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/expansion_propensity";
    assert_eq!(queries.resources, [table.to_owned(), format!("{table}/index/idx_expansion_propensity_score")]);
    assert_eq!((control.actions.len(), &control.event_source), (2, &None));
    let put = functions["act"].statements.iter().find(|s| s.actions == ["events:PutEvents"]).expect("it puts events");
    assert_eq!(put.event_source.as_deref(), Some("expansion-propensity"));
    let list = functions["export"].statements.iter().find(|s| s.actions == ["s3:ListBucket"]).expect("it lists files");
    assert_eq!(list.prefix.as_deref(), Some("runs/*"));
    let models = &functions["what-if"].statements[1];
    assert_eq!(models.resources, ["arn:aws:s3:::expansion-local/models/*"]);
}

#[test]
fn what_would_not_be_done_as_on_aws_is_refused() {
    for (from, to, named) in [
        (
            "detail-type: [RunCheckRequested]",
            "detail-type: [{prefix: Run}]",
            "RunCheckRequestedRule uses the operator prefix",
        ),
        (
            "StringEquals:\n                  events:source",
            "StringLike:\n                  events:source",
            "uses the condition",
        ),
        (
            "- Effect: Allow\n              Action: s3:ListBucket",
            "- Effect: Deny\n              Action: s3:ListBucket",
            "does not allow",
        ),
    ] {
        let text = TEXT.replacen(from, to, 1);
        let refusal = Template::parse(&text, "").expect_err("it is refused").to_string();
        assert!(refusal.contains(named), "{refusal}");
    }
}
