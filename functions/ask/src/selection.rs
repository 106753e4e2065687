//! The accounts that a question is about, as parameters of the list and what the list has no parameter for.

use std::collections::BTreeMap;

use expansion_api::{Principal, Problem, RunView, ScoreView};
use expansion_records::Order;

use crate::names::{Narrowing, Vocabulary, is_same_csm};
use crate::rows::{self, MOST_ROWS, Parameters};
use crate::wanted::Wanted;
use crate::words::Whose;
use crate::{Found, State};

/// The accounts to look at: those of a list, as far as they are [`kept`].
#[derive(Debug)]
pub(crate) struct Selection {
    /// The list's parameters.
    pub(crate) parameters: Parameters,
    /// How the question was read.
    pub(crate) notes: Vec<String>,
}

/// The accounts that are wanted; or the answer, where that cannot be told.
pub(crate) async fn selection(
    state: &State,
    principal: &Principal,
    wanted: &Wanted,
) -> Result<Result<Selection, Found>, Problem> {
    let mut notes = Vec::new();
    let Some(mut parameters) = portfolio(state, principal, wanted.whose.as_ref(), &mut notes).await? else {
        return Ok(Err(Found::nothing(notes)));
    };
    let narrowed = match rows::narrowings(state, principal, &wanted.phrases).await? {
        Ok(narrowings) => narrow(&mut parameters, narrowings),
        Err((phrase, vocabulary)) => Err(names_nothing(&phrase, &vocabulary)),
    };
    if let Err(note) = narrowed {
        return Ok(Err(Found::nothing(vec![note])));
    }
    if let Some(least) = wanted.min_score {
        // No score is 100, so a list from there on is as empty as one from 101 on.
        parameters.push(("min_score", least.min(100).to_string()));
    }
    if let Some(level) = wanted.confidence {
        parameters.push(("confidence", level.name().to_owned()));
    }
    Ok(Ok(Selection { parameters, notes }))
}

/// The parameters of a portfolio's list; `None` where the caller may not see it or nobody has it, which is noted.
async fn portfolio(
    state: &State,
    principal: &Principal,
    whose: Option<&Whose>,
    notes: &mut Vec<String>,
) -> Result<Option<Parameters>, Problem> {
    let id = match (whose, principal) {
        (None, _) | (Some(Whose::Mine), Principal::Csm(_)) => return Ok(Some(Parameters::new())),
        (Some(Whose::Mine), Principal::Manager) => {
            notes.push("A manager has no portfolio of their own: these are all portfolios.".to_owned());
            return Ok(Some(Parameters::new()));
        }
        (Some(Whose::Csm(id)), Principal::Csm(own)) if !is_same_csm(id, own) => {
            notes.push("A CSM sees only their own customers.".to_owned());
            return Ok(None);
        }
        (Some(Whose::Csm(_)), Principal::Csm(own)) => Some(own.clone()),
        (Some(Whose::Csm(id)), Principal::Manager) => {
            let (found, is_cut) = rows::csm(state, principal, id).await?;
            if found.is_none() {
                notes.push(format!("No CSM \"{id}\" has customers in this run."));
                notes.extend(is_cut.then(only_the_best));
            }
            found
        }
    };
    Ok(id.map(|id| vec![("csm_id", id.to_string())]))
}

/// What is said where there are more accounts than are looked through.
pub(crate) fn only_the_best() -> String {
    format!("Only the best {MOST_ROWS} accounts were looked at.")
}

/// Adds what narrows a list; the note says why where that cannot be.
fn narrow(parameters: &mut Parameters, narrowings: Vec<Narrowing>) -> Result<(), String> {
    for narrowing in narrowings {
        let (name, value) = match narrowing {
            Narrowing::Segment(segment) => ("segment", segment),
            Narrowing::Product(product) => ("product_id", product),
        };
        if parameters.iter().any(|(taken, _)| *taken == name) {
            let what = if name == "segment" { "segment" } else { "product" };
            return Err(format!("A list can be of one {what} at a time."));
        }
        parameters.push((name, value.to_string()));
    }
    Ok(())
}

