//! The forms of an answer: JSON, or the paper itself for whoever asks for it by media type.

use expansion_api::{ActionAnswer, Problem};
use expansion_lambda::{entries, reply, respond};
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};

const CALENDAR: &str = "text/calendar";
const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// 201 for what was done, 200 for what would be.
pub(crate) fn response(request: &Request, answer: Result<ActionAnswer, Problem>) -> Response<Body> {
    let status = match &answer {
        Ok(answer) if answer.dry_run => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    match answer.map(|mut answer| (paper(request, &mut answer), answer)) {
        Ok((Some(paper), answer)) => {
            let name = file_name(paper.name, &answer.record.customer_id, paper.extension);
            as_file(respond(request, status, paper.media_type, paper.text), &name)
        }
        Ok((None, answer)) => reply(request, status, Ok(answer)),
        Err(problem) => reply(request, status, Err::<ActionAnswer, _>(problem)),
    }
}

/// A file to save.
struct Paper {
    media_type: &'static str,
    name: &'static str,
    extension: &'static str,
    text: String,
}

/// The answer's paper, if it has one and that is what the client would rather have.
fn paper(request: &Request, answer: &mut ActionAnswer) -> Option<Paper> {
    if answer.calendar.is_some() && prefers(request, CALENDAR) {
        let media_type = "text/calendar; charset=utf-8";
        return Some(Paper { media_type, name: "meeting", extension: "ics", text: answer.calendar.take()? });
    }
    if answer.proposal_html.is_some() && prefers(request, HTML) {
        let media_type = "text/html; charset=utf-8";
        return Some(Paper { media_type, name: "proposal", extension: "html", text: answer.proposal_html.take()? });
    }
    None
}

/// Whether a client names a media type, and JSON not or later or with a lower quality.
fn prefers(request: &Request, media_type: &str) -> bool {
    let mut best: (&str, f32) = (JSON, 0.0);
    for range in entries(request, header::ACCEPT) {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let known = [media_type, JSON].into_iter().find(|known| named.eq_ignore_ascii_case(known));
        if let Some(known) = known
            && quality > best.1
        {
            best = (known, quality);
        }
    }
    best.0 == media_type
}

/// The response, to be saved under a name; what it shows may do nothing.
fn as_file(mut response: Response<Body>, name: &str) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// A name that every system takes: of the customer's id, only letters, digits, `-` and `_`.
fn file_name(what: &str, customer_id: &str, extension: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let id: String = customer_id.chars().map(kept).take(80).collect();
    format!("{what}-{id}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_the_paper_first_gets_it() {
        for (accept, wanted) in [
            ("text/html", true),
            ("Text/HTML; charset=utf-8", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html, application/json", true),
            ("application/json, text/html", false),
            ("application/json;q=0.5, text/html;q=0.9", true),
            ("text/html;q=0", false),
            ("text/calendar", false),
            ("*/*", false),
            ("", false),
        ] {
            let request = lambda_http::http::Request::builder().header("accept", accept).body(Body::Empty);
            assert_eq!(prefers(&request.expect("a request"), HTML), wanted, "{accept}");
        }
        assert!(!prefers(&Request::new(Body::Empty), HTML));
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("meeting", "a/b\"\r\nc:ü_1", "ics"), "meeting-a-b---c--_1.ics");
    }
}
