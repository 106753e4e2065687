use std::collections::BTreeSet;

use expansion_domain::{
    ActionKind, ActionRequest, Envelope, ExpansionActionRequested, Instant, Requester, RunId, StoredAction,
};
use expansion_fixtures::{self as fixtures, at};
use expansion_model::{FactorValue, ValueRange};
use expansion_records::{Approach, Direction, EntryPoint, Factor, Listed, Propensity, Quantity, RecommendedProduct};
use pulldown_cmark::{Event as Piece, Options, Parser};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::documents::{Documents, documents};
use super::{ActionCommand, action_id, plan};
use crate::Request;

/// A name that tries all it can.
const EVIL: &str = "Evil](javascript:alert(1)) <script>alert(1)</script> & *Co* www.evil.example `#1`";

fn factor(feature: &str, label: &str, value: Option<f64>, points: i32) -> Factor {
    Factor {
        feature: feature.to_owned(),
        label: label.to_owned(),
        value: value.map(FactorValue::Number),
        typical: None,
        points,
        direction: Direction::of(points),
    }
}

fn factors() -> Vec<Factor> {
    vec![
        factor("seat_utilisation", "Usage at 95% of license capacity", Some(0.95), 35),
        factor("health_score", "Health score of 92", Some(92.0), 20),
        factor("seat_inquiries", "Asked about additional seats 2x", Some(1.6), 18),
        factor("pricing_visits", "Looked at pricing 3x", Some(2.1), 9),
        factor("logins_change", "Logins -12% against the two months before", Some(-0.12), 3),
        factor("api_calls", "No API calls recorded", None, 2),
        factor("other", "Other factors", None, 2),
        factor("similar_cohort", "Similar cohort expanded 80%", Some(0.8), 0),
        factor("tickets_90", "6 support tickets in the last 90 days", Some(6.0), -5),
    ]
}

fn product(id: &str, name: &str, offer: &str, units: Option<f64>, amount: Option<f64>) -> RecommendedProduct {
    RecommendedProduct {
        product_id: id.into(),
        name: Some(name.into()),
        offer: offer.to_owned(),
        probability: 0.617,
        quantity: units.map(|units| Quantity { units, utilisation: 0.77, until: at("2026-12-31").date() }),
        estimated_value: amount.map(|amount| ValueRange { amount, lower: 0.5 * amount, upper: 1.75 * amount }),
        rationale: "An estimated 62% of SMB expansions are of it".to_owned(),
    }
}

/// A row with everything.
fn row(name: &str) -> Propensity {
    let mut row = fixtures::row("c-1", 94);
    row.listed.customer_name = Some(name.into());
    row.listed.segment = Some("SMB".into());
    row.contributing_factors = factors();
    row.recommended_products = vec![
        product("seats", "Team Seats", "Additional 50 seats", Some(50.0), Some(85_000.4)),
        product("audit", "Audit Log", "Audit Log", None, None),
    ];
    row.recommended_approach.entry_point = Some(EntryPoint {
        conversation: "Capacity planning".to_owned(),
        because: "Usage at 95% of license capacity".to_owned(),
    });
    row
}

/// A row of which hardly anything is known.
fn bare_row() -> Propensity {
    let mut row = row("");
    row.listed = Listed { customer_name: None, csm_id: None, segment: None, primary_signal: None, ..row.listed };
    row.contributing_factors = Vec::new();
    row.recommended_products = Vec::new();
    row.recommended_approach = Approach::default();
    row
}

fn request(action: ActionKind) -> ActionRequest {
    ActionRequest { action, product_id: None, starts_at: None, duration_minutes: None, note: None }
}

fn planned(row: &Propensity, request: &ActionRequest) -> StoredAction {
    let by = Requester { subject: Some("u-1".into()), csm_id: Some("csm-07".into()) };
    let id = Uuid::from_u128(7);
    plan::action(row, id, request, by, at("2026-07-01T12:00:00.25Z")).expect("it can be done")
}

fn files(row: &Propensity, request: &ActionRequest) -> Documents {
    documents(&planned(row, request).event, None).expect("they are written")
}

/// The Markdown and HTML of a proposal.
fn proposal(row: &Propensity) -> (String, String) {
    let files = files(row, &request(ActionKind::GenerateProposal));
    assert_eq!(files.calendar, None);
    files.proposal_markdown.zip(files.proposal_html).expect("a proposal in both forms")
}

/// The calendar entry of a meeting.
fn calendar(row: &Propensity, note: &str) -> String {
    let request = ActionRequest { note: Some(note.to_owned()), ..request(ActionKind::ScheduleMeeting) };
    let files = files(row, &request);
    assert!(files.proposal_markdown.is_none() && files.proposal_html.is_none());
    files.calendar.expect("a calendar entry")
}

const KINDS: [ActionKind; 3] =
    [ActionKind::CreateOpportunity, ActionKind::ScheduleMeeting, ActionKind::GenerateProposal];

