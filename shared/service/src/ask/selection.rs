//! The accounts that a question is about, as a list and what a list cannot be narrowed by.

use std::collections::BTreeMap;

use expansion_domain::Id;
use expansion_model::ConfidenceLevel;
use expansion_question::names::is_same_csm;
use expansion_question::{Narrowed, NotNarrowed, Vocabulary, Wanted, Way, Whose};
use expansion_records::{Order, RunSummary, Standing};
use serde::{Serialize, Serializer};

use crate::Principal;
use crate::ask::Stop;
use crate::ask::rows::MOST_ROWS;
use crate::list::{ListFilters, ListRequest, SCORES};
use crate::view::{RunView, ScoreView};

/// What accounts, or their moves, are narrowed to and sorted by. Shown as texts by name, under the names of a list's
/// parameters where it has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    pub csm_id: Option<Id>,
    pub segment: Option<Id>,
    pub product_id: Option<Id>,
    pub min_score: Option<u8>,
    pub confidence: Option<ConfidenceLevel>,
    pub order: Order,
    pub standing: Option<Standing>,
    pub newly_ready: bool,
    pub min_estimated_value: Option<f64>,
    pub min_expected_value: Option<f64>,
    pub direction: Option<Way>,
    pub min_points: Option<u32>,
}

impl Serialize for Filters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts = [
            ("csm_id", self.csm_id.as_ref().map(Id::to_string)),
            ("segment", self.segment.as_ref().map(Id::to_string)),
            ("product_id", self.product_id.as_ref().map(Id::to_string)),
            ("min_score", self.min_score.map(|least| least.to_string())),
            ("confidence", self.confidence.map(|level| level.name().to_owned())),
            ("sort", (self.order != Order::Score).then(|| self.order.name().to_owned())),
            ("standing", self.standing.map(|standing| standing.name().to_owned())),
            ("newly_ready", self.newly_ready.then(|| true.to_string())),
            ("min_estimated_value", self.min_estimated_value.map(|least| least.to_string())),
            ("min_expected_value", self.min_expected_value.map(|least| least.to_string())),
            ("direction", self.direction.map(|way| way.name().to_owned())),
            ("min_points", self.min_points.map(|least| least.to_string())),
        ];
        let texts: BTreeMap<&str, String> = texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
        texts.serialize(serializer)
    }
}

impl Filters {
    /// The list to look through, for those of its rows that are [kept](Self::keep).
    pub(super) fn list(&self) -> ListRequest {
        let filters = ListFilters {
            standing: self.standing,
            csm_id: self.csm_id.clone(),
            segment: self.segment.clone(),
            product_id: self.product_id.clone(),
            min_score: self.min_score.unwrap_or_default(),
            confidence: self.confidence,
            min_value: self.min_estimated_value,
            ..ListFilters::default()
        };
        ListRequest { order: self.order, ..filters.into() }
    }

    /// Whether a row of the list is wanted, as far as a list cannot be narrowed by that.
    pub(super) fn keep(&self, row: &ScoreView) -> bool {
        let reaches = |value: Option<f64>, least: Option<f64>| {
            least.is_none_or(|least| value.is_some_and(|value| value >= least))
        };
        (row.newly_ready || !self.newly_ready) && reaches(row.expected_value, self.min_expected_value)
    }
}

/// The accounts that are wanted, in the order of a list, and how the question was read.
pub(super) fn selection(
    principal: &Principal,
    summary: &RunSummary,
    wanted: &Wanted,
) -> Result<(Filters, Vec<String>), Stop> {
    let mut notes = Vec::new();
    let csm_id = portfolio(principal, summary, wanted.whose.as_ref(), &mut notes)?;
    let vocabulary = Vocabulary::from(summary);
    let Narrowed { segment, product } = vocabulary.narrowed(&wanted.phrases).map_err(|why| {
        Stop::Nothing(vec![match why {
            NotNarrowed::Unknown(phrase) => names_nothing(&phrase, &vocabulary),
            NotNarrowed::Segments => "A list can be of one segment at a time.".to_owned(),
            NotNarrowed::Products => "A list can be of one product at a time.".to_owned(),
        }])
    })?;
    // No score is 100, so a list from there on is as empty as one from 101 on.
    let most = *SCORES.end();
    let filters = Filters {
        csm_id,
        segment,
        product_id: product,
        min_score: wanted.min_score.map(|least| u8::try_from(least).unwrap_or(most).min(most)),
        confidence: wanted.confidence,
        standing: wanted.standing,
        newly_ready: wanted.newly_ready,
        min_estimated_value: wanted.min_estimated_value,
        min_expected_value: wanted.min_expected_value,
        ..Filters::default()
    };
    Ok((filters, notes))
}

