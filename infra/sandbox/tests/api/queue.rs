use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emulators::queue::{self, Poller, Queues};
use emulators::stream::Work;
use emulators::template::{Consumer, TEMPLATE, Template};
use sandbox::running::{Sandbox, Setup};
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use shared::platform::env::Env;
use shared::platform::ids::SubmissionId;
use shared::platform::queue::Queue;
use testkit::TestEnvironment;
use testkit::settings::{AWS_KEY, FORMS_QUEUE};
use tokio::net::TcpListener;

use crate::api_gateway::{FREE, post};

/// What the template says.
const VISIBILITY: Duration = Duration::from_mins(12);

fn id(n: u8) -> SubmissionId {
    SubmissionId::parse(&format!("{n:02x}").repeat(32)).unwrap()
}

fn queue(environment: &TestEnvironment) -> Queue {
    let mut env = Env::from_map(environment.env());
    let queue = Queue::from_env(&mut env);
    env.finish(queue).unwrap()
}

/// The events that a function was called with.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

impl Seen {
    /// A function that keeps what it gets, and answers what `answer` makes of the records.
    fn work(&self, answer: impl Fn(&[Value]) -> Value + Send + Sync + 'static) -> Work {
        self.work_or_fail(move |records| Ok(answer(records)))
    }

    fn work_or_fail(&self, answer: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static) -> Work {
        let seen = self.clone();
        Arc::new(move |event| {
            let records = event["Records"].as_array().unwrap();
            seen.0.lock().unwrap().push(event.clone());
            Box::pin(ready(answer(records).map_err(Into::into)))
        })
    }

    /// How often a message was received, as its records say, oldest first.
    fn receives(&self, id: &SubmissionId) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let records = events.iter().flat_map(|event| event["Records"].as_array().unwrap());
        let records = records.filter(|record| record["body"].as_str().unwrap().contains(id.as_str()));
        records.map(|record| record["attributes"]["ApproximateReceiveCount"].as_str().unwrap().to_owned()).collect()
    }
}

fn all_failed(records: &[Value]) -> Value {
    let failures: Vec<_> = records.iter().map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
    json!({ "batchItemFailures": failures })
}

fn all_done(_: &[Value]) -> Value {
    json!({"batchItemFailures": []})
}

fn poller(queues: &Queues, work: Work) -> Poller {
    let function = "some-function".to_owned();
    let consumer = Consumer { function, timeout: Duration::from_mins(1), queue: FORMS_QUEUE.to_owned(), batch_size: 3, lanes: 2 };
    Poller::new(queues.clone(), consumer, work).unwrap()
}

#[tokio::test]
async fn a_message_is_given_when_its_delay_is_over_and_once() {
    let environment = TestEnvironment::start().await;
    queue(&environment).send(&id(1), Duration::from_mins(1)).await.unwrap();
    let seen = Seen::default();
    let poller = poller(environment.queues(), seen.work(all_done));
    environment.advance(Duration::from_secs(58));
    assert_eq!(poller.drain().await.unwrap(), 0);
    environment.advance(Duration::from_secs(2));
    assert_eq!(poller.drain().await.unwrap(), 1);
    environment.advance(Duration::from_hours(24));
    assert_eq!(poller.drain().await.unwrap(), 0);
    let record = seen.0.lock().unwrap()[0]["Records"][0].clone();
    assert_eq!(record["body"], json!(json!({"submission": id(1).as_str()}).to_string()));
    assert_eq!(record["eventSourceARN"], json!("arn:aws:sqs:eu-central-1:123456789012:FormsQueue"));
    assert_eq!((&record["eventSource"], &record["attributes"]["ApproximateReceiveCount"]), (&json!("aws:sqs"), &json!("1")));
    assert!(record["messageId"].is_string() && record["receiptHandle"].is_string(), "{record}");
}

