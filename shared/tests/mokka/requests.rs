//! The requests as sent: every documented field, and nothing that is absent.

use shared::payments::mokka::types::{AdditionalData, Channel, DeliveryInfo, Person};
use shared::platform::clock::Timestamp;
use time::macros::{date, datetime};

use super::standin::Mokka;
use super::*;

fn at(moment: time::OffsetDateTime) -> Timestamp {
    Timestamp::from_millis(moment.unix_timestamp() * 1000)
}

fn person() -> Person {
    Person {
        first_name: Some("Айгуль".to_owned()),
        surname: Some("Асанова".to_owned()),
        patronymic: Some("Маратовна".to_owned()),
        birth_date: Some(date!(1990 - 03 - 07)),
    }
}

fn additional() -> AdditionalData {
    AdditionalData {
        previous_url: Some("https://shop.example/sale".to_owned()),
        channel: Some(Channel::App),
        returning_customer: Some(true),
        bank_card: Some(false),
        last_orders: Some(3),
        same_address: Some(true),
    }
}

/// What the last call of `method` carried, to the letter.
fn sent(mokka: &Mokka, method: &str) -> String {
    mokka.calls(method).last().unwrap().raw.clone()
}

const PERSON: &str = r#""person":{"first_name":"Айгуль","surname":"Асанова","patronymic":"Маратовна","birth_date":"07.03.1990"}"#;
const ADDITIONAL: &str = r#""additional_data":{"previous_url":"https://shop.example/sale","channel":"app","returning_customer":true,"bank_card":false,"last_orders":"3","same_address":true}"#;

