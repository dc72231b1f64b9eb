//! Mokka's client from the outside: against scripted answers, and against the strict stand-in.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod answers;
mod callbacks;
mod requests;
mod scripted;
mod settings;
mod standin;

use std::time::Duration;

use shared::payments::mokka::types::{
    CartItem, ChangeRequest, CheckoutOrder, CheckoutRequest, FinishRequest, Price, RegistrationOrder, RegistrationRequest,
    ReturnRequest,
};
use shared::payments::mokka::{Client, Error};
use shared::platform::clock::{Deadline, Timestamp};
use shared::platform::money::{Currency, Decimal, Money, Quantity};

const PHONE: &str = "8881234567";
const ORDER: &str = "K-1001-1";

fn money(text: &str) -> Money {
    Money::new(Decimal::parse(text).unwrap(), Currency::Rub)
}

fn price(text: &str) -> Price {
    Price::try_from(money(text)).unwrap()
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

/// A month after the stand-ins' clock began.
fn valid_till() -> Timestamp {
    Timestamp::from_millis(standins::beginning().unix_timestamp() * 1000).plus(Duration::from_hours(24 * 30))
}

fn registration() -> RegistrationRequest {
    RegistrationRequest {
        callback_url: "https://pay.shop.example/registered".to_owned(),
        redirect_url: "https://shop.example/limit".to_owned(),
        primary_phone: Some(PHONE.to_owned()),
        primary_email: None,
        current_order: RegistrationOrder { order_id: "R-77".to_owned() },
        person: None,
        additional_data: None,
    }
}

fn checkout(order_id: &str) -> CheckoutRequest {
    let order = CheckoutOrder::new(order_id.to_owned(), money("5240").into(), valid_till().into());
    CheckoutRequest {
        primary_phone: Some(PHONE.to_owned()),
        ..CheckoutRequest::new("https://pay.shop.example/callback".to_owned(), "https://shop.example/back".to_owned(), order)
    }
}

fn change(order_id: &str, amount: &str) -> ChangeRequest {
    let kettle = CartItem { quantity: Some(Quantity::ONE), ..CartItem::new("Чайник".to_owned(), price(amount)) };
    ChangeRequest {
        order_id: order_id.to_owned(),
        amount: money(amount).into(),
        valid_till: Some(valid_till().into()),
        cart_items: vec![kettle],
    }
}

fn finish(order_id: &str, amount: &str) -> FinishRequest {
    FinishRequest {
        order_id: order_id.to_owned(),
        amount: money(amount).into(),
        check_number: "1001".to_owned(),
        check_link: None,
    }
}

fn refund(order_id: &str, amount: &str) -> ReturnRequest {
    ReturnRequest { order_id: order_id.to_owned(), amount: money(amount).into() }
}

/// The nine methods by the stand-in's names, and whether they only ask.
const METHODS: [(&str, bool); 9] = [
    ("registration", false),
    ("limit", true),
    ("checkout", false),
    ("schedule", true),
    ("status", true),
    ("change", false),
    ("cancel", false),
    ("finish", false),
    ("return", false),
];

/// Calls a method with a request that is in order; what it answers does not matter here.
async fn call(client: &Client, method: &str) -> Result<(), Error> {
    let deadline = deadline();
    match method {
        "registration" => client.registration(&registration(), deadline).await.map(drop),
        "limit" => client.limit(PHONE, deadline).await.map(drop),
        "checkout" => client.checkout(&checkout(ORDER), deadline).await.map(drop),
        "schedule" => client.schedule(money("5240"), deadline).await.map(drop),
        "status" => client.status(ORDER, deadline).await.map(drop),
        "change" => client.change(&change(ORDER, "5000"), deadline).await.map(drop),
        "cancel" => client.cancel(ORDER, deadline).await,
        "finish" => client.finish(&finish(ORDER, "5240"), b"%PDF-1.7", deadline).await,
        "return" => client.refund(&refund(ORDER, "5240"), deadline).await,
        _ => panic!("there is no method {method}"),
    }
}
