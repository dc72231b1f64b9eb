//! An order of which a part is paid beside the instalments, in both ways of Mokka's document, whichever way Mokka names the amount.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, Fault, Options, System};
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use testkit::{Event, Placed};

use crate::{AMOUNT, Shop, Story, assert_refused};

/// What is prepaid in these tests, and what is left of [`AMOUNT`] for Mokka.
const PREPAID: &str = "1000.00";
const REST: &str = "2250.00";
const PAGE: &str = "https://shop.example/prepay?order=1";
const POLICIES: [&str; 2] = ["on_hold", "on_shipment"];
const NAMES: [&str; 2] = ["rest", "whole"];

/// An order of a shop that answers with these fields, and its payment, on Mokka's page.
async fn pending(policy: &str, readings: &[(&str, &str)], answered: Value) -> Shop {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", policy)]).await;
    for (name, value) in readings {
        story.environment.standins().set_reading(name, value).unwrap();
    }
    story.environment.standins().shop_answers(answered).unwrap();
    let order = story.order().await;
    let created = story.create(&order).await.json();
    assert_eq!(created["success"], json!(true), "{created}");
    let payment = order.payment(1);
    Shop { story, order, payment }
}

fn prepaid() -> Value {
    json!({ "prepayment": PREPAID })
}

/// Mokka's callback as it would send it.
async fn callback(shop: &Shop, amount: &str, prepayment: Value, total: Value) {
    let order = shop.mokka();
    let path = url::Url::parse(&order.callback_url).unwrap().path().to_owned();
    let body = json!({"order_id": shop.payment, "decision": "approved", "amount": amount, "prepayment_amount": prepayment,
        "total_amount": total, "term": 3});
    assert_eq!(shop.story.mokka(Event::post(&path).json(body).rest()).await.status, 200);
}

async fn approved(shop: &Shop) {
    shop.story.decide(&shop.payment, Decision::Approved).await;
}

fn amounts(shop: &Shop, method: &str) -> Vec<Value> {
    let calls = shop.story.environment.standins().calls_to(System::Mokka, method);
    calls.iter().map(|call| if method == "finish" { &call.body["body"] } else { &call.body }["amount"].clone()).collect()
}

async fn stored_order(story: &Story, uuid: &str) -> Value {
    story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default()
}

async fn stored(shop: &Shop) -> Value {
    shop.story.payment(&shop.payment).await
}

#[tokio::test]
async fn prepaid_order_is_captured_and_refunded_with_either_amount() {
    for (policy, named) in POLICIES.into_iter().flat_map(|policy| NAMES.map(|named| (policy, named))) {
        for after_return in ["whole", "rest"] {
            let about = format!("{policy}, {named}, {after_return} after a return");
            let readings = [("prepaid_amount", named), ("amount_after_return", after_return)];
            let shop = pending(policy, &readings, prepaid()).await;
            let checkout = shop.story.environment.standins().calls_to(System::Mokka, "checkout")[0].body.clone();
            assert_eq!(
                (&checkout["current_order"]["amount"], &checkout["current_order"]["prepayment_amount"]),
                (&json!(AMOUNT), &json!(PREPAID)),
                "{about}"
            );
            assert!(checkout["cart_items"].is_array(), "the goods are those of the whole order: {checkout}");
            approved(&shop).await;
            let in_callback = if named == "whole" { AMOUNT } else { REST };
            callback(&shop, in_callback, json!(PREPAID), json!(3250)).await;
            if policy == "on_shipment" {
                assert_eq!(shop.state().await, "held", "{about}");
                assert_eq!(amounts(&shop, "change"), [json!(in_callback)], "{about}: it is held longer");
                assert_eq!(shop.finish().await.status, 200, "{about}");
            }
            assert_eq!(shop.state().await, "captured", "{about}: {}", stored(&shop).await);
            assert_eq!(amounts(&shop, "finish"), [json!(in_callback)], "{about}");
            let kept = stored(&shop).await;
            assert_eq!(
                (&kept["amount"], &kept["prepaid"]["amount"], &kept["prepaid"]["named"]),
                (&json!(225_000), &json!(100_000), &json!(named))
            );
            assert_eq!(kept.get("mismatch"), None, "{about}");
            shop.story.environment.advance(Duration::from_hours(24));
            assert_refused(&shop.refund("much", Some("2250.01")).await, 409, "above_rest", &about);
            assert_eq!(shop.refund("part", Some("1000.00")).await.status, 200, "{about}");
            let seen = shop.settle().await.json()["payment"].clone();
            assert_eq!((&seen["state"], &seen["mismatch"]), (&json!("partially_refunded"), &json!(null)), "{about}");
            assert_eq!(shop.refund("rest", None).await.json()["refund"]["amount"], json!("1250.00"), "{about}");
            let seen = shop.settle().await.json()["payment"].clone();
            assert_eq!(
                (&seen["state"], &seen["amount"], &seen["prepayment"], &seen["mismatch"]),
                (&json!("refunded"), &json!(REST), &json!(PREPAID), &json!(null)),
                "{about}"
            );
            assert_eq!(shop.mokka().returned, REST, "{about}: never what the shop got itself");
        }
    }
}