#[tokio::test]
async fn what_failed_is_given_again_and_what_did_not_is_not() {
    let environment = TestEnvironment::start().await;
    for n in 1..=3 {
        queue(&environment).send(&id(n), Duration::ZERO).await.unwrap();
    }
    let seen = Seen::default();
    let second = |records: &[Value]| {
        let second = records.iter().find(|record| record["body"].as_str().unwrap().contains("0202"));
        second.map_or(Value::Null, |record| all_failed(std::slice::from_ref(record)))
    };
    let poller = poller(environment.queues(), seen.work(second));
    assert_eq!(poller.drain().await.unwrap(), 3);
    environment.advance(Duration::from_secs(718));
    assert_eq!(poller.drain().await.unwrap(), 0);
    environment.advance(Duration::from_secs(2));
    assert_eq!(poller.drain().await.unwrap(), 1);
    assert_eq!(seen.receives(&id(1)), ["1"]);
    assert_eq!(seen.receives(&id(2)), ["1", "2"]);
}

#[tokio::test]
async fn a_batch_whose_function_fails_is_given_again_as_a_whole() {
    let environment = TestEnvironment::start().await;
    for n in 1..=2 {
        queue(&environment).send(&id(n), Duration::ZERO).await.unwrap();
    }
    let seen = Seen::default();
    let poller = poller(environment.queues(), seen.work_or_fail(|_| Err("out of memory".to_owned())));
    assert_eq!(poller.drain().await.unwrap(), 2);
    environment.advance(VISIBILITY);
    assert_eq!(poller.drain().await.unwrap(), 2);
    assert_eq!((seen.receives(&id(1)), seen.receives(&id(2))), (vec!["1".into(), "2".into()], vec!["1".into(), "2".into()]));
}

#[tokio::test]
async fn a_postponed_message_is_given_at_the_time_that_was_said() {
    let environment = TestEnvironment::start().await;
    let queue = queue(&environment);
    queue.send(&id(1), Duration::ZERO).await.unwrap();
    let seen = Seen::default();
    let poller = poller(environment.queues(), seen.work(all_failed));
    assert_eq!(poller.drain().await.unwrap(), 1);
    let receipt = environment.queues().messages(FORMS_QUEUE)[0].receipt.clone().unwrap();
    queue.postpone(&receipt, Duration::from_secs(30)).await.unwrap();
    environment.advance(Duration::from_secs(28));
    assert_eq!(poller.drain().await.unwrap(), 0);
    environment.advance(Duration::from_secs(2));
    assert_eq!(poller.drain().await.unwrap(), 1);
    let outdated = queue.postpone(&receipt, Duration::from_secs(30)).await.unwrap_err().to_string();
    assert!(outdated.contains("ReceiptHandleIsInvalid"), "{outdated}");
}

#[tokio::test]
async fn untaken_message_ends_in_dead_letters_until_redriven() {
    let environment = TestEnvironment::start().await;
    queue(&environment).send(&id(1), Duration::ZERO).await.unwrap();
    let seen = Seen::default();
    let failing = poller(environment.queues(), seen.work(all_failed));
    for _ in 0..31 {
        assert_eq!(failing.drain().await.unwrap(), 1);
        environment.advance(VISIBILITY);
    }
    assert_eq!(failing.drain().await.unwrap(), 0);
    assert!(environment.queues().messages(FORMS_QUEUE).is_empty());
    let letters = environment.queues().dead_letters();
    assert_eq!(letters[0].json()["calls"], json!(31));
    assert_eq!(environment.queues().redrive().unwrap(), 1);
    assert!(environment.queues().dead_letters().is_empty());
    let taking = poller(environment.queues(), seen.work(all_done));
    assert_eq!(taking.drain().await.unwrap(), 1);
    assert_eq!(seen.receives(&id(1)).last().unwrap(), "1");
    assert!(environment.queues().messages(FORMS_QUEUE).is_empty());
}

