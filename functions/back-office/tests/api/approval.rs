//! Keys limited by amount, and the refunds above it that another person approves.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use standins::{Decision, Fault};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, TRAINEE_KEY, VIEWER_KEY};
use testkit::{Answer, Event};

use crate::{AMOUNT, Shop, assert_refused};

const DAY: Duration = Duration::from_hours(24);
const DEPUTY_KEY: &str = "deputy-key-of-the-tests-01";

impl Shop {
    /// Captured yesterday, so that the provider takes parts; two of the keys have limits.
    async fn with_limits() -> Self {
        let keys = format!(
            "viewer:read:{VIEWER_KEY},operator:operate:{OPERATOR_KEY},cashier:refund:{CASHIER_KEY},trainee:refund:500:{TRAINEE_KEY},\
             deputy:refund:1000.00:{DEPUTY_KEY}"
        );
        let shop = Self::with(&[("BACK_OFFICE_KEYS", &keys)]).await;
        shop.paid(&shop.payment).await;
        shop.story.environment.advance(DAY);
        shop.story.environment.standins().forget_calls();
        shop
    }

    /// Has a payment captured.
    async fn paid(&self, payment: &str) {
        self.story.decide(payment, Decision::Approved).await;
        assert_eq!(self.story.callback(payment, "approved").await.status, 200);
        let finish = Event::new("POST", &format!("/v1/back-office/payments/{payment}/finish")).key(OPERATOR_KEY);
        assert_eq!(self.ask(finish.json(json!({}))).await.status, 200);
    }

    /// Another captured payment.
    async fn another(&self) -> String {
        let order = self.story.order().await;
        assert_eq!(self.story.create(&order).await.json()["success"], json!(true));
        let payment = order.payment(1);
        self.paid(&payment).await;
        payment
    }

    async fn give_back(&self, payment: &str, who: &str, key: &str, amount: &str) -> Answer {
        let event = Event::new("POST", &format!("/v1/back-office/payments/{payment}/refunds")).key(who);
        self.ask(event.header("Idempotency-Key", key).json(json!({"amount": amount}))).await
    }

    async fn trainee(&self, key: &str, amount: &str) -> Answer {
        self.give_back(&self.payment, TRAINEE_KEY, key, amount).await
    }

    async fn approve(&self, refund: usize, who: &str) -> Answer {
        let path = format!("/v1/back-office/payments/{}/refunds/{refund}/approve", self.payment);
        self.ask(Event::new("POST", &path).key(who).json(json!({}))).await
    }

    async fn withdrawn_by(&self, refund: usize, who: &str) -> Answer {
        let path = format!("/v1/back-office/payments/{}/refunds/{refund}", self.payment);
        self.ask(Event::new("DELETE", &path).key(who)).await
    }
}

fn awaits(answer: &Answer) -> bool {
    let body = answer.json();
    answer.status == 202 && body["outcome"] == json!("awaits_approval") && body["refund"]["status"] == json!("awaits_approval")
}

