//! The file of `--export`: all rows of a run, as a manager sees them.

use std::fs;

use bytes::Bytes;
use expansion_domain::RunId;
use expansion_http::export::csv;
use expansion_local::Stack;
use expansion_records::Run;
use expansion_service::Principal;
use expansion_service::export::{Exports, missing};
use expansion_service::list::ListRequest;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::Failure;
use crate::cli::{ExportFile, ExportForm};

/// Writes the file and says so.
pub(crate) async fn write(stack: &Stack, run: &Run, file: &ExportFile) -> Result<(), Failure> {
    let exports = Exports::new(&stack.config("export"))?;
    let bytes = match file.form {
        ExportForm::Csv => rows(&exports, &run.run_id).await?,
        ExportForm::Parquet => parquet(&exports, run).await?,
    };
    fs::write(&file.path, bytes).map_err(|error| format!("--export {}: {error}", file.path.display()))?;
    eprintln!("wrote {}", file.path.display());
    Ok(())
}

async fn rows(exports: &Exports, run_id: &RunId) -> Result<Vec<u8>, Failure> {
    // Not what readers see, which may be a newer run.
    let listed = exports.lists.of_run(run_id).await?;
    let page = exports.lists.whole(&listed, &Principal::Manager, &ListRequest::default(), usize::MAX).await?;
    Ok(csv(&page.data, usize::MAX)?.text)
}

async fn parquet(exports: &Exports, run: &Run) -> Result<Vec<u8>, Failure> {
    let mut files = Vec::new();
    for object in exports.artifacts.scores(&run.run_id).await? {
        files.push(exports.artifacts.get_scores(&object).await?);
    }
    if let Some(reason) = missing(run, files.len()) {
        return Err(reason.into());
    }
    Ok(together(files)?)
}

/// Files with the same columns as one.
fn together(mut files: Vec<Vec<u8>>) -> Result<Vec<u8>, ParquetError> {
    if files.len() == 1 {
        return Ok(files.remove(0));
    }
    let mut readers = Vec::with_capacity(files.len());
    for file in files {
        readers.push(ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file))?);
    }
    let Some(first) = readers.first() else {
        return Err(ParquetError::General("there is no file".to_owned()));
    };
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema().clone(), Some(properties))?;
    for reader in readers {
        for batch in reader.build()? {
            writer.write(&batch?)?;
        }
    }
    writer.into_inner()
}
