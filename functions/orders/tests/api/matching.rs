//! What the shop answers to orders in other words than the protocol's.

use serde_json::{Value, json};
use shared::platform::metrics;
use testkit::settings::IMSHOP_KEY;
use testkit::{Answer, Event, invoke};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::Story;

/// A shop that answers every call with this body; its address.
async fn shop(body: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") && stream.read_buf(&mut request).await.unwrap() > 0 {}
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    url
}

/// Orders of these uuids, answered like this; our answer and the recorded `order_id`s.
async fn placed(story: &Story, uuids: &[&str], answers: Value) -> (Answer, Vec<Value>) {
    let body = json!({"orders": answers});
    let url = shop(&body).await;
    let deps = story.environment.build(orders::Deps::from_env, &[("SHOP_ORDERS_URL", url.as_str())]);
    let orders: Vec<_> = uuids.iter().map(|uuid| Story::order_request(uuid)["orders"][0].clone()).collect();
    let event = Event::post("/v1/orders").key(IMSHOP_KEY).json(json!({"orders": orders})).rest();
    let answer = invoke(&deps, |deps, request| Box::pin(orders::handle(deps, request)), event).await;
    assert_eq!(answer.json(), body, "IMSHOP gets the shop's words unchanged");
    let mut recorded = Vec::new();
    for uuid in uuids {
        let order = story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default();
        recorded.push(order["order_id"].clone());
    }
    (answer, recorded)
}

fn no_trouble(story: &Story) -> bool {
    story.environment.measured(metrics::ORDERS_NOT_RECORDED).is_empty()
}

#[tokio::test]
async fn an_answer_that_can_only_mean_one_order_is_recorded() {
    let story = Story::start().await;
    let yes = |uuid: Value, id: &str| json!({"success": true, "uuid": uuid, "id": id, "price": 10});
    for (index, said) in [json!(1), json!(true), json!("true"), json!("True"), json!("1")].into_iter().enumerate() {
        let uuid = format!("said-{index}");
        let (_, recorded) = placed(&story, &[&uuid], json!([{"success": said, "uuid": uuid, "id": "1", "price": 10}])).await;
        assert_eq!(recorded, [json!("1")], "{said}");
    }
    let (_, recorded) = placed(&story, &["abc-DEF"], json!([yes(json!("ABC-def"), "2")])).await;
    assert_eq!(recorded, [json!("2")], "another case of its letters");
    let (_, recorded) = placed(&story, &["case", "CASE"], json!([yes(json!("CASE"), "3"), yes(json!("case"), "4")])).await;
    assert_eq!(recorded, [json!("4"), json!("3")], "its own case comes first");
    for (index, uuid) in [Value::Null, json!(""), json!({"x": 1})].into_iter().enumerate() {
        let asked = format!("alone-{index}");
        let (_, recorded) = placed(&story, &[&asked], json!([yes(uuid.clone(), "5")])).await;
        assert_eq!(recorded, [json!("5")], "one asked for and one answered: {uuid}");
    }
    let (_, recorded) = placed(&story, &["first", "second"], json!([yes(json!("second"), "6"), yes(Value::Null, "7")])).await;
    assert_eq!(recorded, [json!("7"), json!("6")], "the one that is left");
    let (_, recorded) = placed(&story, &["again"], json!([yes(json!("again"), "8"), yes(json!("AGAIN"), "8")])).await;
    assert_eq!(recorded, [json!("8")], "twice in the same words");
    assert!(no_trouble(&story), "{}", story.environment.logs());
}

