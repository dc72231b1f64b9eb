//! What goes into a function and what comes out.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use emulators::api_gateway::{Incoming, rest_event};
use emulators::functions::{adapted, context};
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::platform::runtime::{Handler, Worker};

/// The workers' time-out in the template.
pub(crate) const WORKER_TIMEOUT: Duration = Duration::from_mins(1);

/// A request as API Gateway describes it.
#[derive(Clone, Debug)]
pub struct Event {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    base64: bool,
}

impl Event {
    /// A request without body and key.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { method: method.to_owned(), path: path.to_owned(), query: Vec::new(), headers, body: None, base64: false }
    }

    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// With `Authorization: Bearer {key}`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With that content type, and no other.
    #[must_use]
    pub fn kind(mut self, content_type: &str) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Type");
        self.header("Content-Type", content_type)
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn json(self, body: Value) -> Self {
        self.text(&body.to_string())
    }

    /// With any text as body.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// With any bytes as body, encoded as the API gateway does it.
    #[must_use]
    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = Some(base64::engine::general_purpose::STANDARD.encode(body));
        self.base64 = true;
        self
    }

    /// As the REST API (payload 1.0) sends it.
    #[must_use]
    pub fn rest(&self) -> Value {
        rest_event(&Incoming {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: self.body.as_deref(),
            base64: self.base64,
            domain: "api.shop.example",
            stage: "prod",
        })
    }

    /// As an HTTP API (payload 2.0) sends it.
    #[must_use]
    pub fn v2(&self) -> Value {
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers: serde_json::Map<_, _> =
            self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone().into())).collect();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": query.join("&"),
            "headers": headers,
            "queryStringParameters": self.query.iter().cloned().collect::<BTreeMap<_, _>>(),
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": "api.shop.example",
                "domainPrefix": "api",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
                "requestId": "test",
                "routeKey": "$default",
                "stage": "$default",
                "time": "22/Nov/2026:00:00:00 +0000",
                "timeEpoch": 1_795_305_600_000_u64
            },
            "body": self.body,
            "isBase64Encoded": self.base64
        })
    }
}

/// A file of `events/`, as `cargo lambda invoke` sends it.
#[must_use]
pub fn event_file(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A function's answer as the API gateway gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Unpacked, if it came packed.
    pub body: String,
    /// The bytes that it had on its way.
    pub carried: usize,
}

impl Answer {
    /// Reads the response of a function.
    ///
    /// # Panics
    /// If it is none, or its body is no text once it is unpacked.
    #[must_use]
    pub fn read(response: &Value) -> Self {
        let mut headers = BTreeMap::new();
        for (name, value) in response["headers"].as_object().into_iter().flatten() {
            headers.insert(name.to_lowercase(), value.as_str().unwrap_or_default().to_owned());
        }
        for (name, values) in response["multiValueHeaders"].as_object().into_iter().flatten() {
            headers.insert(name.to_lowercase(), values[0].as_str().unwrap_or_default().to_owned());
        }
        let carried = response["body"].as_str().unwrap_or_default();
        let is_packed = headers.get("content-encoding").is_some_and(|coding| coding == "gzip");
        assert_eq!(response["isBase64Encoded"].as_bool(), Some(is_packed), "answers are text or packed");
        Self {
            status: response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status"),
            headers,
            body: if is_packed { unpacked(carried) } else { carried.to_owned() },
            carried: carried.len(),
        }
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

/// What a packed body says, as Lambda carries it.
fn unpacked(carried: &str) -> String {
    let packed = base64::engine::general_purpose::STANDARD.decode(carried).expect("base64");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("a packed text");
    text
}

/// Gives an event to a handler through `lambda_http`'s own adapter.
pub async fn invoke<D: Send + Sync>(deps: &D, handle: Handler<D>, event: Value) -> Answer {
    let request: LambdaRequest = serde_json::from_value(event).expect("an event that lambda_http knows");
    let response = adapted(deps, handle, LambdaEvent::new(request, Context::default())).await;
    Answer::read(&response.expect("a handler never fails"))
}

/// Gives an event to a function that is not called over HTTP.
pub async fn work<D: Send + Sync>(deps: &D, handle: Worker<D>, event: Value) -> Result<Value, lambda_http::Error> {
    handle(deps, LambdaEvent::new(event, context(WORKER_TIMEOUT))).await
}
