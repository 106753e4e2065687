//! An answer as Markdown. Pure: everything said is in the typed answer.
//!
//! What comes from data (names, labels, ids, notes) goes through [`escape`] and is shown as text, whatever it contains.
//! It never stands where a line begins, as that is where Markdown looks for blocks.

use std::collections::BTreeMap;
use std::fmt::Write;

use expansion_domain::{Currency, DataGrade, Id, Instant, Money, Table};
use expansion_features::{Topic, feature};
use expansion_model::{Accuracy, Figure};
use expansion_question::Way;
use expansion_records::{Grade, Movement, Order, Standing};

use crate::accuracy::{OutcomesView, RunAccuracyView};
use crate::ask::{AccuracyBasis, Filters, Understood};
use crate::customer::CustomerAnswer;
use crate::view::{ModelView, RunView, ScoreView};
use crate::what_if::WhatIfAnswer;

/// What stands for a part that is not there.
const NOT_AVAILABLE: &str = "not available";
/// What can be done about an account. Nothing defines these as links: they are labels of buttons.
const ACTIONS: &str = "[Create Expansion Opp] [Schedule Meeting] [Generate Proposal]";

type Missing = BTreeMap<String, String>;

/// The answer in words.
pub(super) fn markdown(
    understood: &Understood,
    notes: &[String],
    not_available: &Missing,
    currency: Option<Currency>,
) -> String {
    let mut blocks: Vec<String> = notes.iter().map(|note| format!("**Note:** {}", escape(note))).collect();
    match understood {
        Understood::TopAccounts { filters, accounts, standings, customer, .. } => {
            blocks.insert(0, "Analyzing expansion propensity across your portfolio...".to_owned());
            blocks.extend(top_accounts(filters, accounts, standings, not_available, currency));
            if let Some(customer) = customer {
                blocks.extend(deep_dive(customer));
                blocks.push(ACTIONS.to_owned());
            }
        }
        Understood::Account { name, customer, did_you_mean, .. } => match customer {
            Some(customer) => blocks.extend(account(customer)),
            None => blocks.push(unknown(name, did_you_mean)),
        },
        Understood::Totals { run, filters, customers, newly_ready, by_score, expected_value } => {
            blocks.push("**How Many Accounts**".to_owned());
            blocks.extend(narrowed(filters, currency));
            let expected = expected_value.map(|amount| Money { amount, currency });
            blocks.push(totals(run, *customers, *newly_ready, by_score, expected));
        }
        Understood::Changes { run, since, compared, filters, up, down } => {
            blocks.push("**What Changed**".to_owned());
            blocks.extend(narrowed(filters, currency));
            blocks.push(compared_with(run, *since, *compared));
            let is_told = |way| *compared > 0 && filters.direction.is_none_or(|asked| asked == way);
            blocks.extend(is_told(Way::Up).then(|| moves("Up", up)));
            blocks.extend(is_told(Way::Down).then(|| moves("Down", down)));
        }
        Understood::Lift { name, account, what_if, did_you_mean } => match account {
            Some(account) => blocks.extend(lift(account, what_if.as_deref())),
            None => blocks.push(unknown(name, did_you_mean)),
        },
        Understood::Accuracy { basis, accuracy, model } => {
            blocks.extend(how_accurate(*basis, accuracy.as_deref(), model.as_deref()));
        }
        Understood::Refresh { run, current } => blocks.extend(refresh(run, current.as_deref())),
        Understood::Nothing { examples } => {
            let examples = examples.iter().map(|example| format!("- {example}"));
            blocks.push(list("I did not understand that. What I can answer:", examples));
        }
    }
    blocks.join("\n\n")
}

