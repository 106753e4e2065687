//! What routes are put on: a router that answers, a router that describes, or a list of what there is.
//!
//! A route names path, handler and description in one place. A program that answers never calls what describes, so that none
//! of it is linked.
//!
//! `aide` makes the document since it reads the schemas that the types have anyway (`schemars`); for `utoipa-axum` every type
//! of the domain would have to be described a second time. `aide` 0.15 reads those of `schemars` 0.9, hence the version after
//! it, not released yet and pinned: nothing of it runs where requests are answered.

use aide::axum::{ApiRouter, routing as described};
use aide::operation::OperationHandler;
use aide::transform::TransformOperation;
use aide::{OperationInput, OperationOutput};
use axum::Router;
use axum::handler::Handler;
use axum::routing;

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// May change something.
    Post,
}

impl Method {
    /// As in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What a handler can be given at every request.
pub trait State: Clone + Send + Sync + 'static {}

impl<S: Clone + Send + Sync + 'static> State for S {}

/// Takes routes.
pub trait Surface: Sized {
    /// A route of the API, with what the document says of it beside what its types say.
    fn route<T: 'static, I: OperationInput, O: OperationOutput, S: State>(
        self,
        method: Method,
        path: &'static str,
        handler: impl Handler<T, S> + OperationHandler<I, O>,
        state: S,
        describe: impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_>,
    ) -> Self;

    /// A page for people, of which the document says nothing.
    fn page<T: 'static, S: State>(self, path: &'static str, handler: impl Handler<T, S>, state: S) -> Self;
}

/// Answers.
impl Surface for Router {
    fn route<T: 'static, I: OperationInput, O: OperationOutput, S: State>(
        self,
        method: Method,
        path: &'static str,
        handler: impl Handler<T, S> + OperationHandler<I, O>,
        state: S,
        _: impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_>,
    ) -> Self {
        let handler = match method {
            Method::Get => routing::get(handler),
            Method::Post => routing::post(handler),
        };
        Self::route(self, path, handler.with_state(state))
    }

    fn page<T: 'static, S: State>(self, path: &'static str, handler: impl Handler<T, S>, state: S) -> Self {
        Self::route(self, path, routing::get(handler).with_state(state))
    }
}

/// Describes.
impl Surface for ApiRouter {
    fn route<T: 'static, I: OperationInput, O: OperationOutput, S: State>(
        self,
        method: Method,
        path: &'static str,
        handler: impl Handler<T, S> + OperationHandler<I, O>,
        state: S,
        describe: impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_>,
    ) -> Self {
        let handler = match method {
            Method::Get => described::get_with(handler, describe),
            Method::Post => described::post_with(handler, describe),
        };
        self.api_route(path, handler.with_state(state))
    }

    fn page<T: 'static, S: State>(self, _: &'static str, _: impl Handler<T, S>, _: S) -> Self {
        self
    }
}

/// Lists.
impl Surface for Vec<(Method, &'static str)> {
    fn route<T: 'static, I: OperationInput, O: OperationOutput, S: State>(
        mut self,
        method: Method,
        path: &'static str,
        _: impl Handler<T, S> + OperationHandler<I, O>,
        _: S,
        _: impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_>,
    ) -> Self {
        self.push((method, path));
        self
    }

    fn page<T: 'static, S: State>(mut self, path: &'static str, _: impl Handler<T, S>, _: S) -> Self {
        self.push((Method::Get, path));
        self
    }
}
