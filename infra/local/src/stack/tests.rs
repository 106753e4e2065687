//! A stack in memory, talked to by the SDKs and by hand.

use std::io::{Read, Write};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use super::*;

/// Sends a request by hand, and gives the head and the body of the answer.
async fn send(url: &str, request: &str, headers: &str, body: &str) -> (String, String) {
    let address = url.trim_start_matches("http://").to_owned();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).expect("the gateway listens");
        stream.write_all(text.as_bytes()).expect("it takes the request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    });
    let answer = answer.await.expect("the client does not panic");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

fn dynamodb(stack: &Stack) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(stack.sdk())
}

fn s3(stack: &Stack) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(stack.sdk())
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put_run(stack: &Stack, run: &str) {
    let put = dynamodb(stack).put_item().table_name("expansion_control");
    put.item("pk", text("RUN")).item("sk", text(run)).item("open", text("yes")).send().await.expect("it is put");
}

async fn open_runs(stack: &Stack) -> usize {
    let query = dynamodb(stack).query().table_name("expansion_control");
    let query = query.index_name("idx_expansion_control_open_runs").key_condition_expression("#o = :o");
    let query = query.expression_attribute_names("#o", "open").expression_attribute_values(":o", text("yes"));
    query.send().await.expect("it is queried").items().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_clients_reach_the_embedded_services() {
    let stack = Stack::start(Options::default()).await.expect("it starts");
    put_run(&stack, "r1").await;
    assert_eq!(open_runs(&stack).await, 1);

    let s3 = &s3(&stack);
    let put = || s3.put_object().bucket(stack.bucket()).key("models/m1/manifest.json").if_none_match("*");
    put().body(ByteStream::from_static(b"{}")).send().await.expect("the first is written");
    assert!(put().body(ByteStream::from_static(b"[]")).send().await.is_err());
    let object =
        s3.get_object().bucket(stack.bucket()).key("models/m1/manifest.json").send().await.expect("it is there");
    assert_eq!(&*object.body.collect().await.expect("its body").into_bytes(), b"{}");
    let listed = s3.list_objects_v2().bucket(stack.bucket()).prefix("models/").send().await.expect("a listing");
    assert_eq!(listed.contents()[0].key(), Some("models/m1/manifest.json"));

    let entry = |detail| {
        let entry = PutEventsRequestEntry::builder().event_bus_name("expansion").source("expansion-propensity");
        entry.detail_type("ModelTrained").detail(detail).build()
    };
    let put = aws_sdk_eventbridge::Client::new(stack.sdk()).put_events().entries(entry("{}")).entries(entry("no"));
    let result = put.send().await.expect("a result");
    assert_eq!(result.failed_entry_count(), 1);
    assert!(result.entries()[0].event_id().is_some());
    assert_eq!(result.entries()[1].error_code(), Some("MalformedDetail"));
    stack.idle().await;
    assert_eq!(stack.dead_letters(), Vec::<Value>::new());
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_may_do_only_what_its_role_says() {
    let stack = Stack::start(Options::default()).await.expect("it starts");
    let config = sdk_of("get-propensity", stack.sdk());
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let key = |get: aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder| {
        get.key("pk", text("run")).key("sk", text("r1"))
    };
    key(dynamodb.get_item().table_name("expansion_control")).send().await.expect("it may read");
    let put = dynamodb.put_item().table_name("expansion_control").item("pk", text("run")).item("sk", text("r1"));
    let refused = put.send().await.expect_err("it may not write");
    assert_eq!(refused.code(), Some("AccessDeniedException"), "{refused:?}");
    let s3 = aws_sdk_s3::Client::new(&config);
    let refused = s3.get_object().bucket(stack.bucket()).key("models/m1").send().await.expect_err("no models");
    assert_eq!(refused.code(), Some("AccessDenied"), "{refused:?}");
    let entry = PutEventsRequestEntry::builder().event_bus_name("expansion").source("expansion-propensity");
    let put = aws_sdk_eventbridge::Client::new(&config).put_events();
    let refused = put.entries(entry.detail_type("ModelTrained").detail("{}").build()).send().await;
    assert_eq!(refused.expect_err("no events").code(), Some("AccessDeniedException"));
    assert_eq!(stack.refused().len(), 3);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_door_answers_as_api_gateway_and_lambda_do() {
    let stack = Stack::start(Options::default()).await.expect("it starts");
    let url = stack.api_url();
    let (head, body) = send(url, "GET /nothing", "", "").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(body, r#"{"message":"Not Found"}"#);
    let (head, _) = send(url, "GET /api/analytics/expansion-propensity?limit=3", "", "").await;
    assert!(head.starts_with("HTTP/1.1"), "{head}");

    let path = |name: &str| format!("POST /2015-03-31/functions/{name}/invocations");
    let (head, body) = send(url, &path("nobody"), "", "{}").await;
    assert!(head.starts_with("HTTP/1.1 404") && body.contains("Function not found"), "{head} {body}");
    let (head, _) = send(url, &path("trainer"), "", "{").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    let (head, _) = send(url, &path("trainer"), "x-amz-invocation-type: DryRun\r\n", "{}").await;
    assert!(head.starts_with("HTTP/1.1 204"), "{head}");
    let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Alist-propensities";
    // Not an API Gateway event: the function's error is a successful answer of Lambda's.
    let (head, body) = send(url, &path(arn), "", "{}").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-amz-function-error: Unhandled"), "{head}");
    assert!(body.contains("errorMessage"), "{body}");
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_outlives_the_stack_in_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || Options { data_dir: Some(folder.path().to_owned()), ..Options::default() };
    let first = Stack::start(options()).await.expect("it starts");
    put_run(&first, "r1").await;
    let put = s3(&first).put_object().bucket(first.bucket()).key("source/customers/a.csv");
    put.body(ByteStream::from_static(b"customer_id\n")).send().await.expect("it is written");
    first.shutdown().await;

    let second = Stack::start(options()).await.expect("it starts again");
    assert_eq!(open_runs(&second).await, 1);
    let head = s3(&second).head_object().bucket(second.bucket()).key("source/customers/a.csv");
    assert!(head.send().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_said_so() {
    let stack = Stack::start(Options::default()).await.expect("it starts");
    let port = stack.api_url().rsplit(':').next().and_then(|port| port.parse().ok());
    let again = Stack::start(Options { port, ..Options::default() }).await;
    assert!(matches!(again, Err(StackError::PortInUse { port: taken }) if Some(taken) == port));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binarys_environment_has_its_variables_and_the_endpoints() {
    let source = Some("file:///data/source".to_owned());
    let variables = BTreeMap::from([("HORIZON_DAYS".to_owned(), "30".to_owned())]);
    let stack = Stack::start(Options { source, variables, ..Options::default() }).await.expect("it starts");
    let environment = stack.environment("trainer");
    assert_eq!(environment["SOURCE_URI"], "file:///data/source");
    assert_eq!(environment["HORIZON_DAYS"], "30");
    assert_eq!(environment["AWS_ENDPOINT_URL_EVENTBRIDGE"], stack.endpoints().eventbridge);
    assert_eq!(stack.environment("list-propensities")["CURSOR_SECRET"].len(), 64);
    assert!(stack.environment("nobody").is_empty());
    let weekly = stack.weekly_event("2026-11-02T06:00:00Z").expect("a weekly schedule");
    assert_eq!(weekly["detail"]["as_of"], "2026-11-02T06:00:00Z");

    let unknown = BTreeMap::from([("HORIZON".to_owned(), "30".to_owned())]);
    let refused = Stack::start(Options { variables: unknown, ..Options::default() }).await;
    assert!(matches!(refused, Err(StackError::UnknownVariable(name)) if name == "HORIZON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_link_opens_one_object_for_a_while() {
    let stack = Stack::start(Options::default()).await.expect("it starts");
    let keys = ["runs/r/scores/shard=00000.parquet", "runs/r/scores/shard=00001.parquet", "models/m/artifact.json"];
    for key in keys {
        let put = s3(&stack).put_object().bucket(stack.bucket()).key(key);
        put.body(ByteStream::from_static(key.as_bytes())).send().await.expect("it is written");
    }
    let own = aws_sdk_s3::Client::new(&sdk_of("export", stack.sdk()));
    let link = async |key: &str, seconds: u64| {
        let valid = PresigningConfig::expires_in(Duration::from_secs(seconds)).expect("not too long");
        let signed = own.get_object().bucket(stack.bucket()).key(key).presigned(valid).await.expect("a link");
        signed.uri().to_owned()
    };
    let get = async |url: String| {
        let answer = tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
            let mut answer = agent.get(url).call().expect("it answers");
            (answer.status().as_u16(), answer.body_mut().read_to_string().expect("a body"))
        });
        answer.await.expect("no panic here")
    };
    let good = link(keys[0], 900).await;
    assert_eq!(get(good.clone()).await, (200, keys[0].to_owned()));
    let (status, _) = get(good.replace("00000", "00001")).await;
    assert_eq!(status, 403, "signed for another object");
    assert_eq!(get(good.split('?').next().unwrap_or_default().to_owned()).await.0, 403, "not signed");
    assert_eq!(get(link(keys[2], 900).await).await.0, 403, "the signer may not read models");
    let short = link(keys[0], 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(get(short).await.0, 403, "it has expired");
    stack.shutdown().await;
}