/// A text from data, so that Markdown shows just it: on one line, without invisible characters, with everything escaped
/// that begins markup, HTML, a cell or a link.
fn escape(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_invisible(*c)).collect();
    let clean = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.is_empty() {
        return "(blank)".to_owned();
    }
    let mut escaped = String::with_capacity(clean.len() + 8);
    for (place, c) in clean.char_indices() {
        let after = &clean[place + c.len_utf8()..];
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // In a table a bar ends the cell before anything else is looked at.
            '|' => escaped.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '^' | '$' | '=' | '@' => escaped.extend(['\\', c]),
            // Many readers make links of bare addresses.
            ':' if after.starts_with('/') => escaped.push_str("\\:"),
            '.' if clean[..place].to_lowercase().ends_with("www") => escaped.push_str("\\."),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Characters without a width, which can hide or turn around what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn name(row: &ScoreView) -> String {
    escape(row.shown_name())
}

fn day(at: Instant) -> String {
    at.date().to_string()
}

/// `+1 point`, `-2 points`.
fn points(points: i32) -> String {
    let plural = if points.abs() == 1 { "" } else { "s" };
    format!("{points:+} point{plural}")
}

/// `1 account`, `2 accounts`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn or_not_available(said: Option<impl ToString>) -> String {
    said.map_or_else(|| NOT_AVAILABLE.to_owned(), |said| said.to_string())
}

/// A title over lines that begin with a dash.
fn list(title: &str, lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().collect();
    format!("{title}\n\n{}", lines.join("\n"))
}

// --- accounts --------------------------------------------------------------------------------------------------------

fn top_accounts(
    filters: &Filters,
    accounts: &[ScoreView],
    standings: &BTreeMap<Standing, u64>,
    missing: &Missing,
    currency: Option<Currency>,
) -> Vec<String> {
    let mut blocks = vec!["**Top Expansion Opportunities**".to_owned()];
    blocks.extend(narrowed(filters, currency));
    if accounts.is_empty() {
        blocks.push(format!("None: {}.", escape(reason(missing, "accounts"))));
        blocks.extend(others(filters, standings));
        return blocks;
    }
    blocks.push(table(accounts, currency));
    if let Some(reason) = missing.get("accounts.estimated_value") {
        blocks.push(format!("Est. Value is {NOT_AVAILABLE} where {}.", escape(reason)));
    }
    let alone = |row: &ScoreView| Some(format!("- **{}**: {}", name(row), escape(row.leave_alone.as_deref()?)));
    let mut alone = accounts.iter().filter_map(alone).peekable();
    if alone.peek().is_some() {
        blocks.push(list("Better left alone for now:", alone));
    }
    let held = |row: &ScoreView| {
        let risks = if row.risks.is_empty() { "no risk is known".to_owned() } else { row.risks.join("; ") };
        Some(format!("- **{}**: {}: {}", name(row), escape(row.open_deal.as_deref()?), escape(&risks)))
    };
    let mut held = accounts.iter().filter_map(held).peekable();
    if held.peek().is_some() {
        blocks.push(list("What may hold the deals (the propensity is the chance that one is won):", held));
    }
    blocks.extend(others(filters, standings));
    blocks
}

/// How many accounts stand otherwise than those that are shown, and how to see them.
fn others(filters: &Filters, standings: &BTreeMap<Standing, u64>) -> Option<String> {
    let ask = |standing: Standing| match standing {
        Standing::ReadyToApproach => "“Which accounts are ready to approach?”",
        Standing::InProgress => "“Which accounts are in progress?”",
        Standing::LeaveAlone => "“Which accounts are better left alone?”",
    };
    let other = |standing: Standing| {
        let count = standings.get(&standing).filter(|_| filters.standing != Some(standing))?;
        Some(format!("{}: {count} ({})", standing.title(), ask(standing)))
    };
    let others: Vec<String> = Standing::ALL.into_iter().filter_map(other).collect();
    (!others.is_empty()).then(|| format!("Besides: {}.", others.join(" · ")))
}

/// What accounts or moves were narrowed to, in words.
fn narrowed(filters: &Filters, currency: Option<Currency>) -> Option<String> {
    let Filters { direction, min_points, min_score, .. } = filters;
    let named = |what: &str, id: Option<&Id>| id.map(|id| format!("{what} {}", escape(id)));
    let from =
        |what: &str, least: Option<f64>| least.map(|amount| format!("{what} from {}", Money { amount, currency }));
    let said = [
        filters.confidence.map(|level| format!("{} confidence", level.name())),
        named("CSM", filters.csm_id.as_ref()),
        direction.map(|way| format!("moves {}", way.name())),
        from("est. value", filters.min_estimated_value),
        from("expected value", filters.min_expected_value),
        min_points.map(|least| format!("moves of {least} points or more")),
        min_score.map(|least| format!("score from {least}")),
        filters.standing.map(|standing| standing.title().to_lowercase()),
        filters.newly_ready.then(|| "newly ready".to_owned()),
        named("product", filters.product_id.as_ref()),
        named("segment", filters.segment.as_ref()),
        (filters.order != Order::Score).then(|| format!("by {}", filters.order.name().replace('_', " "))),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("Only: {}", said.join(" · ")))
}