/// Whose portfolio is looked at, where it is one.
fn portfolio(
    principal: &Principal,
    summary: &RunSummary,
    whose: Option<&Whose>,
    notes: &mut Vec<String>,
) -> Result<Option<Id>, Stop> {
    let nothing = |note: String| Err(Stop::Nothing(vec![note]));
    match (whose, principal) {
        (None, _) | (Some(Whose::Mine), Principal::Csm(_)) => Ok(None),
        (Some(Whose::Mine), Principal::Manager) => {
            notes.push("A manager has no portfolio of their own: these are all portfolios.".to_owned());
            Ok(None)
        }
        (Some(Whose::Csm(id)), Principal::Csm(own)) if is_same_csm(id, own) => Ok(Some(own.clone())),
        (Some(Whose::Csm(_)), Principal::Csm(_)) => nothing("A CSM sees only their own customers.".to_owned()),
        (Some(Whose::Csm(id)), Principal::Manager) => {
            let mut csms = summary.portfolios.iter().flatten();
            let found = csms.clone().find(|csm| ***csm == **id).or_else(|| csms.find(|csm| is_same_csm(csm, id)));
            match found {
                Some(csm) => Ok(Some(csm.clone())),
                None => nothing(format!("No CSM \"{id}\" has customers in this run.")),
            }
        }
    }
}

