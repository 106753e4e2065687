//! The form of `source.yaml`: its keys, as serde and JSON Schema know them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use expansion_domain::Table;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor, value};

/// What the files of a source are and how they are to be read, where that is not as the contract of the nine tables
/// says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "source.yaml")]
pub(super) struct Document {
    /// A mapping for the exports of a well-known system, which the rest of this file adds to.
    pub(super) preset: Option<Preset>,
    /// The time zone of times without one, such as `Europe/Berlin`; UTC by default.
    pub(super) timezone: Option<String>,
    /// Texts that stand for a missing value, in place of the usual ones (`NULL`, `N/A`, …).
    pub(super) missing: Option<OneOrMany<Text>>,
    /// What stands before the decimals of a number; recognised by default.
    pub(super) decimal_mark: Option<Decimal>,
    /// The currency that amounts are reported in, and are in where nothing else is said, such as `EUR`.
    pub(super) currency: Option<String>,
    /// What one unit of another currency is worth in that one.
    pub(super) rates: Unique<String, f64>,
    /// What the data report may find without runs being refused for it, such as `no_won_deal`: it is said all the same.
    pub(super) accept: Vec<String>,
    /// By table, where its rows are and what they mean: one entry, or several with `files` each. A table that is not named
    /// lies in the folder of its name, in the form of the contract.
    pub(super) tables: Unique<Table, OneOrMany<Entry>>,
}

/// A mapping that comes with the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Preset {
    Salesforce,
    Hubspot,
    Dynamics,
}

/// What is said of files with rows of a table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Entry")]
pub(super) struct Entry {
    /// Paths below the source, with `*` (not beyond a slash) and `**`. A path means a file, with or without its ending, or
    /// a folder with all that is in it. By default the folder with the table's name.
    pub(super) files: OneOrMany<Text>,
    /// What a row stands for: `facts` of the table, or `line_items` of deals that other files have (only
    /// `opportunity_id`, `product_id` and `amount` are read then).
    pub(super) rows: Option<RowKind>,
    /// What may stand before the names of columns in the files, such as `properties_` in `properties_amount`.
    pub(super) prefixes: OneOrMany<Text>,
    /// By column of the table, the column of the files it is in; of several the first with a value counts.
    pub(super) columns: Unique<String, OneOrMany<Source>>,
    /// By column of the table, what values of the files stand for, in any case: `stage: {Signed: won}`.
    pub(super) values: Unique<String, Unique<Text, Text>>,
    /// By column of the files, the values of which a row must have one; an empty text stands for a missing value.
    pub(super) keep: Unique<String, OneOrMany<Text>>,
    /// By column of the files, the values with which a row is left out; an empty text stands for a missing value.
    pub(super) drop: Unique<String, OneOrMany<Text>>,
    /// Columns of the table without which a row is left out, in place of being bad.
    pub(super) only_with: OneOrMany<Text>,
    /// Values of columns of the table that the files don't have: `kind: call`.
    pub(super) constants: Unique<String, Text>,
    /// By column of the table, what its numbers are to be multiplied by: `annual_value: 12` where the files have the
    /// value of a month.
    pub(super) factors: Unique<String, f64>,
    /// The time zone of times without one, in these files.
    pub(super) timezone: Option<String>,
    /// Texts that stand for a missing value, in these files.
    pub(super) missing: Option<OneOrMany<Text>>,
    /// What stands before the decimals of a number, in these files.
    pub(super) decimal_mark: Option<Decimal>,
    /// The highest health score there can be, where it is not 100; only of `health_score_history`.
    pub(super) scale: Option<f64>,
    /// The metrics that count seats in use, under their names in the files; only of `usage_metrics`.
    pub(super) seats: OneOrMany<Text>,
    /// Whether an account with a won deal is a customer whatever `keep` says, since its first one closed; only of
    /// `customers`.
    pub(super) won_deals: Option<bool>,
    /// The largest share of rows that may be bad, from 0 to 1.
    pub(super) max_bad_share: Option<f64>,
    /// The largest share of rows that may be of customers who are not there, from 0 to 1.
    pub(super) max_unknown_share: Option<f64>,
    /// Whether it is of a preset, which knows more files and columns than a source has.
    #[serde(skip)]
    pub(super) of_preset: bool,
    /// The filters of the source's owner among those of a preset, whose columns must be there.
    #[serde(skip)]
    pub(super) own_filters: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowKind {
    Facts,
    LineItems,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum Decimal {
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

/// A column of the files, by its name or with what its values mean.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub(super) enum Source {
    Name(Text),
    Column(Detailed),
}

#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Column")]
pub(super) struct Detailed {
    /// Its name, or several of which the first that the files have counts.
    pub(super) column: OneOrMany<Text>,
    /// What its values stand for, in any case; a value that is not here is passed over.
    #[serde(default)]
    pub(super) values: Unique<Text, Text>,
    /// Characters that separate several values, of which the first counts.
    #[serde(default)]
    pub(super) separator: Option<String>,
}

/// A text; in YAML also a number or a boolean, as it would be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

/// A value, or a list of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

/// A map in which no key is twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unique<K, V>(pub(super) BTreeMap<K, V>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Default for Unique<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A YAML reader that is asked for a string gives any plain scalar as it is written.
        String::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Source;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or `column` with `values`")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Source, E> {
                Ok(Source::Name(Text(name.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                Detailed::deserialize(value::MapAccessDeserializer::new(map)).map(Source::Column)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Form<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(value::MapAccessDeserializer::new(map)).map(|value| OneOrMany(vec![value]))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(value::StrDeserializer::new(text)).map(|value| OneOrMany(vec![value]))
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
                self.visit_str(if flag { "true" } else { "false" })
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Form(PhantomData))
    }
}

impl<'de, K: Deserialize<'de> + Ord + fmt::Debug, V: Deserialize<'de>> Deserialize<'de> for Unique<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de> + Ord + fmt::Debug, V: Deserialize<'de>> Visitor<'de> for Form<K, V> {
            type Value = Unique<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys with values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = BTreeMap::new();
                while let Some(key) = map.next_key::<K>()? {
                    let named = format!("{key:?} is there twice");
                    if values.insert(key, map.next_value()?).is_some() {
                        return Err(Error::custom(named));
                    }
                }
                Ok(Unique(values))
            }
        }
        deserializer.deserialize_map(Form(PhantomData))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let one = schemas.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

impl<K: JsonSchema, V: JsonSchema> JsonSchema for Unique<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}By{}", V::schema_name(), K::schema_name()).into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let value = schemas.subschema_for::<V>();
        let mut schema = json_schema!({"type": "object", "additionalProperties": value});
        let key = K::json_schema(schemas);
        if key.get("oneOf").is_some() || key.get("enum").is_some() {
            schema.insert("propertyNames".to_owned(), key.to_value());
        }
        schema
    }
}

/// The JSON Schema of `source.yaml`, as text.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    format!("{schema:#}\n", schema = schema.as_value())
}