#[test]
fn what_is_emitted_is_valid_against_the_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../events/schemas/ExpansionActionRequested.json")).expect("JSON");
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    let detail = |event: ExpansionActionRequested| serde_json::to_value(Envelope::new(event).detail).expect("JSON");
    for kind in KINDS {
        for row in [row("TechFlow Inc"), bare_row()] {
            let request = ActionRequest { note: Some("soon".to_owned()), ..request(kind) };
            let detail = detail(planned(&row, &request).event);
            let errors: Vec<String> = schema.iter_errors(&detail).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} in {detail}");
            let mut other = detail.clone();
            other["version"] = 2.into();
            assert!(!schema.is_valid(&other));
            other = detail.clone();
            other["requested_at"] = "soon".into();
            assert!(!schema.is_valid(&other));
            other = detail;
            other["action"] = "eat".into();
            assert!(!schema.is_valid(&other));
        }
    }
    let mut lost = detail(planned(&bare_row(), &request(ActionKind::ScheduleMeeting)).event);
    lost.as_object_mut().expect("an object").remove("meeting");
    assert!(!schema.is_valid(&lost), "a meeting has a time");
}

#[test]
fn an_event_tells_all_that_a_crm_needs() {
    let stored = planned(&row("TechFlow Inc"), &request(ActionKind::ScheduleMeeting));
    insta::assert_json_snapshot!("event", Envelope::new(stored.event));
}

#[test]
fn a_product_is_one_of_those_recommended() {
    let mut asked = request(ActionKind::CreateOpportunity);
    assert_eq!(planned(&row("a"), &asked).record.product_id.as_deref(), Some("seats"));
    assert_eq!(planned(&row("a"), &asked).event.alternatives.len(), 1);
    asked.product_id = Some("audit".into());
    let named = planned(&row("a"), &asked);
    assert_eq!(named.record.product_id.as_deref(), Some("audit"));
    assert!(named.event.alternatives.is_empty());
    assert_eq!(planned(&bare_row(), &request(ActionKind::CreateOpportunity)).event.product, None);

    asked.product_id = Some("yacht".into());
    let refused = plan::action(&row("a"), Uuid::nil(), &asked, Requester::default(), at("2026-07-01"));
    let refused = refused.expect_err("nobody recommends it");
    assert!(refused.to_string().starts_with("product_id: "), "{refused}");
}

#[test]
fn a_meeting_as_a_calendar_entry() {
    let calendar = calendar(&row("TechFlow Inc"), "Bring the seat plan, please");
    insta::assert_snapshot!("calendar", calendar.replace('\r', "␍"));
}

/// The properties of a calendar, unfolded and unescaped.
fn properties(calendar: &str) -> Vec<(String, String)> {
    assert!(calendar.ends_with("END:VCALENDAR\r\n") && !calendar.replace("\r\n", "").contains(['\r', '\n']));
    let unfolded = calendar.replace("\r\n ", "");
    let unescape = |value: &str| {
        let marked = value.replace("\\\\", "\u{0}");
        marked.replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").replace('\u{0}', "\\")
    };
    let split = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), unescape(value)));
    unfolded.lines().map(|line| split(line).expect("a content line")).collect()
}

#[test]
fn no_text_begins_a_property_of_its_own() {
    let note = "Line one\r\nATTENDEE:mailto:x@evil.example\rEND:VEVENT\nsemi; comma, back\\slash \\n, ümläut 老虎 and so on and on";
    let calendar = calendar(&row("A, B; C\\ \r\nLOCATION:here"), note);
    let properties = properties(&calendar);
    let names: BTreeSet<&str> = properties.iter().map(|(name, _)| &**name).collect();
    let wanted = ["BEGIN", "DESCRIPTION", "DTEND", "DTSTAMP", "DTSTART", "END", "PRODID", "SUMMARY", "UID", "VERSION"];
    assert_eq!(names, BTreeSet::from(wanted), "{calendar}");
    assert_eq!(properties.len(), 12);
    let value = |name: &str| &*properties.iter().find(|property| property.0 == name).expect("it is there").1;
    assert_eq!(value("SUMMARY"), "A, B; C\\  LOCATION:here: Additional 50 seats");
    let wanted = note.replace("\r\n", "\n").replace('\r', "\n");
    assert!(value("DESCRIPTION").ends_with(&wanted), "{}", value("DESCRIPTION"));
    assert_eq!(value("UID"), Uuid::from_u128(7).to_string());
    assert_eq!(value("DTSTART"), "20260702T090000Z");
    assert_eq!(value("DTEND"), "20260702T094500Z");
    assert!(calendar.lines().all(|line| line.len() <= 76), "{calendar}");
}

#[test]
fn a_proposal_as_markdown_and_html() {
    let (markdown, html) = proposal(&row("TechFlow Inc"));
    insta::assert_snapshot!("proposal_markdown", markdown);
    insta::assert_snapshot!("proposal_html", html);
}

