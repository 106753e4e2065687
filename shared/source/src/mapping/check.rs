//! Whether what `source.yaml` says can be, and what it means.

use std::collections::BTreeMap;
use std::sync::Arc;

use expansion_domain::{DataConcern, Table};

use super::document::{Decimal, Document, Entry, RowKind, Source, Text, Unique};
use super::names::suggestion;
use super::{Choice, DecimalMark, Filter, Mapping, Pattern, Rows, TableMapping, overlay, presets};
use crate::cells::WIDE;
use crate::tables::{Column, columns};

/// What a source's file says, on top of the preset that it names; an error is a sentence that names the key.
pub(super) fn parse(file: &'static str, text: &str) -> Result<Mapping, String> {
    let own = document(text)?;
    let (document, preset) = match own.preset {
        None => (own, ""),
        Some(name) => {
            let (preset, text) = presets::document(name)?;
            (overlay::overlay(preset, own), text)
        }
    };
    let mapping = checked(&document)?;
    Ok(Mapping { file, text: format!("{text}{preset}"), ..mapping })
}

/// The document that a text is.
pub(super) fn document(text: &str) -> Result<Document, String> {
    // An empty file, or one with nothing but comments, is a null.
    let document: Option<Document> =
        serde_yaml_ng::from_str(text).map_err(|error| understandable(&error.to_string()))?;
    Ok(document.unwrap_or_default())
}

/// An error of the YAML reader with the nearest of the names that it lists.
fn understandable(message: &str) -> String {
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match &*named {
        [unknown, allowed @ ..] if message.contains("unknown ") => {
            format!("{message}{}", suggestion(unknown, allowed.iter().copied()))
        }
        _ => message.to_owned(),
    }
}

fn checked(document: &Document) -> Result<Mapping, String> {
    timezone("timezone", document.timezone.as_deref())?;
    for (currency, rate) in &document.rates.0 {
        if !(rate.is_finite() && *rate > 0.0) {
            return Err(format!("rates.{currency}: {rate} is no rate; it must be above 0"));
        }
    }
    let mut rates = document.rates.0.clone();
    match &document.currency {
        None if !rates.is_empty() => {
            return Err("rates: `currency` must say into which currency they convert".to_owned());
        }
        Some(currency) if rates.insert(currency.clone(), 1.0).is_some() => {
            return Err(format!("rates.{currency}: is the currency that they convert into"));
        }
        _ => {}
    }
    if let Some(unknown) = document.accept.iter().find(|name| !DataConcern::NAMES.contains(&name.as_str())) {
        return Err(format!("accept: {unknown} is no finding{}", suggestion(unknown, DataConcern::NAMES.into_iter())));
    }
    let mut tables = BTreeMap::new();
    for (&table, entries) in &document.tables.0 {
        let several = entries.0.len() > 1;
        let mut mappings = Vec::new();
        for (i, entry) in entries.0.iter().enumerate() {
            let key = if several { format!("tables.{table}[{i}]") } else { format!("tables.{table}") };
            if several && entry.files.0.is_empty() {
                return Err(format!("{key}: `files` must say which of the table's files are meant"));
            }
            mappings.push(Arc::new(Checker { key, table }.entry(entry, document)?));
        }
        tables.insert(table, mappings);
    }
    let mut others = TableMapping::default();
    add_defaults(&mut others, document);
    Ok(Mapping {
        tables,
        others: Arc::new(others),
        rates,
        currency: document.currency.clone(),
        accept: document.accept.clone(),
        ..Mapping::default()
    })
}

/// What values stand for, with the metrics that count seats under the name that features look for.
fn with_seats(mut values: Words, entry: &Entry) -> Words {
    for seats in words(&entry.seats.0) {
        values.entry("metric".to_owned()).or_default().insert(seats, "active_seats".to_owned());
    }
    values
}

/// By column of the contract, what a value in the files stands for.
type Words = BTreeMap<String, BTreeMap<String, String>>;

/// What is said of the whole source, where nothing is said of the table.
fn add_defaults(mapping: &mut TableMapping, document: &Document) {
    let missing = || document.missing.as_ref().map(|missing| texts(&missing.0));
    mapping.timezone = mapping.timezone.take().or_else(|| document.timezone.clone());
    mapping.missing = mapping.missing.take().or_else(missing);
    mapping.decimal_mark = mapping.decimal_mark.or(document.decimal_mark.map(decimal_mark));
}

fn decimal_mark(decimal: Decimal) -> DecimalMark {
    match decimal {
        Decimal::Point => DecimalMark::Point,
        Decimal::Comma => DecimalMark::Comma,
    }
}

