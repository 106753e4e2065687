//! What the deployment template says, as plain data.
//!
//! Only what the local stack needs is read. References are resolved to the parameters' defaults and to local names,
//! so that everything below holds final text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::pattern;

/// The template that is deployed to AWS.
pub const TEXT: &str = include_str!("../../template.yaml");

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "000000000000";
/// The bucket's local name.
pub(crate) const BUCKET: &str = "expansion-local";
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

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    /// Its definition, as `CreateTable` takes it.
    pub definition: Value,
    /// The attribute that holds when an item expires.
    pub ttl_attribute: Option<String>,
}

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
    /// Such as `dynamodb:Query`.
    pub actions: Vec<String>,
    /// ARNs; the last character may be `*`.
    pub resources: Vec<String>,
    /// The only source that a put event may have.
    pub event_source: Option<String>,
    /// How keys that are listed must begin; the last character may be `*`.
    pub prefix: Option<String>,
}

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

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
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
    pub fn event(&self, scheduled_time: &str) -> Result<Value, TemplateError> {
        let input = self.input.replace(SCHEDULED_TIME, scheduled_time);
        let detail: Value = serde_json::from_str(&input).map_err(|_| missing(&self.name, "Input"))?;
        Ok(json!({"source": self.source, "detail-type": self.detail_type, "detail": detail}))
    }
}

