//! A client of the HTTP API, as small as can be: one request a connection.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Somebody who calls the API.
#[derive(Clone, Debug)]
pub struct Caller {
    /// `127.0.0.1` and the port.
    pub(crate) address: String,
    /// The CSM who calls; a manager when absent.
    pub(crate) csm_id: Option<String>,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or the text of a document.
    pub body: Value,
}

impl Reply {
    /// The body of an answer that must be 200.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The body of a problem that must have this status and be of this kind, and say for which request it is.
    pub fn problem(self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["type"], format!("urn:expansion-propensity:problem:{kind}"));
        assert_eq!(self.body["status"], status);
        assert!(self.body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{}", self.body);
        self.body
    }
}

impl Caller {
    /// Asks for a path with its query string.
    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[], "").await
    }

    /// Asks for a path with further headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.call("GET", path, headers, "").await
    }

    /// Posts a body, with further headers.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.call("POST", path, headers, body).await
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let token = self.csm_id.as_ref().map(|csm_id| format!("Bearer csm:{csm_id}"));
        let token = token.as_ref().map(|token| ("authorization", &**token));
        let length = body.len().to_string();
        let own = [("host", &*self.address), ("connection", "close"), ("content-length", &length)];
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in own.iter().chain(&token).chain(headers) {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["\r\n", body]);

        let mut stream = TcpStream::connect(&self.address).await.expect("the API listens");
        stream.write_all(request.as_bytes()).await.expect("it takes the request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        parse(&answer)
    }
}

fn parse(answer: &str) -> Reply {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let (status_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let headers = headers.lines().filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let is_text = headers.get("content-type").is_some_and(|kind| kind.starts_with("text/"));
    let body = if is_text || body.is_empty() {
        Value::String(body.to_owned())
    } else {
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
    };
    Reply { status, headers, body }
}