fn timezone(key: &str, name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if jiff::tz::TimeZone::get(name).is_err() => {
            Err(format!("{key}: {name:?} is no time zone; expected a name such as `Europe/Berlin`"))
        }
        _ => Ok(()),
    }
}

fn texts(list: &[Text]) -> Vec<String> {
    list.iter().map(|text| text.0.clone()).collect()
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Number,
    Text,
}

fn kind(column: &str) -> Kind {
    match column {
        "amount" | "annual_value" | "list_price" | "quantity" | "score" | "value" => Kind::Number,
        time if time.ends_with("_at") || time.ends_with("_date") => Kind::Time,
        _ => Kind::Text,
    }
}

/// The names of one column, with each of the entry's prefixes and without.
fn prefixed<'n>(entry: &Entry, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let with_prefixes = |name: &'n str| {
        let prefixes = entry.prefixes.0.iter().map(move |prefix| format!("{}{}", prefix.0.trim(), name.trim()));
        std::iter::once(name.trim().to_owned()).chain(prefixes)
    };
    names.into_iter().flat_map(with_prefixes).collect()
}

/// As values are compared: trimmed, and in lower case.
fn words(list: &[Text]) -> Vec<String> {
    list.iter().map(|text| word(&text.0)).collect()
}

fn word(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Checks one entry of a table, which messages call `key`.
struct Checker {
    key: String,
    table: Table,
}

impl Checker {
    fn entry(&self, entry: &Entry, document: &Document) -> Result<TableMapping, String> {
        self.check_place(entry)?;
        self.check_numbers(entry)?;
        timezone(&format!("{}.timezone", self.key), entry.timezone.as_deref())?;
        let mut mapping = TableMapping {
            files: self.files(entry)?,
            files_are_optional: entry.of_preset,
            rows: match entry.rows {
                Some(RowKind::LineItems) => Rows::LineItems,
                Some(RowKind::Facts) | None => Rows::Facts,
            },
            values: with_seats(self.values(entry)?, entry),
            filters: self.filters(entry)?,
            only_with: texts(&entry.only_with.0),
            constants: self.constants(entry)?,
            factors: self.factors(entry)?,
            timezone: entry.timezone.clone(),
            missing: entry.missing.as_ref().map(|missing| texts(&missing.0)),
            decimal_mark: entry.decimal_mark.map(decimal_mark),
            scale: entry.scale,
            won_deals: entry.won_deals.unwrap_or(false),
            max_bad_share: entry.max_bad_share,
            max_unknown_share: entry.max_unknown_share,
            ..TableMapping::default()
        };
        for name in &mapping.only_with {
            self.column("only_with", name)?;
        }
        self.add_columns(&mut mapping, entry)?;
        add_defaults(&mut mapping, document);
        let wanted = columns(self.table).len() + mapping.extras(self.table).count();
        if wanted > WIDE {
            return Err(format!("{}: {wanted} columns are named, more than the {WIDE} that there can be", self.key));
        }
        Ok(mapping)
    }

    /// What is said of one table alone.
    fn check_place(&self, entry: &Entry) -> Result<(), String> {
        let only = |said: bool, key: &str, table: Table| {
            if said && self.table != table {
                return Err(format!("{}.{key}: can be said of {table} only", self.key));
            }
            Ok(())
        };
        only(entry.scale.is_some(), "scale", Table::HealthScoreHistory)?;
        only(!entry.seats.0.is_empty(), "seats", Table::UsageMetrics)?;
        only(entry.won_deals.is_some(), "won_deals", Table::Customers)?;
        only(entry.rows == Some(RowKind::LineItems), "rows", Table::ExpansionOpportunities)
    }

    fn check_numbers(&self, entry: &Entry) -> Result<(), String> {
        if let Some(scale) = entry.scale.filter(|scale| !(scale.is_finite() && *scale > 0.0)) {
            return Err(format!("{}.scale: {scale} is no scale; it must be above 0", self.key));
        }
        for (name, share) in [("max_bad_share", entry.max_bad_share), ("max_unknown_share", entry.max_unknown_share)] {
            if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Err(format!("{}.{name}: {share} is no share; it must be from 0 to 1", self.key));
            }
        }
        Ok(())
    }

    fn files(&self, entry: &Entry) -> Result<Vec<Pattern>, String> {
        let pattern = |text: &Text| {
            let invalid = || format!("{}.files: {:?} is no path below the source", self.key, text.0);
            Pattern::new(&text.0).ok_or_else(invalid)
        };
        entry.files.0.iter().map(pattern).collect()
    }

    /// The column of the contract of a name.
    fn column(&self, key: &str, name: &str) -> Result<&'static Column, String> {
        let known = columns(self.table);
        known.iter().find(|column| column.name == name).ok_or_else(|| {
            let names = || known.iter().map(|column| column.name);
            let suggestion = suggestion(name, names());
            let names = names().collect::<Vec<_>>().join(", ");
            format!("{}.{key}.{name}: {} has no such column (it has {names}){suggestion}", self.key, self.table)
        })
    }

    fn add_columns(&self, mapping: &mut TableMapping, entry: &Entry) -> Result<(), String> {
        for (name, sources) in &entry.columns.0 {
            let column = self.column("columns", name)?;
            if entry.constants.0.contains_key(name) {
                return Err(format!("{}.constants.{name}: `columns` says where it is", self.key));
            }
            let choices = sources.0.iter().map(|source| self.choice(entry, column, source));
            let choices = choices.collect::<Result<Vec<_>, _>>()?;
            if choices.is_empty() {
                return Err(format!("{}.columns.{name}: names no column", self.key));
            }
            mapping.columns.insert(name.clone(), choices.iter().flat_map(|choice| choice.columns.clone()).collect());
            let is_plain = matches!(&*choices, [choice] if choice.values.is_empty() && choice.separator.is_none());
            if !is_plain {
                mapping.choices.insert(name.clone(), choices);
            }
        }
        Ok(())
    }

    fn choice(&self, entry: &Entry, column: &Column, source: &Source) -> Result<Choice, String> {
        let key = format!("columns.{}", column.name);
        let choice = match source {
            Source::Name(name) => Choice { columns: prefixed(entry, [&*name.0]), ..Choice::default() },
            Source::Column(source) => Choice {
                columns: prefixed(entry, source.column.0.iter().map(|name| &*name.0)),
                values: self.words(&key, column, &source.values)?,
                separator: source.separator.clone(),
            },
        };
        if choice.columns.is_empty() || choice.columns.iter().any(String::is_empty) {
            return Err(format!("{}.{key}: a column has no name", self.key));
        }
        if choice.separator.as_deref() == Some("") {
            return Err(format!("{}.{key}.separator: is empty", self.key));
        }
        Ok(choice)
    }

    fn values(&self, entry: &Entry) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
        let values = entry.values.0.iter().map(|(name, values)| {
            let column = self.column("values", name)?;
            Ok((name.clone(), self.words("values", column, values)?))
        });
        values.collect()
    }

    /// What words stand for, of a column that has words.
    fn words(
        &self,
        key: &str,
        column: &Column,
        values: &Unique<Text, Text>,
    ) -> Result<BTreeMap<String, String>, String> {
        if !values.0.is_empty() && kind(column.name) != Kind::Text {
            return Err(format!("{}.{key}: {} has no words that could stand for others", self.key, column.name));
        }
        let mut words = BTreeMap::new();
        for (theirs, ours) in &values.0 {
            if words.insert(word(&theirs.0), ours.0.trim().to_owned()).is_some() {
                return Err(format!("{}.{key}: {:?} is there twice", self.key, theirs.0));
            }
        }
        Ok(words)
    }

    fn filters(&self, entry: &Entry) -> Result<Vec<Filter>, String> {
        let keep = entry.keep.0.iter().map(|filter| (filter, true));
        let all = keep.chain(entry.drop.0.iter().map(|filter| (filter, false)));
        let filters = all.map(|((column, values), keep)| {
            if values.0.is_empty() {
                let key = if keep { "keep" } else { "drop" };
                return Err(format!("{}.{key}.{column}: names no value", self.key));
            }
            let required = !entry.of_preset || entry.own_filters.contains(column);
            Ok(Filter { columns: prefixed(entry, [&**column]), values: words(&values.0), keep, required })
        });
        filters.collect()
    }

    fn constants(&self, entry: &Entry) -> Result<BTreeMap<String, String>, String> {
        let constants = entry.constants.0.iter();
        constants.map(|(name, value)| self.column("constants", name).map(|_| (name.clone(), value.0.clone()))).collect()
    }

    fn factors(&self, entry: &Entry) -> Result<BTreeMap<String, f64>, String> {
        for (name, factor) in &entry.factors.0 {
            if kind(self.column("factors", name)?.name) != Kind::Number {
                return Err(format!("{}.factors.{name}: {name} has no numbers", self.key));
            }
            if !(factor.is_finite() && *factor > 0.0) {
                return Err(format!("{}.factors.{name}: {factor} is no factor; it must be above 0", self.key));
            }
        }
        Ok(entry.factors.0.clone())
    }
}
