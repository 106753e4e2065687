//! `GET` and `POST /api/analytics/expansion-propensity/models`: which model is live, and why.

use std::borrow::Cow;

use axum::extract::State;
use expansion_domain::{ModelAction, ModelCommandRequested};
use expansion_service::models::{ModelCommands, Models, ModelsAnswer, may_command};
use expansion_service::{Config, ConfigError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use crate::describe::Describe;
use crate::{Answer, Body, Caller, Method, Problem, Shared, Surface};

const PATH: &str = "/api/analytics/expansion-propensity/models";

/// What a manager wants done about the champion.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Command(ModelCommandRequested);

impl JsonSchema for Command {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ModelCommandBody".into()
    }

    /// Which model goes with which action, beside what the command says of itself.
    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let of_action = json!({
            "if": {"properties": {"action": {"const": ModelAction::Promote}}},
            "then": {"properties": {"model_id": {"type": "string"}}, "required": ["model_id"]},
            "else": {"properties": {"model_id": {"type": "null"}}},
        });
        json_schema!({"allOf": [schemas.subschema_for::<ModelCommandRequested>(), of_action]})
    }
}

/// Puts the models on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let models = Shared::new(config, Models::new(config)?)?;
    let commands = Shared::new(config, ModelCommands::new(config)?)?;
    let surface = surface.route(Method::Get, PATH, list, models, |op| {
        op.id("listModels")
            .tag("Models")
            .summary("The live model, and every challenger with figures, verdict and decision.")
            .says(200, "The models on record, newest first.")
    });
    Ok(surface.route(Method::Post, PATH, change, commands, |op| {
        op.id("changeModel")
            .tag("Models")
            .summary("Changes the live model by hand; for managers.")
            .example(json!({"action": "pin", "generation": 1}))
            .says(200, "The models after the change.")
            .refuses(&[400, 409])
    }))
}

async fn list(State(models): State<Shared<Models>>, _: Caller) -> Result<Answer<ModelsAnswer>, Problem> {
    Ok(Answer(models.answer().await?))
}

async fn change(
    State(commands): State<Shared<ModelCommands>>,
    Caller(caller): Caller,
    command: Result<Body<Command>, Problem>,
) -> Result<Answer<ModelsAnswer>, Problem> {
    may_command(&caller)?;
    let Body(Command(command)) = command?;
    Ok(Answer(commands.command(&caller, &command).await?))
}