#[tokio::test]
async fn a_full_registration_and_a_bare_one() {
    let mokka = Mokka::start().await;
    let bare = RegistrationRequest { primary_phone: None, ..registration() };
    mokka.client.registration(&bare, deadline()).await.unwrap();
    let urls = r#""callback_url":"https://pay.shop.example/registered","redirect_url":"https://shop.example/limit""#;
    assert_eq!(sent(&mokka, "registration"), format!(r#"{{{urls},"current_order":{{"order_id":"R-77"}}}}"#));

    let full = RegistrationRequest {
        primary_email: Some("aigul@shop.example".to_owned()),
        person: Some(person()),
        additional_data: Some(additional()),
        ..registration()
    };
    mokka.client.registration(&full, deadline()).await.unwrap();
    let customer = r#""primary_phone":"8881234567","primary_email":"aigul@shop.example""#;
    let order = r#""current_order":{"order_id":"R-77"}"#;
    assert_eq!(sent(&mokka, "registration"), format!("{{{urls},{customer},{order},{PERSON},{ADDITIONAL}}}"));
}

#[tokio::test]
async fn a_full_checkout_and_a_bare_one() {
    let mokka = Mokka::start().await;
    let urls = r#""callback_url":"https://pay.shop.example/callback","redirect_url":"https://shop.example/back""#;
    let valid_till = at(datetime!(2099-12-31 21:05:09 UTC));
    let order = CheckoutOrder::new(ORDER.to_owned(), money("5240.5").into(), valid_till.into());
    let bare = CheckoutRequest { current_order: order.clone(), primary_phone: None, ..checkout(ORDER) };
    mokka.client.checkout(&bare, deadline()).await.unwrap();
    let bare = r#""current_order":{"order_id":"K-1001-1","valid_till":"01.01.2100 00:05:09+03:00","amount":"5240.50"}"#;
    assert_eq!(sent(&mokka, "checkout"), format!(r#"{{{urls},{bare},"skip_result_page":false}}"#));

    let kettle = CartItem {
        sku: Some("kettle-1".to_owned()),
        sale_price: Some(price("4500.1")),
        quantity: Some(Quantity::ONE),
        unit: Some("шт.".to_owned()),
        brand: Some("Чайка".to_owned()),
        category: Some("Кухня".to_owned()),
        ..CartItem::new("Чайник".to_owned(), price("4990"))
    };
    let tea =
        CartItem { quantity: Some(Quantity::parse("0.125").unwrap()), ..CartItem::new("Чай".to_owned(), price("2000.29")) };
    let full = CheckoutRequest {
        primary_email: Some("aigul@shop.example".to_owned()),
        current_order: CheckoutOrder { term: Some(6), prepayment_amount: Some(money("1000").into()), ..order },
        person: Some(person()),
        cart_items: vec![kettle, tea],
        skip_result_page: true,
        delivery_info: Some(DeliveryInfo {
            first_name: Some("Бакыт".to_owned()),
            surname: Some("Асанов".to_owned()),
            patronymic: Some("Маратович".to_owned()),
            kind: Some("courier".to_owned()),
            address: Some("ул. Киевская, 1".to_owned()),
            phone: Some("8887654321".to_owned()),
            email: Some("bakyt@shop.example".to_owned()),
        }),
        additional_data: Some(additional()),
        ..checkout(ORDER)
    };
    mokka.client.checkout(&full, deadline()).await.unwrap();
    let expected = [
        urls,
        r#""primary_phone":"8881234567","primary_email":"aigul@shop.example""#,
        r#""current_order":{"order_id":"K-1001-1","valid_till":"01.01.2100 00:05:09+03:00","term":6,"amount":"5240.50","prepayment_amount":"1000.00"}"#,
        PERSON,
        r#""cart_items":[{"sku":"kettle-1","name":"Чайник","price":4990.00,"sale_price":4500.10,"quantity":1,"unit":"шт.","brand":"Чайка","category":"Кухня"},{"name":"Чай","price":2000.29}]"#,
        r#""skip_result_page":true"#,
        r#""delivery_info":{"first_name":"Бакыт","surname":"Асанов","patronymic":"Маратович","type":"courier","address":"ул. Киевская, 1","phone":"8887654321","email":"bakyt@shop.example"}"#,
        ADDITIONAL,
    ];
    assert_eq!(sent(&mokka, "checkout"), format!("{{{}}}", expected.join(",")));
}

#[tokio::test]
async fn a_change_sends_the_fields_of_its_own_table() {
    let mokka = Mokka::start().await;
    mokka.hold(ORDER).await;
    let kettle = CartItem {
        sku: Some("kettle-1".to_owned()),
        sale_price: Some(price("4500")),
        quantity: Some(Quantity::parse("2").unwrap()),
        unit: Some("шт.".to_owned()),
        brand: Some("Чайка".to_owned()),
        category: Some("Кухня".to_owned()),
        ..CartItem::new("Чайник".to_owned(), price("4990"))
    };
    let tea =
        CartItem { quantity: Some(Quantity::parse("0.125").unwrap()), ..CartItem::new("Чай".to_owned(), price("2000.29")) };
    let request = ChangeRequest { valid_till: None, cart_items: vec![kettle, tea], ..change(ORDER, "4500") };
    mokka.client.change(&request, deadline()).await.unwrap();
    let lines = r#"{"sku":"kettle-1","name":"Чайник","price":4990.00,"sale_price":4500.00,"quantity":2,"brand":"Чайка"},{"name":"Чай","price":2000.29,"quantity":0.125}"#;
    assert_eq!(sent(&mokka, "change"), format!(r#"{{"order_id":"K-1001-1","amount":"4500.00","cart_items":[{lines}]}}"#));

    let valid_till = at(datetime!(2099-06-05 04:03:02 UTC));
    let request = ChangeRequest { valid_till: Some(valid_till.into()), ..change(ORDER, "4500") };
    mokka.client.change(&request, deadline()).await.unwrap();
    let line = r#"{"name":"Чайник","price":4500.00,"quantity":1}"#;
    let order = r#""order_id":"K-1001-1","amount":"4500.00","valid_till":"05.06.2099 07:03:02+03:00""#;
    assert_eq!(sent(&mokka, "change"), format!(r#"{{{order},"cart_items":[{line}]}}"#));
}

#[tokio::test]
async fn the_small_requests() {
    let mokka = Mokka::start().await;
    mokka.hold(ORDER).await;
    mokka.client.limit(PHONE, deadline()).await.unwrap();
    mokka.client.schedule(money("5240"), deadline()).await.unwrap();
    mokka.client.status(ORDER, deadline()).await.unwrap();
    let receipt = FinishRequest { check_link: Some("https://ofd.example/r/1".to_owned()), ..finish(ORDER, "5240") };
    mokka.client.finish(&receipt, b"%PDF-1.7", deadline()).await.unwrap();
    mokka.client.refund(&refund(ORDER, "5240"), deadline()).await.unwrap();
    mokka.client.cancel(ORDER, deadline()).await.unwrap_err();
    for (method, body) in [
        ("limit", r#"{"client":{"mobile_phone":"8881234567"}}"#),
        ("schedule", r#"{"amount":"5240.00"}"#),
        ("status", r#"{"order_id":"K-1001-1"}"#),
        ("cancel", r#"{"order_id":"K-1001-1"}"#),
        ("finish", r#"{"order_id":"K-1001-1","amount":"5240.00","check_number":"1001","check_link":"https://ofd.example/r/1"}"#),
        ("return", r#"{"order_id":"K-1001-1","amount":"5240.00"}"#),
    ] {
        assert_eq!(sent(&mokka, method), body);
    }
    let check = mokka.calls("finish")[0].check.clone().unwrap();
    assert_eq!((check.filename.as_deref(), check.content_type.as_deref()), (Some("check.pdf"), Some("application/pdf")));
    assert_eq!(check.bytes, b"%PDF-1.7"[..]);
}
