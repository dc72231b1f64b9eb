//! `infra/openapi.yaml`, and whether it promises an answer.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::{Draft, Registry};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use testkit::Answer;
use yaml_rust2::{Yaml, YamlLoader};

/// What the schemas' references are relative to.
const NAME: &str = "urn:openapi";
const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

pub(crate) static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::new(root()));

/// The document as JSON.
pub(crate) fn root() -> Value {
    let documents = YamlLoader::load_from_str(include_str!("../../../openapi.yaml")).unwrap();
    assert_eq!(documents.len(), 1);
    json_of(&documents[0])
}

fn json_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(number) => serde_json::from_str(number).unwrap(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Boolean(flag) => (*flag).into(),
        Yaml::Array(items) => items.iter().map(json_of).collect(),
        Yaml::Hash(map) => {
            let key = |key: &Yaml| key.as_str().unwrap_or_else(|| panic!("a key that is not text: {key:?}")).to_owned();
            Value::Object(map.iter().map(|(name, value)| (key(name), json_of(value))).collect())
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("not a value: {yaml:?}"),
    }
}

/// A document: paths, operations, schemas.
pub(crate) struct Document {
    root: Value,
    registry: Registry<'static>,
}

/// A method of a path.
#[derive(Clone)]
pub(crate) struct Operation {
    /// With its parameters in braces.
    pub(crate) path: String,
    /// In upper case.
    pub(crate) method: &'static str,
    /// What the document says of it.
    pub(crate) value: Value,
}

impl Operation {
    /// One of its answers, for people.
    pub(crate) fn answer(&self, status: &str) -> String {
        format!("{} {} {status}", self.method, self.path)
    }

    pub(crate) fn documents(&self, status: &str) -> bool {
        self.value["responses"].get(status).is_some()
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.value["tags"].as_array().unwrap().iter().any(|one| one == tag)
    }

    fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method.to_lowercase())
    }
}

impl Document {
    pub(crate) fn new(root: Value) -> Self {
        let registry = Registry::new().draft(Draft::Draft202012).add(NAME, root.clone()).unwrap().prepare().unwrap();
        Self { root, registry }
    }

    /// The paths, with their parameters in braces.
    pub(crate) fn paths(&self) -> BTreeSet<String> {
        self.root["paths"].as_object().unwrap().keys().cloned().collect()
    }

    /// Every operation.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.root["paths"].as_object().unwrap() {
            for method in METHODS {
                if let Some(value) = item.get(method.to_lowercase()) {
                    operations.push(Operation { path: path.clone(), method, value: value.clone() });
                }
            }
        }
        operations
    }

    pub(crate) fn operation(&self, id: &str) -> Operation {
        let found = self.operations().into_iter().find(|operation| operation.value["operationId"] == id);
        found.unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// What a reference refers to; anything else is itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.root.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    /// The path of an operation with the first example of each of its parameters.
    pub(crate) fn example_path(&self, operation: &Operation) -> String {
        let parameters = self.example_parameters(operation, "path").into_iter();
        parameters.fold(operation.path.clone(), |path, (name, example)| path.replace(&format!("{{{name}}}"), &example))
    }

    /// The names and first examples of an operation's mandatory parameters of a kind: `path`, `header`.
    pub(crate) fn example_parameters(&self, operation: &Operation, kind: &str) -> Vec<(String, String)> {
        let parameters = operation.value["parameters"].as_array().into_iter().flatten().map(|one| self.resolved(one));
        let parameters = parameters.filter(|parameter| parameter["in"] == kind && parameter["required"] == true);
        let examples = parameters.map(|parameter| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            let example = parameter["examples"].as_object().and_then(|examples| examples.values().next());
            let example =
                &example.unwrap_or_else(|| panic!("the parameter {name} of {} has no example", operation.path))["value"];
            (name, example.as_str().map_or_else(|| example.to_string(), str::to_owned))
        });
        examples.collect()
    }

    /// An example of an operation's JSON body.
    pub(crate) fn body(&self, id: &str, example: &str) -> Value {
        let operation = self.operation(id);
        let examples = &operation.value["requestBody"]["content"]["application/json"]["examples"];
        examples.get(example).unwrap_or_else(|| panic!("{id} has no example {example}"))["value"].clone()
    }

    /// Every example beside its schema that the schema does not allow.
    pub(crate) fn wrong_examples(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.walk(&self.root, "", &mut wrong);
        wrong
    }

    fn walk(&self, value: &Value, pointer: &str, wrong: &mut Vec<String>) {
        if let (Some(_), Some(Value::Object(examples))) = (value.get("schema"), value.get("examples")) {
            for (name, example) in examples {
                if let Err(problem) = self.validate(&format!("{pointer}/schema"), &example["value"]) {
                    wrong.push(format!("{pointer}/examples/{name}: {problem}"));
                }
            }
        }
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(name, child)| (escape(name), child)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (name, child) in children {
            self.walk(child, &format!("{pointer}/{name}"), wrong);
        }
    }

    /// Holds an answer against what the document says of the operation.
    pub(crate) fn check(&self, operation: &Operation, answer: &Answer) -> Result<(), String> {
        let status = answer.status.to_string();
        let responses = &operation.value["responses"];
        let (name, response) = match responses.get(&status) {
            Some(response) => (status.as_str(), response),
            None => ("default", responses.get("default").ok_or_else(|| format!("the status {status} is not documented"))?),
        };
        let pointer = match response["$ref"].as_str() {
            Some(reference) => reference.trim_start_matches('#').to_owned(),
            None => format!("{}/responses/{name}", operation.pointer()),
        };
        let response = self.resolved(response);
        self.check_headers(response, &pointer, answer)?;
        let media = answer.headers.get("content-type").map_or("", |media| media.split(';').next().unwrap_or_default());
        if response["content"].get(media).is_none() {
            return Err(format!("the media type {media:?} is not documented for {status}"));
        }
        let body = if media == "application/json" {
            serde_json::from_str(&answer.body).map_err(|error| format!("not JSON ({error}): {}", answer.body))?
        } else {
            Value::String(answer.body.clone())
        };
        self.validate(&format!("{pointer}/content/{}/schema", escape(media)), &body)
    }

    fn check_headers(&self, response: &Value, pointer: &str, answer: &Answer) -> Result<(), String> {
        let none = Map::new();
        for (name, header) in response["headers"].as_object().unwrap_or(&none) {
            let at = header["$ref"].as_str().map(|reference| reference.trim_start_matches('#').to_owned());
            let at = at.unwrap_or_else(|| format!("{pointer}/headers/{name}"));
            match answer.headers.get(&name.to_lowercase()) {
                Some(value) => self.validate(&format!("{at}/schema"), &Value::String(value.clone()))?,
                None if self.resolved(header)["required"] == true => return Err(format!("the header {name} is missing")),
                None => {}
            }
        }
        Ok(())
    }

    /// Holds a value against the schema at a JSON pointer.
    fn validate(&self, schema: &str, value: &Value) -> Result<(), String> {
        let fragment: Vec<_> = schema.split('/').map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()).collect();
        let reference = json!({"$ref": format!("{NAME}#{}", fragment.join("/"))});
        let options = jsonschema::options().with_draft(Draft::Draft202012).with_registry(&self.registry);
        let validator = options.should_validate_formats(true).build(&reference).unwrap();
        let problems: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{} at {:?}", error, error.instance_path())).collect();
        if problems.is_empty() { Ok(()) } else { Err(format!("{}\nin {value}", problems.join("\n"))) }
    }
}

/// A name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
