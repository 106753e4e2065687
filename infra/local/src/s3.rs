//! The embedded S3: a folder, with one folder a bucket in it.

use std::path::Path;

use async_trait::async_trait;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::path::S3Path;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::StackError;
use crate::roles::{self, Roles, SECRET};

/// The server over `folder`, with `bucket` in it.
pub(crate) fn router(folder: &Path, bucket: &str, roles: Roles) -> Result<Router, StackError> {
    let at = |source| StackError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder.join(bucket)).map_err(at)?;
    let files = s3s_fs::FileSystem::new(folder).map_err(|cause| at(std::io::Error::other(format!("{cause:?}"))))?;
    let mut service = S3ServiceBuilder::new(files);
    let mut keys = SimpleAuth::from_single(roles::ADMINISTRATOR, SECRET);
    for key in roles.keys() {
        keys.register(key.to_owned(), SECRET.into());
    }
    service.set_auth(keys);
    service.set_access(Access(roles));
    let service = HandleError::new(service.build(), |failure: s3s::HttpError| async move {
        tracing::error!(error = ?failure, "the embedded S3 failed");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    Ok(Router::new().fallback_service(service))
}

struct Access(Roles);

#[async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let path = match context.s3_path() {
            S3Path::Root => String::new(),
            S3Path::Bucket { bucket } => bucket.to_string(),
            S3Path::Object { bucket, key } => format!("{bucket}/{key}"),
        };
        let query = context.uri().query().unwrap_or_default();
        let key = context.credentials().map(|credentials| &*credentials.access_key);
        let checked = self.0.check(key, [roles::s3_call(context.s3_op().name(), &path, query)]);
        checked.map_err(|reason| S3Error::with_message(S3ErrorCode::AccessDenied, reason))
    }
}