#[tokio::test]
async fn cabinet_refund_equal_to_prepayment_needs_manual_review() {
    for named in NAMES {
        let shop = pending("on_hold", &[("prepaid_amount", named), ("amount_after_return", "rest")], prepaid()).await;
        approved(&shop).await;
        callback(&shop, REST, json!(PREPAID), json!(null)).await;
        assert_eq!(shop.story.capture(&shop.payment).await.json()["success"], json!(true));
        assert_eq!(shop.state().await, "captured");
        shop.story.environment.advance(Duration::from_hours(24));
        // 3250.00 less this is what the rest is called, too.
        shop.story.environment.standins().give_back_at_mokka(&shop.payment, PREPAID).unwrap();
        shop.settle().await;
        assert!(stored(&shop).await["mismatch"].is_string(), "{named}: {}", stored(&shop).await);
    }
}

/// A Mokka that does not know of the prepayment has lent the customer everything.
#[tokio::test]
async fn a_whole_amount_counts_only_once_mokka_has_said_the_prepayment() {
    let shop = pending("on_hold", &[("prepaid_amount", "whole")], prepaid()).await;
    approved(&shop).await;
    assert_ne!(shop.story.capture(&shop.payment).await.json()["paymentCaptured"], json!(true));
    assert!(stored(&shop).await["mismatch"].is_string());
    for unproven in [json!(null), json!("0.00"), json!("999.00")] {
        callback(&shop, AMOUNT, unproven.clone(), json!(null)).await;
        assert!(stored(&shop).await["mismatch"].is_string(), "{unproven}");
    }
    callback(&shop, AMOUNT, json!(PREPAID), json!(9999)).await;
    assert_eq!(
        (amounts(&shop, "finish").len(), stored(&shop).await["prepaid"].get("confirmed")),
        (0, None),
        "it does not add up"
    );
    callback(&shop, AMOUNT, json!(PREPAID), json!(3250)).await;
    let kept = stored(&shop).await;
    assert_eq!((&kept["state"], kept.get("mismatch"), &kept["amount"]), (&json!("captured"), None, &json!(225_000)), "{kept}");
    assert_eq!(amounts(&shop, "finish"), [json!(AMOUNT)]);
}

/// Browser and callback leave Mokka at the same moment.
#[tokio::test]
async fn what_is_prepaid_is_noted_although_another_call_is_under_way() {
    for late in [200, 6000] {
        let readings = [("prepaid_amount", "whole"), ("prepayment_on_form", "thousand")];
        let shop = pending("on_hold", &readings, json!({ "prepaymentUrl": PAGE })).await;
        approved(&shop).await;
        shop.story.environment.standins().fault(System::Mokka, "change", Fault::Late(late), 1).unwrap();
        let path = url::Url::parse(&shop.mokka().callback_url).unwrap().path().to_owned();
        let body = json!({"order_id": shop.payment, "decision": "approved", "amount": AMOUNT, "prepayment_amount": PREPAID,
            "total_amount": 3250, "term": 3});
        let say = || shop.story.mokka(Event::post(&path).json(body.clone()).rest());
        let meanwhile = async {
            while shop.story.environment.standins().calls_to(System::Mokka, "change").is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            say().await
        };
        let (_, answer) = tokio::join!(shop.story.come_back(&shop.payment), meanwhile);
        // Either it is noted, or Mokka is asked to say it again.
        if answer.status != 200 {
            assert_eq!(answer.status, 503, "{late}: {}", answer.body);
            assert_eq!(say().await.status, 200, "{late}");
        }
        let kept = stored(&shop).await;
        assert_eq!((&kept["amount"], &kept["prepaid"]["amount"]), (&json!(225_000), &json!(100_000)), "{late}: {kept}");
        assert_eq!(shop.finish().await.status, 200, "{late}");
        assert_eq!(shop.refund("all", None).await.json()["refund"]["amount"], json!(REST), "{late}");
    }
}

