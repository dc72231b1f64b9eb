//! What comes over HTTP, as events at the functions.

use std::cell::RefCell;

use sandbox::functions::Story;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, SHOP_KEY, SMS_REPORT_SECRET};
use testkit::{Answer, Event};
use tokio::runtime::{Builder, Runtime};

use crate::input::{corpus, inputs};
use crate::trial::try_all;

/// Statuses with a cause that no field has: a key, an address, a size, a state.
const NOT_A_FIELDS: [u16; 6] = [401, 403, 404, 405, 409, 413];

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// An answer with a 4xx says where it comes from, and nothing is a fault of ours.
pub(crate) fn is_told(answer: &Answer) -> Result<(), String> {
    let places = ["`", "the body", "the path", "must be", "must have", "must not"];
    match answer.status {
        200..=399 => Ok(()),
        status if NOT_A_FIELDS.contains(&status) => Ok(()),
        400..=499 if places.iter().any(|place| answer.body.contains(place)) => Ok(()),
        status => Err(format!("{status}: {}", answer.body)),
    }
}

/// Gives every input to a function, of an environment of its own with an order and an attempt to pay it. What the answers must be like
/// beside that is `check`'s to say.
fn send(folder: &str, function: &str, events: impl Fn(&Story, &[u8]) -> Vec<Event>) {
    let runtime = runtime();
    let story = runtime.block_on(async {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        story
    });
    let (files, tried) = (corpus(folder), RefCell::new(0_u32));
    try_all(&inputs(files.clone()), files, |input| {
        for event in events(&story, &input) {
            let answer = runtime.block_on(story.environment.call(function, event.rest()));
            is_told(&answer)?;
        }
        // What the environment remembers of each call would be all that the process takes.
        *tried.borrow_mut() += 1;
        if tried.borrow().is_multiple_of(16) {
            story.environment.sift_logs();
            story.environment.standins().forget_calls();
        }
        Ok(())
    });
}

#[test]
fn orders_are_taken_or_refused_where_they_are_wrong() {
    send("orders", "orders", |_, body| vec![Event::post("/v1/orders").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn pushed_orders_are_taken_or_refused_where_they_are_wrong() {
    send("push", "orders", |_, body| vec![Event::new("PUT", "/v1/orders/order-9").key(SHOP_KEY).bytes(body)]);
}

#[test]
fn a_cart_always_gets_its_list() {
    send("payments", "payments", |_, body| vec![Event::post("/v1/payments").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn commands_are_carried_out_or_refused_where_they_are_wrong() {
    send("acquiring", "acquiring", |_, body| vec![Event::post("/v1/acquiring").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn forms_are_taken_or_refused_where_they_are_wrong() {
    send("forms", "form-otp", |_, body| {
        ["/v1/forms", "/v1/forms/otp"].map(|path| Event::post(path).key(IMSHOP_KEY).bytes(body)).into()
    });
}

#[test]
fn what_mokka_says_is_a_hint_whatever_it_is() {
    send("callbacks", "mokka-callback", |story, body| {
        let payment = story.environment.standins().mokka_order("1001-1").unwrap();
        let (_, path) = payment.callback_url.split_once("/v1/").unwrap();
        vec![
            Event::post(&format!("/v1/{path}")).bytes(body),
            Event::post(&format!("/v1/{path}"))
                .query("signature", &String::from_utf8_lossy(body).chars().take(40).collect::<String>())
                .bytes(body),
            Event::post("/v1/mokka/registration/0123456789abcdef0123456789abcdef/x").bytes(body),
        ]
    });
}

#[test]
fn reports_of_sms_are_taken_as_far_as_they_can_be_read() {
    let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
    send("reports", "sms-reports", |_, body| vec![Event::post(&path).kind("text/xml").bytes(body)]);
}

#[test]
fn the_back_office_understands_everything_or_says_what_it_does_not() {
    let act = |path: &str, body: &[u8]| Event::post(path).key(CASHIER_KEY).bytes(body);
    send("back_office", "back-office", |_, body| {
        let payment = "/v1/back-office/payments/1001-1";
        vec![
            act(&format!("{payment}/change"), body),
            act(&format!("{payment}/finish"), body),
            act(&format!("{payment}/refunds"), body).header("Idempotency-Key", "return-1"),
            act("/v1/back-office/forms/search", body),
            act("/v1/back-office/erasures", body),
            act("/v1/back-office/registrations", body),
            act("/v1/back-office/schedules", body),
        ]
    });
}

#[test]
fn ids_in_paths_are_read_or_refused() {
    send("codes", "orders", |_, id| {
        let path = id.iter().take(300).map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        vec![Event::new("PUT", &format!("/v1/orders/{path}")).key(SHOP_KEY).text(r#"{"orderId": "2009", "amount": 5240}"#)]
    });
}
