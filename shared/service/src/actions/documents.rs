//! The documents that come with an action: a meeting's calendar entry, and a proposal as Markdown and HTML.
//!
//! Both may reach the customer, so they say nothing of what is thought of them: no score, no probability, no points, no
//! reason that is not about the customer's own use and wishes. They are made from the event alone, so that a retry gives
//! the same documents.

use std::fmt::{self, Write};

use askama::Template;
use askama::filters::Escaper;
use expansion_domain::{
    ActionFactor, ActionKind, ActionMeeting, ActionProduct, ActionTiming, ActionValue, Currency, Date,
    ExpansionActionRequested, Instant, Money, thousands,
};
use expansion_features::{Audience, feature};
use icalendar::{Calendar, Component, Event, Property};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Error;

/// So many reasons are enough.
const MOST_REASONS: usize = 5;

/// The documents of one action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Documents {
    /// A meeting as an iCalendar file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// A proposal as Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_markdown: Option<String>,
    /// A proposal as an HTML document of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_html: Option<String>,
}

/// What a customer is offered, in words; what is not known is absent.
#[derive(Debug)]
struct Proposal {
    customer: Option<String>,
    contact: Option<String>,
    prepared_on: Date,
    as_of: Date,
    offers: Vec<Offer>,
    reasons: Vec<String>,
    timing: Option<ActionTiming>,
}

#[derive(Debug)]
struct Offer {
    title: String,
    /// The product's name, where the title does not say it already.
    product: Option<String>,
    quantity: Option<String>,
    value: Option<String>,
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct Html<'a> {
    proposal: &'a Proposal,
}

#[derive(Template)]
#[template(path = "proposal.md")]
struct Markdown<'a> {
    proposal: &'a Proposal,
}

/// The documents that come with an action.
pub(crate) fn documents(event: &ExpansionActionRequested, currency: Option<Currency>) -> Result<Documents, Error> {
    if event.action != ActionKind::GenerateProposal {
        let calendar = event.meeting.as_ref().map(|meeting| calendar(event, meeting));
        return Ok(Documents { calendar, ..Documents::default() });
    }
    let proposal = &proposal(event, currency);
    let failed = |error: askama::Error| Error::Internal(format!("a proposal cannot be written: {error}"));
    Ok(Documents {
        calendar: None,
        proposal_markdown: Some(Markdown { proposal }.render().map_err(failed)?),
        proposal_html: Some(Html { proposal }.render().map_err(failed)?),
    })
}

// --- calendar --------------------------------------------------------------------------------------------------------

fn calendar(event: &ExpansionActionRequested, meeting: &ActionMeeting) -> String {
    let customer = event.customer.name.as_deref().unwrap_or(&event.customer.id);
    let offer = event.product.as_ref().map(in_words);
    let summary = match &offer {
        Some(offer) => format!("{customer}: {offer}"),
        None => customer.to_owned(),
    };
    let lines = [
        contact(event).map(|contact| format!("With: {contact}")),
        offer.map(|offer| format!("About: {offer}")),
        event.note.as_deref().map(|note| printable(note, true)),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    let entry = Event::new()
        .uid(&event.action_id.to_string())
        .add_property("DTSTAMP", in_utc(event.requested_at))
        .add_property("DTSTART", in_utc(meeting.starts_at))
        .add_property("DTEND", in_utc(meeting.ends_at))
        .summary(&printable(&summary, false))
        .description(&lines.join("\n"))
        .done();
    let mut calendar = Calendar::empty();
    calendar.append_property(Property::new("VERSION", "2.0"));
    calendar.append_property(Property::new("PRODID", "-//expansion-propensity//act//EN"));
    calendar.push(entry);
    calendar.to_string()
}

/// An instant as RFC 5545 writes it.
fn in_utc(at: Instant) -> String {
    let at = Timestamp::from_microsecond(at.micros()).unwrap_or_default();
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

// --- proposal --------------------------------------------------------------------------------------------------------

fn proposal(event: &ExpansionActionRequested, currency: Option<Currency>) -> Proposal {
    let mut in_favour: Vec<&ActionFactor> = event.contributing_factors.iter().filter(|f| may_be_told(f)).collect();
    in_favour.sort_by_key(|factor| std::cmp::Reverse(factor.points));
    let timing = event.approach.timing.clone();
    Proposal {
        customer: event.customer.name.as_deref().map(|name| printable(name, false)),
        contact: contact(event),
        prepared_on: event.requested_at.date(),
        as_of: event.as_of.date(),
        offers: event.product.iter().chain(&event.alternatives).map(|product| offer(product, currency)).collect(),
        reasons: in_favour.into_iter().take(MOST_REASONS).map(|factor| printable(&factor.label, false)).collect(),
        timing: timing.map(|timing| ActionTiming { label: printable(&timing.label, false), ..timing }),
    }
}

/// Whether a factor is a reason for the customer too: it speaks for an expansion, is known, says that there is something
/// and not that there is none or less, and is about themselves.
fn may_be_told(factor: &ActionFactor) -> bool {
    let is_theirs = feature(&factor.feature).is_some_and(|(_, feature)| feature.audience == Audience::Customer);
    factor.points > 0 && factor.value.is_some_and(|value| value > 0.0) && is_theirs
}

fn offer(product: &ActionProduct, currency: Option<Currency>) -> Offer {
    let title = in_words(product);
    let name = product.name.as_deref().map(|name| printable(name, false));
    Offer {
        product: name.filter(|name| !title.contains(&**name)),
        quantity: product.quantity.map(thousands),
        value: product.estimated_value.map(|ActionValue { amount, lower, upper }| {
            let [amount, lower, upper] = [amount, lower, upper].map(|amount| Money { amount, currency });
            format!("about {amount:#}, between {lower:#} and {upper:#}")
        }),
        title,
    }
}

/// What is offered, in words; rows of long ago have none.
fn in_words(product: &ActionProduct) -> String {
    let words = Some(&*product.offer).filter(|offer| !offer.is_empty()).or(product.name.as_deref());
    printable(words.unwrap_or(&product.product_id), false)
}

/// The champion by name and title. What they are to us, and that they came to that title lately, is not for them to read.
fn contact(event: &ExpansionActionRequested) -> Option<String> {
    let advocate = event.approach.advocate.as_ref()?;
    let name = printable(advocate.name.as_deref()?, false);
    match advocate.title.as_deref() {
        Some(title) => Some(format!("{name}, {}", printable(title, false))),
        None => Some(name),
    }
}

/// A text without control characters, but for line breaks where it may have them: in a calendar they would begin new
/// properties, in Markdown new blocks.
fn printable(text: &str, may_break: bool) -> String {
    let unbroken = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = unbroken.chars().map(|c| match c {
        '\n' if may_break => '\n',
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
        c => c,
    });
    kept.collect::<String>().trim().to_owned()
}

/// What means something in `CommonMark` or GitHub's dialect. A letter never does, and nothing here begins a line. With
/// colon, full stop and at sign, addresses become no links of their own accord.
const SPECIAL: &str = r"\`*_{}[]()#+-!|~:.@=$^";

/// Shows a text as it is in Markdown: the escaper that `askama.toml` gives the templates.
#[derive(Clone, Copy)]
struct Escaped;

impl Escaper for Escaped {
    fn write_escaped_str<W: Write>(&self, mut to: W, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '&' => to.write_str("&amp;")?,
                c if SPECIAL.contains(c) => {
                    to.write_char('\\')?;
                    to.write_char(c)?;
                }
                c => to.write_char(c)?,
            }
        }
        Ok(())
    }
}