#[tokio::test]
async fn refund_within_the_limit_is_made_and_one_above_it_waits_for_another_person() {
    let shop = Shop::with_limits().await;
    assert_eq!(shop.trainee("within", "300.00").await.status, 200);
    let above = shop.trainee("above", "200.01").await;
    assert!(awaits(&above), "{}", above.body);
    assert_eq!(shop.mokka().returned, "300.00", "nothing is made of it");
    let body = above.json();
    assert_eq!(body["payment"]["explain"]["code"], json!("refund_awaits_approval"));
    let actions = body["payment"]["explain"]["actions"].as_array().unwrap().clone();
    assert!(actions.contains(&json!("approve")) && actions.contains(&json!("withdraw")), "{actions:?}");
    // The same key is the same refund.
    assert!(awaits(&shop.trainee("above", "200.01").await));
    assert_refused(&shop.trainee("above", "200.02").await, 409, "idempotency_key_reused", "another amount");
    // What is left of the limit can still be given back.
    assert_eq!(shop.trainee("rest", "200.00").await.status, 200);
    assert!(awaits(&shop.trainee("kopeck", "0.01").await));

    assert_refused(&shop.approve(2, TRAINEE_KEY).await, 409, "own_refund", "who asked");
    assert_eq!(shop.approve(2, OPERATOR_KEY).await.status, 403);
    assert_refused(&shop.approve(1, CASHIER_KEY).await, 409, "not_to_approve", "it is made");
    assert_eq!(shop.approve(9, CASHIER_KEY).await.status, 404);
    let approved = shop.approve(2, CASHIER_KEY).await;
    let refund = approved.json()["refund"].clone();
    assert_eq!((approved.status, &refund["status"]), (200, &json!("made")), "{}", approved.body);
    assert_eq!((&refund["by"], &refund["approved_by"]), (&json!("back-office:trainee"), &json!("back-office:cashier")));
    assert_eq!(shop.mokka().returned, "700.01");
    assert_eq!(shop.approve(2, CASHIER_KEY).await.status, 200, "pressed twice");
    assert_refused(&shop.approve(2, DEPUTY_KEY).await, 409, "not_to_approve", "by another");
    assert_eq!(shop.mokka().returned, "700.01");
}

#[tokio::test]
async fn refund_that_awaits_approval_counts_as_taken_until_it_is_withdrawn() {
    let shop = Shop::with_limits().await;
    assert!(awaits(&shop.trainee("above", "3000.00").await));
    assert_refused(&shop.refund("whole", Some(AMOUNT)).await, 409, "above_rest", "all of it");
    assert_refused(&shop.refund("more", Some("250.01")).await, 409, "above_rest", "a kopeck too much");
    let withdrawn = shop.withdrawn_by(1, TRAINEE_KEY).await;
    assert_eq!((withdrawn.status, &withdrawn.json()["refund"]["status"]), (200, &json!("withdrawn")), "{}", withdrawn.body);
    assert_refused(&shop.approve(1, CASHIER_KEY).await, 409, "not_to_approve", "given up");
    assert_eq!(shop.refund("whole", Some(AMOUNT)).await.status, 200);
    assert_eq!(shop.mokka().returned, AMOUNT);
}

#[tokio::test]
async fn approval_counts_against_the_limit_of_who_approves() {
    let shop = Shop::with_limits().await;
    assert!(awaits(&shop.trainee("a", "900.00").await));
    assert!(!awaits(&shop.trainee("b", "100.01").await));
    assert!(awaits(&shop.trainee("c", "800.00").await));
    assert_eq!(shop.approve(1, DEPUTY_KEY).await.status, 200);
    assert_refused(&shop.approve(3, DEPUTY_KEY).await, 409, "above_limit", "900 and 800");
    assert_eq!(shop.approve(3, CASHIER_KEY).await.status, 200);
    // It does not count for who asked: of 500 there are 100.01.
    assert_eq!(shop.trainee("d", "399.99").await.status, 200);
    assert_eq!(shop.mokka().returned, "2200.00");
}

#[tokio::test]
async fn limit_counts_what_a_person_gave_back_on_all_payments_of_a_day_and_on_one_for_good() {
    let shop = Shop::with_limits().await;
    let other = shop.another().await;
    shop.story.environment.advance(DAY);
    assert_eq!(shop.trainee("one", "300.00").await.status, 200);
    assert!(awaits(&shop.give_back(&other, TRAINEE_KEY, "two", "200.01").await), "another payment, the same day");
    assert_eq!(shop.give_back(&other, DEPUTY_KEY, "two-of-deputy", "200.01").await.status, 200, "another person");
    shop.story.environment.advance(DAY);
    assert!(awaits(&shop.trainee("three", "200.01").await), "the same payment, another day");
    assert_eq!(shop.trainee("four", "200.00").await.status, 200);
    assert_eq!(shop.give_back(&other, TRAINEE_KEY, "five", "300.00").await.status, 200, "the rest of that day");
    assert!(awaits(&shop.give_back(&other, TRAINEE_KEY, "six", "0.01").await));
}

