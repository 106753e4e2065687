//! Who may do what. Every function signs with an access key of its own; what it asks of the embedded services is held
//! against its role in the template, and refused as AWS would. The stack's own key may do everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ledger::Ledger;
use crate::template::{ACCOUNT, REGION, Statement, Template};

/// The key that may do everything.
pub(crate) const ADMINISTRATOR: &str = "LOCAL";
/// Everyone's secret. It opens nothing but this stack.
pub(crate) const SECRET: &str = "local";

pub(crate) fn access_key(function: &str) -> String {
    format!("{ADMINISTRATOR}-{function}")
}

/// The access key that a request is signed with.
pub(crate) fn signer(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    authorization.split_once("Credential=")?.1.split('/').next()
}

/// What a request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) resource: String,
    /// The source of the event that is put on a bus.
    pub(crate) event_source: Option<String>,
    /// How the keys begin that are listed.
    pub(crate) prefix: Option<String>,
}

/// The statements of every function's role, by access key, and what was refused.
#[derive(Clone, Debug)]
pub(crate) struct Roles {
    statements: Arc<BTreeMap<String, Vec<Statement>>>,
    pub(crate) refused: Ledger<String>,
}

impl Roles {
    pub(crate) fn of(template: &Template) -> Self {
        let functions = template.functions.iter();
        let statements = functions.map(|(name, function)| (access_key(name), function.statements.clone())).collect();
        Self { statements: Arc::new(statements), refused: Ledger::default() }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.statements.keys().map(String::as_str)
    }

    /// Whether the owner of a key may do all of this; if not, the reason.
    pub(crate) fn check(&self, key: Option<&str>, calls: impl IntoIterator<Item = Call>) -> Result<(), String> {
        let key = key.unwrap_or("anonymous");
        if key == ADMINISTRATOR {
            return Ok(());
        }
        let statements = self.statements.get(key).map(Vec::as_slice).unwrap_or_default();
        let denied = calls.into_iter().find(|call| !statements.iter().any(|statement| allows(statement, call)));
        let Some(Call { action, resource, .. }) = denied else { return Ok(()) };
        let reason = format!(
            "User: {key} is not authorized to perform: {action} on resource: {resource} because no identity-based \
             policy allows the {action} action"
        );
        tracing::error!(reason, "refused");
        self.refused.push(reason.clone());
        Err(reason)
    }
}

fn allows(statement: &Statement, call: &Call) -> bool {
    statement.actions.contains(&call.action)
        && statement.resources.iter().any(|pattern| covers(pattern, &call.resource))
        && statement.event_source.as_ref().is_none_or(|source| call.event_source.as_ref() == Some(source))
        && statement.prefix.as_ref().is_none_or(|prefix| call.prefix.as_ref().is_some_and(|keys| covers(prefix, keys)))
}

/// Whether a resource is one of those that a statement means: this one, or all that begin so.
fn covers(pattern: &str, resource: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == resource, |prefix| resource.starts_with(prefix))
}

/// What an operation of DynamoDB does to which table or index.
pub(crate) fn dynamodb_calls(operation: &str, body: &[u8]) -> Vec<Call> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Body {
        table_name: Option<String>,
        index_name: Option<String>,
        request_items: BTreeMap<String, Option<IgnoredAny>>,
    }
    let Body { table_name, index_name, request_items } = serde_json::from_slice(body).unwrap_or_default();
    let index = index_name.map(|index| format!("/index/{index}")).unwrap_or_default();
    let arn = |table: String| {
        let table = table.rsplit_once(":table/").map_or(&*table, |(_, name)| name);
        format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}{index}")
    };
    let mut resources: Vec<_> = table_name.into_iter().chain(request_items.into_keys()).map(arn).collect();
    if resources.is_empty() {
        // An operation on no table, or one whose tables are not known here.
        resources.push("*".to_owned());
    }
    let call = |resource| Call { action: format!("dynamodb:{operation}"), resource, event_source: None, prefix: None };
    resources.into_iter().map(call).collect()
}

