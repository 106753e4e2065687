//! A shard's rows as a Parquet file: a column a field, with factors and products as lists of structs.
//!
//! The columns are one table. Every column may be null, so that a field which a later version leaves out changes no type.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, Field};
use expansion_domain::{Date, Id, Instant};
use expansion_model::{FactorValue, Side};
use expansion_records::{Factor, Grade, Propensity, RecommendedProduct};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// The day that Parquet counts days from.
const FIRST_DAY: Date = Date::constant(1970, 1, 1);

/// A file of rows in the making.
pub(crate) struct ScoresFile(ArrowWriter<Vec<u8>>);

impl ScoresFile {
    pub(crate) fn new() -> Result<Self, ParquetError> {
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(compression).build();
        Ok(Self(ArrowWriter::try_new(Vec::new(), batch(&[])?.schema(), Some(properties))?))
    }

    pub(crate) fn add(&mut self, rows: &[Propensity]) -> Result<(), ParquetError> {
        self.0.write(&batch(rows)?)
    }

    /// The file's bytes.
    pub(crate) fn finish(self) -> Result<Vec<u8>, ParquetError> {
        self.0.into_inner()
    }
}

/// What a column holds of a row.
enum Column {
    Text(fn(&Propensity) -> Option<&str>),
    Integer(fn(&Propensity) -> Option<i64>),
    Number(fn(&Propensity) -> Option<f64>),
    Flag(fn(&Propensity) -> bool),
    Day(fn(&Propensity) -> Option<Date>),
    Moment(fn(&Propensity) -> Instant),
    Texts(fn(&Propensity) -> Vec<&str>),
    Factors(fn(&Propensity) -> &[Factor]),
    Products(fn(&Propensity) -> &[RecommendedProduct]),
}

const COLUMNS: [(&str, Column); 40] = [
    ("run_id", Column::Text(|row| Some(row.run_id.as_str()))),
    ("model_id", Column::Text(|row| Some(&row.model_id))),
    ("calculated_at", Column::Moment(|row| row.listed.calculated_at)),
    ("customer_id", Column::Text(|row| Some(&row.listed.customer_id))),
    ("customer_name", Column::Text(|row| row.listed.customer_name.as_deref())),
    ("csm_id", Column::Text(|row| row.listed.csm_id.as_deref())),
    ("segment", Column::Text(|row| row.listed.segment.as_deref())),
    ("industry", Column::Text(|row| row.listed.industry.as_deref())),
    ("region", Column::Text(|row| row.listed.region.as_deref())),
    ("standing", Column::Text(|row| Some(row.listed.standing.name()))),
    ("propensity_score", Column::Integer(|row| Some(row.listed.propensity_score.into()))),
    ("propensity", Column::Number(|row| Some(row.listed.propensity))),
    ("propensity_lower", Column::Number(|row| Some(row.listed.propensity_lower))),
    ("propensity_upper", Column::Number(|row| Some(row.listed.propensity_upper))),
    ("comparable_average", Column::Number(|row| row.listed.comparable.as_ref().map(|all| all.average))),
    (
        "comparable_customers",
        Column::Integer(|row| row.listed.comparable.as_ref().and_then(|all| i64::try_from(all.customers).ok())),
    ),
    ("comparable_segment", Column::Text(|row| row.listed.comparable.as_ref()?.segment.as_deref())),
    ("lift", Column::Number(|row| row.listed.lift)),
    ("grade", Column::Text(|row| row.listed.grade.map(Grade::name))),
    ("confidence", Column::Number(|row| Some(row.listed.confidence))),
    ("confidence_level", Column::Text(|row| Some(row.listed.confidence_level.name()))),
    ("side", Column::Text(|row| row.listed.side.map(Side::name))),
    ("primary_signal", Column::Text(|row| row.listed.primary_signal.as_deref())),
    ("product_ids", Column::Texts(|row| row.listed.product_ids.iter().map(|id| &**id).collect())),
    ("estimated_value", Column::Number(|row| row.listed.estimated_value)),
    ("estimated_value_lower", Column::Number(|row| row.listed.estimated_value_lower)),
    ("estimated_value_upper", Column::Number(|row| row.listed.estimated_value_upper)),
    ("expected_value", Column::Number(|row| row.listed.expected_value)),
    ("priority", Column::Number(|row| row.listed.priority)),
    ("leave_alone", Column::Text(|row| row.listed.leave_alone.as_deref())),
    ("open_deal", Column::Text(|row| row.listed.open_deal.as_deref())),
    ("risks", Column::Texts(|row| row.listed.risks.iter().map(|risk| &**risk).collect())),
    ("renewal", Column::Day(|row| row.listed.renewal)),
    ("last_contact", Column::Day(|row| row.listed.last_contact)),
    ("has_advocate", Column::Flag(|row| row.listed.has_advocate)),
    ("previous_score", Column::Integer(|row| row.listed.previous_score.map(i64::from))),
    ("newly_ready", Column::Flag(|row| row.listed.newly_ready)),
    ("baseline_points", Column::Integer(|row| Some(row.baseline_points.into()))),
    ("contributing_factors", Column::Factors(|row| &row.contributing_factors)),
    ("recommended_products", Column::Products(|row| &row.recommended_products)),
];

