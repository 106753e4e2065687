//! A file's bytes, wherever it lies and however it is compressed, and which reader they are for.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};

use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use expansion_domain::Id;
use flate2::bufread::MultiGzDecoder;

use crate::cells::{MAX_COLUMNS, Row, WIDE};
use crate::columns::SeenColumns;
use crate::issues::Rejection;
use crate::names::{by_content, is_compressed};
use crate::shape::Shape;
use crate::{Format, Location, SourceError, SourceFile, csv, ndjson, parquet};

/// So much of a file is looked at to see what it is.
const HEAD: u64 = 1 << 16;

/// A file's content, wherever it comes from.
#[derive(Debug)]
pub(crate) enum Body {
    File(File),
    Memory(Bytes),
}

/// Opens the file at `path` below the source's location.
pub(crate) async fn open(location: &Location, path: &str, s3: &Client) -> Result<Body, SourceError> {
    match location {
        Location::Folder(folder) => File::open(folder.join(path)).map(Body::File).map_err(unreadable(path)),
        Location::S3 { bucket, prefix } => {
            let key = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
            let object = s3.get_object().bucket(bucket).key(key).send().await;
            let object = object.map_err(|error| SourceError::s3(path.to_owned(), &error))?;
            let body = object.body.collect().await;
            let body = body.map_err(|error| SourceError::s3_body(path.to_owned(), &error))?;
            Ok(Body::Memory(body.into_bytes()))
        }
    }
}

pub(crate) fn unreadable(path: &str) -> impl Fn(io::Error) -> SourceError {
    move |cause| SourceError::Unreadable { path: path.to_owned(), cause }
}

impl Body {
    /// The bytes as they come, uncompressed if they are gzip or Zstandard.
    pub(crate) fn bytes(self, path: &str) -> io::Result<Box<dyn Read>> {
        let input: Box<dyn Read> = match self {
            Self::File(file) => Box::new(file),
            Self::Memory(bytes) => Box::new(bytes.reader()),
        };
        let mut input = BufReader::with_capacity(1 << 16, input);
        Ok(match input.fill_buf()? {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(input)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(input)?),
            [] if is_compressed(path) => return Err(ErrorKind::UnexpectedEof.into()),
            _ => Box::new(input),
        })
    }

    /// The first of its bytes.
    fn head(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let body = match self {
            Self::File(file) => Self::File(file.try_clone()?),
            Self::Memory(bytes) => Self::Memory(bytes.clone()),
        };
        let mut head = Vec::new();
        body.bytes(path)?.take(HEAD).read_to_end(&mut head)?;
        if let Self::File(file) = self {
            // The clone has read on for both.
            file.rewind()?;
        }
        Ok(head)
    }
}

/// Hands the rows of a file to `sink`, in the shape that its mapping gives them; returns which columns it had, unless it is
/// empty. The ids of accounts that are no customers are added to `left_out`.
pub(crate) fn decode(
    body: Body,
    file: &SourceFile,
    shape: Option<&Shape<'_>>,
    left_out: &mut Vec<Id>,
    sink: &mut impl FnMut(u64, Result<&[Row<'_>], Rejection>),
) -> Result<Option<SeenColumns>, SourceError> {
    match shape {
        None => decode_rows::<MAX_COLUMNS>(body, file, sink),
        Some(shape) => decode_rows::<WIDE>(body, file, &mut |line, rows| shape.deliver(line, rows, left_out, sink)),
    }
}

fn decode_rows<const N: usize>(
    mut body: Body,
    file: &SourceFile,
    sink: &mut impl FnMut(u64, Result<&[Row<'_, N>], Rejection>),
) -> Result<Option<SeenColumns>, SourceError> {
    let unreadable = unreadable(&file.path);
    let format = match file.format {
        Format::ByContent => by_content(&body.head(&file.path).map_err(&unreadable)?, file)
            .map_err(|way_out| SourceError::UnknownFormat { file: file.path.clone(), way_out })?,
        known => known,
    };
    match (format, body) {
        (Format::Parquet, Body::File(input)) => parquet::read(input, file, sink),
        (Format::Parquet, Body::Memory(input)) => parquet::read(input, file, sink),
        (Format::Json, body) => ndjson::read(body.bytes(&file.path).map_err(unreadable)?, file, sink),
        (Format::Csv | Format::ByContent, body) => csv::read(body.bytes(&file.path).map_err(unreadable)?, file, sink),
    }
}
