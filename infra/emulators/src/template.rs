//! What the sandbox needs to know of `template.yaml`, read from the file that is deployed: the routes, the tables with their
//! indexes and streams, the queues, and what else calls a function. What it does not understand it refuses, so that nothing is deployed
//! that behaves otherwise here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use shared::platform::secrets_manager;
use yaml_rust2::{Yaml, YamlLoader};

use crate::filter::{Filter, FilterError};

/// The template as it was when the sandbox was built.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Everything in the order of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What is called over HTTP.
    pub routes: Vec<Route>,
    /// The media types that the API gateway passes on byte for byte.
    pub binary_media_types: Vec<String>,
    pub tables: Vec<Table>,
    pub queues: Vec<Queue>,
    /// What reads a table's stream.
    pub mappings: Vec<Mapping>,
    /// What is given a queue's messages.
    pub consumers: Vec<Consumer>,
    /// What runs by the clock.
    pub schedules: Vec<Schedule>,
    /// The names of the variables that each function is given, by the name of its binary.
    pub environments: BTreeMap<String, BTreeSet<String>>,
}

/// What [the template does not give](is_not_given), but for what is named by a payment gateway.
const NOT_GIVEN: [&str; 10] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "DYNAMODB_ENDPOINT",
    "S3_ENDPOINT",
    "SQS_ENDPOINT",
    "SECRETS_ENDPOINT",
    "SECRETS_REFRESH_SECONDS",
    "WEAK_KEYS",
];

/// Whether the template does not give a variable: what Lambda sets by itself, and what is another on this machine, such as the address of
/// a payment gateway.
#[must_use]
pub fn is_not_given(name: &str) -> bool {
    let is_gateways_address = name.starts_with("GATEWAY_") && name.ends_with("_BASE_URL");
    NOT_GIVEN.contains(&name) || is_gateways_address
}

/// A path of the API and the function behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `/v1/orders/{orderUuid}`.
    pub path: String,
    /// The name of the function's binary.
    pub function: String,
}

/// A table with the key `pk`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, without the stage.
    pub name: String,
    /// The attribute after whose time items go away.
    pub ttl_attribute: Option<String>,
    /// What is in its stream's records, `NEW_IMAGE`; no stream without it.
    pub stream: Option<String>,
    /// Its global secondary indexes, which hold the keys only.
    pub indexes: Vec<Index>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    /// What a query must name.
    pub hash: Attribute,
    /// What its items are sorted by.
    pub range: Option<Attribute>,
}

/// An attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// The type of a key's attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// `N`.
    Number,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name here: that of the resource.
    pub name: String,
    /// How long a message that was received is not given to anybody else.
    pub visibility: Duration,
    /// How old a message may get before it is gone.
    pub retention: Duration,
    /// Where a message goes that was not taken.
    pub redrive: Option<Redrive>,
}

/// When a message is given up, and where it goes then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The name of the queue of dead letters.
    pub queue: String,
    /// How often a message is received before that.
    pub receives: u32,
}

/// A function that is given a queue's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The name of the function's binary.
    pub function: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// The queue's name.
    pub queue: String,
    /// How many messages at most at once.
    pub batch_size: usize,
    /// How many batches at once.
    pub lanes: usize,
}

/// A function that reads a table's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The name of the function's binary.
    pub function: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// The table's name, without the stage.
    pub table: String,
    /// Which records the function is given.
    pub filter: Filter,
    /// How many at most at once.
    pub batch_size: usize,
    /// How many batches at once; the records of one item never go into two of them.
    pub lanes: usize,
    /// How often a batch that failed is given again.
    pub retries: u32,
    /// How old a record may get before it is given up.
    pub max_age: Duration,
}

/// A function that runs by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The name of the function's binary.
    pub function: String,
    /// How long one run may take.
    pub timeout: Duration,
    /// From one run to the next.
    pub every: Duration,
    /// The event of the template's own; without one the function gets the rule's.
    pub input: Option<Value>,
    /// It runs unless a parameter says otherwise than by default.
    pub enabled: bool,
}

/// The template says something that the sandbox does not understand.
#[derive(Debug, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(String);

fn error<T>(text: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(text.into()))
}

