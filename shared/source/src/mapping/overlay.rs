//! What becomes of a preset when a source says more.

use super::document::{Document, Entry, RowKind};

/// `own` on top of `preset`: entries of a table with files of their own take the place of the preset's; one without adds to
/// each of them, and wins where both say something.
pub(super) fn overlay(preset: Document, own: Document) -> Document {
    let mut merged = Document { tables: preset.tables, ..own };
    for (table, entries) in own.tables.0 {
        match (merged.tables.0.get_mut(&table), &*entries.0) {
            (Some(known), [added]) if added.files.0.is_empty() => {
                let facts = known.0.iter_mut().filter(|entry| entry.rows != Some(RowKind::LineItems));
                facts.for_each(|entry| add(entry, added));
            }
            _ => {
                merged.tables.0.insert(table, entries);
            }
        }
    }
    merged
}

fn add(entry: &mut Entry, own: &Entry) {
    for column in own.columns.0.keys() {
        entry.constants.0.remove(column);
    }
    for column in own.constants.0.keys() {
        entry.columns.0.remove(column);
    }
    for (column, values) in own.values.0.clone() {
        entry.values.0.entry(column).or_default().0.extend(values.0);
    }
    entry.own_filters.extend(own.keep.0.keys().chain(own.drop.0.keys()).cloned());
    entry.columns.0.extend(own.columns.0.clone());
    entry.constants.0.extend(own.constants.0.clone());
    entry.factors.0.extend(own.factors.0.clone());
    entry.keep.0.extend(own.keep.0.clone());
    entry.drop.0.extend(own.drop.0.clone());
    if !own.prefixes.0.is_empty() {
        entry.prefixes = own.prefixes.clone();
    }
    if !own.only_with.0.is_empty() {
        entry.only_with = own.only_with.clone();
    }
    if !own.seats.0.is_empty() {
        entry.seats = own.seats.clone();
    }
    entry.timezone = own.timezone.clone().or(entry.timezone.take());
    entry.missing = own.missing.clone().or(entry.missing.take());
    entry.decimal_mark = own.decimal_mark.or(entry.decimal_mark);
    entry.scale = own.scale.or(entry.scale);
    entry.won_deals = own.won_deals.or(entry.won_deals);
    entry.max_bad_share = own.max_bad_share.or(entry.max_bad_share);
    entry.max_unknown_share = own.max_unknown_share.or(entry.max_unknown_share);
}
