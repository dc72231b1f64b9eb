//! The functions behind the template's routes, with every answer held against the document.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use emulators::functions::{Functions, context};
use emulators::template::{TEMPLATE, Template};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, SHOP_KEY};
use testkit::{Answer, Event, TestEnvironment};

use crate::document::{DOCUMENT, Operation};

/// Larger than what any function takes.
const TOO_LARGE: usize = 10 * 1024 * 1024 + 1;
/// What every answer says, whatever it is.
const GUARDS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; "),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
];
/// Answers that take a fault of our own, or more bad luck than a test can arrange.
const NOT_PROVOKED: [&str; 14] = [
    "POST /v1/orders 500",
    "POST /v1/payments 500",
    "PUT /v1/orders/{orderUuid} 503",
    "POST /v1/mokka/callback/{paymentId}/{token} 500",
    "POST /v1/mokka/registration/{registrationId}/{token} 500",
    "GET /v1/cards/{gateway} 500",
    "POST /v1/cards/{gateway} 500",
    // Noted with the first method of the path.
    "POST /v1/cards/{gateway} 405",
    "POST /v1/sms/reports/{secret} 500",
    "POST /v1/back-office/limits 500",
    "POST /v1/back-office/schedules 500",
    "POST /v1/back-office/erasures 500",
    "GET /v1/back-office/payments.csv 503",
    "GET /v1/back-office/totals 503",
];

/// The system of one test.
pub(crate) struct Api {
    pub(crate) environment: TestEnvironment,
    functions: Functions,
    template: Template,
    seen: RefCell<BTreeSet<String>>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With some of the functions' settings changed.
    pub(crate) async fn start_with(changes: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::start().await;
        let mut settings = environment.env();
        settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let functions = sandbox::functions::build(&settings, &environment.platform()).unwrap();
        Self { environment, functions, template: Template::read(TEMPLATE).unwrap(), seen: RefCell::default() }
    }

    /// Sends an event to the function of its route, and holds the answer against the document.
    pub(crate) async fn send(&self, event: Event) -> Answer {
        self.send_as_it_is(event.rest()).await
    }

    /// The same of an event that is changed after it was written.
    pub(crate) async fn send_as_it_is(&self, event: Value) -> Answer {
        let (method, path) = (event["httpMethod"].as_str().unwrap().to_owned(), event["path"].as_str().unwrap().to_owned());
        let (route, _) = self.template.route(&path).unwrap_or_else(|| panic!("no route {path}"));
        let response = self.functions.invoke(&route.function, event, context(Duration::from_secs(15))).await.unwrap();
        let answer = Answer::read(&response);
        let mut operations = DOCUMENT.operations().into_iter().filter(|operation| operation.path == route.path);
        let operation = operations.clone().find(|operation| operation.method == method).or_else(|| {
            // Another method than the documented ones: the path has one answer to it.
            assert_eq!(answer.status, 405, "{method} {path} is not documented");
            operations.next()
        });
        let operation = operation.unwrap_or_else(|| panic!("no operation of {}", route.path));
        if let Err(problem) = DOCUMENT.check(&operation, &answer) {
            panic!("{method} {path} answered {}: {problem}", answer.status);
        }
        for (header, value) in GUARDS {
            assert!(answer.headers.get(header).is_some_and(|is| is.starts_with(value)), "{method} {path}: {header}");
        }
        self.seen.borrow_mut().insert(operation.answer(&answer.status.to_string()));
        answer
    }

    /// Tries to tell IMSHOP of a payment.
    pub(crate) async fn tell(&self, payment: &str) {
        let change = json!({"Keys": {"pk": {"S": format!("payment#{payment}")}}, "SequenceNumber": "1"});
        let event = json!({"Records": [{"dynamodb": change}]});
        let deps = self.environment.build(payment_events::Deps::from_env, &[]);
        payment_events::handle(&deps, LambdaEvent::new(event, Context::default())).await.unwrap();
    }