#[tokio::test]
async fn a_hold_of_a_prepaid_order_is_changed_canceled_and_given_back_whole() {
    for named in NAMES {
        let shop = pending("on_shipment", &[("prepaid_amount", named)], prepaid()).await;
        approved(&shop).await;
        callback(&shop, REST, json!(PREPAID), json!(null)).await;
        shop.story.environment.standins().forget_calls();
        let answer = shop.change("2000.00").await;
        assert_eq!(answer.status, 200, "{named}: {}", answer.body);
        assert_eq!(amounts(&shop, "change"), [json!(if named == "whole" { "3000.00" } else { "2000.00" })]);
        assert_eq!(shop.mokka().amount, "2000.00");
        let order = stored_order(&shop.story, &shop.order.uuid).await;
        assert_eq!(order["amount"], json!(300_000), "the order costs what is held and what is prepaid");
        if named == "rest" {
            assert_eq!(shop.cancel().await.status, 200);
            assert_eq!((shop.state().await.as_str(), shop.mokka().cancels), ("canceled", 1));
        } else {
            assert_eq!(shop.finish().await.status, 200);
            assert_eq!(amounts(&shop, "finish"), [json!("3000.00")]);
            assert_eq!(shop.refund("all", None).await.json()["refund"]["amount"], json!("2000.00"));
            assert_eq!((shop.state().await.as_str(), shop.mokka().returned.as_str()), ("refunded", "2000.00"));
        }
    }
}

#[tokio::test]
async fn an_amount_that_is_neither_is_a_mismatch() {
    for wrong in ["2250.01", "3249.99", "1250.00", "4250.00", "0.00"] {
        let shop = pending("on_hold", &[], prepaid()).await;
        approved(&shop).await;
        shop.story.environment.standins().set_mokka_amount(&shop.payment, wrong).unwrap();
        callback(&shop, wrong, json!(PREPAID), json!(null)).await;
        assert!(stored(&shop).await["mismatch"].is_string(), "{wrong}");
        assert!(amounts(&shop, "finish").is_empty(), "{wrong}");
    }
}

#[tokio::test]
async fn a_finish_that_wants_the_other_amount_is_made_with_it() {
    for named in NAMES {
        let shop = pending("on_hold", &[("prepaid_amount", named), ("prepaid_commands", "otherwise")], prepaid()).await;
        approved(&shop).await;
        callback(&shop, REST, json!(PREPAID), json!(null)).await;
        let tried = if named == "whole" { [json!(AMOUNT), json!(REST)] } else { [json!(REST), json!(AMOUNT)] };
        assert_eq!((amounts(&shop, "finish"), shop.mokka().finishes), (tried.to_vec(), 1), "{named}");
        assert_eq!((shop.state().await.as_str(), &stored(&shop).await["amount"]), ("captured", &json!(225_000)));
    }
}

#[tokio::test]
async fn change_read_back_differently_needs_manual_review() {
    for named in NAMES {
        let shop = pending("on_shipment", &[("prepaid_amount", named), ("prepaid_commands", "otherwise")], prepaid()).await;
        approved(&shop).await;
        callback(&shop, REST, json!(PREPAID), json!(null)).await;
        shop.settle().await;
        assert_refused(&shop.finish().await, 409, "mismatch", named);
        assert!(stored(&shop).await["mismatch"].is_string(), "{named}");
        assert_eq!(shop.mokka().finishes, 0, "{named}: nothing is captured before a person has looked");
    }
}

