//! What a list is narrowed to.

use expansion_domain::{Date, Id};
use expansion_model::ConfidenceLevel;
use expansion_records::{Facet, Grade, Listed, Standing};
use serde::Serialize;

use crate::Principal;

/// Which customers belong in a list; what is absent does not narrow it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ListFilters {
    pub standing: Option<Standing>,
    pub grade: Option<Grade>,
    /// Only this CSM's portfolio; a CSM may name only their own, and gets it anyway.
    pub csm_id: Option<Id>,
    pub segment: Option<Id>,
    pub industry: Option<Id>,
    pub region: Option<Id>,
    /// Only customers to whom this product is recommended.
    pub product_id: Option<Id>,
    /// Only customers whose name or id has this in it, in any case of letters.
    pub q: Option<String>,
    pub min_score: u8,
    pub confidence: Option<ConfidenceLevel>,
    /// Only customers of whom a contract ends within so many days.
    pub renewal_within: Option<u16>,
    /// Only customers with somebody who argues for a purchase, or only those without.
    pub has_advocate: Option<bool>,
    /// Only customers with whom nobody has talked for so many days, or never.
    pub no_contact_for: Option<u16>,
    /// Only customers whose expansion would be worth so much.
    pub min_value: Option<f64>,
}

/// What the company's summary has counts of: a standing and at most one value of a facet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) standing: Option<Standing>,
    pub(super) facet: Option<(Facet, Id)>,
}

impl ListFilters {
    /// The filters as they are answered: a CSM's list is of their own portfolio.
    pub(super) fn settled(self, principal: &Principal) -> Self {
        let csm_id = principal.csm_id().cloned().or(self.csm_id);
        let q = self.q.map(|q| q.to_lowercase()).filter(|q| !q.is_empty());
        Self { csm_id, q, ..self }
    }

    /// Whether a row of a run that knew so much belongs in the list.
    pub(super) fn wants(&self, row: &Listed, as_of: Date) -> bool {
        let is = |wanted: &Option<Id>, value: &Option<Id>| wanted.is_none() || wanted == value;
        let names = || row.customer_name.iter().chain([&row.customer_id]);
        let days_from = |date: Date| (date - as_of).get_days();
        self.standing.is_none_or(|standing| row.standing == standing)
            && self.grade.is_none_or(|grade| row.grade == Some(grade))
            && is(&self.csm_id, &row.csm_id)
            && is(&self.segment, &row.segment)
            && is(&self.industry, &row.industry)
            && is(&self.region, &row.region)
            && self.product_id.as_ref().is_none_or(|product| row.product_ids.contains(product))
            && self.q.as_deref().is_none_or(|q| names().any(|name| name.to_lowercase().contains(q)))
            && row.propensity_score >= self.min_score
            && self.confidence.is_none_or(|level| row.confidence_level == level)
            && self.renewal_within.is_none_or(|days| row.renewal.is_some_and(|end| days_from(end) <= i32::from(days)))
            && self.has_advocate.is_none_or(|wanted| row.has_advocate == wanted)
            && self
                .no_contact_for
                .is_none_or(|days| row.last_contact.is_none_or(|at| -days_from(at) >= i32::from(days)))
            && self.min_value.is_none_or(|least| row.estimated_value.is_some_and(|value| value >= least))
    }

    /// What of the company's summary these filters ask for; `None` where it has no counts of that.
    pub(super) fn counted(&self) -> Option<Counted> {
        let Self { standing, grade, segment, industry, region, .. } = self;
        let grade = grade.map(|grade| Id::from(grade.name()));
        let facets = [Facet::Segment, Facet::Industry, Facet::Region, Facet::Grade];
        let asked = facets.into_iter().zip([segment, industry, region, &grade]);
        let mut asked = asked.filter_map(|(facet, value)| Some((facet, value.clone()?)));
        let facet = asked.next();
        let others = Self { standing: None, grade: None, segment: None, industry: None, region: None, ..self.clone() };
        (asked.next().is_none() && others == Self::default()).then_some(Counted { standing: *standing, facet })
    }
}