fn table(accounts: &[ScoreView], currency: Option<Currency>) -> String {
    let mut table = "| Rank | Customer | Propensity | Lift | Grade | Confidence | Est. Value | Primary Signal |\n\
                     |------|----------|------------|------|-------|------------|------------|----------------|"
        .to_owned();
    for row in accounts {
        let rank = row.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
        let value = or_not_available(row.estimated_value.map(|value| Money { amount: value.amount, currency }));
        let signal = row.primary_signal.as_deref().map_or_else(|| "none in favour".to_owned(), escape);
        let lift = or_not_available(row.lift.map(|lift| format!("{lift:.1}×")));
        let grade = or_not_available(row.grade.map(Grade::name));
        let (name, score, confidence) = (name(row), row.propensity_score, confidence(row));
        let _ =
            write!(table, "\n| {rank} | {name} | {score}% | {lift} | {grade} | {confidence} | {value} | {signal} |");
    }
    table
}

/// `High, above`: how sure it is on which side of comparable customers' average the account lies.
fn confidence(row: &ScoreView) -> String {
    let side = row.confidence.side.map_or_else(String::new, |side| format!(", {}", side.name()));
    format!("{}{side}", row.confidence.level.name())
}

/// Everything about an account: the deep dive, and how it came there.
fn account(customer: &CustomerAnswer) -> Vec<String> {
    let mut blocks = deep_dive(customer);
    let why = escape(reason(&customer.not_available, "movement"));
    let unmoved = format!("**Since the Run Before:** {NOT_AVAILABLE}: {why}");
    blocks.push(customer.movement.as_ref().map_or(unmoved, moved));
    blocks.push(ACTIONS.to_owned());
    blocks
}

fn deep_dive(customer: &CustomerAnswer) -> Vec<String> {
    let score = &customer.score;
    let mut blocks = vec![
        format!("**{} - Deep Dive:**", name(score)),
        format!("**Propensity Score: {}/100**", score.propensity_score),
    ];
    if let Some((lift, others)) = score.lift.zip(score.comparable.as_ref()) {
        let average = 100.0 * others.average;
        let of = others.segment.as_deref().map_or_else(String::new, |segment| format!(" of {}", escape(segment)));
        let standing = score.standing.title().to_lowercase();
        blocks.push(format!("{lift:.1} times the {average:.1}% of {} accounts {standing}{of}", others.customers));
    }
    if let Some(why) = &score.leave_alone {
        blocks.push(format!("Better left alone for now: {}", escape(why)));
    }
    if let Some(deal) = &score.open_deal {
        let deal = escape(deal);
        let risks = score.risks.iter().map(|risk| format!("- {}", escape(risk)));
        blocks.push(match &*score.risks {
            [] => format!("In progress: {deal}. No risk is known."),
            _ => list(&format!("In progress: {deal}. What may hold it:"), risks),
        });
    }
    let factor = |icon: &str, label: &str, of: i32| format!("- {icon} {} ({})", escape(label), points(of));
    let factors = customer.contributing_factors.iter();
    let mut factors: Vec<String> = factors.map(|one| factor(icon(&one.feature), &one.label, one.points)).collect();
    // With the baseline the points add up to the score.
    factors.push(factor("⚖️", "Baseline: a customer average in everything", customer.baseline_points));
    blocks.push(format!("Contributing Factors:\n{}", factors.join("\n")));
    blocks.push(approach(customer));
    blocks
}

