//! Mokka's plan of instalments in the list: its numbers, what it costs to know them, and what a Mokka that does not answer
//! costs the customer.

use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post as route;
use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::{Fault, Options, System};
use testkit::clock::at;
use testkit::{Answer, TIMELY, TestEnvironment};
use tokio::net::TcpListener;

use crate::{ask, post};

/// A budget that no busy machine spends.
pub(crate) const PATIENT: (&str, &str) = ("PAYMENTS_BUDGET_MS", "5000");

fn cart(price: &str) -> Value {
    json!({"items": [{"configurationId": "kettle-1", "quantity": 1, "price": price}]})
}

/// The instance that answers an environment's requests.
fn instance(environment: &TestEnvironment) -> payments::Deps {
    environment.build(payments::Deps::from_env, &[PATIENT])
}

async fn list(deps: &payments::Deps, price: &str) -> Answer {
    ask(deps, post().json(cart(price)).rest()).await
}

/// The ids in the list, and Mokka's widget.
fn shown(answer: &Answer) -> (Vec<String>, Value) {
    let answer = answer.json();
    let payments = answer["payments"].as_array().unwrap();
    let ids = payments.iter().map(|payment| payment["id"].as_str().unwrap().to_owned()).collect();
    let widget = payments.iter().find(|payment| payment["id"] == "mokka").map(|mokka| mokka["widget"].clone());
    (ids, widget.unwrap_or_default())
}

fn schedules(environment: &TestEnvironment) -> u64 {
    environment.standins().call_count(System::Mokka, "schedule")
}

#[tokio::test]
async fn the_widget_shows_mokkas_plan() {
    // Moscow is a day ahead: its 13 March begins at 21:00.
    let environment = TestEnvironment::start_at(at("2031-03-12T22:00:00Z"), Options::default()).await;
    let deps = instance(&environment);
    let answer = list(&deps, "4990").await;
    insta::assert_snapshot!("widget", serde_json::to_string_pretty(&answer.json()).unwrap());
    assert_eq!(list(&deps, "4990").await, answer, "equal answers");
    let by_line = json!({"items": [{"quantity": 2, "price": 1, "subtotal": "2990"}, {"quantity": 2, "price": "1000.00"}]});
    assert_eq!(ask(&deps, post().json(by_line).rest()).await, answer, "the sum of the lines' subtotals, else of their prices");
}

#[tokio::test]
async fn mokka_is_asked_once_for_an_amount_and_day_by_all_instances() {
    let environment = TestEnvironment::start().await;
    let first = instance(&environment);
    let answer = list(&first, "4990").await;
    payments::finish(&first).await;
    assert_eq!((schedules(&environment), environment.store_calls()), (1, vec!["GetItem".to_owned(), "UpdateItem".to_owned()]));
    assert_eq!(list(&first, "4990").await, answer);
    assert_eq!((schedules(&environment), environment.store_calls()), (1, vec![]), "known in memory");
    let second = instance(&environment);
    assert_eq!(list(&second, "4990.00").await, answer);
    assert_eq!((schedules(&environment), environment.store_calls()), (1, vec!["GetItem".to_owned()]), "known in the store");
    list(&second, "4990.01").await;
    payments::finish(&second).await;
    assert_eq!((schedules(&environment), environment.store_calls().len()), (2, 2), "another amount");
    environment.advance(Duration::from_hours(24));
    list(&second, "4990").await;
    assert_eq!(schedules(&environment), 3, "another day");
    // What is stored goes away by itself, at Mokka's midnight.
    for item in environment.items("quotes", "schedule#").await {
        let expires = Timestamp::from_millis(item["expires_at"].as_i64().unwrap() * 1000);
        assert_eq!(expires.rfc3339()[11..], *"21:00:00Z", "{item}");
    }
}