impl Template {
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| TemplateError(error.to_string()))?;
        let document = documents.first().unwrap_or(&Yaml::BadValue);
        let Some(resources) = document["Resources"].as_hash() else { return error("no Resources") };
        let timeout = &document["Globals"]["Function"]["Timeout"];
        let (parameters, conditions) = (&document["Parameters"], &document["Conditions"]);
        let mut template = Self {
            routes: Vec::new(),
            binary_media_types: Vec::new(),
            tables: Vec::new(),
            queues: Vec::new(),
            mappings: Vec::new(),
            consumers: Vec::new(),
            schedules: Vec::new(),
            environments: BTreeMap::new(),
        };
        let everywhere = &document["Globals"]["Function"]["Environment"]["Variables"];
        for (id, resource) in resources {
            let id = id.as_str().unwrap_or_default();
            match resource["Type"].as_str() {
                Some("AWS::Serverless::Api") => {
                    let types = texts(&resource["Properties"]["BinaryMediaTypes"]);
                    template.binary_media_types.extend(types.map(|name| name.replace("~1", "/")));
                }
                Some("AWS::Serverless::Function") => {
                    let function = Function { id, resource, timeout, resources, parameters, conditions };
                    let own = &resource["Properties"]["Environment"]["Variables"];
                    let variables = [everywhere, own].into_iter().filter_map(Yaml::as_hash).flat_map(|given| given.keys());
                    let names = variables.filter_map(Yaml::as_str).map(str::to_owned).collect();
                    template.environments.insert(function.binary()?, names);
                    template.function(&function)?;
                }
                Some("AWS::DynamoDB::Table") => template.tables.push(table(id, resource)?),
                Some("AWS::SQS::Queue") => template.queues.push(queue(id, &resource["Properties"])?),
                _ => {}
            }
        }
        for mapping in &template.mappings {
            if !template.tables.iter().any(|table| table.name == mapping.table && table.stream.is_some()) {
                return error(format!("{} reads the stream of {}, which has none", mapping.function, mapping.table));
            }
        }
        template.check_queues()?;
        Ok(template)
    }

    fn check_queues(&self) -> Result<(), TemplateError> {
        let find = |name: &str| self.queues.iter().find(|queue| queue.name == name);
        for queue in &self.queues {
            if queue.redrive.as_ref().is_some_and(|redrive| find(&redrive.queue).is_none()) {
                return error(format!("the deadLetterTargetArn of {} must be !GetAtt of a queue's Arn", queue.name));
            }
        }
        for Consumer { function, timeout, queue: name, .. } in &self.consumers {
            // Lambda takes no mapping in which a message could be given to two calls at once.
            if find(name).is_none_or(|queue| queue.visibility < *timeout) {
                return error(format!("{function} is given messages of {name}, whose VisibilityTimeout is below its Timeout"));
            }
        }
        Ok(())
    }

    /// The settings among `all` that a function has when it is deployed: what the template gives it, the secrets if it is given their
    /// document, and what is [not the template's](is_not_given). All of them for what is no function of the template.
    #[must_use]
    pub fn environment(&self, function: &str, mut all: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if let Some(given) = self.environments.get(function) {
            let has_secrets = given.contains("SECRETS_ARN");
            all.retain(|name, _| {
                let name = name.as_str();
                given.contains(name) || is_not_given(name) || (has_secrets && secrets_manager::is_secret(name))
            });
        }
        all
    }

    /// The route of a path, with the values of its parameters. Literal segments win over parameters.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        let matches = self.routes.iter().filter_map(|route| Some((route, parameters(&route.path, path)?)));
        matches.min_by_key(|(_, parameters)| parameters.len())
    }

    fn function(&mut self, function: &Function<'_>) -> Result<(), TemplateError> {
        let events = function.resource["Properties"]["Events"].as_hash();
        for (name, event) in events.into_iter().flatten() {
            let properties = &event["Properties"];
            match event["Type"].as_str() {
                Some("Api") => self.routes.push(function.route(properties)?),
                Some("DynamoDB") => self.mappings.push(function.mapping(properties)?),
                Some("SQS") => self.consumers.push(function.consumer(properties)?),
                Some("Schedule") => self.schedules.push(function.schedule(properties)?),
                other => {
                    let (id, name) = (function.id, name.as_str().unwrap_or_default());
                    return error(format!("the event {name} of {id} is of type {other:?}, which the sandbox does not have"));
                }
            }
        }
        Ok(())
    }
}