fn approach(customer: &CustomerAnswer) -> String {
    let approach = &customer.recommended_approach;
    let timing = approach.timing.as_ref().map(|timing| format!("{} ({})", timing.label, timing.reason));
    let parts = [
        ("Product", "product", approach.product.clone()),
        ("Timing", "timing", timing),
        ("Champion", "champion", approach.advocate.as_ref().map(|advocate| advocate.label.clone())),
        ("Entry Point", "entry_point", approach.entry_point.as_ref().map(|entry| entry.conversation.clone())),
    ];
    let lines = parts.map(|(label, part, said)| {
        let missing = || reason(&customer.not_available, &format!("recommended_approach.{part}"));
        let said = said.unwrap_or_else(|| format!("{NOT_AVAILABLE}: {}", missing()));
        format!("- {label}: {}", escape(&said))
    });
    format!("**Recommended Approach:**\n{}", lines.join("\n"))
}

fn moved(movement: &Movement) -> String {
    let mut text = format!("**Since {}: {}**", day(movement.since), points(movement.delta));
    for factor in &movement.factors {
        let (before, after) = (escape(&factor.before), escape(&factor.after));
        let _ = write!(text, "\n- {} {before} → {after} ({})", icon(&factor.feature), points(factor.points));
    }
    let rest = [("The new model", movement.model_points), ("Facts corrected since", movement.correction_points)];
    for (label, of) in rest.into_iter().filter(|(_, of)| *of != 0) {
        let _ = write!(text, "\n- {label} ({})", points(of));
    }
    text
}

/// Why a part is not there, as the answer has it.
fn reason<'m>(missing: &'m Missing, part: &str) -> &'m str {
    missing.get(part).map_or("no reason is on record", String::as_str)
}

/// What stands for a feature's kind: for its table, but for people who are told of elsewhere too.
fn icon(name: &str) -> &'static str {
    match (name, feature(name).map(|(_, feature)| (feature.table, feature.topic))) {
        ("similar_cohort", _) => "🎯",
        ("other", _) => "➕",
        (_, Some((Table::Stakeholders, _) | (_, Topic::Advocate))) => "👤",
        (_, Some((Table::HealthScoreHistory, _))) => "⭐",
        (_, Some((Table::ExpansionSignals, _))) => "💬",
        (_, Some((Table::Engagements, _))) => "📊",
        (_, Some((Table::ExpansionOpportunities, _))) => "💰",
        (_, Some((Table::Contracts, _) | (_, Topic::Renewal))) => "📄",
        (_, Some((Table::Customers, _))) => "🏷️",
        _ => "📈",
    }
}

fn unknown(asked: &str, did_you_mean: &[ScoreView]) -> String {
    let asked = escape(asked);
    let suggested = |row: &ScoreView| {
        format!("- **{}** ({}), score {}/100", name(row), escape(&row.customer_id), row.propensity_score)
    };
    let title = match did_you_mean {
        [] => return format!("No customer that you may see has a name like “{asked}”."),
        [_] => format!("I know no “{asked}”. Did you mean …"),
        _ => format!("“{asked}” could be several customers, about equally near. Did you mean …"),
    };
    list(&title, did_you_mean.iter().map(suggested))
}

fn lift(account: &ScoreView, what_if: Option<&WhatIfAnswer>) -> Vec<String> {
    let target = what_if.and_then(|what_if| what_if.target).map(|target| format!(" to {target}"));
    let mut blocks = vec![
        format!("**What would lift {}{}?**", name(account), target.unwrap_or_default()),
        format!("**Propensity Score: {}/100**", account.propensity_score),
    ];
    let Some(what_if) = what_if else {
        blocks.push("There is no higher score to lift it to.".to_owned());
        return blocks;
    };
    if what_if.changes.is_empty() {
        let is_there = what_if.reached == Some(true);
        let why = if is_there { "It is there already." } else { "No change that is known would lift it." };
        blocks.push(why.to_owned());
        return blocks;
    }
    let changes = what_if.changes.iter().map(|change| {
        let usual = if change.usual == Some(false) { ", unusual in its segment" } else { "" };
        let along = if change.moves_with.is_some() { ", moves along" } else { "" };
        let (before, after) = (escape(&change.label), escape(&change.changed_label));
        format!("- {} {before} → {after} ({}{along}{usual})", icon(change.feature), points(change.points))
    });
    let others = Some(what_if.other_points).filter(|of| *of != 0);
    let others = others.map(|of| format!("- ➕ Smaller effects together ({})", points(of)));
    let title =
        if what_if.reached == Some(false) { "No change reaches it. The closest:" } else { "The smallest change:" };
    blocks.push(list(title, changes.chain(others)));
    let sure = &what_if.changed_confidence;
    blocks.push(format!(
        "The score would be **{}/100** ({} confidence, 90% interval {:.0} to {:.0}).",
        what_if.changed_score,
        sure.level.name(),
        sure.lower,
        sure.upper
    ));
    blocks.push(escape(what_if.note));
    blocks
}