fn names_nothing(phrase: &str, vocabulary: &Vocabulary) -> String {
    let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let segments = list(vocabulary.segments.iter().map(|segment| &**segment).collect());
    let products = vocabulary.products.iter().map(|(id, name)| name.as_deref().unwrap_or(id));
    let products = list(products.collect());
    format!(
        "\"{phrase}\" is not understood, and no segment or product that is known. Segments: {segments}. Recommended \
         products: {products}."
    )
}

/// Whether a row of the list is wanted, as far as the list has no parameter for that.
pub(crate) fn kept(wanted: &Wanted, row: &ScoreView) -> bool {
    let reaches =
        |value: Option<f64>, least: Option<f64>| least.is_none_or(|least| value.is_some_and(|value| value >= least));
    (row.newly_ready || !wanted.newly_ready)
        && reaches(row.estimated_value.map(|value| value.amount), wanted.min_estimated_value)
        && reaches(row.expected_value, wanted.min_expected_value)
}

/// What the accounts are narrowed to and sorted by, by name.
pub(crate) fn filters(parameters: Parameters, wanted: &Wanted) -> BTreeMap<&'static str, String> {
    let mut filters: BTreeMap<&str, String> = parameters.into_iter().collect();
    if wanted.newly_ready {
        filters.insert("newly_ready", true.to_string());
    }
    for (name, least) in
        [("min_estimated_value", wanted.min_estimated_value), ("min_expected_value", wanted.min_expected_value)]
    {
        filters.extend(least.map(|least| (name, least.to_string())));
    }
    filters
}

/// What is said where another time is asked about than the scores are for.
pub(crate) fn other_horizon(wanted: &Wanted, run: &RunView) -> Option<String> {
    let asked = wanted.days.filter(|days| *days != u32::from(run.horizon_days))?;
    Some(format!("A score is the chance within {} days; there is none for {asked} days.", run.horizon_days))
}

/// The list's parameter for the order asked for.
pub(crate) fn sort(wanted: &Wanted) -> Option<(&'static str, String)> {
    (wanted.order != Order::Score).then(|| ("sort", wanted.order.name().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{run, score};

    #[test]
    fn a_list_is_of_one_segment_and_one_product() {
        let mut parameters = Parameters::new();
        let (segment, product) = (Narrowing::Segment("SMB".into()), Narrowing::Product("seats".into()));
        assert_eq!(narrow(&mut parameters, vec![segment.clone(), product]), Ok(()));
        assert_eq!(parameters, [("segment", "SMB".to_owned()), ("product_id", "seats".to_owned())]);
        assert!(narrow(&mut parameters, vec![segment]).is_err_and(|note| note.contains("one segment")));
    }

    #[test]
    fn rows_are_kept_by_what_the_list_has_no_parameter_for() {
        // It is newly ready, with an estimated value of 85,000 and an expected one of 80,000.
        let row = score("c-1", "A", 62);
        let old = ScoreView { newly_ready: false, estimated_value: None, ..row.clone() };
        let newly = Wanted { newly_ready: true, ..Wanted::default() };
        assert!(kept(&newly, &row) && !kept(&newly, &old));
        let valued = |least| Wanted { min_estimated_value: Some(least), ..Wanted::default() };
        assert!(kept(&valued(85_000.0), &row) && !kept(&valued(85_001.0), &row) && !kept(&valued(1.0), &old));
        let expected = Wanted { min_expected_value: Some(80_001.0), ..Wanted::default() };
        assert!(!kept(&expected, &row) && kept(&Wanted::default(), &old));
        assert_eq!(filters(vec![("segment", "SMB".to_owned())], &valued(85_000.0)), {
            BTreeMap::from([("segment", "SMB".to_owned()), ("min_estimated_value", "85000".to_owned())])
        });
    }

    #[test]
    fn another_time_than_the_horizon_is_said() {
        let within = |days| other_horizon(&Wanted { days, ..Wanted::default() }, &run());
        assert_eq!((within(None), within(Some(90))), (None, None));
        assert!(within(Some(30)).is_some_and(|note| note.contains("90 days") && note.contains("30 days")));
    }
}