impl Template {
    /// Reads the template. `secret` is what its secrets resolve to.
    pub fn parse(text: &str, secret: &str) -> Result<Self, TemplateError> {
        let document = Document::parse(text, secret)?;
        Ok(Self {
            functions: document.each("AWS::Serverless::Function", Document::function)?,
            tables: document.each("AWS::DynamoDB::Table", |_, name, properties| table(name, properties))?,
            routes: document.each_source("HttpApi", Document::route)?,
            bus: document.bus()?,
            rules: document.each("AWS::Events::Rule", Document::rule)?,
            queues: document.each_source("SQS", Document::queue)?,
            schedules: document.each("AWS::Scheduler::Schedule", |_, name, properties| schedule(name, properties))?,
            common_variables: variables(&document.globals).map(|(name, _)| name).collect(),
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
    /// What all functions have in common, resolved.
    globals: Value,
    resources: Map<String, Value>,
    secret: &'a str,
}

impl<'a> Document<'a> {
    fn parse(text: &str, secret: &'a str) -> Result<Self, TemplateError> {
        let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(text)?;
        let mut root = serde_json::to_value(yaml).unwrap_or_default();
        let mut section = |name: &'static str| match root.get_mut(name).map(Value::take) {
            Some(Value::Object(section)) => Ok(section),
            _ => Err(missing("the template", name)),
        };
        let (parameters, resources) = (section("Parameters")?, section("Resources")?);
        let globals = section("Globals")?["Function"].take();
        let document = Self { parameters, globals: Value::Null, resources, secret };
        Ok(Self { globals: document.resolve(&globals)?, ..document })
    }

    /// Reads every resource of a type, from its name and its resolved properties.
    fn each<T, C: FromIterator<T>>(
        &self,
        kind: &str,
        read: impl Fn(&Self, &str, &Value) -> Result<T, TemplateError>,
    ) -> Result<C, TemplateError> {
        self.of_type(kind).map(|(name, properties)| read(self, name, &self.resolve(properties)?)).collect()
    }

    /// Reads every event source of a type, from its function's name and its resolved properties.
    fn each_source<T>(
        &self,
        kind: &str,
        read: impl Fn(&Self, &str, &Value) -> Result<T, TemplateError>,
    ) -> Result<Vec<T>, TemplateError> {
        self.of_type("AWS::Serverless::Function")
            .flat_map(|(name, function)| function["Events"].as_object().into_iter().flatten().map(move |e| (name, e.1)))
            .filter(|(_, event)| event["Type"] == kind)
            .map(|(name, event)| read(self, name, &self.resolve(&event["Properties"])?))
            .collect()
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources.iter().filter(move |(_, r)| r["Type"] == kind).map(|(name, r)| (&**name, &r["Properties"]))
    }

    fn function(&self, name: &str, properties: &Value) -> Result<(String, Function), TemplateError> {
        let number = |key: &'static str| {
            let given = properties.get(key).or_else(|| self.globals.get(key));
            given.and_then(Value::as_u64).ok_or_else(|| missing(name, key))
        };
        let retries = properties["EventInvokeConfig"]["MaximumRetryAttempts"].as_u64();
        let statements = list(&properties["Policies"]).iter().flat_map(|policy| list(&policy["Statement"]));
        let function = Function {
            deployed_name: text(name, properties, "FunctionName")?,
            timeout_s: number("Timeout")?,
            memory_mb: number("MemorySize")?,
            // Lambda's own default is 2.
            retries: retries.and_then(|n| u32::try_from(n).ok()).unwrap_or(2),
            variables: variables(&self.globals).chain(variables(properties)).collect(),
            statements: statements.map(|statement| permission(name, statement)).collect::<Result<_, _>>()?,
        };
        Ok((self.short_name(name)?, function))
    }

    /// The last part of the folder the function's binary lies in.
    fn short_name(&self, name: &str) -> Result<String, TemplateError> {
        let code = self.resources[name]["Properties"]["CodeUri"].as_str().unwrap_or_default();
        let short = code.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if short.is_empty() { Err(missing(name, "CodeUri")) } else { Ok(short.to_owned()) }
    }

    fn route(&self, function: &str, event: &Value) -> Result<Route, TemplateError> {
        Ok(Route {
            method: text(function, event, "Method")?.to_uppercase(),
            path: text(function, event, "Path")?,
            function: self.short_name(function)?,
        })
    }

    fn queue(&self, function: &str, source: &Value) -> Result<Queue, TemplateError> {
        let arn = text(function, source, "Queue")?;
        let (name, queue) = self.with_arn("AWS::SQS::Queue", &arn).ok_or_else(|| missing(function, "Queue"))?;
        let receives = queue["RedrivePolicy"]["maxReceiveCount"].as_u64().and_then(|n| u32::try_from(n).ok());
        Ok(Queue {
            name: self.local_name(name)?,
            function: self.short_name(function)?,
            batch_size: count(&source["BatchSize"]).unwrap_or(10),
            max_concurrency: count(&source["ScalingConfig"]["MaximumConcurrency"]).unwrap_or(10),
            max_receives: receives.ok_or_else(|| missing(name, "RedrivePolicy"))?,
            reports_item_failures: list(&source["FunctionResponseTypes"]).contains(&json!("ReportBatchItemFailures")),
        })
    }

    fn bus(&self) -> Result<String, TemplateError> {
        let (name, _) = self.of_type("AWS::Events::EventBus").next().ok_or_else(|| missing("the template", "bus"))?;
        self.local_name(name)
    }

    fn rule(&self, name: &str, properties: &Value) -> Result<Rule, TemplateError> {
        let targets = properties["Targets"].as_array().ok_or_else(|| missing(name, "Targets"))?;
        let pattern = properties["EventPattern"].clone();
        if let Some(what) = pattern::unsupported(&pattern) {
            return Err(TemplateError::Unsupported { resource: name.to_owned(), what });
        }
        let targets = targets.iter().map(|target| self.target(name, target));
        Ok(Rule { pattern, targets: targets.collect::<Result<_, _>>()? })
    }

    fn target(&self, rule: &str, target: &Value) -> Result<Target, TemplateError> {
        let arn = text(rule, target, "Arn")?;
        if let Some((function, _)) = self.with_arn("AWS::Serverless::Function", &arn) {
            return self.short_name(function).map(Target::Function);
        }
        let (queue, _) = self.with_arn("AWS::SQS::Queue", &arn).ok_or_else(|| missing(rule, "Targets"))?;
        self.local_name(queue).map(Target::Queue)
    }

    fn with_arn(&self, kind: &str, arn: &str) -> Option<(&str, &Value)> {
        self.of_type(kind).find(|(name, _)| self.attribute(name, "Arn").is_ok_and(|found| found == arn))
    }

    /// A value with all its references and functions resolved.
    fn resolve(&self, value: &Value) -> Result<Value, TemplateError> {
        if let Some((name, argument)) = value.as_object().and_then(intrinsic) {
            return self.call(name, argument).map(Value::String);
        }
        Ok(match value {
            Value::Object(map) => {
                let resolved = map.iter().map(|(key, v)| Ok((key.clone(), self.resolve(v)?)));
                Value::Object(resolved.collect::<Result<_, TemplateError>>()?)
            }
            Value::Array(items) => items.iter().map(|v| self.resolve(v)).collect::<Result<_, _>>()?,
            other => other.clone(),
        })
    }

    fn call(&self, name: &str, argument: &Value) -> Result<String, TemplateError> {
        match (name, argument) {
            ("Ref" | "GetAtt", Value::String(path)) => self.named(path),
            ("Sub", Value::String(text)) => self.substitute(text),
            _ => Err(TemplateError::Unresolved(format!("{name} {argument}"))),
        }
    }

    fn substitute(&self, text: &str) -> Result<String, TemplateError> {
        if text.starts_with("{{resolve:secretsmanager:") {
            return Ok(self.secret.to_owned());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (path, tail) = after.split_once('}').ok_or_else(|| TemplateError::Unresolved(text.to_owned()))?;
            out.push_str(before);
            out.push_str(&self.named(path)?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What `Ref` gives for a name, and `GetAtt` for a resource and its attribute.
    fn named(&self, path: &str) -> Result<String, TemplateError> {
        if let Some((resource, attribute)) = path.split_once('.') {
            return self.attribute(resource, attribute);
        }
        if let Some(parameter) = self.parameters.get(path) {
            // A parameter without a default describes the world outside, of which there is none here.
            return Ok(parameter.get("Default").map_or_else(|| "local".to_owned(), plain));
        }
        match path {
            "AWS::StackName" => Ok(STACK_NAME.to_owned()),
            "AWS::Region" => Ok(REGION.to_owned()),
            "AWS::AccountId" => Ok(ACCOUNT.to_owned()),
            "AWS::Partition" => Ok("aws".to_owned()),
            _ => self.local_name(path),
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
        Ok(match (attribute, kind) {
            ("Arn", "AWS::S3::Bucket") => format!("arn:aws:s3:::{name}"),
            ("Arn", "AWS::Serverless::Function") => format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"),
            ("Arn", "AWS::DynamoDB::Table") => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
            ("Arn", "AWS::SQS::Queue") => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
            ("Arn", "AWS::Events::EventBus") => format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"),
            ("Arn", "AWS::IAM::Role") => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            _ => return Err(TemplateError::Unresolved(format!("{resource}.{attribute}"))),
        })
    }
}

/// The variables of a function, or of all.
fn variables(properties: &Value) -> impl Iterator<Item = (String, String)> {
    let variables = properties["Environment"]["Variables"].as_object().into_iter().flatten();
    variables.map(|(name, value)| (name.clone(), plain(value)))
}

/// What one statement of the role of the function `name` allows.
fn permission(name: &str, statement: &Value) -> Result<Statement, TemplateError> {
    let unsupported = |what: String| TemplateError::Unsupported { resource: name.to_owned(), what };
    if statement["Effect"] != "Allow" {
        return Err(unsupported("a statement that does not allow".to_owned()));
    }
    let texts = |property: &'static str| -> Result<Vec<String>, TemplateError> {
        let values = statement.get(property).ok_or_else(|| missing(name, property))?;
        Ok(list(values).iter().map(plain).collect())
    };
    let condition = &statement["Condition"];
    let event_source = condition["StringEquals"]["events:source"].as_str().map(str::to_owned);
    let prefix = condition["StringLike"]["s3:prefix"].as_str().map(str::to_owned);
    if event_source.is_none() && prefix.is_none() && !condition.is_null() {
        return Err(unsupported(format!("the condition {condition}")));
    }
    Ok(Statement { actions: texts("Action")?, resources: texts("Resource")?, event_source, prefix })
}

fn schedule(name: &str, properties: &Value) -> Result<Schedule, TemplateError> {
    let target = &properties["Target"];
    Ok(Schedule {
        name: name.to_owned(),
        expression: text(name, properties, "ScheduleExpression")?,
        source: text(name, &target["EventBridgeParameters"], "Source")?,
        detail_type: text(name, &target["EventBridgeParameters"], "DetailType")?,
        input: text(name, target, "Input")?,
    })
}

fn table(name: &str, properties: &Value) -> Result<Table, TemplateError> {
    let copied = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];
    let definition = copied.iter().filter_map(|key| Some(((*key).to_owned(), properties.get(key)?.clone())));
    let ttl = &properties["TimeToLiveSpecification"]["AttributeName"];
    Ok(Table {
        name: text(name, properties, "TableName")?,
        definition: Value::Object(definition.collect()),
        ttl_attribute: ttl.as_str().map(str::to_owned),
    })
}

/// The function call that an object stands for, if it does. YAML's tag `!Sub` has become the object `{"!Sub": …}`.
fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next()?;
    let name = if name == "Ref" { name } else { name.strip_prefix('!').or_else(|| name.strip_prefix("Fn::"))? };
    (map.len() == 1).then_some((name, argument))
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

/// A property that is text.
fn text(resource: &str, properties: &Value, property: &'static str) -> Result<String, TemplateError> {
    properties.get(property).map(plain).ok_or_else(|| missing(resource, property))
}

fn missing(resource: &str, property: &'static str) -> TemplateError {
    TemplateError::Property { resource: resource.to_owned(), property }
}

#[cfg(test)]
mod tests;