// --- figures over all accounts ---------------------------------------------------------------------------------------

/// How many accounts there are and are newly ready, how many have which score, and what they are expected to bring.
fn totals(
    run: &RunView,
    customers: usize,
    newly_ready: usize,
    by_score: &BTreeMap<u8, usize>,
    expected_value: Option<Money>,
) -> String {
    let mut lines = format!("{} as of {}.\n", counted(customers, "account"), day(run.as_of));
    let mut below = 100;
    for (from, counted) in by_score.iter().rev() {
        let _ = write!(lines, "\n- Score {from} to {}: {counted}", below - 1);
        below = *from;
    }
    let (horizon, expected) = (run.horizon_days, or_not_available(expected_value));
    let _ = write!(lines, "\n- Newly ready: {newly_ready}\n- Expected within {horizon} days: {expected}");
    lines
}

fn compared_with(run: &RunView, since: Option<Instant>, compared: usize) -> String {
    if compared == 0 {
        return "No customer was in a run before, so there is nothing to compare with.".to_owned();
    }
    let before = since.map_or_else(|| "the run before".to_owned(), |since| format!("the run of {}", day(since)));
    format!("{} compared: {} against {before}.", counted(compared, "customer"), day(run.as_of))
}

fn moves(title: &str, rows: &[ScoreView]) -> String {
    let moved = rows.iter().filter_map(|row| {
        let trend = row.trend?;
        let (score, then, delta) = (row.propensity_score, trend.previous_score, points(i32::from(trend.delta)));
        Some(format!("- **{}**: {then} → {score} ({delta})", name(row)))
    });
    if rows.is_empty() { format!("{title}: nobody.") } else { list(&format!("{title}:"), moved) }
}

fn how_accurate(basis: AccuracyBasis, accuracy: Option<&RunAccuracyView>, model: Option<&ModelView>) -> Vec<String> {
    let mut blocks = vec!["**How Accurate the Scores Are**".to_owned()];
    if let Some(run) = accuracy {
        blocks.push(past_run(run));
    }
    if basis != AccuracyBasis::Outcomes {
        blocks.push(match model {
            Some(model) => out_of_time(model, accuracy.is_none()),
            None => "No past run has been judged by outcomes yet, and there is no row that names a model.".to_owned(),
        });
    }
    blocks
}

/// A run beside what happened.
fn past_run(run: &RunAccuracyView) -> String {
    let Some((cohort, accuracy)) = run.cohorts.first().and_then(|cohort| Some((cohort, cohort.accuracy.as_ref()?)))
    else {
        return format!("By outcomes: {NOT_AVAILABLE}.");
    };
    let whole = cohort.days == run.horizon_days;
    let how =
        if whole { "its whole horizon" } else { "the beginning of its horizon, so calibration cannot be told yet" };
    let mut text = format!("By outcomes: the run of {}, judged after {} days ({how}).\n", day(run.as_of), cohort.days);
    if accuracy.figures.is_empty() {
        let _ = write!(text, "\n- {}", too_few(run.outcomes));
    } else {
        let _ = write!(text, "\n- {}", figure(accuracy, "AUC", "auc"));
        if let Some(unworked) = cohort.unworked.as_ref() {
            let _ = write!(text, "\n- {}", figure(unworked, "AUC among customers nobody is working on", "auc"));
        }
        if whole {
            let _ = write!(text, "\n- {}", figure(accuracy, "Calibration error", "calibration_error"));
        }
    }
    let _ = write!(text, "\n- {}", predicted_and_happened(cohort.days, accuracy));
    text
}

