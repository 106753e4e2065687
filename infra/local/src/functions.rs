//! The functions under their names, and what Lambda does around them: context, time limit, retries.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use expansion_http::{Method, finished};
use expansion_service::Config;
use expansion_store::SdkConfig;
use futures::future::BoxFuture;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::StackError;
use crate::clock::{fresh_id, now};
use crate::gateway;
use crate::ledger::{Activity, Ledger};
use crate::stack::sdk_of;
use crate::template::{self, ACCOUNT, REGION, Route, Template};

/// How a function failed, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {error_message}")]
pub struct FunctionError {
    pub error_type: String,
    pub error_message: String,
}

/// What an invocation gives.
pub type Outcome = Result<Value, FunctionError>;

pub(crate) type Handler = Arc<dyn Fn(Value, Context) -> BoxFuture<'static, Outcome> + Send + Sync>;

pub(crate) struct Function {
    pub(crate) handler: Handler,
    pub(crate) timeout: Duration,
    /// Of failed asynchronous invocations.
    pub(crate) retries: u32,
}

#[derive(Clone)]
pub(crate) struct Functions {
    pub(crate) table: Arc<BTreeMap<String, Function>>,
    pub(crate) activity: Activity,
    /// Events and messages that failed every time.
    pub(crate) dead_letters: Ledger<Value>,
}

impl Functions {
    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(&self, name: &str, payload: Value) -> Outcome {
        let Some(function) = self.table.get(name) else {
            return Err(error("ResourceNotFoundException", format!("there is no function {name}")));
        };
        limited(function.timeout, (function.handler)(payload, context(name, function.timeout))).await?
    }

    /// Invokes a function asynchronously: with retries when it fails, and then a dead letter.
    pub(crate) fn invoke_later(&self, name: &str, payload: Value) {
        let underway = self.activity.begin();
        let (functions, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            functions.invoke_with_retries(&name, payload).await;
            drop(underway);
        });
    }

    async fn invoke_with_retries(&self, name: &str, payload: Value) {
        let retries = self.table.get(name).map_or(0, |function| function.retries);
        for attempt in 0..=retries {
            match self.invoke(name, payload.clone()).await {
                Ok(_) => return,
                Err(failure) if attempt == retries => {
                    tracing::warn!(function = name, error = %failure, "given up");
                    let error = failure.to_string();
                    self.dead_letters.push(json!({"function": name, "event": payload, "error": error}));
                }
                Err(failure) => {
                    tracing::debug!(function = name, attempt, error = %failure, "retried");
                    tokio::time::sleep(backoff(attempt)).await;
                }
            }
        }
    }
}

/// What an invocation gives, unless it panics or takes too long.
pub(crate) async fn limited<T: Send + 'static>(
    timeout: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, FunctionError> {
    // A task of its own, so that a panic ends the invocation and nothing else.
    let mut task = tokio::spawn(work);
    match tokio::time::timeout(timeout, &mut task).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(join)) if join.is_panic() => Err(error("Runtime.Panic", panic_message(&*join.into_panic()))),
        Ok(Err(join)) => Err(error("Runtime.ExitError", join.to_string())),
        Err(_) => {
            task.abort();
            Err(error("Sandbox.Timedout", format!("Task timed out after {} seconds", timeout.as_secs())))
        }
    }
}

/// How long to wait after the given attempt. AWS waits minutes; nobody here wants to.
pub(crate) fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(50 << attempt.min(5))
}

/// Makes the functions that the template names, each with its own variables and access key, and the router of all
/// routes.
pub(crate) fn start(template: &Template, sdk: &SdkConfig) -> Result<(Functions, Router), StackError> {
    let (mut table, mut api) = (BTreeMap::new(), Router::new());
    for (name, described) in &template.functions {
        let config = config(described, sdk_of(name, sdk));
        let timeout = Duration::from_secs(described.timeout_s);
        let handler = if let Some(routes) = expansion_api_functions::routes(name, Router::new(), &config) {
            let routes = routes.map_err(refused(name))?;
            check_routes(template, name, &config)?;
            let isolation = from_fn_with_state((name.clone(), timeout), gateway::isolated);
            api = api.merge(routes.clone().route_layer(isolation));
            http_handler(finished(routes))
        } else {
            event_handler(name, &config)?
        };
        table.insert(name.clone(), Function { handler, timeout, retries: described.retries });
    }
    let (activity, dead_letters) = (Activity::default(), Ledger::default());
    Ok((Functions { table: Arc::new(table), activity, dead_letters }, api))
}

/// A function's variables, with these SDKs.
pub(crate) fn config(described: &template::Function, sdk: SdkConfig) -> Config {
    let variables = described.variables.clone();
    Config::new(move |variable| variables.get(variable).cloned(), sdk)
}