#[tokio::test]
async fn refusal_in_any_language_is_recorded_without_alarm() {
    let story = Story::start().await;
    for (index, said) in [json!(false), json!(0), json!("false"), json!("0"), json!("")].into_iter().enumerate() {
        let uuid = format!("said-{index}");
        let (_, recorded) = placed(&story, &[&uuid], json!([{"success": said, "id": "1", "price": 10}])).await;
        assert_eq!(recorded, [Value::Null], "{said}");
    }
    // Without an id there is nothing that the shop could have.
    let (_, recorded) = placed(&story, &["nothing"], json!([{"uuid": "nothing", "errorCode": "gone"}])).await;
    assert_eq!(recorded, [Value::Null]);
    assert!(no_trouble(&story), "{}", story.environment.logs());
}

#[tokio::test]
async fn ambiguous_shop_answer_raises_the_alarm() {
    let yes = |uuid: Value, id: &str| json!({"success": true, "uuid": uuid, "id": id, "price": 10});
    for (reason, asked, answers, recorded, troubles) in [
        ("unmatched", vec!["a"], json!([yes(json!("other"), "1")]), vec![Value::Null], 1),
        ("unmatched", vec!["a"], json!([yes(Value::Null, "1"), yes(Value::Null, "2")]), vec![Value::Null], 2),
        ("unmatched", vec!["a"], json!([yes(json!("a"), "1"), yes(json!("b"), "2")]), vec![json!("1")], 1),
        ("unmatched", vec!["a", "b"], json!([yes(Value::Null, "1"), yes(Value::Null, "2")]), vec![Value::Null, Value::Null], 2),
        ("unmatched", vec!["Ab", "aB"], json!([yes(json!("ab"), "1")]), vec![Value::Null, Value::Null], 1),
        ("unanswered", vec!["a", "b"], json!([yes(json!("b"), "1")]), vec![Value::Null, json!("1")], 1),
        ("unanswered", vec!["a"], json!([]), vec![Value::Null], 1),
        ("unclear", vec!["a"], json!([{"uuid": "a", "id": "1", "price": 10}]), vec![Value::Null], 1),
        ("unclear", vec!["a"], json!([{"success": "maybe", "uuid": "a", "id": "1"}]), vec![Value::Null], 1),
        ("unclear", vec!["a"], json!([{"success": {"x": 1}, "id": "1"}]), vec![Value::Null], 1),
        ("id", vec!["a"], json!([{"success": true, "uuid": "a", "price": 10}]), vec![Value::Null], 1),
        ("twice", vec!["a"], json!([yes(json!("a"), "1"), yes(json!("a"), "2"), yes(json!("a"), "1")]), vec![Value::Null], 1),
    ] {
        let story = Story::start().await;
        let (_, found) = placed(&story, &asked, answers.clone()).await;
        assert_eq!(found, recorded, "{answers}");
        assert_eq!(story.environment.total(metrics::ORDERS_NOT_RECORDED, &[("reason", reason)]), troubles, "{reason}: {answers}");
        let said = story.environment.logs().matches("the shop's answer to an order cannot be understood").count();
        assert_eq!(i64::try_from(said).unwrap(), troubles, "{answers}");
    }
}

#[tokio::test]
async fn an_entry_that_is_none_costs_no_other_order() {
    for (index, odd) in [
        json!(null),
        json!("ok"),
        json!(7),
        json!([]),
        json!([true, "b", "2"]),
        json!(false),
        json!({}),
        json!({"success": {}}),
        json!({"success": false, "message": "нет"}),
        json!([null]),
    ]
    .into_iter()
    .enumerate()
    {
        for answers in [|good: Value, odd: Value| json!([odd, good]), |good: Value, odd: Value| json!([good, odd])] {
            let story = Story::start().await;
            let (good, other) = (format!("good-{index}"), format!("other-{index}"));
            let said = answers(json!({"success": true, "uuid": good, "id": "1", "price": 10}), odd.clone());
            let (_, recorded) = placed(&story, &[&good, &other], said).await;
            assert_eq!(recorded, [json!("1"), Value::Null], "{odd}");
            // An object that says no more is the other order's: no yes.
            assert_eq!(no_trouble(&story), odd.is_object(), "{odd}: the other is not forgotten");
        }
    }
}