/// What was expected within some days, beside what happened within them.
fn predicted_and_happened(days: u16, accuracy: &Accuracy) -> String {
    let (happened, customers) = (accuracy.expansions, accuracy.customers);
    match accuracy.predicted_expansions {
        Some(predicted) => format!(
            "Predicted vs actual: {predicted:.1} expansions predicted within {days} days, {happened} happened, of \
             {customers} customers"
        ),
        None => format!(
            "{happened} of {customers} customers expanded within {days} days; how many were to be expected by then is \
             not known"
        ),
    }
}

/// Why there are no figures, and until when.
fn too_few(outcomes: OutcomesView) -> String {
    let OutcomesView { expansions, needed, enough_on } = outcomes;
    let until = enough_on.map_or_else(String::new, |date| format!("; enough are expected by {date}"));
    format!("AUC and other figures: {NOT_AVAILABLE}: {expansions} expansions are known, {needed} are needed{until}")
}

fn figure(accuracy: &Accuracy, label: &str, name: &str) -> String {
    match accuracy.figures.get(name) {
        Some(Figure { value, lower, upper }) => format!("{label}: {value:.3} (90% interval {lower:.3} to {upper:.3})"),
        None => format!("{label}: {NOT_AVAILABLE}: fewer than 30 expansions"),
    }
}

fn out_of_time(model: &ModelView, alone: bool) -> String {
    let why = if alone { "No past run has been judged by outcomes yet. " } else { "" };
    let id = escape(&model.model_id);
    let Some(metrics) = model.metrics else {
        let reason = model.why_untested().unwrap_or_default();
        return format!("{why}Out of time: {NOT_AVAILABLE}: {reason} (model {id}).");
    };
    let unworked = model.unworked.map(|unworked| {
        format!("\n- AUC among customers whom nobody worked on: {:.3} ({} rows)", unworked.auc, unworked.n)
    });
    let unworked = unworked.unwrap_or_default();
    format!(
        "{why}Out of time: model {id}, on {} held-out rows that its evaluation fit had not seen.\n\n- AUC: {:.3}{unworked}\n\
         - Calibration error: {:.3}\n- Best tenth against the average: {:.1} times\n- Share that expanded: {:.1}%",
        metrics.n,
        metrics.auc,
        metrics.ece,
        metrics.lift_at_10,
        100.0 * metrics.base_rate
    )
}

/// The refresh, and the run that readers see where that is another one.
fn refresh(run: &RunView, current: Option<&RunView>) -> Vec<String> {
    let mut blocks = vec![format!("**State of the Refresh**\n\n{}", state_of(run))];
    blocks.extend(match current {
        None => Some("No run is complete yet, so there are no scores to see.".to_owned()),
        Some(current) if current.run_id == run.run_id => None,
        Some(current) => Some(format!("**The Run That Is Shown**\n\n{}", state_of(current))),
    });
    blocks
}

fn state_of(run: &RunView) -> String {
    let (rows, model) = (or_not_available(run.rows), or_not_available(run.model_id.as_deref().map(escape)));
    let shards =
        run.progress.map_or_else(String::new, |progress| format!(" ({} of {} shards)", progress.done, progress.shards));
    let mut text = format!(
        "- State: {}{shards}\n- As of: {}\n- Customers scored: {rows}\n- Model: {model}\n\
         - Horizon: {} days\n- Asked for by: {}",
        run.state.name(),
        run.as_of,
        run.horizon_days,
        escape(&run.cause)
    );
    let bad = run.data_issues.iter().filter(|issue| issue.grade != DataGrade::Fine);
    let left_out: u64 = bad.map(|issue| issue.count).sum();
    if left_out > 0 {
        let _ = write!(text, "\n- Rows of the source left out or doubtful: {left_out}");
    }
    if let Some(stale) = run.staleness() {
        let _ = write!(text, "\n- Out of date: {}", escape(&stale));
    }
    if let Some(odd) = run.oddities() {
        let _ = write!(text, "\n- Odd data: {}", escape(&odd));
    }
    if let Some(failure) = &run.failure {
        let _ = write!(text, "\n- Failure: {}", escape(failure));
    }
    text
}

#[cfg(test)]
mod tests;
