//! What every page has: its frame, its headers, its style and script, and the page that says what went wrong.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use expansion_http::Problem;

/// Nothing but what is served here: no other host, no script or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";

/// The files that pages refer to.
const ASSETS: [(&str, &str, &str); 2] = [
    ("app.css", "text/css; charset=utf-8", include_str!("../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../assets/app.js")),
];

/// A page, written.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn of(template: &impl Template) -> Result<Self, Refused> {
        template.render().map(Self).map_err(|error| {
            tracing::error!(error.message = %error, "a page could not be written");
            Problem::internal().into()
        })
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (headers(HTML), self.0).into_response()
    }
}

/// What went wrong, as a page.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Refused {
    problem: Problem,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.problem.log();
        (self.problem.status(), headers(HTML), self.render().unwrap_or_default()).into_response()
    }
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { problem: error.into() }
    }
}

/// A file that pages refer to.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Refused> {
    let found = ASSETS.into_iter().find(|(known, ..)| *known == name);
    let (_, media_type, text) = found.ok_or_else(|| Problem::not_found("such file"))?;
    Ok((headers(media_type), text).into_response())
}

fn headers(media_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ])
}