#[tokio::test]
async fn what_was_not_given_back_is_not_counted() {
    let shop = Shop::with_limits().await;
    shop.break_mokka("return", "status:32".parse().unwrap(), 1);
    let refused = shop.trainee("refused", "500.00").await;
    assert_eq!(refused.json()["refund"]["status"], json!("refused"), "{}", refused.body);
    assert_eq!(shop.trainee("made", "500.00").await.status, 200);
    assert!(awaits(&shop.trainee("more", "0.01").await));
}

#[tokio::test]
async fn parallel_refunds_of_one_person_stay_within_the_limit() {
    let shop = Shop::with_limits().await;
    let mut payments = vec![shop.payment.clone()];
    for _ in 0..3 {
        payments.push(shop.another().await);
    }
    shop.story.environment.advance(DAY);
    let keys: Vec<_> = (0..20).map(|number| (payments[number % 4].clone(), format!("key-{number}"))).collect();
    let answers = join_all(keys.iter().map(|(payment, key)| shop.give_back(payment, TRAINEE_KEY, key, "100.00"))).await;
    let made = answers.iter().filter(|answer| answer.json()["refund"]["status"] == json!("made")).count();
    assert!(made <= 5, "{made}");
    let mut given_back = 0;
    for payment in &payments {
        let look = shop.ask(Event::new("GET", &format!("/v1/back-office/payments/{payment}")).key(VIEWER_KEY)).await.json();
        let refunds = look["payment"]["refunds"].as_array().cloned().unwrap_or_default();
        given_back += refunds.iter().filter(|refund| refund["status"] == json!("made")).count();
    }
    assert!(given_back <= 5, "{given_back}");
}

#[tokio::test]
async fn twenty_parallel_approvals_are_one() {
    let shop = Shop::with_limits().await;
    assert!(awaits(&shop.trainee("above", "900.00").await));
    let keys = [CASHIER_KEY, DEPUTY_KEY];
    let answers = join_all((0..20).map(|number| shop.approve(1, keys[number % 2]))).await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    let payment = shop.look().await;
    let refunds = payment["refunds"].as_array().unwrap();
    assert_eq!((refunds.len(), &refunds[0]["status"]), (1, &json!("made")), "{payment}");
    assert_eq!((shop.mokka().returned.as_str(), shop.mokka().returns.len()), ("900.00", 1));
}

#[tokio::test]
async fn approval_against_withdrawal_is_one_of_them() {
    for _ in 0..5 {
        let shop = Shop::with_limits().await;
        assert!(awaits(&shop.trainee("above", "900.00").await));
        let approvals = join_all((0..6).map(|_| shop.approve(1, CASHIER_KEY)));
        let withdrawals = join_all((0..6).map(|_| shop.withdrawn_by(1, TRAINEE_KEY)));
        let _ = tokio::join!(approvals, withdrawals);
        let payment = shop.look().await;
        let expected = match payment["refunds"][0]["status"].as_str().unwrap() {
            "made" => ("900.00", 1),
            "withdrawn" => ("0.00", 0),
            other => panic!("{other}"),
        };
        assert_eq!((payment["refunded"].as_str().unwrap(), shop.mokka().returns.len()), expected, "{payment}");
    }
}

#[tokio::test]
async fn approved_too_early_for_the_provider_is_made_by_the_schedule() {
    let shop = Shop::pending().await;
    shop.paid(&shop.payment).await;
    let event = shop.event("refunds", TRAINEE_KEY).header("Idempotency-Key", "early");
    let asked = shop.ask(event.json(json!({"amount": "600.00", "when": "earliest"}))).await;
    assert!(awaits(&asked), "{}", asked.body);
    let approved = shop.approve(1, CASHIER_KEY).await;
    assert_eq!((approved.status, &approved.json()["outcome"]), (202, &json!("scheduled")), "{}", approved.body);
    assert!(shop.mokka().returns.is_empty());
    shop.story.environment.advance(DAY);
    shop.story.environment.tick().await;
    assert_eq!(shop.mokka().returned, "600.00");
    assert_eq!(shop.look().await["refunds"][0]["status"], json!("made"));
}