/// A function of the template, and what it refers to.
struct Function<'a> {
    id: &'a str,
    resource: &'a Yaml,
    /// The time-out of functions that name none.
    timeout: &'a Yaml,
    resources: &'a yaml_rust2::yaml::Hash,
    parameters: &'a Yaml,
    conditions: &'a Yaml,
}

impl Function<'_> {
    fn binary(&self) -> Result<String, TemplateError> {
        let binary = self.resource["Metadata"]["BuildProperties"]["Binary"].as_str();
        let id = self.id;
        binary.map(str::to_owned).ok_or_else(|| TemplateError(format!("{id} has no Metadata.BuildProperties.Binary")))
    }

    fn timeout(&self) -> Result<Duration, TemplateError> {
        let own = &self.resource["Properties"]["Timeout"];
        let seconds = own.as_i64().or(self.timeout.as_i64()).and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map(Duration::from_secs).ok_or_else(|| TemplateError(format!("{} has no Timeout", self.id)))
    }

    fn route(&self, event: &Yaml) -> Result<Route, TemplateError> {
        let id = self.id;
        let Some(path) = event["Path"].as_str() else { return error(format!("an Api event of {id} has no Path")) };
        // The functions answer wrong methods themselves; a template that narrows a route would hide that here.
        match event["Method"].as_str() {
            Some("ANY") => Ok(Route { path: path.to_owned(), function: self.binary()? }),
            _ => error(format!("the route {path} of {id} must have Method ANY")),
        }
    }

    fn mapping(&self, event: &Yaml) -> Result<Mapping, TemplateError> {
        const KNOWN: [&str; 11] = [
            "Stream",
            "StartingPosition",
            "BatchSize",
            "FilterCriteria",
            "ParallelizationFactor",
            "FunctionResponseTypes",
            "BisectBatchOnFunctionError",
            "MaximumRetryAttempts",
            "MaximumRecordAgeInSeconds",
            "DestinationConfig",
            "Enabled",
        ];
        let id = self.id;
        only(event, &format!("the stream of {id}"), &KNOWN)?;
        let table = event["Stream"].as_str().and_then(|stream| stream.strip_suffix(".StreamArn"));
        let table = table.and_then(|table| self.resources.get(&Yaml::String(table.to_owned())));
        let table = table.and_then(table_name);
        let Some(table) = table else { return error(format!("the Stream of {id} must be !GetAtt of a table's StreamArn")) };
        // What the stream poller does is what these say; each is a promise that payment-events relies on.
        let partial = texts(&event["FunctionResponseTypes"]).any(|kind| kind == "ReportBatchItemFailures");
        let bisects = event["BisectBatchOnFunctionError"].as_bool() == Some(true);
        let from_the_start = event["StartingPosition"].as_str() == Some("TRIM_HORIZON");
        let gives_up = event["DestinationConfig"]["OnFailure"]["Type"].as_str() == Some("SQS");
        if !(partial && bisects && from_the_start && gives_up) || event["Enabled"].as_bool() == Some(false) {
            return error(format!(
                "the stream of {id} must be enabled, begin at TRIM_HORIZON, report batch item failures, bisect, and have a queue"
            ));
        }
        let number = |name: &str, default: Option<i64>| {
            let value = event[name].as_i64().or(default.filter(|_| event[name].is_badvalue()));
            value.filter(|value| *value >= 0).ok_or_else(|| TemplateError(format!("the stream of {id} needs a number as {name}")))
        };
        let mut filters = event["FilterCriteria"]["Filters"].as_vec().into_iter().flatten();
        let patterns = filters.try_fold(Vec::new(), |mut patterns, filter| {
            patterns.push(filter["Pattern"].as_str()?);
            Some(patterns)
        });
        let filter =
            patterns.map_or_else(|| Err(FilterError::new("a filter has no Pattern")), |patterns| Filter::read(&patterns));
        Ok(Mapping {
            function: self.binary()?,
            timeout: self.timeout()?,
            table,
            filter: filter.map_err(|cause| TemplateError(format!("the stream of {id}: {cause}")))?,
            batch_size: at_least_one(number("BatchSize", Some(100))?),
            lanes: at_least_one(number("ParallelizationFactor", Some(1))?),
            retries: u32::try_from(number("MaximumRetryAttempts", None)?).unwrap_or(u32::MAX),
            max_age: Duration::from_secs(number("MaximumRecordAgeInSeconds", None)?.unsigned_abs()),
        })
    }

    fn consumer(&self, event: &Yaml) -> Result<Consumer, TemplateError> {
        let id = self.id;
        only(event, &format!("the queue of {id}"), &["Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig", "Enabled"])?;
        let queue = event["Queue"].as_str().and_then(|queue| queue.strip_suffix(".Arn"));
        let Some(queue) = queue else { return error(format!("the Queue of {id} must be !GetAtt of a queue's Arn")) };
        let partial = texts(&event["FunctionResponseTypes"]).any(|kind| kind == "ReportBatchItemFailures");
        if !partial || event["Enabled"].as_bool() == Some(false) {
            return error(format!("the queue of {id} must be enabled and report batch item failures"));
        }
        let number = |value: &Yaml, name: &str, bounds: std::ops::RangeInclusive<i64>| {
            let value = value.as_i64().filter(|value| bounds.contains(value)).and_then(|value| usize::try_from(value).ok());
            value.ok_or_else(|| TemplateError(format!("the queue of {id} needs {name}, {} to {}", bounds.start(), bounds.end())))
        };
        Ok(Consumer {
            function: self.binary()?,
            timeout: self.timeout()?,
            queue: queue.to_owned(),
            batch_size: number(&event["BatchSize"], "BatchSize", 1..=10)?,
            lanes: number(&event["ScalingConfig"]["MaximumConcurrency"], "ScalingConfig.MaximumConcurrency", 2..=1000)?,
        })
    }

    fn schedule(&self, event: &Yaml) -> Result<Schedule, TemplateError> {
        let rate = event["Schedule"].as_str();
        // `!Ref` of a parameter reads as its name, and here stands for its default.
        let rate = rate.map(|rate| self.parameters[rate]["Default"].as_str().unwrap_or(rate));
        let rate = rate.and_then(|rate| rate.strip_prefix("rate(")?.strip_suffix(')'));
        let rate = rate.and_then(|rate| rate.split_once(' '));
        let every = rate.and_then(|(number, unit)| {
            let seconds = match unit {
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3600,
                _ => return None,
            };
            number.parse::<u64>().ok()?.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs)
        });
        let Some(every) = every else { return error(format!("the Schedule of {} must be a rate in minutes or hours", self.id)) };
        let input = event["Input"].as_str().map(serde_json::from_str).transpose();
        let Ok(input) = input else { return error(format!("the Schedule of {} has an Input that is no JSON", self.id)) };
        Ok(Schedule { function: self.binary()?, timeout: self.timeout()?, every, input, enabled: self.enabled(&event["State"])? })
    }

    /// What `!If [condition, ENABLED, DISABLED]` says. A parameter that is a choice has its default; what a shop may have and another
    /// not, the sandbox has.
    fn enabled(&self, state: &Yaml) -> Result<bool, TemplateError> {
        let state = match state.as_vec().map(Vec::as_slice) {
            Some([condition, then, otherwise]) => if self.holds(condition) { then } else { otherwise }.as_str(),
            Some(_) => None,
            None if state.is_badvalue() => Some("ENABLED"),
            None => state.as_str(),
        };
        match state {
            Some("ENABLED") => Ok(true),
            Some("DISABLED") => Ok(false),
            _ => error(format!("the State of {}'s Schedule must be ENABLED, DISABLED, or one of them by a parameter", self.id)),
        }
    }

    /// Whether a condition such as `!Equals [!Ref parameter, value]` holds by default; others do.
    fn holds(&self, condition: &Yaml) -> bool {
        match texts(&self.conditions[condition.as_str().unwrap_or_default()]).collect::<Vec<_>>()[..] {
            [parameter, value] => self.parameters[parameter]["Default"].as_str() == Some(value),
            _ => true,
        }
    }
}