#[tokio::test]
async fn a_prepayment_chosen_on_the_form_is_heard_of_by_callback_or_status() {
    for (named, by_callback) in [("rest", true), ("whole", true), ("rest", false)] {
        for policy in POLICIES {
            let about = format!("{named}, {policy}, by callback: {by_callback}");
            let readings = [("prepaid_amount", named), ("prepayment_on_form", "thousand")];
            let shop = pending(policy, &readings, json!({ "prepaymentUrl": PAGE })).await;
            let checkout = shop.story.environment.standins().calls_to(System::Mokka, "checkout")[0].body.clone();
            assert_eq!((&checkout["current_order"]["amount"], &checkout["skip_result_page"]), (&json!(AMOUNT), &json!(true)));
            assert_eq!(checkout["current_order"].get("prepayment_amount"), None, "{about}");
            approved(&shop).await;
            if by_callback {
                callback(&shop, if named == "whole" { AMOUNT } else { REST }, json!(PREPAID), json!(3250)).await;
            }
            let back = shop.story.come_back(&shop.payment).await;
            assert_eq!((back.status, back.headers.get("location").map(String::as_str)), (303, Some(PAGE)), "{about}");
            assert_eq!((shop.state().await.as_str(), amounts(&shop, "finish").len()), ("held", 0), "{about}: the shop decides");
            let captured = shop.story.capture(&shop.payment).await.json();
            assert_ne!(captured["paymentStatus"], json!("paid"), "{about}: {captured}");
            assert!(
                !stored(&shop).await["history"].to_string().contains("paid"),
                "{about}: IMSHOP hears of it when both are paid"
            );
            let kept = stored(&shop).await;
            assert_eq!(
                (&kept["amount"], &kept["prepaid"]["amount"], kept.get("mismatch")),
                (&json!(225_000), &json!(100_000), None),
                "{about}"
            );
            assert_eq!(shop.finish().await.status, 200, "{about}");
            assert_eq!((shop.state().await.as_str(), shop.mokka().finishes), ("captured", 1), "{about}");
            assert_eq!(shop.refund("all", None).await.json()["refund"]["amount"], json!(REST), "{about}");
            assert_eq!((shop.state().await.as_str(), shop.mokka().returned.as_str()), ("refunded", REST), "{about}");
        }
    }
}

#[tokio::test]
async fn shop_hears_the_right_amount_when_the_prepayment_is_heard_of_after_the_capture() {
    let readings = [("prepaid_amount", "whole"), ("prepayment_on_form", "thousand")];
    let shop = pending("on_shipment", &readings, json!({ "prepaymentUrl": PAGE })).await;
    approved(&shop).await;
    shop.story.come_back(&shop.payment).await;
    assert_eq!(shop.finish().await.status, 200);
    let environment = &shop.story.environment;
    let in_books = async || {
        environment.advance(Duration::from_mins(1));
        environment.poll_stream().await;
        let books = environment.standins().shop_books();
        let order = environment.standins().shop_book(&shop.order.id).unwrap();
        (order["payments"][0]["state"].clone(), order["payments"][0]["amount"].clone(), books["step_backs"].clone())
    };
    assert_eq!(in_books().await, (json!("paid"), json!(AMOUNT), json!([])));
    callback(&shop, AMOUNT, json!(PREPAID), json!(3250)).await;
    assert_eq!(in_books().await, (json!("paid"), json!(REST), json!([])));
    let paid = |event: &Value| event["body"]["type"] == "payment.paid" || event["type"] == "payment.paid";
    assert_eq!(environment.standins().shop_events().iter().filter(|event| paid(event)).count(), 2);
    callback(&shop, AMOUNT, json!(PREPAID), json!(3250)).await;
    assert_eq!(in_books().await.1, json!(REST));
    assert_eq!(environment.standins().shop_events().iter().filter(|event| paid(event)).count(), 2, "once");
}

#[tokio::test]
async fn form_without_prepayment_and_declined_form_settle_as_usual() {
    let shop = pending("on_hold", &[], json!({ "prepaymentUrl": PAGE })).await;
    approved(&shop).await;
    callback(&shop, AMOUNT, json!("0.00"), json!(3250)).await;
    assert_eq!((shop.state().await.as_str(), &stored(&shop).await["amount"]), ("held", &json!(325_000)));
    assert_eq!(shop.finish().await.status, 200);
    assert_eq!((amounts(&shop, "finish"), shop.state().await.as_str()), (vec![json!(AMOUNT)], "captured"));

    let shop = pending("on_hold", &[], json!({ "prepaymentUrl": PAGE })).await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    let back = shop.story.come_back(&shop.payment).await;
    assert_ne!(back.headers.get("location").map(String::as_str), Some(PAGE), "nothing is to be prepaid for what is not sold");
    assert_eq!(shop.state().await, "declined");
}

