//! A customer calls: no code comes, or none is taken any more. The shop's people see why, and lift it.

use std::time::Duration;

use sandbox::functions::Everything;
use serde_json::{Value, json};
use testkit::settings::{IMSHOP_KEY, OPERATOR_KEY, VIEWER_KEY};
use testkit::{Answer, Cast as _, Event, TestEnvironment, canary, invoke};
use time::UtcOffset;

const PHONE: &str = "996770102030";

/// A shop's forms and its back office, at the beginning of a day of UTC, so that the windows hold a whole test.
struct Shop {
    environment: TestEnvironment,
    forms: form_otp::Deps,
    office: back_office::Deps,
}

impl Shop {
    async fn start() -> Self {
        let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
        let now = environment.clock().now();
        environment.advance(now.next_day(UtcOffset::UTC).since(now));
        let (forms, office) =
            (environment.build(form_otp::Deps::from_env, &[]), environment.build(back_office::Deps::from_env, &[]));
        Self { environment, forms, office }
    }

    async fn post(&self, path: &str, data: Value) -> Value {
        let form = json!({"formName": "callback", "installId": "install-1", "data": data});
        let event = Event::post(path).key(IMSHOP_KEY).json(form).rest();
        invoke(&self.forms, |deps, request| Box::pin(form_otp::handle(deps, request)), event).await.json()
    }

    /// Whether a code was sent.
    async fn send(&self) -> bool {
        self.post("/v1/forms/otp", json!({"name": canary::NAME, "phone": PHONE})).await["success"] == json!(true)
    }

    async fn enter(&self, code: &str) -> Value {
        self.post("/v1/forms", json!({"name": canary::NAME, "phone": PHONE, "otpCode": code})).await
    }

    async fn office(&self, route: &str, key: &str, phone: &str) -> Answer {
        let event = Event::post(&format!("/v1/back-office/codes/{route}")).key(key).json(json!({"phone": phone})).rest();
        invoke(&self.office, |deps, request| Box::pin(back_office::handle(deps, request)), event).await
    }

    async fn seen(&self) -> Value {
        let answer = self.office("search", VIEWER_KEY, "+996 770 10-20-30").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Sends codes until no more are sent; how many.
    async fn use_up(&self) -> usize {
        let mut sent = 0;
        while self.send().await {
            sent += 1;
            assert!(sent < 20, "there is a limit");
            self.environment.advance(Duration::from_mins(2));
        }
        sent
    }
}

#[tokio::test]
async fn limits_of_a_phone_are_seen_and_lifted_and_its_code_stays() {
    let shop = Shop::start().await;
    let nothing = shop.seen().await;
    assert_eq!((&nothing["sent_at"], &nothing["codes"], &nothing["wrong_codes"]), (&json!([]), &json!([]), &json!(0)));
    let sent = shop.use_up().await;
    let code = shop.environment.standins().inbox(Some(PHONE)).pop().unwrap().code;
    assert_ne!(shop.enter("0000").await["success"], json!(true));
    let seen = shop.seen().await;
    assert_eq!(seen["sent_at"].as_array().map(Vec::len), Some(sent), "{seen}");
    let last = seen["codes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["form"], &last["checks"], &last["entered"]), (&json!("callback"), &json!(1), &json!(false)), "{seen}");
    assert!(last["valid_till"].is_string() && seen["wrong_codes"] == json!(1), "{seen}");
    assert!(!seen.to_string().contains(PHONE) && !seen.to_string().contains(&code), "{seen}");

    assert_eq!(shop.office("lift", VIEWER_KEY, PHONE).await.status, 403);
    assert!(!shop.send().await);
    let lifted = shop.office("lift", OPERATOR_KEY, "0770 102 030").await;
    let body = lifted.json();
    assert_eq!((lifted.status, &body["codes"], &body["wrong_codes"]), (200, &json!(sent), &json!(1)), "{}", lifted.body);
    assert_eq!(shop.enter(&code).await["success"], json!(true), "the code that was sent is still right");
    assert_eq!(shop.use_up().await, sent, "as many again");
    let logs = shop.environment.logs();
    assert!(logs.contains("the limits of a phone were lifted") && !logs.contains(PHONE));
}

#[tokio::test]
async fn wrong_codes_of_a_day_are_lifted() {
    let shop = Shop::start().await;
    for _ in 0..4 {
        assert!(shop.send().await);
        for _ in 0..5 {
            assert_ne!(shop.enter("0000").await["success"], json!(true));
        }
        shop.environment.advance(Duration::from_mins(2));
    }
    assert_eq!(shop.seen().await["wrong_codes"], json!(20));
    assert!(!shop.send().await, "a new one could not be entered");
    // The installation has a day of its own, which is another customer's if the phone is.
    assert_eq!(shop.office("lift", OPERATOR_KEY, PHONE).await.json()["wrong_codes"], json!(20));
    assert_eq!(shop.seen().await["wrong_codes"], json!(0));
}

#[tokio::test]
async fn phone_that_is_none_is_refused_and_named() {
    let shop = Shop::start().await;
    for route in ["search", "lift"] {
        let answer = shop.office(route, OPERATOR_KEY, "12").await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("bad_request")), "{}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("phone"), "{}", answer.body);
    }
}