/// Refuses what is not among the names that are known.
fn only(properties: &Yaml, what: &str, known: &[&str]) -> Result<(), TemplateError> {
    let names = properties.as_hash().into_iter().flatten().filter_map(|(name, _)| name.as_str());
    match names.into_iter().find(|name| !known.contains(name)) {
        Some(unknown) => error(format!("{what} has {unknown}, which the sandbox does not have")),
        None => Ok(()),
    }
}

fn at_least_one(number: i64) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

fn texts(list: &Yaml) -> impl Iterator<Item = &str> {
    list.as_vec().into_iter().flatten().filter_map(Yaml::as_str)
}

fn table_name(resource: &Yaml) -> Option<String> {
    let name = resource["Properties"]["TableName"].as_str()?;
    name.strip_suffix("-${Stage}").map(str::to_owned)
}

fn table(id: &str, resource: &Yaml) -> Result<Table, TemplateError> {
    let properties = &resource["Properties"];
    let Some(name) = table_name(resource) else {
        return error(format!("{id} must have a TableName that ends in -${{Stage}}"));
    };
    match key(id, properties, &properties["KeySchema"])? {
        (Attribute { name, kind: Kind::Text }, None) if name == "pk" => {}
        _ => return error(format!("{id} must have the single key pk, a text")),
    }
    let indexes = properties["GlobalSecondaryIndexes"].as_vec().into_iter().flatten().map(|index| {
        let Some(name) = index["IndexName"].as_str() else { return error(format!("an index of {id} has no IndexName")) };
        if index["Projection"]["ProjectionType"].as_str() != Some("KEYS_ONLY") {
            return error(format!("the index {name} of {id} must hold KEYS_ONLY"));
        }
        let (hash, range) = key(id, properties, &index["KeySchema"])?;
        Ok(Index { name: name.to_owned(), hash, range })
    });
    let ttl = &properties["TimeToLiveSpecification"];
    Ok(Table {
        name,
        ttl_attribute: ttl["AttributeName"].as_str().filter(|_| ttl["Enabled"].as_bool() == Some(true)).map(str::to_owned),
        stream: properties["StreamSpecification"]["StreamViewType"].as_str().map(str::to_owned),
        indexes: indexes.collect::<Result<_, _>>()?,
    })
}