#[tokio::test]
async fn batches_are_as_large_as_they_may_be() {
    let environment = TestEnvironment::start().await;
    for n in 1..=8 {
        queue(&environment).send(&id(n), Duration::ZERO).await.unwrap();
    }
    let seen = Seen::default();
    assert_eq!(poller(environment.queues(), seen.work(all_done)).drain().await.unwrap(), 8);
    let sizes: Vec<_> = seen.0.lock().unwrap().iter().map(|event| event["Records"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [3, 3, 2]);
}

#[tokio::test]
async fn a_queue_that_is_out_of_reach_is_tried_again_and_then_an_error() {
    let environment = TestEnvironment::start().await;
    let queue = queue(&environment);
    environment.queues().fail(2);
    queue.send(&id(1), Duration::ZERO).await.unwrap();
    assert_eq!(environment.queues().messages(FORMS_QUEUE).len(), 1);
    environment.queues().fail(3);
    assert!(queue.send(&id(2), Duration::ZERO).await.is_err());
    assert_eq!(environment.queues().messages(FORMS_QUEUE).len(), 1);
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_there_twice() {
    let environment = TestEnvironment::start().await;
    environment.queues().lose_answers(1);
    queue(&environment).send(&id(1), Duration::ZERO).await.unwrap();
    // The first is put in before its answer is lost.
    assert_eq!(environment.queues().messages(FORMS_QUEUE).len(), 2);
}

#[tokio::test]
async fn a_message_is_gone_when_its_time_is_over() {
    let environment = TestEnvironment::start().await;
    queue(&environment).send(&id(1), Duration::ZERO).await.unwrap();
    environment.advance(Duration::from_hours(14 * 24));
    let seen = Seen::default();
    assert_eq!(poller(environment.queues(), seen.work(all_done)).drain().await.unwrap(), 0);
    assert!(environment.queues().messages(FORMS_QUEUE).is_empty());
}

/// Queues on `data`, and the client for them.
async fn on_folder(data: &Path, clock: &Clock) -> (Queues, Queue) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let template = Template::read(TEMPLATE).unwrap();
    let queues = queue::start(listener, Some(data), clock.clone(), AWS_KEY, &template.queues).unwrap();
    let settings = [
        ("FORMS_QUEUE_URL", queue::url(&endpoint, FORMS_QUEUE)),
        ("SQS_ENDPOINT", endpoint),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", AWS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", AWS_KEY.to_owned()),
    ];
    let mut env = Env::from_map(settings.map(|(name, value)| (name.to_owned(), value)).into());
    let client = Queue::from_env(&mut env);
    (queues, env.finish(client).unwrap())
}

#[tokio::test]
async fn on_a_folder_messages_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::standing_at(testkit::clock::beginning());
    let (before, client) = on_folder(folder.path(), &clock).await;
    client.send(&id(1), Duration::from_mins(1)).await.unwrap();
    client.send(&id(2), Duration::ZERO).await.unwrap();
    let seen = Seen::default();
    assert_eq!(poller(&before, seen.work(all_done)).drain().await.unwrap(), 1);
    let (after, _) = on_folder(folder.path(), &clock).await;
    assert_eq!(after.messages(FORMS_QUEUE), before.messages(FORMS_QUEUE));
    clock.advance(Duration::from_mins(1));
    assert_eq!(poller(&after, seen.work(all_done)).drain().await.unwrap(), 1);
    assert_eq!(seen.receives(&id(1)), ["1"]);
}

