//! The page that lists the features, made from their declarations.

use std::collections::BTreeMap;

use expansion_domain::Table;

use crate::{Audience, Better, FEATURES, Feature, KINDS, METRICS, Slot, Unit};

/// The page as it stands in `CATALOGUE.md`.
pub fn catalogue() -> String {
    let mut lines = vec![
        "# Feature catalogue".to_owned(),
        String::new(),
        "<!-- Made by `cargo run -p expansion-features --example catalogue`. -->".to_owned(),
        String::new(),
        "What a model may know of a customer, by the table that it comes from. Each feature is computed from what was known"
            .to_owned(),
        "at `as_of` alone, and missing where its table is not in the source. A model uses those that say something."
            .to_owned(),
    ];
    let mut by_table: BTreeMap<Table, Vec<&Feature>> = BTreeMap::new();
    for feature in FEATURES.iter().filter(|feature| feature.slot.is_none()) {
        by_table.entry(feature.table).or_default().push(feature);
    }
    for (table, features) in by_table {
        lines.extend(section(&format!("`{table}`"), None, &features));
    }
    let of = |slot: Slot| FEATURES.iter().filter(move |feature| feature.slot == Some(slot)).collect::<Vec<_>>();
    let metrics = format!(
        "The {METRICS} metrics that most customers have, whatever they are called, as `metric_1` to `metric_{METRICS}` in the order of\n\
         their names. Neither unit nor direction needs to be known. Of one measure over 7, 30 and 90 days the window that says\n\
         most enters a model, if it adds something to the other features."
    );
    lines.extend(section("Each usage metric", Some(metrics), &of(Slot::Metric(0))));
    let kinds = format!(
        "The {KINDS} kinds of signals that most customers gave, besides those above, as `kind_1` to `kind_{KINDS}` in the order of\n\
         their names."
    );
    lines.extend(section("Each kind of signal", Some(kinds), &of(Slot::Kind(0))));
    lines.join("\n") + "\n"
}

/// The lines of a section.
fn section(title: &str, introduction: Option<String>, features: &[&Feature]) -> Vec<String> {
    let mut lines = vec![String::new(), format!("## {title}"), String::new()];
    lines.extend(introduction.into_iter().flat_map(|text| [text, String::new()]));
    lines.push("| Feature | Unit | What is said | Where it is missing | Better | Told to |".to_owned());
    lines.push("|---|---|---|---|---|---|".to_owned());
    lines.extend(features.iter().map(|feature| {
        let Feature { name, unit, label, missing, better, audience, .. } = feature;
        let name = name.replace("_1_", "_N_");
        let [label, missing] = [label, missing].map(|text| said(text, feature.slot));
        let (unit, better, audience) = (of_unit(*unit), of_better(*better), of_audience(*audience));
        format!("| `{name}` | {unit} | {label} | {missing} | {better} | {audience} |")
    }));
    lines
}

/// A label with its places in words.
fn said(text: &str, slot: Option<Slot>) -> String {
    let of = match slot {
        Some(Slot::Metric(_)) => "*Metric*",
        Some(Slot::Kind(_)) => "*Kind*",
        None => "",
    };
    text.replace("{of}", of).replace("{s}", "s").replace("{}", "…")
}

const fn of_unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "share",
        Unit::Change => "change",
        Unit::Days => "days",
        Unit::Years => "years",
        Unit::Count => "count",
        Unit::Money => "money",
        Unit::Points => "points",
        Unit::Weight => "count, older ones less",
        Unit::Measure => "the metric's own",
        Unit::Level => "level",
    }
}

const fn of_better(better: Better) -> &'static str {
    match better {
        Better::More => "more",
        Better::Less => "less",
        Better::Neither => "–",
    }
}

const fn of_audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Customer => "the customer too",
        Audience::Internal => "CSMs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_declarations() {
        assert!(
            include_str!("../CATALOGUE.md") == catalogue(),
            "the features have changed: \
             `cargo run -p expansion-features --example catalogue > shared/features/CATALOGUE.md`, and look at the difference"
        );
    }

    #[test]
    fn every_feature_is_on_the_page() {
        let page = catalogue();
        for feature in FEATURES {
            let of_slot = |name: &str| match feature.slot {
                Some(Slot::Metric(at)) => name.replace(&format!("metric_{}_", at + 1), "metric_N_"),
                Some(Slot::Kind(at)) => name.replace(&format!("kind_{}_", at + 1), "kind_N_"),
                None => name.to_owned(),
            };
            let line = format!("| `{}` |", of_slot(feature.name));
            assert_eq!(page.matches(&line).count(), 1, "{}", feature.name);
        }
    }
}