fn refused<E: std::error::Error + Send + Sync + 'static>(name: &str) -> impl FnOnce(E) -> StackError {
    let function = name.to_owned();
    |source| StackError::Function { function, source: Box::new(source) }
}

/// API Gateway sends a function the routes that the template gives it: they must be those that it answers.
fn check_routes(template: &Template, name: &str, config: &Config) -> Result<(), StackError> {
    let described = template.routes.iter().filter(|route| route.function == name);
    let described: BTreeSet<_> = described.map(Route::key).collect();
    let answered: Option<Result<Vec<(Method, &str)>, _>> = expansion_api_functions::routes(name, Vec::new(), config);
    let answered = answered.transpose().map_err(refused(name))?.unwrap_or_default();
    let answered: BTreeSet<_> =
        answered.into_iter().map(|(method, path)| format!("{} {path}", method.name())).collect();
    let differing: Vec<_> = described.symmetric_difference(&answered).map(String::as_str).collect();
    if differing.is_empty() { Ok(()) } else { Err(StackError::Routes(differing.join(", "))) }
}

fn http_handler(router: Router) -> Handler {
    Arc::new(move |payload: Value, context: Context| {
        let router = router.clone();
        Box::pin(async move {
            let answer = expansion_api_functions::handle_event(router, &payload, context).await;
            answer.map_err(|cause| error("Runtime.UnmarshalError", format!("not an API Gateway event: {cause}")))
        })
    })
}

/// The real handler of a function that takes events, over a state made once.
fn event_handler(name: &str, config: &Config) -> Result<Handler, StackError> {
    // The functions share a shape but no type, so this is written once as a macro.
    macro_rules! handler {
        ($function:ident) => {{
            let state = Arc::new($function::State::new(config).map_err(refused(name))?);
            Arc::new(move |payload: Value, context: Context| {
                let state = Arc::clone(&state);
                Box::pin(async move {
                    let outcome = $function::handle(&state, LambdaEvent::new(payload, context)).await;
                    outcome.map_err(|failure| error(std::any::type_name_of_val(&failure), failure.to_string()))
                })
            })
        }};
    }
    Ok(match name {
        "judge" => handler!(judge),
        "trainer" => handler!(trainer),
        "scorer" => handler!(scorer),
        _ => return Err(StackError::UnknownFunction(name.to_owned())),
    })
}

/// What Lambda tells a function about its invocation.
fn context(name: &str, timeout: Duration) -> Context {
    let mut context = Context::default();
    context.request_id = fresh_id();
    context.invoked_function_arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
    let started_ms = u64::try_from(now().as_millisecond()).unwrap_or_default();
    context.deadline = started_ms + u64::try_from(timeout.as_millis()).unwrap_or_default();
    context
}

/// A panic's message is borrowed text when it has no arguments.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let owned = payload.downcast_ref::<String>().cloned();
    owned.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}

fn error(error_type: &str, error_message: String) -> FunctionError {
    FunctionError { error_type: error_type.to_owned(), error_message }
}

/// A table with one function, for the tests of what invokes it.
#[cfg(test)]
pub(crate) fn only(name: &str, retries: u32, handler: impl Fn(Value) -> Outcome + Send + Sync + 'static) -> Functions {
    let handler: Handler = {
        let handler = Arc::new(handler);
        Arc::new(move |payload, _| {
            let handler = Arc::clone(&handler);
            Box::pin(async move { handler(payload) })
        })
    };
    let function = Function { handler, timeout: Duration::from_secs(5), retries };
    Functions {
        table: Arc::new(BTreeMap::from([(name.to_owned(), function)])),
        activity: Activity::default(),
        dead_letters: Ledger::default(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_the_invocation() {
        let functions = only("f", 0, |_| panic!("{} went wrong", "something"));
        let failure = functions.invoke("f", Value::Null).await.expect_err("it panics");
        assert_eq!(failure.error_type, "Runtime.Panic");
        assert_eq!(failure.error_message, "something went wrong");
    }

    #[tokio::test]
    async fn an_asynchronous_invocation_is_tried_again_and_then_given_up() {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let functions = only("f", 2, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Err(error("Busy", "not now".to_owned()))
        });
        functions.invoke_later("f", json!({"n": 1}));
        functions.activity.idle().await;
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        assert_eq!(
            functions.dead_letters.all(),
            [json!({"function": "f", "event": {"n": 1}, "error": "Busy: not now"})]
        );
    }

    #[test]
    fn a_context_says_when_time_is_up() {
        let before = u64::try_from(now().as_millisecond()).expect("after 1970");
        let context = context("trainer", Duration::from_mins(15));
        assert!(context.deadline >= before + 900_000);
        assert!(context.invoked_function_arn.ends_with(":function:trainer"));
    }
}