#[test]
fn what_is_not_known_is_left_out_of_a_proposal() {
    let (markdown, html) = proposal(&bare_row());
    insta::assert_snapshot!("bare_proposal_markdown", markdown);
    let heads = ["What we propose", "Why now", "When"];
    assert!(heads.iter().all(|head| !html.contains(head)), "{html}");
    assert!(html.contains("<h1>Proposal</h1>"), "{html}");
}

#[test]
fn a_proposal_does_not_say_what_is_thought_of_the_customer() {
    let (markdown, html) = proposal(&row("TechFlow Inc"));
    // The score, its interval, the probability of the product, points, health, what was watched, and internal words.
    let inside = [
        "94",
        "89",
        "97",
        "61",
        "62",
        "35",
        "0.6",
        "ealth",
        "92",
        "pricing",
        "Pricing",
        "cohort",
        "SMB",
        "champion",
        "Champion",
        "promoted",
        "ropensity",
        "robability",
        "core",
        "onfidence",
        "oint",
        "csm",
        "ticket",
        "c-1",
        "p-1",
        "Other factors",
        "Logins",
        "No API",
    ];
    // Of the HTML without its style.
    let (head, body) = html.split_once("</head>").expect("a head");
    assert!(!head.contains("94") && !html.contains("<script"), "{head}");
    for inside in inside {
        assert!(!markdown.contains(inside), "{inside:?} in {markdown}");
        assert!(!body.contains(inside), "{inside:?} in {body}");
    }
}

/// A row whose every text is a trap.
fn evil_row() -> Propensity {
    let mut row = row(EVIL);
    row.contributing_factors[0].label = EVIL.to_owned();
    row.recommended_products[0].name = Some(format!("{EVIL} 2").as_str().into());
    row.recommended_products[0].offer = format!("1. {EVIL}\n\n# more");
    let advocate = row.recommended_approach.advocate.as_mut().expect("there is one");
    advocate.name = Some(format!("- {EVIL}").as_str().into());
    advocate.title = Some(EVIL.into());
    row
}

#[test]
fn markdown_shows_names_as_text() {
    let (markdown, _) = proposal(&evil_row());
    let mut text = String::new();
    for piece in Parser::new_ext(&markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Start(tag) => {
                let tag = format!("{tag:?}");
                let plain = ["Heading", "Paragraph", "List(None)", "Item", "Strong"];
                assert!(plain.iter().any(|plain| tag.starts_with(plain)), "{tag} in {markdown}");
                text.push('\n');
            }
            Piece::End(_) | Piece::SoftBreak => {}
            other => panic!("{other:?} in {markdown}"),
        }
    }
    assert_eq!(text.matches(EVIL).count(), 6, "{text}");
    assert!(markdown.lines().filter(|line| line.starts_with('#')).count() == 4, "{markdown}");
    assert!(!markdown.contains("www.") && !markdown.contains("<script"), "{markdown}");
}

#[test]
fn html_shows_names_as_text() {
    let (_, html) = proposal(&evil_row());
    assert!(!html.contains("<script") && !html.contains("href") && !html.contains("src="), "{html}");
    assert_eq!(html.matches("&#60;script&#62;alert(1)&#60;/script&#62; &#38; *Co*").count(), 7, "{html}");
}

#[test]
fn a_key_is_one_action_and_without_one_the_same_request_on_a_day_is() {
    let run = |day: &str| RunId::derive(at(day), "test", 90);
    let (june, july) = (run("2026-06-30"), run("2026-07-07"));
    let (noon, evening, morrow) = (at("2026-07-08T12:00:00Z"), at("2026-07-08T20:00:00Z"), at("2026-07-09"));
    let (open, meet) = (r#"{"action":"create_opportunity"}"#, r#"{"action":"schedule_meeting"}"#);
    let asked = |key: Option<&str>, body: &str, at: Instant| Request {
        body: ActionCommand::try_from(serde_json::from_str::<Map<String, Value>>(body).expect("an object"))
            .expect("it is fine"),
        idempotency_key: key.map(|key| key.parse().expect("a key")),
        received_at: at,
    };
    let keyed = |customer: &str, run, body, at| action_id(customer, run, &asked(Some("k"), body, at));
    assert_eq!(keyed("c-1", &june, open, noon), keyed("c-1", &july, meet, morrow));
    assert_ne!(keyed("c-1", &june, open, noon), keyed("c-2", &june, open, noon));
    let id = |run, body, at| action_id("c-1", run, &asked(None, body, at));
    let same = r#"{ "dry_run": true, "action": "create_opportunity" }"#;
    assert_eq!(id(&june, open, noon), id(&june, same, evening));
    assert_ne!(id(&june, open, noon), id(&june, open, morrow));
    assert_ne!(id(&june, open, noon), id(&july, open, noon));
    assert_ne!(id(&june, open, noon), id(&june, meet, noon));
    assert_ne!(id(&june, open, noon), keyed("c-1", &june, open, noon));
}
