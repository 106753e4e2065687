//! Weeks of refreshes through the real functions, with a change of the market on the way: is it noticed, does a challenger
//! take over, and are the answers right again?

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use expansion_bench::Failure;
use expansion_domain::{AccuracyRequested, Envelope, Instant, ModelAction, ModelCommandRequested};
use expansion_features::{Dataset, cutoffs, dataset};
use expansion_local::{Options, Stack, refresh};
use expansion_model::{Model, Readiness, scattered};
use expansion_records::AccuracyRecord;
use expansion_simulator::{DEMO_END, DEMO_SEED, Drift, Settings, simulate, write};
use expansion_source::{Limits, Location, inventory, read};
use expansion_store::{ChampionChange, ControlTable, S3};
use expansion_training::{Challenger, Champion, Layout, MOST_CUTOFFS, decide, fit_propensity, out_of_time};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

/// Days between two refreshes.
const WEEK: i32 = 7;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many weekly refreshes.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(2..=52))]
    weeks: u16,
    /// The week after whose refresh the market changes: from then on deals are won more easily.
    #[arg(long, value_name = "N", default_value_t = 6)]
    drift_week: u16,
    /// How much more easily, in tenths of log-odds; 0 for no change.
    #[arg(long, value_name = "TENTHS", default_value_t = 30, allow_negative_numbers = true)]
    drift: i32,
    /// How many customers.
    #[arg(long, value_name = "N", default_value_t = 6000)]
    customers: usize,
    /// Days after a refresh in which an expansion counts. Short, so that outcomes are in before the weeks are over.
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(u16).range(7..=90))]
    horizon_days: u16,
    /// The seed of all chance.
    #[arg(long, value_name = "N", default_value_t = DEMO_SEED)]
    seed: u64,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// A week, as it turned out.
#[derive(Debug, Serialize)]
struct Week {
    number: u16,
    as_of: Instant,
    /// The model that the week's customers were scored with.
    champion: String,
    /// Whether it was this week's challenger.
    is_new: bool,
    decision: String,
    /// What was found this week about this or earlier runs.
    findings: Vec<String>,
    /// What became of a challenger that was taught shuffled outcomes.
    bad_challenger: String,
    bad_challenger_promoted: bool,
    /// Calibration error of the week's answers, once their horizon was over.
    calibration_error: Option<f64>,
    predicted_expansions: Option<f64>,
    expansions: Option<usize>,
}

/// Simulates, refreshes week by week, and says what became of it.
pub(crate) async fn measure(arguments: &Arguments) -> Result<String, Failure> {
    expansion_telemetry::init_console("error,trainer=off,scorer=off,judge=off")?;
    report(arguments, &simulated(arguments).await?)
}

/// Simulates and refreshes week by week.
async fn simulated(arguments: &Arguments) -> Result<Vec<Week>, Failure> {
    let horizon = i32::from(arguments.horizon_days);
    let last = Instant::from_date(DEMO_END).ok_or("no such day")?.plus_days(-horizon).end_of_day();
    let first = last.plus_days(-WEEK * (i32::from(arguments.weeks) - 1));
    let changes = first.plus_days(WEEK * (i32::from(arguments.drift_week) - 1) + 1);
    let drift = (arguments.drift != 0).then(|| Drift { from: changes.date(), tenths: arguments.drift });
    let settings = Settings { customers: arguments.customers, seed: arguments.seed, drift, ..Settings::demo(DEMO_END) };
    let scratch = TempDir::new()?;
    let folder = scratch.path().join("source");
    write(&simulate(&settings), &folder, None)?;
    let stack = Stack::start(Options {
        source: Some(folder.display().to_string()),
        variables: [("HORIZON_DAYS".to_owned(), arguments.horizon_days.to_string())].into(),
        ..Options::default()
    })
    .await?;
    let mut weeks = Vec::new();
    for week in 1..=arguments.weeks {
        let as_of = first.plus_days(WEEK * (i32::from(week) - 1));
        weeks.push(one_week(&stack, arguments, week, as_of).await?);
        eprintln!("week {week}: {}", weeks.last().map(|week| &*week.decision).unwrap_or_default());
    }
    judge(&stack, &mut weeks, last.plus_days(horizon)).await?;
    stack.shutdown().await;
    Ok(weeks)
}

