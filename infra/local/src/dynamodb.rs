//! The embedded DynamoDB: a database in memory, kept between runs as one file.
//!
//! A database on disk would sync every item, which is far too slow for a run of a hundred thousand rows.

use std::fs;
use std::path::Path;

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

/// The database, restored from `file` where there is one, with every table and without what has expired.
pub(crate) fn open(file: Option<&Path>, tables: &[Table]) -> Result<Database, StackError> {
    let database = Database::memory().map_err(failed)?;
    if let Some(file) = file.filter(|file| file.exists()) {
        database.restore_from(text(file)?).map_err(failed)?;
    }
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

/// Writes the database to `file`, which is complete or not touched at all.
pub(crate) fn save(database: &Database, file: &Path) -> Result<(), StackError> {
    let unfinished = file.with_extension("unfinished");
    let at = |source| StackError::Folder { folder: unfinished.clone(), source };
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(at)?;
    }
    database.vacuum_into(text(&unfinished)?).map_err(failed)?;
    fs::rename(&unfinished, file).map_err(at)
}

/// Stands before the database's own server, which knows no permissions.
#[derive(Clone)]
struct Door {
    roles: Roles,
    client: Client<HttpConnector, Body>,
    /// Where that answers.
    database: String,
}

/// The server that the DynamoDB client talks to, before the database's own at `database`.
pub(crate) fn router(roles: Roles, database: String) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http();
    Router::new().fallback(serve).with_state(Door { roles, client, database })
}

async fn serve(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    if let Err(reason) = door.roles.check(signer(&headers), dynamodb_calls(operation, &body)) {
        let refusal = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": reason});
        let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
        return (StatusCode::BAD_REQUEST, content_type, refusal.to_string()).into_response();
    }
    let mut request = axum::http::Request::post(door.database).body(Body::from(body)).unwrap_or_default();
    *request.headers_mut() = headers;
    match door.client.request(request).await {
        Ok(response) => response.map(Body::new),
        Err(cause) => {
            tracing::error!(error = %cause, "the database's server does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
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

fn text(path: &Path) -> Result<&str, StackError> {
    path.to_str().ok_or_else(|| StackError::Database(format!("{} is not UTF-8", path.display())))
}

fn failed(cause: impl std::fmt::Display) -> StackError {
    StackError::Database(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{TEXT, Template};

    #[test]
    fn tables_are_made_once_and_survive_a_snapshot() {
        let tables = Template::parse(TEXT, "").expect("the template parses").tables;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dynamodb.sqlite");
        let database = open(Some(&file), &tables).expect("it opens");
        assert_eq!(database.table_count().expect("a count"), 2);
        save(&database, &file).expect("it is saved");
        save(&database, &file).expect("it is saved again");

        let again = open(Some(&file), &tables).expect("it opens again");
        assert_eq!(again.table_count().expect("a count"), 2);
        let control = again.get_table_metadata("expansion_control").expect("it reads").expect("it is there");
        assert_eq!(control.ttl_attribute.as_deref(), Some("expires_at"));

        let mut changed = tables;
        changed[0].definition["GlobalSecondaryIndexes"] = json!([]);
        assert!(matches!(open(Some(&file), &changed), Err(StackError::OutdatedTable { .. })));
    }
}
