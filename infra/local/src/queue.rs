//! Queues in memory, each with a poller that feeds its function as Lambda's SQS event source does.
//!
//! A message is delivered until its function does not report it as failed, at most as often as the template says;
//! then it goes to the dead letters.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::clock::{fresh_id, now};
use crate::functions::{Functions, Outcome, backoff};
use crate::ledger::Underway;
use crate::template::{self, ACCOUNT, REGION};

/// Where messages are put.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Message>,
    functions: Functions,
}

struct Message {
    id: String,
    body: String,
    sent_ms: i64,
    receives: u32,
    /// A message is under way from when it is sent until it is done with.
    underway: Underway,
}

impl Queue {
    pub(crate) fn send(&self, body: String) {
        let message = Message {
            id: fresh_id(),
            body,
            sent_ms: now().as_millisecond(),
            receives: 0,
            underway: self.functions.activity.begin(),
        };
        self.put(message);
    }

    fn put(&self, message: Message) {
        // The poller only ends with the stack; a message for nobody is then no loss.
        let _ = self.sender.send(message);
    }
}

/// A queue, and the poller that must be run for it.
pub(crate) fn open(described: template::Queue, functions: &Functions) -> (Queue, impl Future<Output = ()> + use<>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queue = Queue { sender, functions: functions.clone() };
    (queue.clone(), poll(Arc::new(described), queue, receiver))
}

async fn poll(described: Arc<template::Queue>, queue: Queue, mut receiver: mpsc::UnboundedReceiver<Message>) {
    let places = Arc::new(Semaphore::new(described.max_concurrency));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let mut batch = Vec::new();
        if receiver.recv_many(&mut batch, described.batch_size).await == 0 {
            return;
        }
        let (described, queue) = (Arc::clone(&described), queue.clone());
        tokio::spawn(async move {
            deliver(&described, &queue, batch).await;
            drop(place);
        });
    }
}

async fn deliver(described: &template::Queue, queue: &Queue, mut batch: Vec<Message>) {
    for message in &mut batch {
        message.receives += 1;
    }
    let outcome = queue.functions.invoke(&described.function, event(described, &batch)).await;
    let failed = failed_ids(&outcome, &batch, described.reports_item_failures);
    for message in batch.into_iter().filter(|message| failed.contains(&message.id)) {
        if message.receives < described.max_receives {
            let queue = queue.clone();
            tokio::spawn(async move {
                tokio::time::sleep(backoff(message.receives - 1)).await;
                queue.put(message);
            });
        } else {
            give_up(described, queue, message, &outcome);
        }
    }
}

fn give_up(described: &template::Queue, queue: &Queue, message: Message, outcome: &Outcome) {
    let error = outcome.as_ref().err().map_or_else(|| "reported as failed".to_owned(), ToString::to_string);
    tracing::warn!(queue = described.name, error, receives = message.receives, "given up");
    let body = serde_json::from_str(&message.body).unwrap_or(Value::String(message.body));
    let letter = json!({"queue": described.name, "event": body, "error": error, "receives": message.receives});
    queue.functions.dead_letters.push(letter);
    drop(message.underway);
}

/// The messages that the function did not deal with. An answer that names a message not in the batch fails all, as
/// Lambda has it.
fn failed_ids(outcome: &Outcome, batch: &[Message], reports_item_failures: bool) -> HashSet<String> {
    let all = || batch.iter().map(|message| message.id.clone()).collect();
    let Ok(answer) = outcome else { return all() };
    let Some(failures) = answer["batchItemFailures"].as_array().filter(|_| reports_item_failures) else {
        return HashSet::new();
    };
    let known = |id: &str| batch.iter().any(|message| message.id == id);
    let named = failures.iter().map(|f| f["itemIdentifier"].as_str().filter(|id| known(id)).map(str::to_owned));
    named.collect::<Option<HashSet<_>>>().unwrap_or_else(all)
}

fn event(described: &template::Queue, batch: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": format!("{}#{}", message.id, message.receives),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": message.sent_ms.to_string(),
                "SenderId": ACCOUNT,
                "ApproximateFirstReceiveTimestamp": message.sent_ms.to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", described.name),
            "awsRegion": REGION,
        })
    };
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::functions::{FunctionError, only};

    fn described() -> template::Queue {
        template::Queue {
            name: "shards".to_owned(),
            function: "scorer".to_owned(),
            batch_size: 2,
            max_concurrency: 2,
            max_receives: 3,
            reports_item_failures: true,
        }
    }

    /// Sends bodies to a function that notes what it receives, and waits until all is done.
    async fn run(
        bodies: &[&str],
        answer: impl Fn(&Value) -> Outcome + Send + Sync + 'static,
    ) -> (Vec<(String, String)>, Vec<Value>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let functions = only("scorer", 0, move |event| {
            for record in event["Records"].as_array().expect("records") {
                let text = |value: &Value| value.as_str().expect("text").to_owned();
                let receives = text(&record["attributes"]["ApproximateReceiveCount"]);
                noted.lock().expect("not poisoned").push((text(&record["body"]), receives));
            }
            answer(&event)
        });
        let (queue, poller) = open(described(), &functions);
        let poller = tokio::spawn(poller);
        for body in bodies {
            queue.send((*body).to_owned());
        }
        functions.activity.idle().await;
        poller.abort();
        let mut seen = seen.lock().expect("not poisoned").clone();
        seen.sort();
        (seen, functions.dead_letters.all())
    }

    fn pair(body: &str, receives: &str) -> (String, String) {
        (body.to_owned(), receives.to_owned())
    }

    #[tokio::test]
    async fn a_message_is_delivered_once_when_it_succeeds() {
        let (seen, dead) = run(&["1", "2", "3"], |_| Ok(Value::Null)).await;
        assert_eq!(seen, [pair("1", "1"), pair("2", "1"), pair("3", "1")]);
        assert!(dead.is_empty());
    }

    #[tokio::test]
    async fn only_the_reported_message_comes_again_and_is_given_up_in_the_end() {
        let (seen, dead) = run(&["1", "2"], |event| {
            let records = event["Records"].as_array().expect("records");
            let failed = records.iter().filter(|r| r["body"] == "2");
            Ok(json!({"batchItemFailures": failed.map(|r| json!({"itemIdentifier": r["messageId"]})).collect::<Vec<_>>()}))
        })
        .await;
        assert_eq!(seen, [pair("1", "1"), pair("2", "1"), pair("2", "2"), pair("2", "3")]);
        assert_eq!(dead, [json!({"queue": "shards", "event": 2, "error": "reported as failed", "receives": 3})]);
    }

    #[tokio::test]
    async fn a_failed_invocation_fails_its_whole_batch() {
        let (seen, dead) =
            run(&["1", "2"], |_| Err(FunctionError { error_type: "E".to_owned(), error_message: "no".to_owned() }))
                .await;
        assert_eq!((seen.len(), dead.len()), (6, 2));
    }

    #[tokio::test]
    async fn an_answer_about_an_unknown_message_fails_its_whole_batch() {
        let (seen, dead) = run(&["1"], |_| Ok(json!({"batchItemFailures": [{"itemIdentifier": "other"}]}))).await;
        assert_eq!((seen.len(), dead.len()), (3, 1));
    }
}
