//! The embedded DynamoDB: one file of SQLite in the data folder, or a database in memory without one.
//!
//! SQLite writes every change to a log beside the file (`dynamodb.sqlite-wal`), so what was written outlives the process.
//! The log is synced to disk before a single write is answered, but not for a batch: only a run's rows come in batches, far
//! too many to sync each, and the write that closes the run syncs them along.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::StackError;
use crate::roles::{Roles, dynamodb_calls, signer};
use crate::template::Table;

/// The database, kept in `file` where one is given, with every table and without what has expired.
pub(crate) fn open(file: Option<&Path>, tables: &[Table]) -> Result<Database, StackError> {
    let database = match file {
        Some(file) => kept_in(file)?,
        None => Database::memory().map_err(failed)?,
    };
    for table in tables {
        let Some(found) = database.get_table_metadata(&table.name).map_err(failed)? else {
            create(&database, table)?;
            continue;
        };
        let found = found.gsi_definitions.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        if index_names(&found) != index_names(&table.definition["GlobalSecondaryIndexes"]) {
            let folder = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
            return Err(StackError::OutdatedTable { table: table.name.clone(), folder });
        }
    }
    let expired = database.sweep_ttl().map_err(failed)?;
    tracing::debug!(expired, "the database is open");
    Ok(database)
}

/// The database in a file, which is made when there is none.
fn kept_in(file: &Path) -> Result<Database, StackError> {
    let unusable =
        |reason: &dyn std::fmt::Display| StackError::DatabaseFile { file: file.to_owned(), reason: reason.to_string() };
    let path = file.to_str().ok_or_else(|| unusable(&"its path is not UTF-8"))?;
    let database = Database::new(path).map_err(|cause| unusable(&cause))?;
    // No sync at each commit (`synchronous = NORMAL`): `Log` does it where it is needed.
    database.disable_bulk_loading().map_err(|cause| unusable(&cause))?;
    Ok(database)
}

/// What makes writes durable: the log of the database in a file.
#[derive(Clone)]
pub(crate) struct Log(PathBuf);

impl Log {
    pub(crate) fn of(database: &Path) -> Self {
        Self(database.with_extension("sqlite-wal"))
    }

    /// Returns once everything committed so far is on the disk.
    async fn sync(&self) -> io::Result<()> {
        let log = self.0.clone();
        tokio::task::spawn_blocking(move || OpenOptions::new().write(true).open(log)?.sync_data()).await?
    }
}

/// Makes what a folder lists durable. (Not on Windows, which neither allows nor needs it.)
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Stands before the database's own server, which knows no permissions.
#[derive(Clone)]
struct Door {
    roles: Roles,
    client: Client<HttpConnector, Body>,
    /// Where that answers.
    database: String,
    /// What to sync; absent for a database in memory.
    log: Option<Log>,
}

/// The server that the DynamoDB client talks to, before the database's own at `database`.
pub(crate) fn router(roles: Roles, database: String, log: Option<Log>) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http();
    Router::new().fallback(serve).with_state(Door { roles, client, database, log })
}

async fn serve(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    if let Err(reason) = door.roles.check(signer(&headers), dynamodb_calls(operation, &body)) {
        let refusal = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": reason});
        let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
        return (StatusCode::BAD_REQUEST, content_type, refusal.to_string()).into_response();
    }
    let must_last = is_single_write(operation);
    let mut request = axum::http::Request::post(door.database).body(Body::from(body)).unwrap_or_default();
    *request.headers_mut() = headers;
    let response = match door.client.request(request).await {
        Ok(response) => response.map(Body::new),
        Err(cause) => {
            tracing::error!(error = %cause, "the database's server does not answer");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    if must_last
        && let Some(log) = &door.log
        && let Err(cause) = log.sync().await
    {
        tracing::error!(file = %log.0.display(), error = %cause, "what was written is not on the disk");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    response
}

fn is_single_write(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems")
}

fn create(database: &Database, table: &Table) -> Result<(), StackError> {
    let request = serde_json::from_value(table.definition.clone()).map_err(failed)?;
    database.create_table(request).map_err(failed)?;
    if let Some(attribute) = &table.ttl_attribute {
        let specification = json!({"AttributeName": attribute, "Enabled": true});
        let request = json!({"TableName": table.name, "TimeToLiveSpecification": specification});
        let request = serde_json::from_value(request).map_err(failed)?;
        database.update_time_to_live(request).map_err(failed)?;
    }
    Ok(())
}

fn index_names(indexes: &Value) -> Vec<&str> {
    indexes.as_array().into_iter().flatten().filter_map(|index| index["IndexName"].as_str()).collect()
}

fn failed(cause: impl std::fmt::Display) -> StackError {
    StackError::Database(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{TEXT, Template};

    #[test]
    fn tables_are_made_once_and_outlive_the_database() {
        let tables = Template::parse(TEXT, "").expect("the template parses").tables;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dynamodb.sqlite");
        let database = open(Some(&file), &tables).expect("it opens");
        assert_eq!(database.table_count().expect("a count"), 2);
        assert!(Log::of(&file).0.exists(), "the log that is synced");
        drop(database);

        let again = open(Some(&file), &tables).expect("it opens again");
        assert_eq!(again.table_count().expect("a count"), 2);
        let control = again.get_table_metadata("expansion_control").expect("it reads").expect("it is there");
        assert_eq!(control.ttl_attribute.as_deref(), Some("expires_at"));
        assert!(Log::of(&file).0.exists(), "also when nothing is written on opening");

        let mut changed = tables;
        changed[0].definition["GlobalSecondaryIndexes"] = json!([]);
        assert!(matches!(open(Some(&file), &changed), Err(StackError::OutdatedTable { .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dynamodb.sqlite");
        std::fs::write(&file, "not a database, but quite long enough to be looked at as one").expect("it is written");
        let refused = open(Some(&file), &[]).err().expect("it is refused").to_string();
        assert!(refused.contains(file.to_str().expect("UTF-8")) && refused.contains("not a"), "{refused}");
    }
}
