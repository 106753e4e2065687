//! One customer: the score with its reasons, what to do next, and what would move it.

use askama::Template;
use axum::extract::State;
use expansion_domain::Currency;
use expansion_features::{FEATURES, Slots, Value};
use expansion_http::{Caller, CustomerId, Problem, Shared};
use expansion_model::Lever;
use expansion_service::customer::CustomerAnswer;
use expansion_service::what_if::Levers;

use crate::page::{Page, Refused};
use crate::{Dashboard, charts, words};

#[derive(Template)]
#[template(path = "customer.html")]
struct Customer {
    answer: CustomerAnswer,
    currency: Option<Currency>,
    bars: Vec<Bar>,
    curve: String,
    levers: Vec<Slider>,
}

impl Customer {
    /// Why a part of the answer is missing.
    fn reason(&self, part: &str) -> &str {
        self.answer.not_available.get(part).map_or(words::NOTHING, String::as_str)
    }

    /// A score worth aiming at: the next ten above.
    fn target(&self) -> u8 {
        (self.answer.score.propensity_score / 10 * 10 + 10).min(99)
    }
}

/// A step of the way from nothing to the score, as shares of the width.
#[derive(Debug, PartialEq)]
struct Bar {
    label: String,
    typical: Option<String>,
    points: i32,
    from: f64,
    width: f64,
    kind: &'static str,
}

struct Slider {
    feature: &'static str,
    label: String,
    lever: Lever,
}

/// The page of a customer.
pub(crate) async fn page(
    State(dashboard): State<Shared<Dashboard>>,
    caller: Result<Caller, Problem>,
    id: Result<CustomerId, Problem>,
) -> Result<Page, Refused> {
    let (Caller(caller), CustomerId(id)) = (caller?, id?);
    let answer = dashboard.customers.answer(&caller, &id);
    let (answer, Levers { levers, slots }) = tokio::try_join!(answer, dashboard.what_if.levers(&caller, &id))?;
    let slider = |lever: Lever| {
        let feature = &FEATURES[lever.feature];
        Slider { feature: feature.name, label: feature.describe_value(&Value::Number(lever.value), &slots), lever }
    };
    let past = answer.history.iter().rev();
    let points: Vec<(String, f64, f64, f64)> =
        past.map(|p| (words::day(p.calculated_at), f64::from(p.propensity_score), p.lower, p.upper)).collect();
    Page::of(&Customer {
        bars: waterfall(&answer, &slots),
        curve: if points.len() > 1 { charts::history(&points) } else { String::new() },
        levers: levers.into_iter().map(slider).collect(),
        answer,
        currency: dashboard.currency,
    })
}

/// The way from nothing over the baseline and the factors to the score. Factors without points are no step.
fn waterfall(answer: &CustomerAnswer, slots: &Slots) -> Vec<Bar> {
    let mut reached = 0;
    let mut step = |label: &str, typical, points: i32| {
        let start = reached;
        reached += points;
        let kind = if points < 0 { "against" } else { "for" };
        let (from, width) = (f64::from(start.min(reached)), f64::from(points.abs()));
        Bar { label: label.to_owned(), typical, points, from, width, kind }
    };
    let mut bars = vec![step("A customer average in everything", None, answer.baseline_points)];
    bars.extend(answer.contributing_factors.iter().filter(|factor| factor.points != 0).map(|factor| {
        let typical = factor.typical.as_ref().and_then(|typical| {
            let (_, feature) = expansion_features::feature(&factor.feature)?;
            Some(feature.describe_value(&expansion_model::FactorValue::restored(Some(typical)), slots))
        });
        step(&factor.label, typical, factor.points)
    }));
    // From points to shares of the width.
    let least = bars.iter().map(|bar| bar.from).fold(0.0, f64::min);
    let span = bars.iter().map(|bar| bar.from + bar.width).fold(1.0, f64::max) - least;
    for bar in &mut bars {
        bar.from = 100.0 * (bar.from - least) / span;
        bar.width = 100.0 * bar.width / span;
    }
    bars
}
