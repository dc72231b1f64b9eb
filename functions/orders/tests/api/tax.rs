//! What a fiscal receipt says of each line: VAT, subject and mode, from the shop's words to the stored order.

use serde_json::{Value, json};
use testkit::settings::{IMSHOP_KEY, ORDERS_QUEUE, SHOP_KEY};
use testkit::{Answer, Event, invoke};

use crate::Story;

/// What is said when a word is left out.
const LEFT_OUT: &str = "a word for fiscal receipts cannot be read and is left out";

async fn stored(story: &Story, uuid: &str) -> Value {
    story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default()
}

/// The words of each line, null where there is none.
fn words(order: &Value) -> Vec<[Value; 3]> {
    let lines = order["lines"].as_array().unwrap().iter();
    lines.map(|line| ["vat", "subject", "mode"].map(|field| line[field].clone())).collect()
}

fn with(mut item: Value, more: &Value) -> Value {
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

/// IMSHOP's order of one kettle, whose item says this too.
fn request(said: &Value) -> Value {
    let mut request = Story::order_request("uuid-1");
    let item = request["orders"][0]["items"][0].clone();
    request["orders"][0]["items"] = json!([with(item, said)]);
    request
}

/// The shop's answer to it.
fn answer(said: &Value) -> Value {
    let item = json!({"configurationId": "sku-1", "name": "Чайник", "quantity": 2, "price": 1500, "subtotal": 3000});
    json!({"price": 3250, "deliveryPrice": 250, "items": [with(item, said)]})
}

/// IMSHOP's item and the shop's say this; the story afterwards, with the order that is stored.
async fn relayed(requested: &Value, answers: Value) -> (Story, Value) {
    let story = Story::start().await;
    story.environment.standins().shop_answers(answers).unwrap();
    let event = Event::post("/v1/orders").key(IMSHOP_KEY).json(request(requested));
    let answer = story.orders(event.rest()).await;
    assert_eq!((answer.status, &answer.json()["orders"][0]["success"]), (200, &json!(true)), "{}", answer.body);
    let order = stored(&story, "uuid-1").await;
    (story, order)
}

fn push(items: &Value) -> Value {
    json!({"orderId": "2001", "amount": "4999.00", "items": items})
}

fn kettle(said: &Value) -> Value {
    with(json!({"sku": "sku-1", "name": "Чайник", "quantity": 1, "subtotal": "4999.00"}), said)
}

async fn put(story: &Story, uuid: &str, body: &Value) -> Answer {
    story.orders(Event::new("PUT", &format!("/v1/orders/{uuid}")).key(SHOP_KEY).json(body.clone()).rest()).await
}

/// One rate, as people and programs write it.
fn twenty() -> [Value; 8] {
    [json!(20), json!(20.0), json!("20"), json!("20%"), json!("20 %"), json!(" 20 "), json!("20.0"), json!("20.00%")]
}

/// What is no word.
fn odd() -> [Value; 9] {
    [
        json!("НДС 20%"),
        json!("twenty percent"),
        json!("%"),
        json!("x".repeat(41)),
        json!(-20),
        json!(16.667),
        json!(true),
        json!(["20"]),
        json!({"rate": 20}),
    ]
}

#[tokio::test]
async fn words_of_a_line_are_the_shops_else_imshops() {
    let none = || [Value::Null, Value::Null, Value::Null];
    let all = json!({"vat": 20, "subject": "commodity", "mode": "full_prepayment"});
    let said = || [json!("20"), json!("commodity"), json!("full_prepayment")];
    for (requested, answered, wanted) in [
        (json!({}), json!({}), none()),
        (json!({}), all.clone(), said()),
        (all.clone(), json!({}), said()),
        (all.clone(), json!({"vat": "10", "mode": "full_payment"}), [json!("10"), json!("commodity"), json!("full_payment")]),
        (all.clone(), json!({"vat": null, "subject": "", "mode": " "}), said()),
        (json!({"vat": 10}), json!({"subject": "Service"}), [json!("10"), json!("service"), Value::Null]),
        (json!({}), json!({"vat": "10/110"}), [json!("10/110"), Value::Null, Value::Null]),
    ] {
        let (story, order) = relayed(&requested, answer(&answered)).await;
        assert_eq!(words(&order), [wanted], "{requested} {answered}");
        assert!(!story.environment.logs().contains(LEFT_OUT), "{requested} {answered}");
    }
    // An answer without items leaves those of the order.
    let (_, order) = relayed(&all, json!({"price": 3250, "items": null})).await;
    assert_eq!(words(&order), [said()]);
}

#[tokio::test]
async fn words_of_another_item_are_not_taken() {
    let other = json!({"configurationId": "sku-2", "vat": 20});
    let (_, order) = relayed(&other, answer(&json!({}))).await;
    assert_eq!(words(&order), [[Value::Null, Value::Null, Value::Null]]);
}

#[tokio::test]
async fn rate_in_any_writing_is_one_word() {
    for vat in twenty() {
        let (_, order) = relayed(&json!({}), answer(&json!({"vat": vat}))).await;
        assert_eq!(order["lines"][0]["vat"], json!("20"), "{vat}");
        let story = Story::start().await;
        assert_eq!(put(&story, "pushed-1", &push(&json!([kettle(&json!({"vat": vat}))]))).await.status, 200, "{vat}");
        assert_eq!(stored(&story, "pushed-1").await["lines"][0]["vat"], json!("20"), "{vat}");
    }
    for (vat, word) in [(json!(0), "0"), (json!(16.67), "16.67"), (json!("16.70"), "16.7"), (json!("none"), "none")] {
        let (_, order) = relayed(&json!({}), answer(&json!({"vat": vat}))).await;
        assert_eq!(order["lines"][0]["vat"], json!(word), "{vat}");
    }
}

#[tokio::test]
async fn unreadable_word_of_the_answer_is_left_out_and_named() {
    for field in ["vat", "subject", "mode"] {
        for word in odd() {
            let (story, order) = relayed(&json!({}), answer(&json!({field: word}))).await;
            assert_eq!(
                (&words(&order)[0], &order["amount"]),
                (&[Value::Null, Value::Null, Value::Null], &json!(325_000)),
                "{word}"
            );
            let logs = story.environment.logs();
            let said: Vec<_> = logs.lines().filter(|line| line.contains(LEFT_OUT)).collect();
            assert_eq!(said.len(), 1, "{field} {word}");
            for part in ["WARN", "uuid-1", &format!("items[0].{field}"), "the shop's answer", "must be a word like 20, none"] {
                assert!(said[0].contains(part), "{part}: {}", said[0]);
            }
            assert!(!logs.contains("НДС") && !logs.contains("twenty percent"), "what was there instead is not quoted");
        }
    }
}

#[tokio::test]
async fn unreadable_words_cost_no_other_word_and_one_warning() {
    let requested = json!({"vat": "20", "mode": "полная предоплата"});
    let (story, order) = relayed(&requested, answer(&json!({"vat": "НДС", "subject": "service"}))).await;
    assert_eq!(words(&order), [[json!("20"), json!("service"), Value::Null]]);
    let logs = story.environment.logs();
    let said: Vec<_> = logs.lines().filter(|line| line.contains(LEFT_OUT)).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("items[0].vat") && said[0].contains("\"unreadable\":2"), "{}", said[0]);
    // What IMSHOP's item says is asked for only where the shop is silent.
    let (story, order) = relayed(&json!({"vat": "НДС"}), answer(&json!({"vat": 20}))).await;
    assert_eq!((order["lines"][0]["vat"].clone(), story.environment.logs().contains(LEFT_OUT)), (json!("20"), false));
    let (story, _) = relayed(&json!({"vat": "НДС"}), answer(&json!({}))).await;
    let logs = story.environment.logs();
    let said = logs.lines().find(|line| line.contains(LEFT_OUT)).unwrap();
    assert!(said.contains("the order as IMSHOP sent it"), "{said}");
}