#[cfg(test)]
mod tests {
    use expansion_fixtures::listed;

    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    #[test]
    fn every_filter_narrows() {
        let as_of = date("2026-06-30");
        let row = Listed {
            standing: Standing::ReadyToApproach,
            grade: Some(Grade::B),
            segment: Some("SMB".into()),
            industry: Some("Retail".into()),
            region: Some("Europe".into()),
            product_ids: vec!["seats".into()],
            confidence_level: ConfidenceLevel::Medium,
            renewal: Some(date("2026-07-30")),
            has_advocate: true,
            last_contact: Some(date("2026-06-10")),
            estimated_value: Some(500.0),
            ..listed("c-1", 40)
        };
        let none = ListFilters::default;
        let id = |text: &str| Some(Id::from(text));
        for (kept, refused) in [
            (
                ListFilters { standing: Some(Standing::ReadyToApproach), ..none() },
                ListFilters { standing: Some(Standing::LeaveAlone), ..none() },
            ),
            (ListFilters { grade: Some(Grade::B), ..none() }, ListFilters { grade: Some(Grade::A), ..none() }),
            (ListFilters { csm_id: row.csm_id.clone(), ..none() }, ListFilters { csm_id: id("x"), ..none() }),
            (ListFilters { segment: id("SMB"), ..none() }, ListFilters { segment: id("smb"), ..none() }),
            (ListFilters { industry: id("Retail"), ..none() }, ListFilters { industry: id("Tech"), ..none() }),
            (ListFilters { region: id("Europe"), ..none() }, ListFilters { region: id("Asia"), ..none() }),
            (ListFilters { product_id: id("seats"), ..none() }, ListFilters { product_id: id("api"), ..none() }),
            (ListFilters { q: Some("c-1".to_owned()), ..none() }, ListFilters { q: Some("c-2".to_owned()), ..none() }),
            (ListFilters { min_score: 40, ..none() }, ListFilters { min_score: 41, ..none() }),
            (
                ListFilters { confidence: Some(ConfidenceLevel::Medium), ..none() },
                ListFilters { confidence: Some(ConfidenceLevel::High), ..none() },
            ),
            (ListFilters { renewal_within: Some(30), ..none() }, ListFilters { renewal_within: Some(29), ..none() }),
            (ListFilters { has_advocate: Some(true), ..none() }, ListFilters { has_advocate: Some(false), ..none() }),
            (ListFilters { no_contact_for: Some(20), ..none() }, ListFilters { no_contact_for: Some(21), ..none() }),
            (ListFilters { min_value: Some(500.0), ..none() }, ListFilters { min_value: Some(500.5), ..none() }),
        ] {
            assert!(kept.wants(&row, as_of), "{kept:?}");
            assert!(!refused.wants(&row, as_of), "{refused:?}");
        }
        let nothing_known = Listed { renewal: None, last_contact: None, estimated_value: None, ..row };
        assert!(!ListFilters { renewal_within: Some(90), ..none() }.wants(&nothing_known, as_of));
        assert!(ListFilters { no_contact_for: Some(90), ..none() }.wants(&nothing_known, as_of), "nobody ever talked");
        assert!(!ListFilters { min_value: Some(0.0), ..none() }.wants(&nothing_known, as_of));
    }

    #[test]
    fn a_summary_has_counts_of_a_standing_and_one_facet() {
        let smb = ListFilters { segment: Some("SMB".into()), ..ListFilters::default() };
        let counted = |filters: &ListFilters| filters.counted().map(|counted| (counted.standing, counted.facet));
        assert_eq!(counted(&ListFilters::default()), Some((None, None)));
        assert_eq!(counted(&smb), Some((None, Some((Facet::Segment, "SMB".into())))));
        let alone = ListFilters { standing: Some(Standing::LeaveAlone), ..smb.clone() };
        assert_eq!(counted(&alone), Some((Some(Standing::LeaveAlone), Some((Facet::Segment, "SMB".into())))));
        assert_eq!(counted(&ListFilters { grade: Some(Grade::A), ..smb.clone() }), None, "two facets");
        assert_eq!(counted(&ListFilters { min_score: 1, ..smb.clone() }), None);
        assert_eq!(counted(&ListFilters { csm_id: Some("csm-1".into()), ..smb }), None);
    }
}