/// What is said where there are more accounts than are looked through.
pub(super) fn only_the_best() -> String {
    format!("Only the best {MOST_ROWS} accounts were looked at.")
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

/// What is said where another time is asked about than the scores are for.
pub(super) fn other_horizon(wanted: &Wanted, run: &RunView) -> Option<String> {
    let asked = wanted.days.filter(|days| *days != u32::from(run.horizon_days))?;
    Some(format!("A score is the chance within {} days; there is none for {asked} days.", run.horizon_days))
}

#[cfg(test)]
mod tests {
    use expansion_records::Facet;
    use serde_json::json;

    use super::*;
    use crate::ask::sample::{run, score};

    fn summary() -> RunSummary {
        RunSummary {
            portfolios: [None, Some("csm-07".into()), Some("csm-7".into()), Some("csm-12".into())].into(),
            facets: [(Facet::Segment, ["SMB", "Enterprise"].map(|name| (name.into(), BTreeMap::new())).into())].into(),
            ..RunSummary::default()
        }
    }

    fn selected(principal: &Principal, wanted: &Wanted) -> Result<(Filters, Vec<String>), Vec<String>> {
        selection(principal, &summary(), wanted).map_err(|stop| match stop {
            Stop::Nothing(notes) => notes,
            Stop::Failed(error) => panic!("{error}"),
        })
    }

    fn of(csm: &str) -> Wanted {
        Wanted { whose: Some(Whose::Csm(csm.to_owned())), ..Wanted::default() }
    }

    #[test]
    fn a_portfolio_is_that_of_the_csm_meant_as_far_as_the_caller_may_see_it() {
        let manager = |csm| selected(&Principal::Manager, &of(csm)).map(|(filters, _)| filters.csm_id);
        assert_eq!(manager("csm-7"), Ok(Some("csm-7".into())), "as it is written");
        assert_eq!(manager("CSM 12"), Ok(Some("csm-12".into())));
        assert_eq!(manager("csm-99"), Err(vec!["No CSM \"csm-99\" has customers in this run.".to_owned()]));
        let csm = Principal::Csm("csm-12".into());
        assert_eq!(selected(&csm, &of("12")).map(|(filters, _)| filters.csm_id), Ok(Some("csm-12".into())));
        assert_eq!(selected(&csm, &of("csm-07")), Err(vec!["A CSM sees only their own customers.".to_owned()]));
        let mine = Wanted { whose: Some(Whose::Mine), ..Wanted::default() };
        assert_eq!(selected(&csm, &mine), Ok((Filters::default(), Vec::new())), "a list is of their own anyway");
        let (all, notes) = selected(&Principal::Manager, &mine).expect("all portfolios");
        assert_eq!((all, notes.len()), (Filters::default(), 1));
    }

    #[test]
    fn a_list_is_of_one_segment_at_a_time() {
        let phrases = |phrases: &[&str]| {
            let phrases = phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
            selected(&Principal::Manager, &Wanted { phrases, ..Wanted::default() })
        };
        assert_eq!(phrases(&["smb"]).map(|(filters, _)| filters.segment), Ok(Some("SMB".into())));
        assert_eq!(phrases(&["smb", "enterprise"]), Err(vec!["A list can be of one segment at a time.".to_owned()]));
        let note = phrases(&["martian"]).expect_err("nobody is from there").concat();
        assert!(note.starts_with("\"martian\" is not understood"), "{note}");
        assert!(note.ends_with("Segments: Enterprise, SMB. Recommended products: none."), "{note}");
    }

    #[test]
    fn a_score_beyond_all_gives_an_empty_list() {
        let least = |min_score| {
            let wanted = Wanted { min_score: Some(min_score), ..Wanted::default() };
            selected(&Principal::Manager, &wanted).map(|(filters, _)| filters.list().filters.min_score)
        };
        assert_eq!((least(70), least(101), least(4_000)), (Ok(70), Ok(100), Ok(100)));
    }

    #[test]
    fn rows_are_kept_by_what_a_list_cannot_be_narrowed_by() {
        // It is newly ready, with an estimated value of 85,000 and an expected one of 80,000.
        let row = score("c-1", "A", 62);
        let old = ScoreView { newly_ready: false, estimated_value: None, ..row.clone() };
        let newly = Filters { newly_ready: true, ..Filters::default() };
        assert!(newly.keep(&row) && !newly.keep(&old));
        let valued = Filters { min_estimated_value: Some(85_000.0), ..Filters::default() };
        assert_eq!(valued.list().filters.min_value, Some(85_000.0), "the list is narrowed by that");
        let expected = Filters { min_expected_value: Some(80_001.0), ..Filters::default() };
        assert!(!expected.keep(&row) && Filters::default().keep(&old));
    }

    #[test]
    fn filters_are_shown_as_texts_by_name() {
        let shown = |filters: &Filters| serde_json::to_value(filters).expect("texts");
        assert_eq!(shown(&Filters::default()), json!({}));
        let all = Filters {
            standing: Some(Standing::InProgress),
            csm_id: Some("csm-07".into()),
            segment: Some("SMB".into()),
            product_id: Some("seats".into()),
            min_score: Some(70),
            confidence: Some(ConfidenceLevel::High),
            order: Order::ExpectedValue,
            newly_ready: true,
            min_estimated_value: Some(85_000.0),
            min_expected_value: Some(0.5),
            direction: Some(Way::Down),
            min_points: Some(5),
        };
        assert_eq!(
            shown(&all),
            json!({
                "csm_id": "csm-07", "segment": "SMB", "product_id": "seats", "min_score": "70", "confidence": "High",
                "sort": "expected_value", "standing": "in_progress", "newly_ready": "true", "min_estimated_value": "85000",
                "min_expected_value": "0.5", "direction": "down", "min_points": "5",
            })
        );
    }

    #[test]
    fn another_time_than_the_horizon_is_said() {
        let within = |days| other_horizon(&Wanted { days, ..Wanted::default() }, &run());
        assert_eq!((within(None), within(Some(90))), (None, None));
        assert!(within(Some(30)).is_some_and(|note| note.contains("90 days") && note.contains("30 days")));
    }
}