fn queue(id: &str, properties: &Yaml) -> Result<Queue, TemplateError> {
    const KNOWN: [&str; 5] =
        ["SqsManagedSseEnabled", "KmsMasterKeyId", "VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"];
    only(properties, id, &KNOWN)?;
    let number = |value: &Yaml, name: &str, default: Option<u32>| {
        let value = if value.is_badvalue() { default } else { value.as_i64().and_then(|value| u32::try_from(value).ok()) };
        value.ok_or_else(|| TemplateError(format!("{id} needs a number as {name}")))
    };
    let seconds =
        |name: &str, default| number(&properties[name], name, Some(default)).map(|value| Duration::from_secs(value.into()));
    let policy = &properties["RedrivePolicy"];
    let redrive = if policy.is_badvalue() {
        None
    } else {
        only(policy, &format!("the RedrivePolicy of {id}"), &["deadLetterTargetArn", "maxReceiveCount"])?;
        let queue = policy["deadLetterTargetArn"].as_str().and_then(|queue| queue.strip_suffix(".Arn"));
        let Some(queue) = queue else {
            return error(format!("the deadLetterTargetArn of {id} must be !GetAtt of a queue's Arn"));
        };
        let receives = number(&policy["maxReceiveCount"], "maxReceiveCount", None)?;
        Some(Redrive { queue: queue.to_owned(), receives })
    };
    // SQS's own defaults: 30 seconds and four days.
    Ok(Queue {
        name: id.to_owned(),
        visibility: seconds("VisibilityTimeout", 30)?,
        retention: seconds("MessageRetentionPeriod", 345_600)?,
        redrive,
    })
}

/// The attributes of a table's or an index's key, with the types that the table gives them.
fn key(id: &str, table: &Yaml, schema: &Yaml) -> Result<(Attribute, Option<Attribute>), TemplateError> {
    let attribute = |element: &Yaml, role: &str| {
        let name = element["AttributeName"].as_str().filter(|_| element["KeyType"].as_str() == Some(role));
        let Some(name) = name else { return error(format!("a key of {id} must be a HASH, then maybe a RANGE")) };
        let defined = table["AttributeDefinitions"].as_vec().into_iter().flatten();
        let defined = defined.into_iter().find(|defined| defined["AttributeName"].as_str() == Some(name));
        let kind = match defined.and_then(|defined| defined["AttributeType"].as_str()) {
            Some("S") => Kind::Text,
            Some("N") => Kind::Number,
            _ => return error(format!("the key attribute {name} of {id} must be defined, as S or N")),
        };
        Ok(Attribute { name: name.to_owned(), kind })
    };
    match schema.as_vec().map(Vec::as_slice).unwrap_or_default() {
        [hash] => Ok((attribute(hash, "HASH")?, None)),
        [hash, range] => Ok((attribute(hash, "HASH")?, Some(attribute(range, "RANGE")?))),
        _ => error(format!("a key of {id} must be a HASH, then maybe a RANGE")),
    }
}

