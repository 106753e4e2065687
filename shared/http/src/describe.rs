//! What routes say of themselves: their parameters, bodies and answers as parts of an OpenAPI operation.
//!
//! A type may look different from either side: what a request carries is described as it is read, what is answered as it is
//! written.

use aide::generate::GenContext;
use aide::openapi::{Link, MediaType, Operation, ReferenceOr, RequestBody, Response, SchemaObject, StatusCode};
use aide::transform::TransformOperation;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// Where an operation keeps the schemas that its body refers to until they are moved to where they belong.
pub(crate) const SCHEMAS: &str = "x-schemas";
/// The refusals: status, name, what it means, and whether API Gateway gives it, too, in its own form.
pub(crate) const REFUSALS: [(u16, &str, &str, bool); 7] = [
    (400, "Invalid", "A parameter, a header or the body makes no sense; which and why is said.", false),
    (401, "NotSignedIn", "There is no valid token, or its claims name neither a manager nor a CSM.", true),
    (403, "NotAllowed", "Only a manager may do this, or a browser sent it for a page of another site.", false),
    (
        404,
        "NotFound",
        "There is no such thing or it is not the caller's to see, or no refresh has completed yet.",
        false,
    ),
    (409, "Conflict", "Things are not as the request takes them to be.", false),
    (500, "Internal", "A fault of the service, described in its log under the request's id.", true),
    (503, "Unavailable", "Something behind the API is busy; the same request may succeed later.", true),
];

/// What a route adds to what its types say.
pub trait Describe: Sized {
    /// What an answer with this status is, in words.
    fn says(self, status: u16, what: &str) -> Self;

    /// The statuses of refusals that not every route gives.
    fn refuses(self, statuses: &[u16]) -> Self;

    /// An example of what the request carries.
    fn example(self, body: Value) -> Self;

    /// What can be asked next of which operation, with a parameter from the answer: `(name, operation, parameter, value)`.
    fn link(self, name: &str, operation: &str, parameter: &str, value: &str) -> Self;
}

impl Describe for TransformOperation<'_> {
    fn says(mut self, status: u16, what: &str) -> Self {
        let responses = self.inner_mut().responses.get_or_insert_default();
        let response = responses.responses.entry(StatusCode::Code(status));
        if let ReferenceOr::Item(response) = response.or_insert_with(|| ReferenceOr::Item(Response::default())) {
            what.clone_into(&mut response.description);
        }
        self
    }

    fn refuses(mut self, statuses: &[u16]) -> Self {
        let responses = self.inner_mut().responses.get_or_insert_default();
        for (status, name, ..) in REFUSALS.iter().filter(|(status, ..)| statuses.contains(status)) {
            let refusal = ReferenceOr::ref_(&format!("#/components/responses/{name}"));
            responses.responses.insert(StatusCode::Code(*status), refusal);
        }
        self
    }

    fn example(mut self, body: Value) -> Self {
        if let Some(ReferenceOr::Item(request)) = &mut self.inner_mut().request_body {
            request.content.values_mut().for_each(|content| content.example = Some(body.clone()));
        }
        self
    }

    fn link(mut self, name: &str, operation: &str, parameter: &str, value: &str) -> Self {
        let link = json!({"operationId": operation, "parameters": {parameter: value}});
        let link: Option<ReferenceOr<Link>> = serde_json::from_value(link).map(ReferenceOr::Item).ok();
        let responses = self.inner_mut().responses.get_or_insert_default();
        for response in responses.responses.values_mut().filter_map(ReferenceOr::as_item_mut) {
            response.links.extend(link.clone().map(|link| (name.to_owned(), link)));
        }
        self
    }
}

/// The response with an answer, which may be had in other media types than JSON too.
pub(crate) fn answer<T: JsonSchema>(ctx: &mut GenContext, papers: &[&str]) -> Response {
    let schema = ctx.schema.subschema_for::<T>();
    let papers =
        papers.iter().map(|media_type| ((*media_type).to_owned(), content(schemars::json_schema!({"type": "string"}))));
    let json = ("application/json".to_owned(), content(schema));
    Response { content: [json].into_iter().chain(papers).collect(), ..Response::default() }
}

/// The response with a text, and with headers that need not be there: `(name, what it means, its only value)`.
pub(crate) fn text(media_type: &str, headers: &[(&str, &str, &str)]) -> Response {
    let text = content(schemars::json_schema!({"type": "string"}));
    let header = |(name, description, value): &(&str, &str, &str)| {
        let header = json!({"description": description, "schema": {"type": "string", "enum": [value]}});
        Some(((*name).to_owned(), ReferenceOr::Item(serde_json::from_value(header).ok()?)))
    };
    Response {
        content: [(media_type.to_owned(), text)].into_iter().collect(),
        headers: headers.iter().filter_map(header).collect(),
        ..Response::default()
    }
}

/// What a request carries.
pub(crate) fn body<T: JsonSchema>(operation: &mut Operation, is_required: bool) {
    let mut schemas = settings().for_deserialize().into_generator();
    let schema = schemas.subschema_for::<T>();
    let mut definitions = schemas.take_definitions(true);
    // What it is as a whole is what the operation is about.
    if let Some(Value::Object(body)) = definitions.get_mut(&*T::schema_name()) {
        body.remove("description");
    }
    operation.extensions.insert(SCHEMAS.to_owned(), definitions.into());
    operation.request_body = Some(ReferenceOr::Item(RequestBody {
        content: [("application/json".to_owned(), content(schema))].into_iter().collect(),
        required: is_required,
        ..RequestBody::default()
    }));
}

/// The fields of a type as the parameters of a query string.
pub(crate) fn query_parameters<T: JsonSchema>(operation: &mut Operation) {
    let schema = inline::<T>();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| {
            // How many bits hold a number is nobody's business.
            schema.remove("format");
            schema.remove("description")
        });
        let description = description.as_ref().and_then(Value::as_str).unwrap_or_default();
        let is_required = required.iter().any(|required| required == name);
        parameter(operation, "query", name, description, is_required, &schema);
    }
}

/// Adds a parameter of the `query`, the `path` or a `header`.
pub(crate) fn parameter(
    operation: &mut Operation,
    place: &str,
    name: &str,
    description: &str,
    required: bool,
    schema: &Value,
) {
    let parameter =
        json!({"in": place, "name": name, "description": description, "required": required, "schema": schema});
    operation.parameters.extend(serde_json::from_value(parameter).map(ReferenceOr::Item));
}

/// The schema of a type as it is read, with all that it refers to in it.
pub(crate) fn inline<T: JsonSchema>() -> Value {
    let mut settings = settings().for_deserialize();
    settings.inline_subschemas = true;
    settings.into_generator().subschema_for::<T>().to_value()
}

fn content(json_schema: Schema) -> MediaType {
    let schema = SchemaObject { json_schema, external_docs: None, example: None };
    MediaType { schema: Some(schema), ..MediaType::default() }
}

/// What all schemas of the document have in common.
pub(crate) fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|it| it.definitions_path = "/components/schemas".into())
}