#[tokio::test]
async fn prepayment_unknown_to_the_shop_needs_manual_review() {
    for named in NAMES {
        let shop = pending("on_hold", &[("prepayment_on_form", "thousand"), ("prepaid_amount", "rest")], json!({})).await;
        approved(&shop).await;
        callback(&shop, REST, json!(PREPAID), json!(3250)).await;
        assert!(stored(&shop).await["mismatch"].is_string(), "{named}");
        assert_eq!(shop.mokka().finishes, 0);
    }
}

#[tokio::test]
async fn callbacks_whose_amounts_do_not_add_up_split_nothing() {
    for (amount, prepayment, total) in [
        (REST, json!(PREPAID), json!(9999)),
        ("2000.00", json!(PREPAID), json!(3250)),
        (AMOUNT, json!("3250.00"), json!(3250)),
        (AMOUNT, json!("4000.00"), json!(null)),
        (AMOUNT, json!("soon"), json!(3250)),
    ] {
        let shop = pending("on_hold", &[], json!({ "prepaymentUrl": PAGE })).await;
        approved(&shop).await;
        callback(&shop, amount, prepayment.clone(), total).await;
        let kept = stored(&shop).await;
        assert_eq!((&kept["amount"], kept["prepaid"].get("amount")), (&json!(325_000), None), "{amount} {prepayment}");
    }
}

#[tokio::test]
async fn a_prepayment_that_leaves_nothing_or_cannot_be_read_is_not_paid() {
    for answered in [
        json!({"prepayment": "3250.00"}),
        json!({"prepayment": 3251}),
        json!({"prepayment": "some"}),
        json!({"prepayment": -1}),
        json!({"prepaymentUrl": "shop.example/prepay"}),
        json!({"prepaymentUrl": "javascript:alert(1)"}),
        json!({"prepaymentUrl": 7}),
        json!({"prepayment": "1000", "prepaymentUrl": PAGE}),
    ] {
        let story = Story::start().await;
        story.environment.standins().shop_answers(answered.clone()).unwrap();
        let order = story.order().await;
        assert_eq!(story.create(&order).await.json()["success"], json!(false), "{answered}");
        assert_eq!(story.environment.standins().calls_to(System::Mokka, "checkout").len(), 0, "{answered}");
    }
    for none in
        [json!({"prepayment": 0}), json!({"prepayment": null}), json!({"prepaymentUrl": ""}), json!({"prepaymentUrl": null})]
    {
        let shop = pending("on_hold", &[], none.clone()).await;
        assert_eq!(stored(&shop).await.get("prepaid"), None, "{none}");
    }
}

/// The shop pushes the amount of an order that its answer left in doubt.
#[tokio::test]
async fn what_is_prepaid_is_not_forgotten_where_the_amount_is_pushed_later() {
    let answered = async |answer: Value| {
        let story = Story::start().await;
        story.environment.standins().shop_answers(answer).unwrap();
        let order = story.order().await;
        assert_eq!(story.create(&order).await.json()["success"], json!(false));
        (story, order)
    };
    let put = async |story: &Story, order: &Placed, mut fields: Value| {
        fields["orderId"] = json!(order.id);
        story.orders(Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY).json(fields).rest()).await.status
    };
    let (story, order) = answered(json!({"price": "5.240", "prepayment": 1000})).await;
    assert_eq!(put(&story, &order, json!({"amount": "1000.00"})).await, 400, "nothing is left");
    assert_eq!(put(&story, &order, json!({"amount": "5240.00"})).await, 200);
    assert_eq!(stored_order(&story, &order.uuid).await["prepayment"], json!(100_000));
    for doubtful in [json!({"prepayment": "1.000"}), json!({"prepayment": ""}), json!({"prepaymentUrl": 7})] {
        let (story, order) = answered(doubtful.clone()).await;
        assert_eq!(put(&story, &order, json!({"amount": "5240.00"})).await, 400, "{doubtful}");
        assert_eq!(story.create(&order).await.json()["success"], json!(false), "{doubtful}");
        assert_eq!(put(&story, &order, json!({"amount": "5240.00", "prepayment": 0})).await, 200, "{doubtful}");
        assert_eq!(story.create(&order).await.json()["success"], json!(true), "{doubtful}");
    }
}

