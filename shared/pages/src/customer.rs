//! One customer: the score with its reasons, what to do next, and what would move it.

use askama::Template;
use axum::extract::State;
use expansion_domain::Currency;
use expansion_features::{FEATURES, Value};
use expansion_http::{Caller, CustomerId, Problem, Shared};
use expansion_model::Lever;
use expansion_service::customer::CustomerAnswer;

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
    let (answer, levers) = tokio::try_join!(answer, dashboard.what_if.levers(&caller, &id))?;
    let slider = |lever: Lever| {
        let feature = &FEATURES[lever.feature];
        Slider { feature: feature.name, label: feature.describe_value(&Value::Number(lever.value)), lever }
    };
    let past = answer.history.iter().rev();
    let points: Vec<(String, f64, f64, f64)> =
        past.map(|p| (words::day(p.calculated_at), f64::from(p.propensity_score), p.lower, p.upper)).collect();
    Page::of(&Customer {
        bars: waterfall(&answer),
        curve: if points.len() > 1 { charts::history(&points) } else { String::new() },
        levers: levers.into_iter().map(slider).collect(),
        answer,
        currency: dashboard.currency,
    })
}

/// The way from nothing over the baseline and the factors to the score. Factors without points are no step.
fn waterfall(answer: &CustomerAnswer) -> Vec<Bar> {
    let baseline = ("A customer average in everything".to_owned(), None, answer.baseline_points);
    let factors = answer.contributing_factors.iter().filter(|factor| factor.points != 0);
    let factors = factors.map(|factor| {
        let typical = factor.typical.as_ref().and_then(|typical| {
            let (_, feature) = expansion_features::feature(&factor.feature)?;
            Some(feature.describe_value(&expansion_model::FactorValue::restored(Some(typical))))
        });
        (factor.label.clone(), typical, factor.points)
    });
    let steps: Vec<(String, Option<String>, i32)> = [baseline].into_iter().chain(factors).collect();
    let mut reached = 0;
    let ends: Vec<(i32, i32)> = steps
        .iter()
        .map(|(_, _, points)| {
            let from = reached;
            reached += points;
            (from.min(reached), from.max(reached))
        })
        .collect();
    let least = ends.iter().map(|end| end.0).min().unwrap_or_default().min(0);
    let span = f64::from(ends.iter().map(|end| end.1).max().unwrap_or_default().max(1) - least);
    let bar = |((label, typical, points), (low, high)): ((String, Option<String>, i32), (i32, i32))| Bar {
        label,
        typical,
        points,
        from: 100.0 * f64::from(low - least) / span,
        width: 100.0 * f64::from(high - low) / span,
        kind: if points < 0 { "against" } else { "for" },
    };
    steps.into_iter().zip(ends).map(bar).collect()
}
