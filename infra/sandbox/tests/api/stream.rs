use std::collections::BTreeMap;
use std::future::ready;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use emulators::dynamodb::{self, Embedded};
use emulators::stream::{GivenUp, StreamPoller, Work};
use emulators::template::{Mapping, TEMPLATE, Template};
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use shared::platform::env::Env;
use testkit::TestEnvironment;
use testkit::settings::{Addresses, environment};
use tokio::net::TcpListener;

/// What a function was called with: the `n` of each record, call by call.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Vec<u64>>>>);

impl Seen {
    /// A function that keeps what it gets, and answers what `answer` makes of the records.
    fn work(&self, answer: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static) -> Work {
        let seen = self.clone();
        Arc::new(move |event| {
            let records = event["Records"].as_array().unwrap();
            seen.0.lock().unwrap().push(records.iter().map(number).collect());
            Box::pin(ready(answer(records).map_err(Into::into)))
        })
    }

    fn calls(&self) -> Vec<Vec<u64>> {
        self.0.lock().unwrap().clone()
    }

    fn numbers(&self) -> Vec<u64> {
        self.calls().concat()
    }
}

fn number(record: &Value) -> u64 {
    record["dynamodb"]["NewImage"]["n"]["N"].as_str().unwrap().parse().unwrap()
}

fn key(record: &Value) -> &str {
    record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap()
}

fn failure(record: &Value) -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]})
}

async fn put(client: &aws_sdk_dynamodb::Client, key: &str, n: u64, untold: bool) {
    let mut put = client.put_item().table_name("order-holds");
    put = put.item("pk", AttributeValue::S(key.to_owned())).item("n", AttributeValue::N(n.to_string()));
    if untold {
        put = put.item("untold", AttributeValue::Bool(true));
    }
    put.send().await.unwrap();
}

async fn put_all(environment: &TestEnvironment, numbers: std::ops::Range<u64>, keys: u64) {
    for n in numbers {
        put(environment.dynamodb(), &format!("payment#{}", n % keys), n, true).await;
    }
}

/// One lane, so that everything is in one order.
fn one_lane(mapping: &mut Mapping) {
    mapping.lanes = 1;
}

#[tokio::test]
async fn a_record_looks_as_lambda_passes_it_on() {
    let environment = TestEnvironment::start().await;
    put(environment.dynamodb(), "payment#1-1", 7, true).await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&events);
    let stream_poller = environment.stream(Arc::new(move |event| {
        kept.lock().unwrap().push(event);
        Box::pin(ready(Ok(Value::Null)))
    }));
    assert_eq!(stream_poller.drain().await.unwrap(), 1);
    let record = events.lock().unwrap()[0]["Records"][0].clone();
    assert_eq!((&record["eventSource"], &record["eventName"]), (&json!("aws:dynamodb"), &json!("INSERT")));
    assert!(record["eventSourceARN"].as_str().unwrap().contains(":table/order-holds/stream/"), "{record}");
    let change = &record["dynamodb"];
    assert_eq!(change["Keys"], json!({"pk": {"S": "payment#1-1"}}));
    assert_eq!(change["NewImage"], json!({"pk": {"S": "payment#1-1"}, "n": {"N": "7"}, "untold": {"BOOL": true}}));
    assert_eq!(change["StreamViewType"], json!("NEW_IMAGE"));
    assert!(change["SequenceNumber"].as_str().unwrap().len() >= 21, "{record}");
}

#[tokio::test]
async fn only_payments_with_something_to_tell_are_given_and_each_once() {
    let environment = TestEnvironment::start().await;
    put(environment.dynamodb(), "order#a", 1, true).await;
    put(environment.dynamodb(), "payment#1-1", 2, false).await;
    put(environment.dynamodb(), "payment#1-1", 3, true).await;
    put(environment.dynamodb(), "payment#1-1", 4, false).await;
    let delete = environment.dynamodb().delete_item().table_name("order-holds");
    delete.key("pk", AttributeValue::S("payment#1-1".to_owned())).send().await.unwrap();
    let seen = Seen::default();
    let stream_poller = environment.stream(seen.work(|_| Ok(json!({"batchItemFailures": []}))));
    assert_eq!(stream_poller.drain().await.unwrap(), 1);
    assert_eq!(stream_poller.drain().await.unwrap(), 0);
    assert_eq!(seen.calls(), [[3]]);
    put(environment.dynamodb(), "payment#1-1", 5, true).await;
    assert_eq!(stream_poller.drain().await.unwrap(), 1);
    assert_eq!(seen.calls(), [[3], [5]]);
}