#[tokio::test]
async fn a_page_for_a_prepayment_may_have_letters_of_any_script() {
    let shop = pending("on_hold", &[], json!({ "prepaymentUrl": "https://магазин.рф/предоплата" })).await;
    approved(&shop).await;
    let back = shop.story.come_back(&shop.payment).await;
    let page = "https://xn--80aaafg4a8c0d.xn--p1ai/%D0%BF%D1%80%D0%B5%D0%B4%D0%BE%D0%BF%D0%BB%D0%B0%D1%82%D0%B0";
    let location = back.headers.get("location").unwrap();
    assert!(location.is_ascii() && location.ends_with(&page[page.len() - 55..]), "{location}");
}

#[tokio::test]
async fn a_prepayment_that_changes_while_the_rest_is_being_paid_is_heard_of() {
    let story = Story::start().await;
    let place = async |prepayment: Value| {
        story.environment.standins().shop_answers(json!({"id": "A-1", "prepayment": prepayment})).unwrap();
        story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-1")).rest()).await;
        stored_order(&story, "uuid-1").await["prepayment"].clone()
    };
    assert_eq!(place(json!(500)).await, json!(50_000));
    assert_eq!(place(json!(1000)).await, json!(100_000), "before it is paid the last word counts");
    assert_eq!(story.create(&Placed { uuid: "uuid-1".to_owned(), id: "A-1".to_owned() }).await.json()["success"], json!(true));
    story.environment.advance(Duration::from_mins(1));
    assert_eq!(place(json!(1500)).await, json!(100_000));
    assert!(story.environment.logs().contains("the shop answers an order otherwise than the one that is being paid"));
}

#[tokio::test]
async fn the_shops_system_pushes_a_prepayment_and_takes_it_back() {
    let story = Story::start().await;
    let put = async |body: Value| {
        let event = Event::new("PUT", "/v1/orders/pushed-1").key(SHOP_KEY).json(body);
        story.orders(event.rest()).await.status
    };
    let with = |field: &str, value: Value| json!({"orderId": "A-17", "amount": "4990.00", field: value});
    for (field, value) in [
        ("prepayment", json!("4990.00")),
        ("prepayment", json!("5000")),
        ("prepayment", json!(-5)),
        ("prepayment", json!("some")),
        ("prepaymentUrl", json!("http://shop.example/prepay")),
        ("prepaymentUrl", json!("prepay")),
    ] {
        assert_eq!(put(with(field, value.clone())).await, 400, "{field} {value}");
    }
    assert_eq!(put(json!({"orderId": "A-17", "amount": "4990.00", "prepayment": 1, "prepaymentUrl": PAGE})).await, 400);
    let stored = async || stored_order(&story, "pushed-1").await;
    assert_eq!(put(with("prepayment", json!("990.00"))).await, 200);
    assert_eq!(put(with("name", json!("Анна"))).await, 200);
    assert_eq!(stored().await["prepayment"], json!(99_000), "what is left out stays");
    assert_eq!(put(json!({"orderId": "A-17", "amount": "990.00"})).await, 400, "nothing would be left");
    assert_eq!(put(with("prepaymentUrl", json!(PAGE))).await, 200);
    assert_eq!((stored().await.get("prepayment"), &stored().await["prepayment_page"]), (None, &json!(PAGE)));
    assert_eq!(put(with("prepayment", json!(0))).await, 200);
    assert_eq!((stored().await.get("prepayment"), stored().await.get("prepayment_page")), (None, None));
    assert_eq!(put(with("prepayment", json!(990))).await, 200);
    let created = story.create(&Placed { uuid: "pushed-1".to_owned(), id: "A-17".to_owned() }).await.json();
    assert_eq!(created["success"], json!(true), "{created}");
    let checkout = story.environment.standins().calls_to(System::Mokka, "checkout")[0].body["current_order"].clone();
    assert_eq!((&checkout["amount"], &checkout["prepayment_amount"]), (&json!("4990.00"), &json!("990.00")));
}