/// Rows as columns.
fn batch(rows: &[Propensity]) -> Result<RecordBatch, ArrowError> {
    let columns = COLUMNS.iter().map(|(name, column)| Ok((*name, column.of(rows)?, true)));
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Result<Vec<_>, ArrowError>>()?)
}

impl Column {
    fn of(&self, rows: &[Propensity]) -> Result<ArrayRef, ArrowError> {
        let rows_of = rows.iter();
        Ok(match self {
            Self::Text(value) => Arc::new(rows_of.map(value).collect::<StringArray>()),
            Self::Integer(value) => Arc::new(rows_of.map(value).collect::<Int64Array>()),
            Self::Number(value) => Arc::new(rows_of.map(value).collect::<Float64Array>()),
            Self::Flag(value) => Arc::new(rows_of.map(|row| Some(value(row))).collect::<BooleanArray>()),
            Self::Day(value) => Arc::new(rows_of.map(|row| value(row).map(days)).collect::<Date32Array>()),
            Self::Moment(value) => {
                let micros = rows_of.map(|row| Some(value(row).micros()));
                Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Self::Texts(value) => {
                let texts: Vec<Vec<&str>> = rows_of.map(value).collect();
                let all = texts.iter().flatten().copied().map(Some).collect::<StringArray>();
                list(texts.iter().map(Vec::len), Arc::new(all))?
            }
            Self::Factors(value) => list(rows_of.map(|row| value(row).len()), factors(&rows.iter().flat_map(value))?)?,
            Self::Products(value) => {
                list(rows_of.map(|row| value(row).len()), products(&rows.iter().flat_map(value))?)?
            }
        })
    }
}

/// Days from 1970 on.
fn days(date: Date) -> i32 {
    (date - FIRST_DAY).get_days()
}

/// Lists of so many items each, out of all of them.
fn list(lengths: impl IntoIterator<Item = usize>, items: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let item = Field::new_list_field(items.data_type().clone(), true);
    Ok(Arc::new(ListArray::try_new(Arc::new(item), OffsetBuffer::from_lengths(lengths), items, None)?))
}

fn factors<'a>(all: &(impl Iterator<Item = &'a Factor> + Clone)) -> Result<ArrayRef, ArrowError> {
    let text = |value: fn(&'a Factor) -> Option<String>| -> ArrayRef {
        Arc::new(all.clone().map(value).collect::<StringArray>())
    };
    structs(vec![
        ("feature", text(|factor| Some(factor.feature.clone()))),
        ("label", text(|factor| Some(factor.label.clone()))),
        ("value", text(|factor| factor.value.as_ref().map(shown))),
        ("points", Arc::new(all.clone().map(|factor| Some(i64::from(factor.points))).collect::<Int64Array>())),
    ])
}

/// A number or a level as text: a column has one type.
fn shown(value: &FactorValue) -> String {
    match value {
        FactorValue::Number(number) => number.to_string(),
        FactorValue::Level(level) => level.to_string(),
    }
}

