//! What every page has: its frame, its headers, its style and script, and the page that says what went wrong.

use askama::Template;
use expansion_api::Problem;
use expansion_lambda::respond;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};

/// Nothing but what this function serves: no other host, no script or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The files that pages refer to.
const ASSETS: [(&str, &str, &str); 2] = [
    ("/assets/app.css", "text/css; charset=utf-8", include_str!("../assets/app.css")),
    ("/assets/app.js", "text/javascript; charset=utf-8", include_str!("../assets/app.js")),
];

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    problem: &'a Problem,
}

/// The text of a page.
pub(crate) fn render(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| {
        tracing::error!(error.message = %error, "a page could not be written");
        Problem::internal()
    })
}

/// The response for a page, or for what went wrong.
pub(crate) fn reply(request: &Request, page: Result<String, Problem>) -> Response<Body> {
    let (status, text) = match page {
        Ok(text) => (StatusCode::OK, text),
        Err(problem) => {
            tracing::info!(problem.kind = problem.kind, problem.detail = problem.detail, "answered with a problem");
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, ProblemPage { problem: &problem }.render().unwrap_or_default())
        }
    };
    secure(respond(request, status, "text/html; charset=utf-8", text))
}

/// A file that pages refer to.
pub(crate) fn asset(request: &Request, path: &str) -> Response<Body> {
    match ASSETS.into_iter().find(|(name, ..)| *name == path) {
        Some((_, media_type, text)) => secure(respond(request, StatusCode::OK, media_type, text.to_owned())),
        None => reply(request, Err(Problem::not_found("such file"))),
    }
}

fn secure(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