#[tokio::test]
async fn batches_are_full_and_in_order() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..60, 60).await;
    let seen = Seen::default();
    let stream_poller = environment.stream_as(one_lane, seen.work(|_| Ok(Value::Null)));
    assert_eq!(stream_poller.drain().await.unwrap(), 60);
    assert_eq!(seen.calls().iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10]);
    assert_eq!(seen.numbers(), (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_of_one_item_stay_in_order_under_failures_and_lanes() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..120, 7).await;
    // Every fifth call fails as a whole, every third from its middle on.
    let calls = Arc::new(AtomicU32::new(0));
    let done: Arc<Mutex<BTreeMap<String, Vec<u64>>>> = Arc::default();
    let (count, kept) = (Arc::clone(&calls), Arc::clone(&done));
    let stream_poller = environment.stream(Arc::new(move |event| {
        let records = event["Records"].as_array().unwrap().clone();
        let (count, kept) = (Arc::clone(&count), Arc::clone(&kept));
        Box::pin(async move {
            tokio::task::yield_now().await;
            let call = count.fetch_add(1, Ordering::SeqCst) + 1;
            let middle = records.len() / 2;
            let (until, answer) = match call {
                call if call % 5 == 0 => (0, Err("out of order".into())),
                call if call % 3 == 0 => (middle, Ok(failure(&records[middle]))),
                _ => (records.len(), Ok(Value::Null)),
            };
            for record in &records[..until] {
                kept.lock().unwrap().entry(key(record).to_owned()).or_default().push(number(record));
            }
            answer
        })
    }));
    assert_eq!(stream_poller.drain().await.unwrap(), 120);
    assert_eq!(stream_poller.dead_letters(), []);
    for (key, numbers) in done.lock().unwrap().iter() {
        let first: u64 = key.trim_start_matches("payment#").parse().unwrap();
        assert_eq!(*numbers, (0..120).filter(|n| n % 7 == first).collect::<Vec<_>>(), "{key}");
    }
}

#[tokio::test]
async fn what_is_reported_as_failed_is_given_again_from_there_on() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..5, 5).await;
    let seen = Seen::default();
    let refused = Mutex::new(2);
    let stream_poller = environment.stream_as(
        one_lane,
        seen.work(move |records| {
            let mut refused = refused.lock().unwrap();
            match records.iter().find(|record| number(record) == 2) {
                Some(second) if *refused > 0 => {
                    *refused -= 1;
                    Ok(failure(second))
                }
                _ => Ok(Value::Null),
            }
        }),
    );
    assert_eq!(stream_poller.drain().await.unwrap(), 5);
    // From the failure on; then it is first and fails again, so the batch is halved.
    assert_eq!(seen.calls(), [vec![0, 1, 2, 3, 4], vec![2, 3, 4], vec![2], vec![3, 4]]);
    assert_eq!(stream_poller.dead_letters(), []);
}