#[tokio::test]
async fn words_wait_in_the_queue_with_their_order() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(answer(&json!({"vat": 10, "subject": "service", "mode": "advance"}))).unwrap();
    let deps = story.environment.build(orders::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let event = Event::post("/v1/orders").key(IMSHOP_KEY).json(request(&json!({}))).rest();
    invoke(&deps, |deps, request| Box::pin(orders::handle(deps, request)), event).await;
    assert_eq!(story.environment.queues().messages(ORDERS_QUEUE).len(), 1);
    assert_eq!(story.environment.record_orders().await, 1);
    assert_eq!(words(&stored(&story, "uuid-1").await), [[json!("10"), json!("service"), json!("advance")]]);
}

#[tokio::test]
async fn last_answer_has_the_words_until_a_payment_lives() {
    let story = Story::start().await;
    for vat in ["20", "10"] {
        story.environment.advance(std::time::Duration::from_secs(1));
        story.environment.standins().shop_answers(answer(&json!({"vat": vat}))).unwrap();
        story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request(&json!({}))).rest()).await;
        assert_eq!(stored(&story, "uuid-1").await["lines"][0]["vat"], json!(vat));
    }
}

#[tokio::test]
async fn pushed_words_are_stored_and_a_wrong_one_is_named() {
    let story = Story::start().await;
    let said = json!({"vat": "22 %", "subject": "Service", "mode": "full_payment"});
    let items = json!([kettle(&json!({})), kettle(&said), kettle(&json!({"vat": null, "subject": null, "mode": null}))]);
    assert_eq!(put(&story, "pushed-1", &push(&items)).await.status, 200);
    let none = || [Value::Null, Value::Null, Value::Null];
    let order = stored(&story, "pushed-1").await;
    assert_eq!(words(&order), [none(), [json!("22"), json!("service"), json!("full_payment")], none()]);
    for field in ["vat", "subject", "mode"] {
        for word in odd().into_iter().chain([json!("")]) {
            let items = json!([kettle(&json!({})), kettle(&json!({field: word}))]);
            let answer = put(&story, "pushed-2", &push(&items)).await;
            assert_eq!((answer.status, &answer.json()["success"]), (400, &json!(false)), "{field} {word}: {}", answer.body);
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains(&format!("field `items[1].{field}`: must be a word like 20, none")), "{error}");
        }
    }
    assert_eq!(stored(&story, "pushed-2").await, Value::Null);
}

