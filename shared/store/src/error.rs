//! What can go wrong with AWS, and whether trying again helps.

use std::error::Error as StdError;

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
    pub(crate) fn service<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: std::fmt::Debug,
    {
        move |error| {
            let throttled = matches!(
                error.code(),
                Some(
                    "ProvisionedThroughputExceededException"
                        | "ThrottlingException"
                        | "RequestLimitExceeded"
                        | "InternalServerError"
                        | "InternalFailure"
                        | "InternalException"
                        | "ServiceUnavailable"
                        | "SlowDown"
                        | "TransactionConflictException"
                )
            );
            let unreached =
                matches!(error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_));
            Self::Service {
                operation,
                transient: throttled || unreached,
                message: DisplayErrorContext(error).to_string(),
            }
        }
    }
}

/// `Ok(None)` where a condition did not hold, which is an answer and not a failure.
pub(crate) fn unless_condition_failed<T, E, R>(
    result: Result<T, SdkError<E, R>>,
    operation: &'static str,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug,
{
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if matches!(error.code(), Some("ConditionalCheckFailedException" | "PreconditionFailed")) => {
            Ok(None)
        }
        Err(error) => Err(StoreError::service(operation)(error)),
    }
}