    /// Sends an operation's example to its example path, with the right key.
    pub(crate) async fn example(&self, id: &str, example: &str) -> Answer {
        self.send(call(id).json(DOCUMENT.body(id, example))).await
    }

    /// What every operation of a tag has to answer to requests that are wrong in themselves.
    pub(crate) async fn refuse_what_is_wrong(&self, tag: &str) {
        for operation in DOCUMENT.operations().into_iter().filter(|operation| operation.has_tag(tag)) {
            let path = DOCUMENT.example_path(&operation);
            let of_this_path: Vec<_> = DOCUMENT
                .operations()
                .into_iter()
                .filter(|other| other.path == operation.path)
                .map(|other| other.method)
                .collect();
            let wrong = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
            for method in wrong.into_iter().filter(|method| !of_this_path.contains(method)) {
                let answer = self.send(with_key(Event::new(method, &path), &operation)).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(of_this_path.join(", "), answer.headers["allow"].as_str(), "{path}");
            }
            if operation.documents("401") {
                let call = || Event::new(operation.method, &path);
                for event in [call(), call().key("a-wrong-key"), call().key(""), call().header("key", "a-wrong-key")] {
                    assert_eq!(self.send(event).await.status, 401, "{path}");
                }
            }
            if operation.documents("413") {
                let event = with_key(Event::new(operation.method, &path), &operation).text(&" ".repeat(TOO_LARGE));
                assert_eq!(self.send(event).await.status, 413, "{path}");
            }
            // Where a token in the path is the key, it is wrong here, and that comes first.
            if operation.documents("401") && operation.value.get("requestBody").is_some() {
                for body in ["[]", "{", "\u{feff}x", "null", "\"text\""] {
                    let event = with_key(Event::new(operation.method, &path), &operation).text(body);
                    assert_eq!(self.send(event).await.status, 400, "{path} {body}");
                }
            }
        }
    }

    /// Takes over what another system of this test was seen to answer.
    pub(crate) fn add(&self, other: &Self) {
        self.seen.borrow_mut().extend(other.seen.take());
    }

    /// Every answer that the document promises for a tag was given.
    pub(crate) fn assert_all_seen(&self, tag: &str) {
        let seen = self.seen.borrow();
        let mut missing = Vec::new();
        for operation in DOCUMENT.operations().into_iter().filter(|operation| operation.has_tag(tag)) {
            for (status, response) in operation.value["responses"].as_object().unwrap() {
                let by_the_gateway = response["$ref"].as_str().is_some_and(|name| name.contains("/Gateway"));
                let answer = operation.answer(status);
                if status != "default" && !by_the_gateway && !seen.contains(&answer) && !NOT_PROVOKED.contains(&answer.as_str()) {
                    missing.push(answer);
                }
            }
        }
        assert!(missing.is_empty(), "documented, but no request of this test gets it:\n{}", missing.join("\n"));
    }
}

/// The beginning of an operation's call: its example path, its key, and whatever else it cannot do without.
pub(crate) fn call(id: &str) -> Event {
    let operation = DOCUMENT.operation(id);
    complete(Event::new(operation.method, &DOCUMENT.example_path(&operation)), &operation)
}

/// With the right key and the mandatory headers.
pub(crate) fn complete(event: Event, operation: &Operation) -> Event {
    let headers = DOCUMENT.example_parameters(operation, "header");
    headers.into_iter().fold(with_key(event, operation), |event, (name, value)| event.header(&name, &value))
}

/// With the right key of the operation's first way to present one.
pub(crate) fn with_key(event: Event, operation: &Operation) -> Event {
    let scheme = operation.value["security"][0].as_object().and_then(|scheme| scheme.keys().next().cloned());
    match scheme.as_deref() {
        Some("imshopBearer") => event.key(IMSHOP_KEY),
        Some("shopBearer") => event.key(SHOP_KEY),
        Some("backOfficeBearer") => event.key(CASHIER_KEY),
        None => event,
        Some(other) => panic!("an unknown way to present a key: {other}"),
    }
}