#[tokio::test]
async fn at_moscows_midnight_the_widget_shows_the_new_days_dates() {
    for (before, today, tomorrow) in [
        ("2026-11-27T20:59:59Z", ["27 дек.", "27 янв.", "27 февр."], ["28 дек.", "28 янв.", "28 февр."]),
        ("2026-12-30T20:59:59Z", ["30 янв.", "28 февр.", "30 марта"], ["31 янв.", "28 февр.", "31 марта"]),
        ("2027-01-31T20:59:59Z", ["28 февр.", "31 марта", "30 апр."], ["1 марта", "1 апр.", "1 мая"]),
        ("2028-01-30T20:59:59Z", ["29 февр.", "30 марта", "30 апр."], ["29 февр.", "31 марта", "30 апр."]),
        ("2028-02-28T20:59:59Z", ["28 марта", "28 апр.", "28 мая"], ["29 марта", "29 апр.", "29 мая"]),
    ] {
        let environment = TestEnvironment::start_at(at(before), Options::default()).await;
        let deps = instance(&environment);
        let shows = async || {
            let answer = list(&deps, "4990").await.json();
            let periods = answer["payments"][1]["widget"]["paymentsGraphic"].as_array().unwrap().clone();
            periods.iter().map(|period| period["periodDescription"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shows().await, today, "{before}");
        environment.advance(Duration::from_secs(2));
        assert_eq!(shows().await, tomorrow, "two seconds after {before}");
        assert_eq!(schedules(&environment), 2, "{before}");
    }
}

#[tokio::test]
async fn many_at_once_ask_mokka_once() {
    let environment = TestEnvironment::start().await;
    environment.standins().fault(System::Mokka, "schedule", Fault::Late(300), 1).unwrap();
    let deps = instance(&environment);
    let answers = futures_util::future::join_all((0..20).map(|_| list(&deps, "4990"))).await;
    assert!(answers.iter().all(|answer| shown(answer).1.is_object() && *answer == answers[0]));
    assert_eq!(schedules(&environment), 1);
}

#[tokio::test]
async fn without_an_amount_or_without_mokka_nothing_is_called() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[PATIENT, ("PRICE_FEED_URL", "")]);
    for items in [json!(null), json!([]), json!([{"price": 4990}, {"quantity": 1}]), json!([{"price": 0}])] {
        let answer = ask(&deps, post().json(json!({"items": items})).rest()).await;
        assert_eq!(shown(&answer), (vec!["cash".to_owned(), "mokka".to_owned()], Value::Null), "{items}");
    }
    // An amount in another currency than Mokka's.
    let som = environment.build(payments::Deps::from_env, &[("DEFAULT_CURRENCY", "KGS")]);
    assert_eq!(shown(&list(&som, "4990").await).1, Value::Null);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.toml");
    std::fs::write(&file, "[[method]]\nid = \"cash\"\ntitle = \"Наличными\"\ntype = \"cash\"\n").unwrap();
    let unset = ["MOKKA_BASE_URL", "MOKKA_SECRET", "PRICE_FEED_URL", "QUOTES_TABLE", "AWS_REGION"].map(|name| (name, ""));
    let changes = [&[("PAYMENTS_CONFIG", file.to_str().unwrap())], unset.as_slice()].concat();
    let cash = environment.build(payments::Deps::from_env, &changes);
    assert_eq!(shown(&list(&cash, "4990").await), (vec!["cash".to_owned()], Value::Null));
    assert!(environment.standins().calls(None).is_empty() && environment.store_calls().is_empty());
}

#[tokio::test]
async fn an_amount_that_no_tariff_takes_is_not_offered_in_instalments() {
    let environment = TestEnvironment::start().await;
    let deps = instance(&environment);
    for price in ["999.99", "150000.01"] {
        for _ in 0..2 {
            assert_eq!(shown(&list(&deps, price).await), (vec!["cash".to_owned()], Value::Null), "{price}");
        }
    }
    assert_eq!(schedules(&environment), 2, "that too is remembered");
    assert_eq!(shown(&list(&instance(&environment), "999.99").await).0, ["cash"], "and stored");
    assert_eq!(schedules(&environment), 2);
}

