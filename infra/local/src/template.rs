//! What the deployment template says, as plain data.
//!
//! Only what the local stack needs is read. References are resolved to the parameters' defaults and to local names,
//! so that everything below holds final text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use crate::pattern;

/// The template that is deployed to AWS.
pub const TEXT: &str = include_str!("../../template.yaml");

/// The region everything is in, locally.
pub const REGION: &str = "us-east-1";

/// The account everything is in, locally.
pub const ACCOUNT: &str = "000000000000";

/// The bucket's local name.
pub const BUCKET: &str = "expansion-local";

const STACK_NAME: &str = "expansion-propensity";
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// The template is not one that can run here.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("infra/template.yaml is not YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    #[error("infra/template.yaml: {resource} has no usable {property}")]
    Property { resource: String, property: &'static str },
    #[error("infra/template.yaml: cannot resolve {0}")]
    Unresolved(String),
    #[error("infra/template.yaml: {resource} uses {what}, which the local stack does not support")]
    Unsupported { resource: String, what: String },
}

/// The parts of the template that run here.
#[derive(Clone, Debug)]
pub struct Template {
    pub tables: Vec<Table>,
    /// The functions, under their short names, such as `trainer`.
    pub functions: BTreeMap<String, Function>,
    pub routes: Vec<Route>,
    pub bus: String,
    pub rules: Vec<Rule>,
    /// The queues that feed a function, under their names.
    pub queues: Vec<Queue>,
    /// What is put on the bus by the clock.
    pub schedules: Vec<Schedule>,
    /// The names of the variables that every function is given.
    pub common_variables: BTreeSet<String>,
}

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    /// Its definition, as `CreateTable` takes it.
    pub definition: Value,
    /// The attribute that holds when an item expires.
    pub ttl_attribute: Option<String>,
}

/// A Lambda function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub deployed_name: String,
    pub timeout_s: u64,
    pub memory_mb: u64,
    /// Of failed asynchronous invocations.
    pub retries: u32,
    pub variables: BTreeMap<String, String>,
    /// What its role allows.
    pub statements: Vec<Statement>,
}

/// What a role allows: these actions on these resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The actions, such as `dynamodb:Query`.
    pub actions: Vec<String>,
    /// ARNs; the last character may be `*`.
    pub resources: Vec<String>,
    /// The only source that a put event may have.
    pub event_source: Option<String>,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: String,
    /// With parameters in braces.
    pub path: String,
    pub function: String,
}

impl Route {
    /// How API Gateway calls the route: method and path.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A rule of the event bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    pub pattern: Value,
    pub targets: Vec<Target>,
}

/// Where a rule sends its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An asynchronous invocation of a function.
    Function(String),
    /// A message in a queue.
    Queue(String),
}

/// A queue and the function it feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub function: String,
    /// Messages an invocation.
    pub batch_size: usize,
    /// Invocations at a time.
    pub max_concurrency: usize,
    /// Deliveries of a message before it goes to the dead letters.
    pub max_receives: u32,
    /// Whether the function may name the messages of a batch that failed.
    pub reports_item_failures: bool,
}

/// Something the clock puts on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub name: String,
    /// When, as EventBridge Scheduler writes it.
    pub expression: String,
    pub source: String,
    pub detail_type: String,
    /// The event's detail, with a placeholder for the scheduled time.
    pub input: String,
}

impl Schedule {
    /// The event as it is put on the bus at `scheduled_time`.
    ///
    /// # Errors
    /// [`TemplateError::Property`] when the template's input is not JSON.
    pub fn event(&self, scheduled_time: &str) -> Result<Value, TemplateError> {
        let input = self.input.replace(SCHEDULED_TIME, scheduled_time);
        let detail: Value = serde_json::from_str(&input).map_err(|_| missing(&self.name, "Input"))?;
        Ok(json!({"source": self.source, "detail-type": self.detail_type, "detail": detail}))
    }
}

