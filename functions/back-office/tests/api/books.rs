//! The books of a period: every capture and refund, and what they come to.
//!
//! `BOOKED` is how many payments the longest ones have (1,000 without it; 50,000 are the most that there can be, and then one more is
//! refused).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::{Value, json};
use shared::platform::clock::MOSCOW;
use testkit::settings::VIEWER_KEY;
use testkit::{Answer, Event, Modes, Program, TestEnvironment, size};

use crate::{Shop, get};

const TABLE: &str = "order-holds";
const NAMES: [&str; 14] = [
    "day",
    "at",
    "kind",
    "order_id",
    "payment_id",
    "refund",
    "provider",
    "provider_id",
    "method",
    "means",
    "amount",
    "currency",
    "by",
    "reason",
];
/// A period that every test's moments are in.
const ALWAYS: (&str, &str) = ("2000-01-01", "2999-12-31");

fn books(route: &str, (from, to): (&str, &str)) -> Event {
    get(route).query("from", from).query("to", to).key(VIEWER_KEY)
}

fn packed(event: Event) -> Event {
    event.header("Accept", "text/csv").header("Accept-Encoding", "gzip, deflate")
}

/// The rows of a table by their columns.
fn rows(answer: &Answer) -> Vec<HashMap<String, String>> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = answer.body.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records().map(Result::unwrap);
    assert_eq!(records.next().unwrap().iter().collect::<Vec<_>>(), NAMES);
    records.map(|record| NAMES.iter().zip(&record).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()).collect()
}

fn cells<'a>(row: &'a HashMap<String, String>, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| row[*name].as_str()).collect()
}

impl Shop {
    async fn table(&self, period: (&str, &str)) -> Vec<HashMap<String, String>> {
        rows(&self.ask(books("payments.csv", period)).await)
    }

