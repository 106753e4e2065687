//! Rows of a Parquet file.
//!
//! Owns the mapping of column types to cells. Only the table's columns are decoded, batch by batch.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::basic::Type as PhysicalType;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::ChunkReader;
use ::parquet::schema::types::SchemaDescriptor;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema, TimeUnit};
use expansion_domain::Instant;
use uuid::Uuid;

use crate::cells::{Cell, Field, Row};
use crate::columns::{Columns, SeenColumns};
use crate::forms::{Form, Forms, SAMPLE_ROWS, Sample};
use crate::issues::Rejection;
use crate::{SourceError, SourceFile};

const BATCH: usize = 8192;

/// Rows handed over at a time: enough for their customers to be looked up side by side.
const CHUNK: usize = 16;

/// Hands the rows of a file to `sink` with the number of the first of them, from 1; returns the columns it had.
pub(crate) fn read<T: ChunkReader + 'static, const N: usize>(
    input: T,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_, N>], Rejection>),
) -> Result<Option<SeenColumns>, SourceError> {
    let damaged = |cause: ParquetError| SourceError::Parquet { file: file.path.clone(), cause };
    let metadata = ArrowReaderMetadata::load(&input, ArrowReaderOptions::new()).map_err(damaged)?;
    let stored = metadata.schema();
    let writes_raw_times = writes_raw_times(metadata.metadata());
    let header: Vec<_> = stored.fields().iter().map(|field| field.name().as_str()).collect();
    let Columns { positions: used, constants, seen } = Columns::<N>::find(file, &header)?;

    let schema = with_views(stored, used.iter().flatten());
    let schema = if writes_raw_times { schema } else { with_micros(&schema, metadata.parquet_schema()) };
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(damaged)?;
    // One column may stand for several cells.
    let projected: BTreeSet<usize> = used.iter().flatten().copied().collect();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), projected.iter().copied());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
        .with_projection(mask)
        .with_batch_size(BATCH)
        .build()
        .map_err(damaged)?;

    let mut sample = Some(Sample::new(file)?);
    let mut forms: Forms<N> = std::array::from_fn(|_| Form::default());
    let mut line = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(parquet_error(error)))?;
        let mut columns = [const { None }; N];
        for (column, position) in columns.iter_mut().zip(used) {
            // The projection keeps the file's order, so a column's place is the number of used ones before it.
            if let Some(position) = position {
                let place = projected.range(..position).count();
                let array = batch.column(place);
                let read = Column::of(array, writes_raw_times).ok_or_else(|| SourceError::UnsupportedColumn {
                    file: file.path.clone(),
                    column: header[position].to_owned(),
                    data_type: array.data_type().to_string(),
                })?;
                *column = Some(read);
            }
        }
        if let Some(mut sample) = sample.take() {
            let known: Forms<N> = sample.known();
            for i in 0..batch.num_rows().min(SAMPLE_ROWS) {
                let cell = |c: usize| columns[c].as_ref().map_or(constants[c], |column| column.cell(i));
                sample.see::<N>(&std::array::from_fn(|c| Field { form: &known[c], cell: cell(c) }));
            }
            forms = sample.forms()?;
        }
        let blank: Row<'_, N> = std::array::from_fn(|i| Field { form: &forms[i], cell: constants[i] });
        let mut rows = [blank; CHUNK];
        for start in (0..batch.num_rows()).step_by(CHUNK) {
            let rows = &mut rows[..CHUNK.min(batch.num_rows() - start)];
            for (c, column) in columns.iter().enumerate().filter_map(|(c, column)| Some((c, column.as_ref()?))) {
                for (i, row) in rows.iter_mut().enumerate() {
                    row[c].cell = column.cell(start + i);
                }
            }
            sink(line + 1, Ok(rows));
            line += rows.len() as u64;
        }
    }
    Ok(Some(seen))
}