#[tokio::test]
async fn correction_keeps_words_with_the_lines_it_does_not_name() {
    let (story, order) = relayed(&json!({}), answer(&json!({"vat": 20, "subject": "service", "mode": "advance"}))).await;
    let id = order["order_id"].clone();
    let correction = json!({"orderId": id, "amount": "4000.00"});
    assert_eq!(put(&story, "uuid-1", &correction).await.status, 200);
    let kept = stored(&story, "uuid-1").await;
    assert_eq!((&kept["amount"], words(&kept)), (&json!(400_000), words(&order)));
    // Lines that are named are named whole.
    let mut correction = push(&json!([kettle(&json!({"vat": 10}))]));
    correction["orderId"] = id;
    for _ in 0..2 {
        assert_eq!(put(&story, "uuid-1", &correction).await.status, 200);
        assert_eq!(words(&stored(&story, "uuid-1").await), [[json!("10"), Value::Null, Value::Null]]);
    }
    // A receipt may have said it already: as little as the amount may it change under a payment.
    let placed = testkit::Placed { uuid: "uuid-1".to_owned(), id: order["order_id"].as_str().unwrap().to_owned() };
    assert_eq!(story.create(&placed).await.json()["success"], json!(true));
    assert_eq!(put(&story, "uuid-1", &correction).await.status, 200, "the same again is not a change");
    correction["items"][0]["vat"] = json!(20);
    assert_eq!(put(&story, "uuid-1", &correction).await.status, 409);
    assert_eq!(stored(&story, "uuid-1").await["lines"][0]["vat"], json!("10"));
}

/// A push of more lines than have room; the `n`th says what `said` makes of `n`. Its lines that stand for those beyond the room.
async fn gathered(said: impl Fn(usize) -> Value) -> Vec<Value> {
    let story = Story::start().await;
    let name = "ы".repeat(100);
    let items: Vec<_> = (0..2400).map(|n| with(json!({"name": name, "quantity": 1, "subtotal": "0.10"}), &said(n))).collect();
    let body = json!({"orderId": "2001", "amount": "240.00", "items": items});
    assert_eq!(put(&story, "pushed-1", &body).await.status, 200);
    let order = stored(&story, "pushed-1").await;
    let lines = order["lines"].as_array().unwrap();
    assert!(lines.len() < 800, "{}", lines.len());
    let sum: i64 = lines.iter().map(|line| line["subtotal"].as_i64().unwrap()).sum();
    assert_eq!(sum, 24_000, "they still add up");
    lines.iter().filter(|line| line["name"] != json!(name)).cloned().collect()
}

#[tokio::test]
async fn lines_beyond_the_room_are_one_for_each_way_of_taxing() {
    let rest = gathered(|_| json!({"vat": 10, "subject": "commodity", "mode": "advance"})).await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(words(&json!({"lines": rest})), [[json!("10"), json!("commodity"), json!("advance")]]);
    // Every third line is taxed at another rate: no receipt may say that it is not.
    let rest = gathered(|n| if n % 3 == 0 { json!({"vat": 10}) } else { json!({"vat": 20}) }).await;
    let mut rates: Vec<_> = rest.iter().map(|line| (line["vat"].clone(), line["subtotal"].as_i64().unwrap())).collect();
    rates.sort_by_key(|(_, sum)| *sum);
    let [(ten, of_ten), (twenty, of_twenty)] = rates.as_slice() else { panic!("{rates:?}") };
    assert_eq!((ten, twenty), (&json!("10"), &json!("20")));
    assert!((of_twenty - 2 * of_ten).abs() <= 20, "{rates:?}");
    // Nobody sells at so many rates: then receipts know nothing of it.
    let rest = gathered(|n| json!({"vat": n % 9, "subject": "commodity"})).await;
    assert_eq!(words(&json!({"lines": rest})), [[Value::Null, Value::Null, Value::Null]]);
    let rest = gathered(|n| json!({"vat": n % 8, "subject": "commodity"})).await;
    assert_eq!(rest.len(), 8, "{rest:?}");
}

#[tokio::test]
async fn long_words_count_in_what_fits() {
    let story = Story::start().await;
    let word = "w".repeat(40);
    let said = json!({"name": "x", "quantity": 1, "subtotal": "0.10", "vat": word, "subject": word, "mode": word});
    let body = json!({"orderId": "2001", "amount": "300.00", "items": vec![said; 3000]});
    assert_eq!(put(&story, "pushed-1", &body).await.status, 200);
    let order = stored(&story, "pushed-1").await;
    let lines = order["lines"].as_array().unwrap().len();
    assert!((300..400).contains(&lines), "{lines} lines of some 260 bytes in 100,000");
}