#[tokio::test]
async fn a_poisonous_record_ends_as_a_dead_letter_and_holds_up_no_other() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..20, 20).await;
    let seen = Seen::default();
    let poison = |records: &[Value]| {
        let poisonous = records.iter().any(|record| number(record) == 13);
        if poisonous { Err("unreadable".to_owned()) } else { Ok(Value::Null) }
    };
    let stream_poller = environment.stream_as(one_lane, seen.work(poison));
    assert_eq!(stream_poller.drain().await.unwrap(), 20);
    let [letter] = stream_poller.dead_letters().try_into().unwrap();
    assert_eq!((letter.condition, letter.function.as_str()), (GivenUp::RetryAttemptsExhausted, "payment-events"));
    assert_eq!(letter.records.iter().map(number).collect::<Vec<_>>(), [13]);
    // Alone it was tried once and, as the template says, five times more.
    assert_eq!(seen.calls().iter().filter(|call| **call == [13]).count(), 6);
    // The halves without it were done with at once.
    for n in (0..20).filter(|n| *n != 13) {
        let alone = |call: &&Vec<u64>| call.contains(&n) && !call.contains(&13);
        assert_eq!(seen.calls().iter().filter(alone).count(), 1, "{n}: {:?}", seen.calls());
    }
    let shown = letter.json();
    assert_eq!(shown["keys"], json!([{"pk": {"S": "payment#13"}}]));
    assert!(!shown.to_string().contains("NewImage"), "a dead letter shows no item: {shown}");
}

#[tokio::test]
async fn an_outage_that_ends_in_time_costs_nothing() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..1, 1).await;
    let seen = Seen::default();
    let left = Mutex::new(5);
    let stream_poller = environment.stream(seen.work(move |_| {
        let mut left = left.lock().unwrap();
        if *left == 0 {
            return Ok(Value::Null);
        }
        *left -= 1;
        Err("DynamoDB is down".to_owned())
    }));
    assert_eq!(stream_poller.drain().await.unwrap(), 1);
    assert_eq!((seen.calls().len(), stream_poller.dead_letters()), (6, vec![]));
}

#[tokio::test]
async fn a_record_that_waited_too_long_is_given_up() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..2, 2).await;
    environment.advance(Duration::from_mins(61));
    put_all(&environment, 2..3, 3).await;
    let seen = Seen::default();
    let stream_poller = environment.stream_as(one_lane, seen.work(|_| Ok(Value::Null)));
    assert_eq!(stream_poller.drain().await.unwrap(), 3);
    assert_eq!(seen.calls(), [[2]]);
    let [letter] = stream_poller.dead_letters().try_into().unwrap();
    assert_eq!((letter.condition, letter.calls, letter.records.len()), (GivenUp::RecordAgeExceeded, 0, 2));
}

#[tokio::test]
async fn a_function_that_never_answers_is_not_waited_for() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..1, 1).await;
    let short = |mapping: &mut Mapping| (mapping.timeout, mapping.retries) = (Duration::from_millis(20), 1);
    let stream_poller = environment.stream_as(short, Arc::new(|_| Box::pin(std::future::pending())));
    assert_eq!(stream_poller.drain().await.unwrap(), 1);
    assert_eq!(stream_poller.dead_letters().len(), 1);
}

#[tokio::test]
async fn writes_meanwhile_are_given_too_and_two_readers_do_not_give_twice() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..30, 30).await;
    let seen = Seen::default();
    let client = environment.dynamodb().clone();
    let kept = seen.work(|_| Ok(Value::Null));
    let stream_poller = environment.stream(Arc::new(move |event| {
        let client = client.clone();
        let first = event["Records"].as_array().unwrap().iter().map(number).min().unwrap();
        let done = kept(event);
        Box::pin(async move {
            // What the function itself writes comes through the stream as well.
            if first < 30 {
                put(&client, &format!("payment#new-{first}"), 100 + first, true).await;
            }
            done.await
        })
    }));
    let (one, other) = tokio::join!(stream_poller.drain(), stream_poller.drain());
    let mut numbers = seen.numbers();
    assert_eq!(numbers.len(), one.unwrap() + other.unwrap());
    numbers.sort_unstable();
    let given = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), given, "nothing twice");
    assert!((0..30).all(|n| numbers.contains(&n)) && numbers.iter().any(|n| *n >= 100), "{numbers:?}");
}