#[tokio::test]
async fn unapproved_for_a_day_calls_a_person_once_and_is_never_made_by_itself() {
    let shop = Shop::with_limits().await;
    assert!(awaits(&shop.trainee("above", "900.00").await));
    shop.story.environment.advance(Duration::from_mins(24 * 60 - 5));
    shop.story.environment.tick().await;
    assert_eq!(shop.look().await["attention"], json!(false));
    shop.story.environment.advance(Duration::from_mins(6));
    shop.story.environment.tick().await;
    let payment = shop.look().await;
    assert_eq!((&payment["attention"], &payment["explain"]["code"]), (&json!(true), &json!("refund_awaits_approval")));
    let version = shop.story.payment(&shop.payment).await["version"].clone();
    for _ in 0..3 {
        shop.story.environment.advance(Duration::from_mins(30));
        shop.story.environment.tick().await;
    }
    assert_eq!(shop.story.payment(&shop.payment).await["version"], version, "it is not written again and again");
    assert!(shop.mokka().returns.is_empty());
    assert_eq!(shop.approve(1, CASHIER_KEY).await.status, 200);
    assert_eq!(shop.look().await["attention"], json!(false));
}

#[tokio::test]
async fn limit_is_in_the_shops_currency_and_another_one_always_needs_approval() {
    let shop = Shop::with_limits().await;
    let keys = format!("trainee:refund:500:{TRAINEE_KEY},cashier:refund:{CASHIER_KEY},deputy:refund:1000:{DEPUTY_KEY}");
    let elsewhere = [("BACK_OFFICE_KEYS", keys.as_str()), ("DEFAULT_CURRENCY", "KGS")];
    let deps = shop.story.environment.build(back_office::Deps::from_env, &elsewhere);
    let ask = async |event: Event| {
        testkit::invoke(&deps, |deps, request| Box::pin(back_office::handle(deps, request)), event.rest()).await
    };
    let path = format!("/v1/back-office/payments/{}/refunds", shop.payment);
    let refund = Event::new("POST", &path).key(TRAINEE_KEY).header("Idempotency-Key", "a").json(json!({"amount": "0.01"}));
    let asked = ask(refund).await;
    assert!(awaits(&asked), "the payment is in RUB: {}", asked.body);
    let approval = |who| Event::new("POST", &format!("{path}/1/approve")).key(who).json(json!({}));
    assert_refused(&ask(approval(DEPUTY_KEY)).await, 409, "above_limit", "so is what is approved");
    assert_eq!(ask(approval(CASHIER_KEY)).await.status, 200);
}

#[tokio::test]
async fn approval_whose_call_is_lost_is_found_out_and_made_once() {
    let shop = Shop::with_limits().await;
    assert!(awaits(&shop.trainee("above", "900.00").await));
    shop.break_mokka("return", Fault::AnswerLost, 1);
    let approved = shop.approve(1, CASHIER_KEY).await;
    assert!(matches!(approved.status, 200 | 202), "{}", approved.body);
    for _ in 0..4 {
        shop.story.environment.advance(Duration::from_hours(2));
        shop.story.environment.tick().await;
    }
    // Mokka keeps no record of parts: a person looks into its cabinet, as for every refund.
    let outcome = Event::new("POST", &format!("/v1/back-office/payments/{}/refunds/1/outcome", shop.payment)).key(CASHIER_KEY);
    assert_eq!(shop.ask(outcome.json(json!({"made": true}))).await.status, 200);
    assert_eq!((shop.mokka().returned.as_str(), &shop.look().await["refunded"]), ("900.00", &Value::from("900.00")));
    assert_eq!(shop.mokka().returns.len(), 1);
}