#[tokio::test]
async fn a_mokka_that_does_not_answer_costs_the_widget_and_nothing_else() {
    for fault in ["timeout", "reset", "http500", "html", "slow", "answer_lost", "refused", "status:33", "status:61", "status:777"]
    {
        let environment = TestEnvironment::start().await;
        environment.standins().fault(System::Mokka, "schedule", fault.parse().unwrap(), 9).unwrap();
        let deps = environment.build(payments::Deps::from_env, &[("PAYMENTS_BUDGET_MS", "200")]);
        let answer = tokio::time::timeout(TIMELY, list(&deps, "4990")).await.expect("in time");
        assert_eq!((answer.status, shown(&answer)), (200, (vec!["cash".to_owned(), "mokka".to_owned()], Value::Null)), "{fault}");
        payments::finish(&deps).await;
        environment.standins().clear_faults();
        let asked = schedules(&environment);
        assert!(asked >= 1, "{fault}");
        assert_eq!(shown(&list(&deps, "4990").await).1, Value::Null, "{fault}: left alone for a while");
        assert_eq!(schedules(&environment), asked, "{fault}");
        environment.advance(Duration::from_secs(10));
        list(&deps, "4990").await;
        payments::finish(&deps).await;
        assert!(shown(&list(&deps, "4990").await).1.is_object(), "{fault}: asked again after that");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_there_for_the_next_request() {
    let environment = TestEnvironment::start().await;
    environment.standins().fault(System::Mokka, "schedule", Fault::Late(1200), 1).unwrap();
    let deps = environment.build(payments::Deps::from_env, &[("PAYMENTS_BUDGET_MS", "200")]);
    assert_eq!(shown(&list(&deps, "4990").await).1, Value::Null);
    payments::finish(&deps).await;
    assert!(shown(&list(&deps, "4990").await).1.is_object());
    assert!(shown(&list(&instance(&environment), "4990").await).1.is_object(), "for those of other instances too");
    assert_eq!(schedules(&environment), 1);
}

#[tokio::test]
async fn without_the_store_mokka_is_asked_all_the_same() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[PATIENT, ("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    assert!(shown(&list(&deps, "4990").await).1.is_object());
    assert!(shown(&list(&deps, "4990").await).1.is_object());
    assert_eq!(schedules(&environment), 1);
}

/// A Mokka whose Schedule always answers this.
async fn nonsense(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router =
        Router::new().route("/factoring/v1/schedule", route(move || async move { ([(CONTENT_TYPE, "application/json")], body) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn numbers_that_contradict_each_other_are_not_shown() {
    for (tariffs, widget) in [
        // Its payments are not its total, it costs less than the goods, it has no payments, its days are no days.
        (
            r#"[{"term":1,"total":"5000","monthly_payment":1,"monthly_overpayment":1,"payment_dates":[{"date":"01.01.2031","amount":"4999.99"}]}]"#,
            false,
        ),
        (
            r#"[{"term":1,"total":"1","monthly_payment":1,"monthly_overpayment":1,"payment_dates":[{"date":"01.01.2031","amount":"1"}]}]"#,
            false,
        ),
        (r#"[{"term":1,"total":"5000","monthly_payment":1,"monthly_overpayment":1,"payment_dates":[]}]"#, false),
        (
            r#"[{"term":1,"total":"5000","monthly_payment":1,"monthly_overpayment":1,"payment_dates":[{"date":"31.02.2031","amount":"5000"}]}]"#,
            false,
        ),
        (
            r#"[{"term":1,"total":-5000,"monthly_payment":1,"monthly_overpayment":1,"payment_dates":[{"date":"01.01.2031","amount":"-5000"}]}]"#,
            false,
        ),
        (
            r#"[{"term":1,"total":1e300,"monthly_payment":1,"monthly_overpayment":1,"payment_dates":[{"date":"01.01.2031","amount":1e300}]}]"#,
            false,
        ),
        (r#"{"term":1}"#, false),
        (
            r#"[{"term":1,"total":"1","monthly_payment":1,"monthly_overpayment":1,"payment_dates":[]},
             {"term":2,"total":5000,"monthly_payment":2500,"monthly_overpayment":5,"payment_dates":[{"date":"01.01.2031","amount":2500},{"date":"01.02.2031","amount":"2500.00"}]}]"#,
            true,
        ),
    ] {
        let environment = TestEnvironment::start().await;
        let body = format!(r#"{{"status":0,"message":"Payload valid","payment_schedule":{tariffs}}}"#);
        let address = nonsense(Box::leak(body.into_boxed_str())).await;
        let deps = environment.build(payments::Deps::from_env, &[PATIENT, ("MOKKA_BASE_URL", &address)]);
        let (ids, shown) = shown(&list(&deps, "4990").await);
        assert_eq!((ids, shown.is_object()), (vec!["cash".to_owned(), "mokka".to_owned()], widget), "{tariffs}");
        payments::finish(&deps).await;
        assert_eq!(environment.items("quotes", "schedule#").await.len(), usize::from(widget), "nonsense is not kept: {tariffs}");
    }
}