/// A database, maybe of a folder, as a sandbox that begins opens it.
pub(crate) async fn open_as(folder: Option<&Path>, template: &Template) -> (Embedded, aws_sdk_dynamodb::Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dynamodb = format!("http://{}", listener.local_addr().unwrap());
    let nowhere = || "http://127.0.0.1:9".to_owned();
    let settings =
        environment(&Addresses { api_gateway: nowhere(), dynamodb, s3: nowhere(), sqs: nowhere(), providers: nowhere() });
    let client = shared::platform::dynamodb::client_from_env(&mut Env::from_map(settings)).unwrap();
    let store = dynamodb::start(listener, folder, Clock::standing_at(testkit::clock::beginning()), &template.tables).unwrap();
    (store, client)
}

async fn open(folder: Option<&Path>) -> (Embedded, aws_sdk_dynamodb::Client, Mapping) {
    let template = Template::read(TEMPLATE).unwrap();
    let (store, client) = open_as(folder, &template).await;
    (store, client, template.mappings.into_iter().next().unwrap())
}

#[tokio::test]
async fn a_folder_goes_on_where_it_was_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::default();
    {
        let (store, client, mapping) = open(Some(folder.path())).await;
        for n in 0..3 {
            put(&client, &format!("payment#{n}"), n, true).await;
        }
        StreamPoller::new(&store, mapping.clone(), seen.work(|_| Ok(Value::Null))).unwrap().drain().await.unwrap();
        // The process dies with these in hand: the function was called, and nothing of it is noted.
        for n in 3..6 {
            put(&client, &format!("payment#{n}"), n, true).await;
        }
        let dying = StreamPoller::new(&store, mapping, Arc::new(|_| Box::pin(std::future::pending()))).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), dying.drain()).await.is_err());
    }
    let (store, client, mapping) = open(Some(folder.path())).await;
    put(&client, "payment#6", 6, true).await;
    let seen_later = Seen::default();
    let stream_poller = StreamPoller::new(&store, mapping, seen_later.work(|_| Ok(Value::Null))).unwrap();
    assert_eq!(stream_poller.drain().await.unwrap(), 4);
    let mut numbers = seen_later.numbers();
    numbers.sort_unstable();
    assert_eq!((seen.numbers().len(), numbers), (3, vec![3, 4, 5, 6]));
}

/// The emulator looks through every record that it keeps at each write. Two stores are written to in turn, so that whatever else
/// the machine does slows both.
#[tokio::test]
async fn write_cost_is_constant_with_unread_stream_records() {
    let write = |store: &Embedded, numbers: std::ops::Range<u64>| {
        let began = Instant::now();
        for n in numbers {
            let item = json!({"pk": {"S": format!("payment#{n}")}, "n": {"N": n.to_string()}});
            let put = serde_json::from_value(json!({"TableName": "order-holds", "Item": item})).unwrap();
            store.database.put_item(put).unwrap();
        }
        began.elapsed()
    };
    let ((new, ..), (full, ..)) = (open(None).await, open(None).await);
    write(&full, 0..8000);
    let rounds = (0..40).map(|round| 8000 + round * 20..8000 + (round + 1) * 20);
    let (first, last): (Vec<_>, Vec<_>) = rounds.map(|numbers| (write(&new, numbers.clone()), write(&full, numbers))).unzip();
    let (first, last) = (first.iter().min().unwrap(), last.iter().min().unwrap());
    assert!(*last < *first * 3, "20 writes took {first:?} where nothing is, and {last:?} where thousands are unread");
}

#[tokio::test]
async fn what_was_read_is_forgotten_but_for_the_last_record() {
    let environment = TestEnvironment::start().await;
    put_all(&environment, 0..30, 30).await;
    let seen = Seen::default();
    environment.stream(seen.work(|_| Ok(Value::Null))).drain().await.unwrap();
    put_all(&environment, 30..32, 32).await;
    let newcomer = Seen::default();
    let named = |mapping: &mut Mapping| (mapping.function, mapping.lanes) = ("newcomer".to_owned(), 1);
    environment.stream_as(named, newcomer.work(|_| Ok(Value::Null))).drain().await.unwrap();
    assert_eq!(newcomer.numbers(), [29, 30, 31]);
}