/// One refresh, the judging that follows it, and a challenger that was taught nonsense.
async fn one_week(stack: &Stack, arguments: &Arguments, week: u16, as_of: Instant) -> Result<Week, Failure> {
    let control = stack.config("trainer").control()?;
    let events = stack.events().len();
    let before = control.champion().await?;
    let run = refresh::refresh(stack, as_of, arguments.horizon_days, "simulate".to_owned()).await?;
    stack.idle().await;
    let champion = run.model().ok_or("the run has no model")?.model_id.clone();
    let challenger = control.models(1).await?.into_iter().next().ok_or("no model is on record")?;
    if control.champion().await?.is_none() {
        look_and_promote(&control, &challenger.model_id).await?;
    }
    let telling = |event: &serde_json::Value| {
        matches!(event["detail-type"].as_str(), Some("AccuracyDegraded" | "DriftDetected"))
            .then(|| event["detail"]["findings"].as_array().cloned().unwrap_or_default())
    };
    let told = stack.events();
    let findings = told.iter().skip(events).filter_map(telling).flatten();
    let findings = findings.filter_map(|finding| finding.as_str().map(str::to_owned)).collect();
    let (promoted, reason) = match before {
        Some(before) => bad_challenger(stack, arguments, week, as_of, &before.model_id).await?,
        None => (false, "there was no champion to compare with".to_owned()),
    };
    Ok(Week {
        number: week,
        as_of,
        is_new: champion == challenger.model_id,
        champion,
        decision: challenger.decision.reason,
        findings,
        bad_challenger: reason,
        bad_challenger_promoted: promoted,
        calibration_error: None,
        predicted_expansions: None,
        expansions: None,
    })
}

/// What a manager does about a first model that seems too good to be true, and is not: over a short horizon open deals tell
/// most of what there is to know. From then on challengers compete.
async fn look_and_promote(control: &ControlTable, model_id: &str) -> Result<(), Failure> {
    for (action, model_id, generation) in
        [(ModelAction::Promote, Some(model_id.to_owned()), 0), (ModelAction::Unpin, None, 1)]
    {
        let _: ChampionChange = control.command(&ModelCommandRequested { action, model_id, generation }).await??;
    }
    Ok(())
}

/// What the gate makes of a challenger that was fitted to shuffled outcomes.
async fn bad_challenger(
    stack: &Stack,
    arguments: &Arguments,
    week: u16,
    as_of: Instant,
    champion: &str,
) -> Result<(bool, String), Failure> {
    let config = stack.config("trainer");
    let (source, s3): (Location, S3) = (config.parsed("SOURCE_URI")?, config.s3());
    let customers = read(&inventory(&source, &s3).await?, &s3, None, Limits::default()).await?.data;
    let cutoffs = cutoffs(&customers, as_of, arguments.horizon_days, MOST_CUTOFFS);
    let champion: Model = config.artifacts()?.model(champion).await?;
    let data = dataset(&customers, &cutoffs, arguments.horizon_days, &champion.slots);
    let split = out_of_time(&data, &cutoffs, arguments.horizon_days).ok_or("the history is too short")?;
    let bad = fit_propensity(&shuffled(&data, week), Layout::of_features(arguments.horizon_days))?;
    let challenger = Challenger {
        evaluated: bad.evaluated(),
        readiness: Readiness::Ok,
        leaks: &[],
        horizon_days: arguments.horizon_days,
    };
    let champion = Champion { model: &champion, frame: &data.frame };
    let decision = decide(Some(champion), &challenger, &data, &split.held_out, config.stale_deal_days()?)?;
    Ok((decision.promote, decision.reason))
}

/// The same rows, each with the label of another.
fn shuffled(data: &Dataset, week: u16) -> Dataset {
    let mut places: Vec<usize> = (0..data.labels.len()).collect();
    places.sort_by(|a, b| {
        let at = |place: usize| scattered((u64::from(week) << 40) | place as u64);
        at(*a).total_cmp(&at(*b))
    });
    Dataset { labels: places.iter().map(|place| data.labels[*place]).collect(), ..data.clone() }
}