/// What an operation of S3 does; some need the permission of another. `query` is the request's query string.
pub(crate) fn s3_call(operation: &str, path: &str, query: &str) -> Call {
    let action = match operation {
        "HeadObject" => "GetObject",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        other => other,
    };
    let parameters: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let prefix = parameters.into_iter().find_map(|(name, value)| (name == "prefix").then_some(value));
    Call { action: format!("s3:{action}"), resource: format!("arn:aws:s3:::{path}"), event_source: None, prefix }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::TEXT;

    fn roles() -> Roles {
        Roles::of(&Template::parse(TEXT, "").expect("the template parses"))
    }

    fn may(function: &str, call: Call) -> bool {
        roles().check(Some(&access_key(function)), [call]).is_ok()
    }

    #[test]
    fn a_function_may_do_what_its_role_says_and_nothing_else() {
        let query = |index| {
            let body = format!(r#"{{"TableName":"expansion_propensity"{index}}}"#);
            dynamodb_calls("Query", body.as_bytes()).remove(0)
        };
        let scores = r#","IndexName":"idx_expansion_propensity_score""#;
        assert!(may("list-propensities", query(scores)) && may("judge", query(scores)));
        assert!(may("list-propensities", query("")) && !may("judge", query("")));
        assert!(!may("get-propensity", query(scores)));
        let put = || dynamodb_calls("PutItem", br#"{"TableName":"expansion_propensity"}"#).remove(0);
        assert!(!may("get-propensity", put()) && !may("scorer", put()));
        let batch = dynamodb_calls("BatchWriteItem", br#"{"RequestItems":{"expansion_propensity":[{}]}}"#).remove(0);
        assert!(may("scorer", batch));
        assert!(!may("scorer", dynamodb_calls("ListTables", b"{}").remove(0)));
        assert!(!may("nobody", put()) && roles().check(None, [put()]).is_err());
        assert!(roles().check(Some(ADMINISTRATOR), [put()]).is_ok());
    }

    #[test]
    fn objects_are_told_apart_by_their_prefix() {
        assert!(may("what-if", s3_call("GetObject", "expansion-local/models/m1/manifest.json", "")));
        assert!(!may("what-if", s3_call("GetObject", "expansion-local/source/customers/a.csv", "")));
        assert!(!may("what-if", s3_call("PutObject", "expansion-local/models/m1/manifest.json", "")));
        assert!(may("trainer", s3_call("HeadObject", "expansion-local/source/customers/a.csv", "")));
        assert!(may("trainer", s3_call("ListObjectsV2", "expansion-local", "")));
        assert!(!may("what-if", s3_call("ListObjectsV2", "expansion-local", "")));
        let listed = |query| may("export", s3_call("ListObjectsV2", "expansion-local", query));
        assert!(listed("list-type=2&prefix=runs%2F20260630T235959Z-00000000%2Fscores%2F"));
        assert!(!listed("prefix=source%2F") && !listed("prefix=") && !listed(""));
    }

    #[test]
    fn events_of_another_source_are_not_put() {
        let put = |source: &str| Call {
            action: "events:PutEvents".to_owned(),
            resource: format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/expansion"),
            event_source: Some(source.to_owned()),
            prefix: None,
        };
        assert!(may("act", put("expansion-propensity")));
        assert!(!may("act", put("billing")) && !may("get-propensity", put("expansion-propensity")));
    }

    #[test]
    fn what_is_refused_is_kept() {
        let roles = roles();
        let refused = roles.check(Some("LOCAL-act"), [s3_call("GetObject", "expansion-local/models/m1", "")]);
        let reason = refused.expect_err("it reads no models");
        assert!(reason.contains("LOCAL-act is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::"));
        assert_eq!(roles.refused.all(), [reason]);
    }

    #[test]
    fn the_signer_is_read_from_the_signature() {
        let signed = "AWS4-HMAC-SHA256 Credential=LOCAL-act/20260630/us-east-1/s3/aws4_request, SignedHeaders=host";
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, signed.parse().expect("a header"))]);
        assert_eq!(signer(&headers), Some("LOCAL-act"));
        assert_eq!(signer(&HeaderMap::new()), None);
    }
}