#[tokio::test]
async fn what_the_queues_do_not_know_they_refuse() {
    let environment = TestEnvironment::start().await;
    let env = environment.env();
    let (endpoint, url) = (&env["SQS_ENDPOINT"], &env["FORMS_QUEUE_URL"]);
    let good = json!({"QueueUrl": url, "MessageBody": "{}", "DelaySeconds": 60});
    let signature = "AWS4-HMAC-SHA256 Credential=sandbox/20261122/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0";
    let ask = async |target: &str, signature: &str, body: Value| {
        let request = reqwest::Client::new().post(endpoint).header("x-amz-target", format!("AmazonSQS.{target}"));
        let request = request.header("content-type", "application/x-amz-json-1.0").header("authorization", signature);
        let answer = request.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    assert_eq!(ask("SendMessage", signature, good.clone()).await.0, 200);
    for (target, signature, body, code) in [
        ("ReceiveMessage", signature, json!({"QueueUrl": url}), "UnsupportedOperation"),
        ("SendMessage", "", good.clone(), "InvalidSecurity"),
        ("SendMessage", signature, with("MessageGroupId", json!("g")), "InvalidParameterValue"),
        ("SendMessage", signature, with("DelaySeconds", json!(901)), "InvalidParameterValue"),
        ("SendMessage", signature, with("DelaySeconds", json!(-1)), "InvalidParameterValue"),
        ("SendMessage", signature, with("MessageBody", json!("")), "InvalidParameterValue"),
        ("SendMessage", signature, with("QueueUrl", json!(format!("{url}s"))), "QueueDoesNotExist"),
        (
            "ChangeMessageVisibility",
            signature,
            json!({"QueueUrl": url, "ReceiptHandle": "r", "VisibilityTimeout": 43_201}),
            "InvalidParameterValue",
        ),
        (
            "ChangeMessageVisibility",
            signature,
            json!({"QueueUrl": url, "ReceiptHandle": "r", "VisibilityTimeout": 1}),
            "ReceiptHandleIsInvalid",
        ),
    ] {
        let (status, answer) = ask(target, signature, body.clone()).await;
        assert!(status == 400 && answer.contains(&format!("#{code}")), "{target} {body}: {status} {answer}");
    }
    assert_eq!(environment.queues().messages(FORMS_QUEUE).len(), 1);
}

/// A running sandbox with a form `wish` that goes to the shop and needs no code.
async fn sandbox_with_wishes() -> Sandbox {
    let shipped = include_str!("../../../config/forms.toml");
    let file = tempfile::NamedTempFile::new().unwrap();
    let wish = "[[form]]\nname = \"wish\"\nrequires_code = false\ndestinations = [\"shop\"]\n";
    std::fs::write(file.path(), format!("{shipped}\n{wish}")).unwrap();
    let settings = vec![("FORMS_CONFIG".to_owned(), file.path().to_string_lossy().into_owned())];
    Sandbox::start(Setup { settings, ..Setup::new(FREE) }).await.unwrap()
}

#[tokio::test]
async fn unanswered_form_is_delivered_when_sandbox_clock_advances() {
    let sandbox = sandbox_with_wishes().await;
    let control = async |path: &str, body| post(format!("{}/control/{path}", sandbox.control), None, body).await.1;
    let looks = async |path: &str| {
        let answer = reqwest::get(format!("{}/control/{path}", sandbox.control)).await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    let breaks = json!({"system": "shop", "method": "forms", "fault": "http500", "times": 1000});
    control("faults", breaks).await;
    let form = json!({"formName": "wish", "installId": "install-1", "data": {"wish": "a call"}});
    let (_, taken) = post(format!("{}/v1/forms", sandbox.addresses.api_gateway), Some("imshop-demo-key"), form).await;
    assert_eq!(taken["success"], json!(true), "{taken}");
    assert_eq!(control("form-delivery", json!({})).await, json!({"given": 0, "waiting": 1, "dead": 0}));
    // Each leap makes the next try due; what is due is given by itself, or now.
    for _ in 0..31 {
        control("clock", json!({"advance_s": 4000})).await;
        control("form-delivery", json!({})).await;
    }
    control("clock", json!({"advance_s": 4000})).await;
    assert_eq!(control("form-delivery", json!({})).await, json!({"given": 0, "waiting": 0, "dead": 1}));
    let letters = looks("dead-letters").await;
    assert_eq!((&letters[0]["queue"], &letters[0]["calls"]), (&json!("FormsQueue"), &json!(31)), "{letters}");
    reqwest::Client::new().delete(format!("{}/control/faults", sandbox.control)).send().await.unwrap();
    assert_eq!(control("redrive", json!({})).await, json!({"moved": 1}));
    let report = control("form-delivery", json!({})).await;
    assert_eq!((&report["waiting"], &report["dead"]), (&json!(0), &json!(0)));
    let forms = looks("forms").await;
    assert_eq!((forms.as_array().unwrap().len(), &forms[0]["form"]["data"]["wish"]), (1, &json!("a call")), "{forms}");
}