impl Template {
    /// Reads the template. `secret` is what its secrets resolve to.
    ///
    /// # Errors
    /// [`TemplateError`] when a part is missing or cannot be resolved.
    pub fn parse(text: &str, secret: &str) -> Result<Self, TemplateError> {
        let document = Document::parse(text, secret)?;
        let functions = document.functions()?;
        Ok(Self {
            tables: document.each("AWS::DynamoDB::Table", Document::table)?,
            routes: document.routes()?,
            bus: document.bus()?,
            rules: document.each("AWS::Events::Rule", Document::rule)?,
            queues: document.queues()?,
            schedules: document.each("AWS::Scheduler::Schedule", Document::schedule)?,
            common_variables: document.variables(&document.globals)?.into_keys().collect(),
            functions,
        })
    }

    /// The value of a variable that all functions share which have it.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.functions.values().find_map(|function| function.variables.get(name)).map(String::as_str)
    }

    /// The short name of a function, from any name it goes by: short, deployed, ARN, with or without a version.
    pub fn function_name(&self, name: &str) -> Option<&str> {
        let name = name.rsplit_once("function:").map_or(name, |(_, rest)| rest);
        let name = name.split(':').next().unwrap_or(name);
        self.functions.iter().find(|(short, f)| *short == name || f.deployed_name == name).map(|(short, _)| &**short)
    }
}

/// The template as JSON, with its functions still to be resolved.
struct Document<'a> {
    parameters: Map<String, Value>,
    globals: Value,
    resources: Map<String, Value>,
    secret: &'a str,
}