/// Judges all weeks by everything that happened since.
async fn judge(stack: &Stack, weeks: &mut [Week], as_of: Instant) -> Result<(), Failure> {
    stack.put_event(&serde_json::to_value(Envelope::new(AccuracyRequested { as_of }))?)?;
    stack.idle().await;
    let records: Vec<AccuracyRecord> = stack.config("judge").control()?.accuracies(weeks.len()).await?;
    for week in weeks {
        let record = records.iter().find(|record| record.as_of == week.as_of);
        let whole = record.and_then(|record| record.checkpoints.last()?.overall.as_ref());
        week.calibration_error = whole.and_then(|whole| Some(whole.figures.get("calibration_error")?.value));
        week.predicted_expansions = whole.and_then(|whole| whole.predicted_expansions);
        week.expansions = whole.map(|whole| whole.expansions);
    }
    Ok(())
}

/// Says how it went.
fn report(arguments: &Arguments, weeks: &[Week]) -> Result<String, Failure> {
    let is_after = |week: &&Week| week.number > arguments.drift_week;
    let degraded = |week: &&Week| week.findings.iter().any(|finding| finding.contains("expansions within"));
    let noticed = weeks.iter().filter(is_after).find(degraded).map(|week| week.number - arguments.drift_week);
    let false_alarms = weeks.iter().filter(|week| !is_after(week) && !week.findings.is_empty()).count();
    let replaced = weeks.iter().filter(is_after).filter(|week| week.is_new).count();
    let bad = weeks.iter().filter(|week| week.bad_challenger_promoted).count();
    let error = weeks.last().and_then(|week| week.calibration_error);
    if arguments.json {
        let summary = json!({
            "weeks": weeks,
            "weeks_until_noticed": noticed,
            "weeks_with_findings_before": false_alarms,
            "challengers_promoted_after": replaced,
            "last_calibration_error": error,
            "bad_challengers_promoted": bad,
        });
        return Ok(serde_json::to_string_pretty(&summary)?);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["Week", "As of", "Champion", "Predicted", "Happened", "Calibration error", "Found"]);
    let number = |value: Option<f64>, decimals: usize| value.map_or("–".to_owned(), |v| format!("{v:.decimals$}"));
    for week in weeks {
        table.add_row([
            week.number.to_string(),
            week.as_of.date().to_string(),
            if week.is_new { "new" } else { "stays" }.to_owned(),
            number(week.predicted_expansions, 0),
            week.expansions.map_or("–".to_owned(), |n| n.to_string()),
            number(week.calibration_error, 3),
            week.findings.join("; "),
        ]);
    }
    let drift = (arguments.drift != 0).then_some(arguments.drift_week);
    let noticed = noticed.map_or("not noticed".to_owned(), |weeks| format!("noticed {weeks} weeks later"));
    let told = drift.map(|week| {
        format!("The market changed after week {week}: {noticed}; weeks with findings before: {false_alarms}.\n")
    });
    Ok(format!(
        "{table}\n\n{}Challengers promoted since: {replaced}. Challengers taught shuffled outcomes promoted: {bad} of \
         {}.\nCalibration error of the last week's answers: {}",
        told.unwrap_or_default(),
        weeks.len(),
        number(error, 3)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn weeks_are_refreshed_judged_and_challenged() {
        let arguments = Arguments {
            weeks: 2,
            drift_week: 1,
            drift: 30,
            customers: 200,
            horizon_days: 28,
            seed: expansion_simulator::DEMO_SEED,
            json: true,
        };
        let weeks = simulated(&arguments).await.expect("it runs to its end");
        assert_eq!(weeks.iter().map(|week| week.number).collect::<Vec<_>>(), [1, 2]);
        assert!(weeks[0].is_new && weeks.iter().all(|week| !week.champion.is_empty()), "{weeks:?}");
        assert!(weeks[1].as_of == weeks[0].as_of.plus_days(WEEK) && !weeks[1].bad_challenger.is_empty(), "{weeks:?}");
        // Judged by what was known once its horizon was over.
        let judged = |week: &Week| week.expansions.is_some() && week.predicted_expansions.is_some_and(|n| n > 0.0);
        assert!(judged(&weeks[0]), "{weeks:?}");
        assert!(weeks.iter().all(|week| !week.bad_challenger_promoted), "{weeks:?}");
        let summary = report(&arguments, &weeks).expect("a summary");
        assert!(summary.contains(r#""bad_challengers_promoted": 0"#), "{summary}");
    }
}