fn products<'a>(all: &(impl Iterator<Item = &'a RecommendedProduct> + Clone)) -> Result<ArrayRef, ArrowError> {
    let text = |value: fn(&'a RecommendedProduct) -> Option<&'a Id>| -> ArrayRef {
        Arc::new(all.clone().map(value).collect::<StringArray>())
    };
    structs(vec![
        ("product_id", text(|product| Some(&product.product_id))),
        ("name", text(|product| product.name.as_ref())),
        ("probability", Arc::new(all.clone().map(|product| Some(product.probability)).collect::<Float64Array>())),
    ])
}

fn structs(fields: Vec<(&str, ArrayRef)>) -> Result<ArrayRef, ArrowError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        fields.into_iter().map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
    Ok(Arc::new(StructArray::try_new(fields.into(), arrays, None)?))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
    use expansion_fixtures::{at, factor, listed, row};
    use expansion_records::Listed;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn written(chunks: &[&[Propensity]]) -> Vec<RecordBatch> {
        let mut file = ScoresFile::new().expect("begun");
        for rows in chunks {
            file.add(rows).expect("added");
        }
        let bytes = file.finish().expect("whole");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).expect("Parquet");
        reader.build().expect("readable").map(|batch| batch.expect("rows")).collect()
    }

    /// A row with every field of a list.
    fn full() -> Propensity {
        let listed = Listed {
            segment: Some("SMB".into()),
            industry: Some("Retail".into()),
            region: Some("Europe".into()),
            leave_alone: Some("An escalation".to_owned()),
            open_deal: Some("A deal for seats".to_owned()),
            risks: vec!["Health is down".to_owned(), "No champion".to_owned()],
            renewal: Some(at("2026-12-31").date()),
            last_contact: Some(at("1969-12-31").date()),
            ..listed("c-1", 94)
        };
        let level = Factor { value: Some(FactorValue::Level("SMB".into())), ..factor("segment", "SMB", 0) };
        let mut row = Propensity { listed, ..row("c-1", 94) };
        row.contributing_factors.push(level);
        row
    }

    #[test]
    fn every_field_of_a_list_is_a_column() {
        let json = serde_json::to_value(full().listed).expect("JSON");
        let fields: BTreeSet<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        // What a row is compared with is flattened.
        let field = |name: &'static str| if name.starts_with("comparable_") { "comparable" } else { name };
        let columns: BTreeSet<&str> = COLUMNS.iter().map(|(name, _)| field(name)).collect();
        let missing: Vec<&&str> = fields.difference(&columns).collect();
        assert!(missing.is_empty(), "add these to COLUMNS: {missing:?}");
        assert_eq!(columns.len(), fields.len() + 5, "beside them run, model, baseline, factors and products");
    }

    #[test]
    fn columns_have_the_types_that_others_read() {
        let schema = batch(&[]).expect("no rows").schema();
        let types: BTreeMap<&str, String> =
            schema.fields().iter().map(|field| (&**field.name(), field.data_type().to_string())).collect();
        for (name, kind) in [
            ("customer_id", "Utf8"),
            ("calculated_at", "Timestamp(µs, \"UTC\")"),
            ("propensity_score", "Int64"),
            ("comparable_average", "Float64"),
            ("renewal", "Date32"),
            ("has_advocate", "Boolean"),
            ("risks", "List(Utf8)"),
            (
                "contributing_factors",
                "List(Struct(\"feature\": Utf8, \"label\": Utf8, \"value\": Utf8, \"points\": Int64))",
            ),
            ("recommended_products", "List(Struct(\"product_id\": Utf8, \"name\": Utf8, \"probability\": Float64))"),
        ] {
            assert_eq!(types[name], kind, "{name}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let bare = Listed { customer_name: None, comparable: None, ..listed("c-2", 8) };
        let bare = Propensity { listed: bare, contributing_factors: Vec::new(), baseline_points: 8, ..row("c-2", 8) };
        let batches = written(&[&[full()], &[], &[bare]]);
        let rows = &batches[0];
        assert_eq!((batches.len(), rows.num_rows()), (1, 2));
        let column = |name: &str| rows.column_by_name(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(column("customer_id").as_string::<i32>().value(1), "c-2");
        assert!(column("customer_name").is_null(1) && column("comparable_average").is_null(1));
        assert_eq!(column("comparable_customers").as_primitive::<Int64Type>().value(0), 200);
        let (renewal, contact) = (column("renewal"), column("last_contact"));
        assert_eq!(renewal.as_primitive::<Date32Type>().value(0), 20_818);
        assert_eq!((contact.as_primitive::<Date32Type>().value(0), contact.is_null(1)), (-1, true));
        let calculated = column("calculated_at").as_primitive::<TimestampMicrosecondType>().value(0);
        assert_eq!(calculated, full().listed.calculated_at.micros());
        let risks = column("risks").as_list::<i32>();
        assert_eq!((risks.value(0).as_string::<i32>().value(1), risks.value(1).len()), ("No champion", 0));
        assert!((column("lift").as_primitive::<Float64Type>().value(0) - 94.0 / 5.0).abs() < 1e-12);

        let factors = column("contributing_factors").as_list::<i32>();
        let of_first = factors.value(0);
        let of_first = of_first.as_struct();
        let values = of_first.column_by_name("value").expect("values").as_string::<i32>();
        assert_eq!((values.value(0), values.is_null(1), values.value(2)), ("0.95", true, "SMB"));
        for n in 0..2 {
            let points = factors.value(n);
            let points = points.as_struct().column_by_name("points").expect("points");
            let sum: i64 = points.as_primitive::<Int64Type>().values().iter().sum();
            let value = |name: &str| column(name).as_primitive::<Int64Type>().value(n);
            assert_eq!(value("baseline_points") + sum, value("propensity_score"));
        }
    }

    #[test]
    fn a_shard_of_nobody_has_its_columns() {
        assert_eq!(written(&[]).iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        assert_eq!(batch(&[]).expect("no rows").num_columns(), COLUMNS.len());
    }
}