impl<'a> Document<'a> {
    fn parse(text: &str, secret: &'a str) -> Result<Self, TemplateError> {
        let mut root = to_json(serde_yaml_ng::from_str(text)?);
        let mut section = |name: &'static str| match root.get_mut(name).map(Value::take) {
            Some(Value::Object(section)) => Ok(section),
            _ => Err(missing("the template", name)),
        };
        Ok(Self {
            parameters: section("Parameters")?,
            resources: section("Resources")?,
            globals: section("Globals").map(Value::Object)?["Function"].take(),
            secret,
        })
    }

    /// Reads every resource of a type.
    fn each<T>(
        &self,
        kind: &str,
        read: impl Fn(&Self, &str, &Value) -> Result<T, TemplateError>,
    ) -> Result<Vec<T>, TemplateError> {
        self.of_type(kind).map(|(name, properties)| read(self, name, properties)).collect()
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources.iter().filter(move |(_, r)| r["Type"] == kind).map(|(name, r)| (&**name, &r["Properties"]))
    }

    fn table(&self, name: &str, properties: &Value) -> Result<Table, TemplateError> {
        let copied = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];
        let mut definition = Map::new();
        for key in copied {
            if let Some(value) = properties.get(key) {
                definition.insert(key.to_owned(), self.resolve(value)?);
            }
        }
        let ttl = &properties["TimeToLiveSpecification"]["AttributeName"];
        Ok(Table {
            name: self.text(name, properties, "TableName")?,
            definition: Value::Object(definition),
            ttl_attribute: ttl.as_str().map(str::to_owned),
        })
    }

    fn functions(&self) -> Result<BTreeMap<String, Function>, TemplateError> {
        self.of_type("AWS::Serverless::Function")
            .map(|(name, properties)| Ok((self.short_name(name)?, self.function(name, properties)?)))
            .collect()
    }

    fn function(&self, name: &str, properties: &Value) -> Result<Function, TemplateError> {
        let number = |key: &'static str| {
            properties
                .get(key)
                .or_else(|| self.globals.get(key))
                .and_then(Value::as_u64)
                .ok_or_else(|| missing(name, key))
        };
        let retries = properties["EventInvokeConfig"]["MaximumRetryAttempts"].as_u64();
        let mut variables = self.variables(&self.globals)?;
        variables.append(&mut self.variables(properties)?);
        Ok(Function {
            deployed_name: self.text(name, properties, "FunctionName")?,
            timeout_s: number("Timeout")?,
            memory_mb: number("MemorySize")?,
            // Lambda's own default is 2.
            retries: retries.and_then(|n| u32::try_from(n).ok()).unwrap_or(2),
            variables,
            statements: self.statements(name, &properties["Policies"])?,
        })
    }

    fn variables(&self, properties: &Value) -> Result<BTreeMap<String, String>, TemplateError> {
        let variables = self.resolve(&properties["Environment"]["Variables"])?;
        Ok(variables.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect())
    }

    fn statements(&self, name: &str, policies: &Value) -> Result<Vec<Statement>, TemplateError> {
        let statements = list(policies).iter().flat_map(|policy| list(&policy["Statement"]));
        statements.map(|statement| self.statement(name, statement)).collect()
    }

    fn statement(&self, name: &str, statement: &Value) -> Result<Statement, TemplateError> {
        let unsupported = |what: String| TemplateError::Unsupported { resource: name.to_owned(), what };
        if statement["Effect"] != "Allow" {
            return Err(unsupported("a statement that does not allow".to_owned()));
        }
        let texts = |property: &'static str| -> Result<Vec<String>, TemplateError> {
            let values = list(statement.get(property).ok_or_else(|| missing(name, property))?);
            values.iter().map(|value| Ok(plain(&self.resolve(value)?))).collect()
        };
        let condition = &statement["Condition"];
        let event_source = condition["StringEquals"]["events:source"].as_str().map(str::to_owned);
        if event_source.is_none() && !condition.is_null() {
            return Err(unsupported(format!("the condition {condition}")));
        }
        Ok(Statement { actions: texts("Action")?, resources: texts("Resource")?, event_source })
    }

    /// The last part of the folder the function's binary lies in.
    fn short_name(&self, name: &str) -> Result<String, TemplateError> {
        let code = self.resources[name]["Properties"]["CodeUri"].as_str().unwrap_or_default();
        let short = code.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if short.is_empty() { Err(missing(name, "CodeUri")) } else { Ok(short.to_owned()) }
    }

    /// The event sources of every function: function, type, properties.
    fn sources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of_type("AWS::Serverless::Function")
            .filter_map(|(name, properties)| Some((name, properties.get("Events")?.as_object()?)))
            .flat_map(|(name, events)| events.values().map(move |event| (name, event)))
    }

    fn routes(&self) -> Result<Vec<Route>, TemplateError> {
        self.sources()
            .filter(|(_, event)| event["Type"] == "HttpApi")
            .map(|(function, event)| {
                Ok(Route {
                    method: self.text(function, &event["Properties"], "Method")?.to_uppercase(),
                    path: self.text(function, &event["Properties"], "Path")?,
                    function: self.short_name(function)?,
                })
            })
            .collect()
    }

    fn queues(&self) -> Result<Vec<Queue>, TemplateError> {
        self.sources()
            .filter(|(_, event)| event["Type"] == "SQS")
            .map(|(function, event)| self.queue(function, &event["Properties"]))
            .collect()
    }

    fn queue(&self, function: &str, source: &Value) -> Result<Queue, TemplateError> {
        let arn = self.text(function, source, "Queue")?;
        let (logical, queue) = self
            .of_type("AWS::SQS::Queue")
            .find(|(name, _)| self.attribute(name, "Arn").is_ok_and(|found| found == arn))
            .ok_or_else(|| missing(function, "Queue"))?;
        let receives = &self.resolve(&queue["RedrivePolicy"])?["maxReceiveCount"];
        let concurrency = self.resolve(&source["ScalingConfig"]["MaximumConcurrency"])?;
        let responses = source["FunctionResponseTypes"].as_array();
        Ok(Queue {
            name: self.local_name(logical)?,
            function: self.short_name(function)?,
            batch_size: count(&source["BatchSize"]).unwrap_or(10),
            max_concurrency: count(&concurrency).unwrap_or(10),
            max_receives: receives
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| missing(logical, "RedrivePolicy"))?,
            reports_item_failures: responses.is_some_and(|all| all.iter().any(|r| r == "ReportBatchItemFailures")),
        })
    }

    fn bus(&self) -> Result<String, TemplateError> {
        let (name, _) = self.of_type("AWS::Events::EventBus").next().ok_or_else(|| missing("the template", "bus"))?;
        self.local_name(name)
    }

    fn rule(&self, name: &str, properties: &Value) -> Result<Rule, TemplateError> {
        let targets = properties["Targets"].as_array().ok_or_else(|| missing(name, "Targets"))?;
        let pattern = self.resolve(&properties["EventPattern"])?;
        if let Some(what) = pattern::unsupported(&pattern) {
            return Err(TemplateError::Unsupported { resource: name.to_owned(), what });
        }
        Ok(Rule {
            name: name.to_owned(),
            pattern,
            targets: targets.iter().map(|target| self.target(name, target)).collect::<Result<_, _>>()?,
        })
    }

    fn target(&self, rule: &str, target: &Value) -> Result<Target, TemplateError> {
        let arn = self.text(rule, target, "Arn")?;
        let is = |name: &&str| self.attribute(name, "Arn").is_ok_and(|found| found == arn);
        let names = |kind| self.of_type(kind).map(|(name, _)| name);
        if let Some(function) = names("AWS::Serverless::Function").find(is) {
            return self.short_name(function).map(Target::Function);
        }
        let queue = names("AWS::SQS::Queue").find(is).ok_or_else(|| missing(rule, "Targets"))?;
        self.local_name(queue).map(Target::Queue)
    }

    fn schedule(&self, name: &str, properties: &Value) -> Result<Schedule, TemplateError> {
        let target = &properties["Target"];
        Ok(Schedule {
            name: name.to_owned(),
            expression: self.text(name, properties, "ScheduleExpression")?,
            source: self.text(name, &target["EventBridgeParameters"], "Source")?,
            detail_type: self.text(name, &target["EventBridgeParameters"], "DetailType")?,
            input: self.text(name, target, "Input")?,
        })
    }

    /// A property that is text once resolved.
    fn text(&self, resource: &str, properties: &Value, property: &'static str) -> Result<String, TemplateError> {
        let value = properties.get(property).ok_or_else(|| missing(resource, property))?;
        Ok(plain(&self.resolve(value)?))
    }

    /// A value with all its references and functions resolved.
    fn resolve(&self, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Object(map) => {
                if let Some((name, argument)) = intrinsic(map) {
                    return self.call(name, argument).map(Value::String);
                }
                map.iter()
                    .map(|(key, v)| Ok((key.clone(), self.resolve(v)?)))
                    .collect::<Result<_, _>>()
                    .map(Value::Object)
            }
            Value::Array(items) => items.iter().map(|v| self.resolve(v)).collect::<Result<_, _>>().map(Value::Array),
            Value::String(text) if text.starts_with("{{resolve:secretsmanager:") => Ok(self.secret.into()),
            other => Ok(other.clone()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<String, TemplateError> {
        let unresolved = || TemplateError::Unresolved(format!("{name} {argument}"));
        match (name, argument) {
            ("Ref", Value::String(name)) => self.reference(name),
            ("Fn::GetAtt", Value::String(path)) => {
                let (resource, attribute) = path.split_once('.').ok_or_else(unresolved)?;
                self.attribute(resource, attribute)
            }
            ("Fn::GetAtt", Value::Array(path)) => match path.as_slice() {
                [Value::String(resource), Value::String(attribute)] => self.attribute(resource, attribute),
                _ => Err(unresolved()),
            },
            ("Fn::Sub", Value::String(text)) => self.substitute(text),
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(separator), Value::Array(items)] => {
                    let items = items.iter().map(|item| self.resolve(item).map(|v| plain(&v)));
                    Ok(items.collect::<Result<Vec<_>, _>>()?.join(separator))
                }
                _ => Err(unresolved()),
            },
            _ => Err(unresolved()),
        }
    }

    fn substitute(&self, text: &str) -> Result<String, TemplateError> {
        if text.starts_with("{{resolve:secretsmanager:") {
            return Ok(self.secret.to_owned());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').ok_or_else(|| TemplateError::Unresolved(text.to_owned()))?;
            out.push_str(before);
            out.push_str(&match name.split_once('.') {
                Some((resource, attribute)) => self.attribute(resource, attribute)?,
                None => self.reference(name)?,
            });
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn reference(&self, name: &str) -> Result<String, TemplateError> {
        if let Some(parameter) = self.parameters.get(name) {
            // A parameter without a default describes the world outside, of which there is none here.
            return Ok(parameter.get("Default").map_or_else(|| "local".to_owned(), plain));
        }
        match name {
            "AWS::StackName" => Ok(STACK_NAME.to_owned()),
            "AWS::Region" => Ok(REGION.to_owned()),
            "AWS::AccountId" => Ok(ACCOUNT.to_owned()),
            "AWS::Partition" => Ok("aws".to_owned()),
            _ => self.local_name(name),
        }
    }

    /// What `Ref` gives for a resource: its name.
    fn local_name(&self, name: &str) -> Result<String, TemplateError> {
        let resource = self.resources.get(name).ok_or_else(|| TemplateError::Unresolved(name.to_owned()))?;
        let properties = &resource["Properties"];
        let given = ["TableName", "QueueName", "FunctionName", "Name"].iter().find_map(|key| properties.get(*key));
        match given {
            _ if resource["Type"] == "AWS::S3::Bucket" => Ok(BUCKET.to_owned()),
            Some(given) => Ok(plain(&self.resolve(given)?)),
            None => Ok(name.to_owned()),
        }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<String, TemplateError> {
        let name = self.local_name(resource)?;
        let kind = self.resources[resource]["Type"].as_str().unwrap_or_default();
        match (attribute, kind) {
            ("Arn", "AWS::S3::Bucket") => Ok(format!("arn:aws:s3:::{name}")),
            ("Arn", "AWS::Serverless::Function") => Ok(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")),
            ("Arn", "AWS::DynamoDB::Table") => Ok(format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")),
            ("Arn", "AWS::SQS::Queue") => Ok(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")),
            ("Arn", "AWS::Events::EventBus") => Ok(format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}")),
            ("QueueName", "AWS::SQS::Queue") => Ok(name),
            _ => Err(TemplateError::Unresolved(format!("{resource}.{attribute}"))),
        }
    }
}

/// The function call that an object stands for, if it does.
fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next()?;
    (map.len() == 1 && (name == "Ref" || name.starts_with("Fn::"))).then_some((&**name, argument))
}

/// YAML as JSON; a short tag such as `!Sub` becomes its long form.
fn to_json(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => b.into(),
        Yaml::Number(n) => serde_json::to_value(n).unwrap_or_default(),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(to_json).collect(),
        Yaml::Mapping(map) => map.into_iter().map(|(key, v)| (plain(&to_json(key)), to_json(v))).collect(),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let name = if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") };
            json!({name: to_json(tagged.value)})
        }
    }
}

/// What may be one or several.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

/// A scalar as text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A count, which a parameter's default gives as text.
fn count(value: &Value) -> Option<usize> {
    plain(value).parse().ok()
}

fn missing(resource: &str, property: &'static str) -> TemplateError {
    TemplateError::Property { resource: resource.to_owned(), property }
}

#[cfg(test)]
mod tests;
