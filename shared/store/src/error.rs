//! Errors of AWS, and whether a retry helps.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call to AWS failed, or its answer is invalid.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service refused or could not be reached.
    #[error("{operation}: {message}")]
    Service { operation: &'static str, message: String, transient: bool },
    /// The time budget ended before the work did; a retry goes on with the rest.
    #[error("{operation}: out of time with {left} items left")]
    OutOfTime { operation: &'static str, left: usize },
    /// An item does not have the form it was written in.
    #[error("an item cannot be read or written: {0}")]
    Item(#[from] serde_dynamo::Error),
    /// An object or event does not have the form it was written in.
    #[error("{what} cannot be read or written: {source}")]
    Json { what: String, source: serde_json::Error },
    #[error(transparent)]
    Artifact(#[from] expansion_model::ArtifactError),
    #[error("{0} does not exist")]
    NotFound(String),
}

impl StoreError {
    /// Whether a retry may help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Service { transient: true, .. } | Self::OutOfTime { .. })
    }

    /// What is wrong with a request before it is sent.
    pub(crate) fn invalid(operation: &'static str) -> impl FnOnce(BuildError) -> Self {
        move |error| Self::Service { operation, message: error.to_string(), transient: false }
    }

    /// Wraps an SDK error.
    pub(crate) fn service<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        move |error| Self::Service {
            operation,
            transient: may_pass(&error),
            message: DisplayErrorContext(error).to_string(),
        }
    }
}

/// Whether a retry may succeed: no response, a throttled or failing service, or two conflicting calls.
fn may_pass<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let busy = matches!(
        error.code(),
        Some(
            "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "RequestTimeout"
                | "SlowDown"
                | "ConditionalRequestConflict"
                | "TransactionConflictException"
        )
    );
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let unreached =
        matches!(error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_));
    busy || unreached || status == 429 || status >= 500
}

/// `Ok(None)` where a condition did not hold, which is an answer and not a failure.
pub(crate) fn unless_condition_failed<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    operation: &'static str,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match result {
        Err(error) if matches!(error.code(), Some("ConditionalCheckFailedException" | "PreconditionFailed")) => {
            Ok(None)
        }
        result => result.map(Some).map_err(StoreError::service(operation)),
    }
}