/// The schema with every used text column read as views, which costs the least for texts that repeat, and without
/// dictionaries.
fn with_views<'u>(stored: &Schema, used: impl Iterator<Item = &'u usize>) -> Schema {
    let mut fields: Vec<Arc<ArrowField>> = stored.fields().to_vec();
    for &position in used {
        let values = match fields[position].data_type() {
            DataType::Dictionary(_, values) => &**values,
            plain => plain,
        };
        // Older writers store texts as byte strings.
        let is_text = values.is_string() || (values.is_binary() && !matches!(values, DataType::FixedSizeBinary(_)));
        let read = if is_text { DataType::Utf8View } else { values.clone() };
        if read != *fields[position].data_type() {
            fields[position] = Arc::new(fields[position].as_ref().clone().with_data_type(read));
        }
    }
    Schema::new_with_metadata(fields, stored.metadata().clone())
}

/// The schema with the times of old writers, 96 bits wide, read as microseconds: as nanoseconds, which is the default,
/// those after 2262 would wrap around to the past.
fn with_micros(schema: &Schema, stored: &SchemaDescriptor) -> Schema {
    let is_wide = |i: usize| {
        let root = stored.root_schema().get_fields().get(i);
        root.is_some_and(|root| root.is_primitive() && root.get_physical_type() == PhysicalType::INT96)
    };
    let fields = schema.fields().iter().enumerate().map(|(i, field)| match field.data_type() {
        DataType::Timestamp(..) if is_wide(i) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            Arc::new(field.as_ref().clone().with_data_type(micros))
        }
        _ => Arc::clone(field),
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// Whether a file's times may be in another unit than it says: fastparquet writes pandas' numbers as they are, whether
/// they count seconds or nanoseconds.
fn writes_raw_times(metadata: &ParquetMetaData) -> bool {
    metadata.file_metadata().created_by().is_some_and(|writer| writer.starts_with("fastparquet"))
}

fn parquet_error(error: ArrowError) -> ParquetError {
    match error {
        ArrowError::ParquetError(message) => ParquetError::General(message),
        other => other.into(),
    }
}

/// A batch's column as one of the few kinds of cells; borrowed where the type already fits.
struct Column<'a> {
    values: Values<'a>,
    array: &'a ArrayRef,
}

enum Values<'a> {
    Missing,
    Views(&'a StringViewArray),
    /// What has no other exact form than its text.
    Texts(Vec<String>),
    Integers(Cow<'a, [i64]>),
    Numbers(Cow<'a, [f64]>),
    /// Days since 1970.
    Days(&'a [i32]),
    /// Microseconds since 1970; of what clocks showed, where no zone is given.
    Micros {
        micros: Cow<'a, [i64]>,
        is_local: bool,
    },
    Flags(&'a BooleanArray),
}

impl<'a> Column<'a> {
    /// `None` when the type is not supported.
    fn of(array: &'a ArrayRef, has_raw_times: bool) -> Option<Self> {
        let values = match array.data_type() {
            DataType::Timestamp(unit, _) if has_raw_times => raw_times(array, *unit),
            DataType::Null => Values::Missing,
            DataType::Utf8View => Values::Views(array.as_string_view()),
            DataType::Boolean => Values::Flags(array.as_boolean()),
            DataType::Int8 => integers::<Int8Type>(array),
            DataType::Int16 => integers::<Int16Type>(array),
            DataType::Int32 => integers::<Int32Type>(array),
            DataType::Int64 => Values::Integers(Cow::Borrowed(array.as_primitive::<Int64Type>().values())),
            DataType::UInt8 => integers::<UInt8Type>(array),
            DataType::UInt16 => integers::<UInt16Type>(array),
            DataType::UInt32 => integers::<UInt32Type>(array),
            DataType::UInt64 => integers_or_texts(values::<UInt64Type>(array)),
            DataType::Float16 => numbers(values::<Float16Type>(array)),
            DataType::Float32 => numbers(values::<Float32Type>(array)),
            DataType::Float64 => Values::Numbers(Cow::Borrowed(array.as_primitive::<Float64Type>().values())),
            DataType::Decimal32(_, scale) => decimals::<Decimal32Type>(array, *scale),
            DataType::Decimal64(_, scale) => decimals::<Decimal64Type>(array, *scale),
            DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(array, *scale),
            DataType::Decimal256(..) => {
                let array = array.as_primitive::<Decimal256Type>();
                Values::Texts((0..array.len()).map(|i| array.value_as_string(i)).collect())
            }
            DataType::Date32 => Values::Days(array.as_primitive::<Date32Type>().values()),
            DataType::Date64 => Values::Micros { micros: micros::<Date64Type>(array, 1_000), is_local: true },
            DataType::Timestamp(unit, zone) => {
                Values::Micros { micros: timestamps(array, *unit), is_local: zone.is_none() }
            }
            DataType::FixedSizeBinary(16) => {
                let uuids = array.as_fixed_size_binary().iter().map(Option::unwrap_or_default);
                Values::Texts(uuids.map(|bytes| Uuid::from_slice(bytes).unwrap_or_default().to_string()).collect())
            }
            _ => return None,
        };
        Some(Self { values, array })
    }

    fn cell(&self, i: usize) -> Cell<'_> {
        if self.array.is_null(i) {
            return Cell::Missing;
        }
        match &self.values {
            Values::Missing => Cell::Missing,
            Values::Views(views) => Cell::Text(views.value(i)),
            Values::Texts(texts) => Cell::Text(&texts[i]),
            Values::Integers(integers) => Cell::Integer(integers[i]),
            Values::Numbers(numbers) => Cell::Number(numbers[i]),
            Values::Days(days) => {
                let micros = i64::from(days[i]).saturating_mul(86_400_000_000);
                Instant::from_micros(micros).map_or(Cell::Beyond(micros), Cell::Day)
            }
            Values::Micros { micros, is_local } => match Instant::from_micros(micros[i]) {
                None => Cell::Beyond(micros[i]),
                Some(shown) if *is_local => Cell::Local(shown),
                Some(at) => Cell::Instant(at),
            },
            Values::Flags(flags) => Cell::Bool(flags.value(i)),
        }
    }
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> impl Iterator<Item = T::Native> + Clone {
    array.as_primitive::<T>().values().iter().copied()
}

fn integers<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &ArrayRef) -> Values<'static> {
    Values::Integers(values::<T>(array).map(Into::into).collect())
}

fn numbers(values: impl Iterator<Item = impl Into<f64>>) -> Values<'static> {
    Values::Numbers(values.map(Into::into).collect())
}

/// Whole numbers that may be wider than 64 bits: ids must keep every digit.
fn integers_or_texts<I: TryInto<i64> + ToString + Copy>(values: impl Iterator<Item = I> + Clone) -> Values<'static> {
    match values.clone().map(TryInto::try_into).collect::<Result<Vec<i64>, _>>() {
        Ok(integers) => Values::Integers(Cow::Owned(integers)),
        Err(_) => Values::Texts(values.map(|value| value.to_string()).collect()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a decimal with a fraction is a measurement")]
fn decimals<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &ArrayRef, scale: i8) -> Values<'static> {
    let values = values::<T>(array).map(Into::into);
    match u8::try_from(scale) {
        Ok(0) => integers_or_texts(values),
        // Dividing by a power of ten rounds as reading the decimal's text would, up to 2^53 and 10^22.
        Ok(scale) => numbers(values.map(|value| value as f64 / 10f64.powi(i32::from(scale)))),
        Err(_) => numbers(values.map(|value| value as f64 * 10f64.powi(-i32::from(scale)))),
    }
}

/// Times as the numbers they were written as, whose unit the sample tells.
fn raw_times(array: &ArrayRef, unit: TimeUnit) -> Values<'_> {
    Values::Integers(Cow::Borrowed(match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }))
}

fn timestamps(array: &ArrayRef, unit: TimeUnit) -> Cow<'_, [i64]> {
    match unit {
        TimeUnit::Second => micros::<TimestampSecondType>(array, 1_000_000),
        TimeUnit::Millisecond => micros::<TimestampMillisecondType>(array, 1_000),
        TimeUnit::Microsecond => Cow::Borrowed(array.as_primitive::<TimestampMicrosecondType>().values()),
        TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array).map(|nanos| nanos.div_euclid(1_000)).collect(),
    }
}

fn micros<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &ArrayRef, factor: i64) -> Cow<'static, [i64]> {
    values::<T>(array).map(|value| value.into().saturating_mul(factor)).collect()
}
