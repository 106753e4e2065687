//! Mappings for the exports of well-known systems.

use super::check;
use super::document::{Document, Preset};

impl Preset {
    const fn text(self) -> &'static str {
        match self {
            Self::Salesforce => include_str!("../../presets/salesforce.yaml"),
            Self::Hubspot => include_str!("../../presets/hubspot.yaml"),
            Self::Dynamics => include_str!("../../presets/dynamics.yaml"),
        }
    }
}

/// A preset and its text. Its files may be absent, and its columns may be.
pub(super) fn document(preset: Preset) -> Result<(Document, &'static str), String> {
    let mut document = check::document(preset.text())?;
    for entry in document.tables.0.values_mut().flat_map(|entries| &mut entries.0) {
        entry.of_preset = true;
    }
    Ok((document, preset.text()))
}

/// What to do about a source without tables, if the names of what is in it are those of a system's objects.
///
/// A name alone doesn't make it certain whose objects they are (`account` and `opportunity` are objects of two systems),
/// so nothing is read by a preset that nobody named.
pub(crate) fn hint<'n>(names: &(impl Iterator<Item = &'n str> + Clone)) -> Option<&'static str> {
    let stem = |name: &'n str| name.trim_end_matches('/').split('.').next().unwrap_or_default();
    let has = |wanted: &str| names.clone().any(|name| stem(name) == wanted);
    let either = |one: &str, other: &str| has(one) || has(other);
    if has("Account") && has("Opportunity") {
        Some("this looks like Salesforce objects: put a file source.yaml with `preset: salesforce` beside them")
    } else if either("account", "accounts") && either("opportunity", "opportunities") {
        Some(
            "this looks like objects of Dynamics 365 or Salesforce: put a file source.yaml with `preset: dynamics` or \
             `preset: salesforce` beside them",
        )
    } else if either("company", "companies") && either("deal", "deals") {
        Some("this looks like HubSpot objects: put a file source.yaml with `preset: hubspot` beside them")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_is_suggested_by_the_objects_there_are() {
        let hint = |names: &[&str]| hint(&names.iter().copied()).unwrap_or_default();
        assert!(hint(&["Account/", "Opportunity/", "Task.csv"]).contains("`preset: salesforce` beside"));
        assert!(hint(&["account.parquet", "opportunity/"]).contains("`preset: dynamics` or"));
        assert!(hint(&["companies.csv", "deals.csv"]).contains("`preset: hubspot`"));
        assert_eq!(hint(&["Account/", "invoices"]), "");
    }
}
