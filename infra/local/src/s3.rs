//! The embedded S3: a folder, with one folder a bucket in it.

use std::path::Path;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use crate::StackError;

/// The server over `folder`, with `bucket` in it.
///
/// # Errors
/// [`StackError::Folder`] when the folder cannot be made or used.
pub(crate) fn router(folder: &Path, bucket: &str, credentials: (&str, &str)) -> Result<Router, StackError> {
    let at = |source| StackError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder.join(bucket)).map_err(at)?;
    let files = s3s_fs::FileSystem::new(folder).map_err(|cause| at(std::io::Error::other(format!("{cause:?}"))))?;
    let mut service = S3ServiceBuilder::new(files);
    let (key, secret) = credentials;
    service.set_auth(SimpleAuth::from_single(key, secret));
    let service = HandleError::new(service.build(), |failure: s3s::HttpError| async move {
        tracing::error!(error = ?failure, "the embedded S3 failed");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    Ok(Router::new().fallback_service(service))
}