    async fn totals(&self, period: (&str, &str)) -> Value {
        let answer = self.ask(books("totals", period)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn key(&self) -> String {
        format!("payment#{}", self.payment)
    }

    /// Lets the payment be captured at another moment.
    async fn capture_at(&self, moment: &str) {
        let millis = AttributeValue::N(testkit::clock::at(moment).millis().to_string());
        let edit = |item: &mut HashMap<String, AttributeValue>| {
            item.extend(["captured_at", "moved_at"].map(|name| (name.to_owned(), millis.clone())));
        };
        self.story.environment.edit(TABLE, &self.key(), edit).await;
    }
}

#[tokio::test]
async fn every_capture_and_every_made_refund_is_a_row_and_in_the_totals() {
    let shop = Shop::captured_yesterday().await;
    assert_eq!(shop.refund("one", Some("300.50")).await.status, 200);
    shop.story.environment.advance(Duration::from_mins(1));
    assert_eq!(shop.refund("rest", None).await.status, 200);
    // What is refused is not in the books, nor is what was never captured.
    assert_ne!(shop.refund("too much", Some("1.00")).await.status, 200);
    let unpaid = shop.story.order().await;
    shop.story.create(&unpaid).await;
    let table = shop.table(ALWAYS).await;
    let seen: Vec<_> = table
        .iter()
        .map(|row| {
            cells(row, &["kind", "payment_id", "order_id", "refund", "provider", "method", "means", "amount", "currency", "by"])
        })
        .collect();
    let (payment, order) = (shop.payment.as_str(), shop.order.id.as_str());
    let row = |kind, refund, amount, by| vec![kind, payment, order, refund, "mokka", "mokka", "", amount, "RUB", by];
    assert_eq!(
        seen,
        [
            row("capture", "", "3250.00", "back-office:operator"),
            row("refund", "1", "300.50", "back-office:cashier"),
            row("refund", "2", "2949.50", "back-office:cashier"),
        ]
    );
    assert!(table.windows(2).all(|two| two[0]["at"] < two[1]["at"]), "{table:?}");
    assert_eq!(
        shop.totals(ALWAYS).await,
        json!({"success": true, "totals": [{
            "currency": "RUB", "provider": "mokka", "captured": {"count": 1, "sum": "3250.00"},
            "refunded": {"count": 2, "sum": "3250.00"}, "net": "0.00",
        }]})
    );
}

#[tokio::test]
async fn a_refund_of_an_earlier_capture_makes_the_net_negative() {
    let shop = Shop::captured().await;
    let now = shop.story.environment.clock().now();
    let before = now.minus(Duration::from_hours(48));
    shop.capture_at(&before.rfc3339()).await;
    assert_eq!(shop.refund("all", None).await.status, 200);
    let [today, before] = [now, before].map(|at| at.day(MOSCOW));
    let later = |row: &HashMap<String, String>| row["kind"].clone();
    assert_eq!(shop.table((&today, &today)).await.iter().map(later).collect::<Vec<_>>(), ["refund"]);
    let total = shop.totals((&today, &today)).await["totals"][0].clone();
    assert_eq!((&total["captured"]["count"], &total["net"]), (&json!(0), &json!("-3250.00")));
    let earlier = shop.table((&before, &before)).await;
    assert_eq!(earlier.iter().map(later).collect::<Vec<_>>(), ["capture"], "it moved since, and its capture stays where it was");
}

#[tokio::test]
async fn a_day_is_the_shops_from_midnight_to_midnight_in_moscow() {
    let shop = Shop::captured().await;
    for (moment, day) in [
        ("2026-11-21T20:59:59Z", "2026-11-21"),
        ("2026-11-21T21:00:00Z", "2026-11-22"),
        ("2026-11-22T20:59:59.999Z", "2026-11-22"),
        ("2026-11-22T21:00:00Z", "2026-11-23"),
    ] {
        shop.capture_at(moment).await;
        for (period, is_in) in [
            (("2026-11-21", "2026-11-21"), day == "2026-11-21"),
            (("2026-11-22", "2026-11-22"), day == "2026-11-22"),
            (("2026-11-23", "2026-11-23"), day == "2026-11-23"),
            (("2026-11-21", "2026-11-22"), day != "2026-11-23"),
            (("2026-11-01", "2026-11-30"), true),
        ] {
            let table = shop.table(period).await;
            assert_eq!(table.len(), usize::from(is_in), "{moment} {period:?}");
            assert!(table.iter().all(|row| row["day"] == day), "{moment} {table:?}");
            let totals = shop.totals(period).await["totals"].as_array().unwrap().len();
            assert_eq!(totals, usize::from(is_in), "{moment} {period:?}");
        }
    }
}

#[tokio::test]
async fn the_reason_of_a_refund_is_in_its_row() {
    let shop = Shop::captured().await;
    assert_eq!(shop.refund("all", None).await.status, 200);
    assert_eq!(shop.table(ALWAYS).await[1]["reason"], "");
    let say = |item: &mut HashMap<String, AttributeValue>| {
        let Some(AttributeValue::L(refunds)) = item.get_mut("refunds") else { panic!("no refunds") };
        let AttributeValue::M(refund) = &mut refunds[0] else { panic!("no refund") };
        refund.insert("grounds_reason".to_owned(), AttributeValue::S("defect".to_owned()));
    };
    shop.story.environment.edit(TABLE, &shop.key(), say).await;
    let reasons: Vec<_> = shop.table(ALWAYS).await.into_iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, ["", "defect"]);
}

#[tokio::test]
async fn no_cell_of_the_books_is_a_formula() {
    let shop = Shop::captured().await;
    for formula in ["=1+1", "+7", "-1", "@A1", "＝1", ";=1", "\t=1", " =1", "\";=1"] {
        let edit = |item: &mut HashMap<String, AttributeValue>| {
            let names = ["order_id", "provider_id", "method", "means"];
            item.extend(names.map(|name| (name.to_owned(), AttributeValue::S(formula.to_owned()))));
        };
        shop.story.environment.edit(TABLE, &shop.key(), edit).await;
        let answer = shop.ask(books("payments.csv", ALWAYS)).await;
        let [row] = rows(&answer).try_into().unwrap();
        for name in ["order_id", "provider_id", "method", "means"] {
            let begins = row[name].split([';', '\t']).map(|cell| cell.trim_start_matches(['"', ' ']).chars().next());
            let wrong = |first: Option<char>| first.is_some_and(|first| "=+-@＝".contains(first));
            assert!(row[name].contains('\'') && !begins.into_iter().any(wrong), "{formula}: {:?}", row[name]);
        }
    }
}

#[tokio::test]
async fn a_period_that_is_not_clearly_asked_for_is_refused() {
    let shop = Shop::captured().await;
    for (query, wanted) in [
        (vec![], "`from`: must be a day of the shop like 2026-11-22"),
        (vec![("from", "2026-11-01")], "`to`: must be a day"),
        (vec![("to", "2026-11-01")], "`from`: must be a day"),
        (vec![("from", "2026-11-02"), ("to", "2026-11-01")], "`to`: must not be before `from`"),
        (vec![("from", "2026-11-31"), ("to", "2026-12-01")], "`from`"),
        (vec![("from", "2026-11-01T00:00:00Z"), ("to", "2026-12-01")], "`from`"),
        (vec![("from", "01.11.2026"), ("to", "2026-12-01")], "`from`"),
        (vec![("from", "2026-11-01"), ("to", "'; --")], "`to`"),
        (vec![("from", "2026-11-01"), ("to", "２０２６-11-01")], "`to`"),
        (vec![("from", "+99999-01-01"), ("to", "2026-12-01")], "`from`"),
        (vec![("from", "2026-11-01"), ("to", "2026-12-01"), ("limit", "10")], "only these query parameters: from, to"),
        (vec![("from", "2026-11-01"), ("from", "2026-11-02"), ("to", "2026-12-01")], "must be there once"),
    ] {
        for route in ["payments.csv", "totals"] {
            let event = query.iter().fold(get(route).key(VIEWER_KEY), |event, (name, value)| event.query(name, value));
            let answer = shop.ask(event).await;
            assert_eq!(answer.status, 400, "{query:?}: {}", answer.body);
            assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{query:?}: {}", answer.body);
        }
    }
    assert_eq!(shop.table(("0001-01-01", "9999-12-31")).await.len(), 1);
    assert!(shop.table(("2000-01-01", "2000-01-01")).await.is_empty());
}

#[tokio::test]
async fn a_table_is_packed_for_those_who_can_unpack_it_only() {
    let shop = Shop::captured().await;
    let plain = shop.ask(books("payments.csv", ALWAYS)).await;
    assert_eq!(plain.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(plain.headers["content-disposition"], "attachment; filename=\"payments.csv\"");
    for (accept, coding, is_packed) in [
        ("text/csv", "gzip", true),
        ("Text/CSV;q=0.9, */*", "deflate, GZIP;q=0.5", true),
        ("text/csv", "gzip;q=0", false),
        ("text/csv", "gzip; q=0.000", false),
        ("text/csv", "identity", false),
        ("text/csv", "", false),
        ("text/csv", "x-gzipped", false),
        // The API gateway would pass it on as base64.
        ("*/*", "gzip", false),
        ("*/*, text/csv", "gzip", false),
        ("", "gzip", false),
    ] {
        let event = books("payments.csv", ALWAYS).header("Accept", accept).header("Accept-Encoding", coding);
        for event in [event.clone().rest(), event.v2()] {
            let answer = shop.story.back_office(event).await;
            assert_eq!(answer.headers.contains_key("content-encoding"), is_packed, "{accept} {coding}");
            assert_eq!((answer.status, &answer.body), (200, &plain.body), "{accept} {coding}");
        }
    }
}

#[tokio::test]
async fn a_payment_that_cannot_be_read_is_named_in_the_books() {
    let shop = Shop::captured().await;
    for attribute in ["amount", "history", "provider"] {
        let mut whole = None;
        shop.story.environment.edit(TABLE, &shop.key(), |item| whole = item.remove(attribute)).await;
        let [row] = shop.table(ALWAYS).await.try_into().unwrap();
        assert_eq!(cells(&row, &["kind", "payment_id", "amount"]), ["unreadable", &shop.payment, ""], "{attribute}");
        assert_eq!(
            shop.totals(ALWAYS).await,
            json!({"success": true, "totals": [], "unreadable": [shop.payment]}),
            "{attribute}"
        );
        shop.story.environment.edit(TABLE, &shop.key(), |item| drop(item.insert(attribute.to_owned(), whole.unwrap()))).await;
    }
    // One that an earlier release has captured says it in its history only.
    shop.story.environment.forget(TABLE, &shop.key(), "captured_at").await;
    assert_eq!(shop.table(ALWAYS).await[0]["kind"], "capture");
}

#[tokio::test]
async fn an_index_that_doubles_and_a_batch_that_leaves_a_half_change_nothing() {
    let shop = Shop::captured().await;
    let model = stored(&shop.story.environment, &shop.key()).await;
    fill(&shop.story.environment, &model, 1..250).await;
    let before = shop.table(ALWAYS).await;
    assert_eq!(before.len(), 250);
    let unsteady = Modes { index_doubles: true, batches_halved: true, throttled_percent: 20, ..Modes::default() };
    shop.story.environment.let_store(unsteady).await;
    assert_eq!(shop.table(ALWAYS).await, before);
}

type Item = HashMap<String, AttributeValue>;

async fn stored(environment: &TestEnvironment, key: &str) -> Item {
    let key = AttributeValue::S(key.to_owned());
    environment.dynamodb().get_item().table_name(TABLE).key("pk", key).send().await.unwrap().item.unwrap()
}

/// Stores payments like this one.
async fn fill(environment: &TestEnvironment, model: &Item, numbers: std::ops::Range<usize>) {
    let writes: Vec<_> = numbers
        .map(|number| {
            let text = AttributeValue::S;
            let mut item = model.clone();
            item.extend([
                ("pk".to_owned(), text(format!("payment#B{number:07}-1"))),
                ("payment_id".to_owned(), text(format!("B{number:07}-1"))),
                ("order_id".to_owned(), text(format!("B{number:07}"))),
                ("order_uuid".to_owned(), text(format!("5b7c1f5e-0d2c-4a43-9d1b-{number:012}"))),
                ("provider_id".to_owned(), text(format!("2f6f4a3f-000f-5000-8000-{number:012}"))),
            ]);
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        })
        .collect();
    for batch in writes.chunks(25) {
        environment.dynamodb().batch_write_item().request_items(TABLE, batch.to_vec()).send().await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "what was measured, for the documents")]
async fn the_longest_books_fit_into_an_answer_and_into_half_of_the_memory() {
    /// Half of what the template gives the function.
    const MOST_KIB: u64 = 512 * 1024;
    let shop = Shop::captured().await;
    let environment = &shop.story.environment;
    let model = stored(environment, &shop.key()).await;
    let number = usize::try_from(size("BOOKED", 1_000)).unwrap();
    fill(environment, &model, 1..number).await;
    let mut settings = environment.env();
    settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    let ask = async |event: Event| {
        let began = Instant::now();
        let mut program = Program::start(env!("CARGO_BIN_EXE_back-office"), settings.clone(), vec![event.rest()]).await;
        let answer = Answer::read(&program.answer().await);
        let (took, peak) = (began.elapsed(), program.peak_kib());
        println!(
            "{number} payments: {} in {took:?}, {} bytes, {} carried, {peak} KiB",
            answer.status,
            answer.body.len(),
            answer.carried
        );
        assert!(peak < MOST_KIB && answer.carried < 6_000_000, "{peak} KiB, {} bytes", answer.carried);
        answer
    };
    let answer = ask(packed(books("payments.csv", ALWAYS))).await;
    assert_eq!(rows(&answer).len(), number);
    let totals = ask(books("totals", ALWAYS)).await.json();
    assert_eq!(totals["totals"][0]["captured"]["count"], json!(number));
    let plain = ask(books("payments.csv", ALWAYS)).await;
    if answer.body.len() < 4_000_000 {
        assert_eq!(plain.body, answer.body);
    } else {
        assert_eq!(plain.status, 413);
        assert!(plain.body.contains("--compressed -H 'Accept: text/csv'"), "{}", plain.body);
    }
    if number == 50_000 {
        fill(environment, &model, number..number + 1).await;
        for route in ["payments.csv", "totals"] {
            let answer = ask(packed(books(route, ALWAYS))).await;
            assert_eq!(answer.status, 413, "{}", answer.body);
            assert!(answer.body.contains("more than 50000") && answer.body.contains("`from` and `to`"), "{}", answer.body);
        }
    }
}