fn parameters(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let segments = |text: &str| text.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (pattern, path) = (segments(pattern), segments(path));
    if pattern.len() != path.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, actual) in pattern.into_iter().zip(path) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => parameters.push((name.to_owned(), actual)),
            None if expected == actual => {}
            None => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployed_template_has_our_routes_and_tables() {
        let template = Template::read(TEMPLATE).unwrap();
        let routes: Vec<_> = template.routes.iter().map(|route| format!("{} {}", route.path, route.function)).collect();
        assert_eq!(
            routes,
            [
                "/v1/orders orders",
                "/v1/orders/{orderUuid} orders",
                "/v1/payments payments",
                "/v1/acquiring acquiring",
                "/v1/mokka/callback/{paymentId}/{token} mokka-callback",
                "/v1/return/{paymentId}/{token} mokka-callback",
                "/v1/return/{paymentId}/{token}/{result} mokka-callback",
                "/v1/mokka/return/{paymentId} mokka-callback",
                "/v1/mokka/return/{paymentId}/{result} mokka-callback",
                "/v1/mokka/registration/{registrationId}/{token} mokka-callback",
                "/v1/cards/{gateway} card-callback",
                "/v1/forms/otp form-otp",
                "/v1/forms form-otp",
                "/v1/sms/reports/{secret} sms-reports",
                "/v1/back-office/orders/{orderId} back-office",
                "/v1/back-office/orders back-office",
                "/v1/back-office/reindex back-office",
                "/v1/back-office/orders/search back-office",
                "/v1/back-office/payments back-office",
                "/v1/back-office/payments.csv back-office",
                "/v1/back-office/totals back-office",
                "/v1/back-office/payments/{paymentId} back-office",
                "/v1/back-office/payments/{paymentId}/finish back-office",
                "/v1/back-office/payments/{paymentId}/cancel back-office",
                "/v1/back-office/payments/{paymentId}/change back-office",
                "/v1/back-office/payments/{paymentId}/refunds back-office",
                "/v1/back-office/payments/{paymentId}/receipts back-office",
                "/v1/back-office/payments/{paymentId}/refunds/{refund} back-office",
                "/v1/back-office/payments/{paymentId}/refunds/{refund}/approve back-office",
                "/v1/back-office/payments/{paymentId}/refunds/{refund}/outcome back-office",
                "/v1/back-office/payments/{paymentId}/messages/{message}/close back-office",
                "/v1/back-office/payments/{paymentId}/events/{event}/resend back-office",
                "/v1/back-office/payments/{paymentId}/settle back-office",
                "/v1/back-office/limits back-office",
                "/v1/back-office/registrations back-office",
                "/v1/back-office/registrations/{registrationId} back-office",
                "/v1/back-office/schedules back-office",
                "/v1/back-office/runs back-office",
                "/v1/back-office/codes/search back-office",
                "/v1/back-office/codes/lift back-office",
                "/v1/back-office/forms back-office",
                "/v1/back-office/forms.csv back-office",
                "/v1/back-office/forms/search back-office",
                "/v1/back-office/forms/{submissionId} back-office",
                "/v1/back-office/forms/{submissionId}/done back-office",
                "/v1/back-office/forms/{submissionId}/photos/{photo} back-office",
                "/v1/back-office/erasures back-office",
            ]
        );
        assert_eq!(template.binary_media_types, ["multipart/form-data", "text/csv"]);
        let [holds, quotes, tokens, forms] = template.tables.as_slice() else { panic!("{:?}", template.tables) };
        assert_eq!(
            [holds, quotes, tokens, forms].map(|table| table.name.as_str()),
            ["order-holds", "quotes", "otp-tokens", "forms"]
        );
        assert_eq!((quotes.ttl_attribute.as_deref(), quotes.stream.as_deref()), (Some("expires_at"), None));
        assert_eq!(
            forms.indexes.iter().map(|index| index.name.as_str()).collect::<Vec<_>>(),
            ["by-form", "by-state", "by-phone"]
        );
        assert_eq!(holds.ttl_attribute.as_deref().zip(tokens.ttl_attribute.as_deref()), Some(("expires_at", "expires_at")));
        assert_eq!((holds.stream.as_deref(), tokens.stream.as_deref()), (Some("NEW_IMAGE"), None));
        let indexes = holds.indexes.iter().map(|index| {
            let range = index.range.as_ref().map(|range| (range.name.as_str(), range.kind));
            (index.name.as_str(), index.hash.name.as_str(), range)
        });
        assert_eq!(
            indexes.collect::<Vec<_>>(),
            [
                ("due", "check_shard", Some(("check_at", Kind::Number))),
                ("by-order", "order_id", Some(("pk", Kind::Text))),
                ("by-state", "state", Some(("moved_at", Kind::Number))),
                ("attention", "attention", Some(("troubled_since", Kind::Number))),
                ("lookup", "lookup", Some(("lookup_at", Kind::Number))),
            ]
        );
        assert_eq!(tokens.indexes, holds.indexes[..1], "SMS that are due, in the same way");
    }

    #[test]
    fn deployed_template_has_our_queues() {
        let template = Template::read(TEMPLATE).unwrap();
        let names: Vec<_> = template.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names, ["OrdersQueue", "OrdersDeadLetters", "FormsQueue", "FormsDeadLetters", "PaymentEventsDeadLetters"]);
        let forms = &template.queues[2];
        assert_eq!((forms.visibility, forms.retention), (Duration::from_mins(12), Duration::from_hours(14 * 24)));
        assert_eq!(forms.redrive, Some(Redrive { queue: "FormsDeadLetters".to_owned(), receives: 31 }));
    }

    #[test]
    fn deployed_template_maps_sources_to_workers() {
        let template = Template::read(TEMPLATE).unwrap();
        let [mapping] = template.mappings.as_slice() else { panic!("{:?}", template.mappings) };
        assert_eq!((mapping.function.as_str(), mapping.table.as_str()), ("payment-events", "order-holds"));
        assert_eq!((mapping.batch_size, mapping.retries, mapping.timeout), (25, 5, Duration::from_mins(1)));
        let [orders, consumer] = template.consumers.as_slice() else { panic!("{:?}", template.consumers) };
        assert_eq!((orders.function.as_str(), orders.queue.as_str()), ("orders", "OrdersQueue"));
        assert_eq!((orders.batch_size, orders.lanes, orders.timeout), (1, 2, Duration::from_secs(15)));
        assert_eq!((consumer.function.as_str(), consumer.queue.as_str()), ("form-delivery", "FormsQueue"));
        assert_eq!((consumer.batch_size, consumer.lanes, consumer.timeout), (5, 2, Duration::from_mins(2)));
        let (enabled, disabled): (Vec<_>, Vec<_>) = template.schedules.iter().partition(|schedule| schedule.enabled);
        let enabled =
            enabled.into_iter().map(|schedule| (schedule.function.as_str(), schedule.every.as_secs() / 60, &schedule.input));
        assert_eq!(enabled.collect::<Vec<_>>(), [("reconcile", 1, &None), ("price-feed", 30, &None), ("sms-watch", 5, &None)]);
        // With ReconcileByShard=on instead of the first one.
        let shards =
            disabled.into_iter().map(|schedule| (schedule.function.as_str(), schedule.every.as_secs(), schedule.input.clone()));
        let wanted =
            shared::payments::store::Orders::shards().map(|shard| ("reconcile", 60, Some(serde_json::json!({"shard": shard}))));
        assert_eq!(shards.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    }

    /// What would be deployed but not done here must not go unnoticed.
    #[test]
    fn what_is_not_understood_is_refused() {
        for (said, instead, complaint) in [
            ("ProjectionType: KEYS_ONLY", "ProjectionType: ALL", "KEYS_ONLY"),
            ("AttributeName: check_at, AttributeType: N", "AttributeName: check_at, AttributeType: B", "check_at"),
            ("AttributeName: check_at, KeyType: RANGE", "AttributeName: check_at, KeyType: HASH", "HASH"),
            ("StreamSpecification", "StreamSpecifications", "which has none"),
            ("Stream: !GetAtt OrderHoldsTable.StreamArn", "Stream: !GetAtt OtherTable.StreamArn", "StreamArn"),
            ("StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST", "TRIM_HORIZON"),
            ("BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: false", "bisect"),
            ("FunctionResponseTypes: [ReportBatchItemFailures]", "FunctionResponseTypes: []", "report"),
            ("BatchSize: 25", "BatchSize: many", "BatchSize"),
            ("ParallelizationFactor: 4", "TumblingWindowInSeconds: 4", "TumblingWindowInSeconds"),
            ("{\"prefix\":\"payment#\"}", "{\"anything-but\":\"payment#\"}", "anything-but"),
            ("deadLetterTargetArn: !GetAtt FormsDeadLetters.Arn", "deadLetterTargetArn: !GetAtt FormsTable.Arn", "queue's Arn"),
            ("maxReceiveCount: 31", "maxReceiveCount: often", "maxReceiveCount"),
            ("VisibilityTimeout: 720", "VisibilityTimeout: long", "VisibilityTimeout"),
            ("VisibilityTimeout: 720", "VisibilityTimeout: 119", "below its Timeout"),
            ("VisibilityTimeout: 720", "FifoQueue: true", "FifoQueue"),
            ("Queue: !GetAtt FormsQueue.Arn", "Queue: !Ref FormsQueue", "queue's Arn"),
            ("BatchSize: 5\n            FunctionResponseTypes: [ReportBatchItemFailures]", "BatchSize: 5", "report"),
            ("BatchSize: 5\n", "BatchSize: 5\n            MaximumBatchingWindowInSeconds: 5\n", "MaximumBatchingWindowInSeconds"),
            ("BatchSize: 5\n", "BatchSize: 50\n", "BatchSize"),
            ("ScalingConfig: { MaximumConcurrency: 2 }", "Enabled: true", "MaximumConcurrency"),
            ("Schedule: rate(1 minute)", "Schedule: cron(0 * * * ? *)", "rate"),
            ("Schedule: !Ref PriceFeedSchedule", "Schedule: !Ref PriceFeedUrl", "rate"),
            ("Type: Schedule\n", "Type: ScheduleV2\n", "ScheduleV2"),
            ("Input: '{\"shard\":\"0\"}'", "Input: '{shard: 0}'", "no JSON"),
            ("State: !If [ReconcilesByShard, ENABLED, DISABLED]", "State: !Ref ReconcileByShard", "State"),
            ("Path: /v1/payments, Method: ANY", "Path: /v1/payments, Method: POST", "/v1/payments"),
        ] {
            assert!(TEMPLATE.contains(said), "{said}");
            let refused = Template::read(&TEMPLATE.replace(said, instead)).unwrap_err().to_string();
            assert!(refused.contains(complaint), "{instead}: {refused}");
        }
    }

    #[test]
    fn cargo_lambda_watches_the_same_paths() {
        let manifest = include_str!("../../../Cargo.toml");
        let router = manifest.split("[workspace.metadata.lambda.watch.router]").nth(1).unwrap();
        let served: Vec<_> = router.lines().filter_map(|line| line.split_once(" = ")).collect();
        let wanted = Template::read(TEMPLATE).unwrap().routes;
        let wanted: Vec<_> =
            wanted.iter().map(|route| (format!("\"{}\"", route.path), format!("\"{}\"", route.function))).collect();
        assert_eq!(served, wanted.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect::<Vec<_>>());
    }

    #[test]
    fn literal_segments_win_over_parameters() {
        let routes = [("/v1/{any}", "a"), ("/v1/fixed", "b")];
        let routes = routes.map(|(path, function)| Route { path: path.to_owned(), function: function.to_owned() });
        let template = Template { routes: routes.to_vec(), ..Template::read("Resources: {}").unwrap() };
        assert_eq!(template.route("/v1/fixed").unwrap().0.function, "b");
        assert_eq!(template.route("/v1/x").unwrap().1, [("any".to_owned(), "x".to_owned())]);
        assert!(template.route("/v1").is_none());
    }
}
