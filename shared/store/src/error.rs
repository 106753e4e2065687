//! What can go wrong with AWS, and whether trying again helps.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call to AWS failed, or what it returned makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service refused or could not be reached.
    #[error("{operation}: {message}")]
    Service {
        /// What was tried.
        operation: &'static str,
        /// What the SDK says.
        message: String,
        /// Whether trying again may help.
        transient: bool,
    },
    /// The time budget ended before the work did; the rest is to be done by a later attempt.
    #[error("{operation}: out of time with {left} items left")]
    OutOfTime {
        /// What was being done.
        operation: &'static str,
        /// How many items were not done.
        left: usize,
    },
    /// An item does not have the form it was written in.
    #[error("an item cannot be read or written: {0}")]
    Item(#[from] serde_dynamo::Error),
    /// An object or event does not have the form it was written in.
    #[error("{what} cannot be read or written: {source}")]
    Json {
        /// What.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A model artifact cannot be used.
    #[error(transparent)]
    Artifact(#[from] expansion_model::ArtifactError),
    /// Something that must be there is not.
    #[error("{0} does not exist")]
    NotFound(String),
}

impl StoreError {
    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Service { transient: true, .. } | Self::OutOfTime { .. })
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

/// Whether the same call may succeed later: nobody answered, the service is overloaded or at fault, or two calls met.
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
        Ok(done) => Ok(Some(done)),
        Err(error) if matches!(error.code(), Some("ConditionalCheckFailedException" | "PreconditionFailed")) => {
            Ok(None)
        }
        Err(error) => Err(StoreError::service(operation)(error)),
    }
}
