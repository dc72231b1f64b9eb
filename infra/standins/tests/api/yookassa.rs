//! YooKassa: a caller that knows how to speak to it, and the life of a payment.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Options, YookassaMethod};
use time::macros::datetime;

use crate::environment::{TestEnvironment, answer};

/// A caller of the simulated YooKassa, whose every call has a key of its own unless it is given one.
pub(crate) struct Caller {
    pub(crate) environment: TestEnvironment,
}

impl Caller {
    /// Of a YooKassa that takes nothing but what is documented, at noon in Moscow on 18 November 2026: its tests are about moments and cards'
    /// expiries.
    pub(crate) async fn exact() -> Self {
        Self { environment: TestEnvironment::at(datetime!(2026-11-18 09:00 UTC)).await }
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self { environment: TestEnvironment::with(options).await }
    }

    pub(crate) fn request(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.environment.http.post(self.environment.url(&format!("/yookassa/v3{path}")));
        let request = request.basic_auth("506751", Some("test_demo_key")).header("Idempotence-Key", key);
        request.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request(path, key, body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let key = format!("key-{}", self.environment.standins.calls(None).len());
        self.post_as(&key, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.environment.http.get(self.environment.url(&format!("/yookassa/v3{path}")));
        answer(request.basic_auth("506751", Some("test_demo_key"))).await
    }

    /// A payment that nobody has paid yet.
    pub(crate) async fn create(&self, body: &Value) -> Value {
        let (status, payment) = self.post("/payments", body).await;
        assert_eq!(status, 200, "{payment}");
        payment
    }

    pub(crate) async fn payment(&self, id: &Value) -> Value {
        self.get(&format!("/payments/{}", id.as_str().unwrap())).await.1
    }

    pub(crate) async fn decide(&self, payment: &Value, outcome: CardDecision) -> Value {
        let wish = CardOutcome::new(outcome);
        self.environment.standins.decide_yookassa(payment["id"].as_str().unwrap(), &wish).await.unwrap()["object"].clone()
    }

    /// A payment of this amount that is held.
    pub(crate) async fn held(&self, amount: &str) -> Value {
        let payment = self.create(&wanted(amount, false)).await;
        self.decide(&payment, CardDecision::Paid).await
    }

    /// A payment of this amount that is captured.
    pub(crate) async fn captured(&self, amount: &str) -> Value {
        let payment = self.create(&wanted(amount, true)).await;
        self.decide(&payment, CardDecision::Paid).await
    }

    /// What a call on a payment or a refund of it is answered with.
    pub(crate) async fn command(&self, payment: &Value, command: &str, body: &Value) -> (u16, Value) {
        self.post(&format!("/payments/{}/{command}", payment["id"].as_str().unwrap()), body).await
    }

    pub(crate) async fn refund(&self, payment: &Value, amount: &str) -> (u16, Value) {
        self.post("/refunds", &json!({ "payment_id": payment["id"], "amount": rub(amount) })).await
    }
}

pub(crate) fn rub(amount: &str) -> Value {
    json!({ "value": amount, "currency": "RUB" })
}

/// A payment by card as our own client asks for it.
pub(crate) fn wanted(amount: &str, capture: bool) -> Value {
    json!({
        "amount": rub(amount),
        "capture": capture,
        "description": "Заказ 1001",
        "metadata": { "payment_id": "1001-1", "order_id": "1001" },
        "confirmation": { "type": "redirect", "return_url": "https://shop.example/back?a=1&b=2" },
        "payment_method_data": { "type": "bank_card" },
    })
}

/// Status and description of an error.
pub(crate) fn refusal((status, body): &(u16, Value)) -> (u16, &str) {
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["id"].as_str().map(str::len), Some(36), "{body}");
    (*status, body["description"].as_str().unwrap())
}

#[tokio::test]
async fn payment_of_two_stages_shows_each_step() {
    let caller = Caller::exact().await;
    let created = caller.create(&wanted("1234.56", false)).await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    assert_eq!(created["status"], "pending");
    assert_eq!((&created["amount"], &created["test"]), (&rub("1234.56"), &json!(true)));
    assert_eq!((&created["paid"], &created["refundable"]), (&json!(false), &json!(false)));
    assert_eq!(created["created_at"], "2026-11-18T09:00:00.000Z");
    assert_eq!(created["recipient"], json!({ "account_id": "506751", "gateway_id": "1983001" }));
    assert_eq!(created["metadata"], json!({ "payment_id": "1001-1", "order_id": "1001" }));
    assert_eq!(created["payment_method"], json!({ "type": "bank_card", "id": id, "saved": false, "status": "inactive" }));
    assert_eq!(created["confirmation"]["return_url"], "https://shop.example/back?a=1&b=2");
    let page = created["confirmation"]["confirmation_url"].as_str().unwrap();
    assert!(page.starts_with(&caller.environment.url("/yookassa/page/")), "{page}");
    for absent in
        ["captured_at", "expires_at", "income_amount", "refunded_amount", "cancellation_details", "receipt_registration"]
    {
        assert!(created.get(absent).is_none(), "{absent}");
    }
    assert_eq!(caller.payment(&created["id"]).await, created);

    caller.environment.advance(60).await;
    let held = caller.decide(&created, CardDecision::Paid).await;
    assert_eq!(
        (&held["status"], &held["paid"], &held["refundable"]),
        (&json!("waiting_for_capture"), &json!(true), &json!(false))
    );
    assert_eq!(held["expires_at"], "2026-11-25T09:01:00.000Z");
    assert_eq!(held["payment_method"]["card"]["last4"], "4444");
    assert_eq!(held["authorization_details"]["three_d_secure"], json!({ "applied": false }));
    assert!(held.get("confirmation").is_none(), "it can be had while the customer may use it");

    let (status, captured) = caller.command(&created, "capture", &json!({})).await;
    assert_eq!((status, &captured["status"], &captured["paid"]), (200, &json!("succeeded"), &json!(true)));
    assert_eq!(captured["captured_at"], "2026-11-18T09:01:00.000Z");
    assert_eq!((&captured["refundable"], &captured["refunded_amount"]), (&json!(true), &rub("0.00")));
    assert_eq!(captured["income_amount"], rub("1191.35"), "without 3.5 %");
    assert!(captured.get("expires_at").is_none());
    assert_eq!(caller.payment(&created["id"]).await, captured);
    assert_eq!(caller.environment.standins.yookassa_payments(), [captured]);
}

#[tokio::test]
async fn payment_of_one_stage_is_captured_when_it_is_paid() {
    let caller = Caller::exact().await;
    let captured = caller.captured("100.00").await;
    assert_eq!((&captured["status"], &captured["captured_at"]), (&json!("succeeded"), &json!("2026-11-18T09:00:00.000Z")));
    let surprising = caller.create(&wanted("100.00", true)).await;
    assert_eq!(caller.decide(&surprising, CardDecision::Held).await["status"], "waiting_for_capture");
    assert_eq!(caller.command(&surprising, "capture", &json!({})).await.1["status"], "succeeded");
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let caller = Caller::exact().await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.insert(0, caller.create(&wanted("10.00", false)).await["id"].clone());
        caller.environment.advance(1).await;
    }
    let shown = |list: &Value| list["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>();
    let (status, first) = caller.get("/payments").await;
    assert_eq!((status, &first["type"], shown(&first)), (200, &json!("list"), ids[..10].to_vec()));
    let (_, rest) = caller.get(&format!("/payments?cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((shown(&rest), rest.get("next_cursor")), (ids[10..].to_vec(), None));
    // The third and the fourth, in the zone of Moscow too.
    let window = "/payments?created_at.gte=2026-11-18T09:00:02.000Z&created_at.lt=2026-11-18T12:00:04%2B03:00&limit=100";
    assert_eq!(shown(&caller.get(window).await.1), ids[8..10]);
    caller.decide(&json!({ "id": ids[3] }), CardDecision::Declined).await;
    assert_eq!(shown(&caller.get("/payments?status=canceled").await.1), ids[3..4]);
    assert_eq!(shown(&caller.get("/payments?payment_method=yoo_money").await.1), [json!(null); 0]);
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("cursor=none", "cursor"),
        ("metadata.payment_id=1001-1", "metadata.payment_id"),
        ("created_at.gte=yesterday", "created_at.gte"),
        ("created_at.after=2026-11-18T09:00:02.000Z", "created_at.after"),
    ] {
        let answer = caller.get(&format!("/payments?{query}")).await;
        assert_eq!((answer.0, &answer.1["parameter"]), (400, &json!(parameter)), "{query}");
    }
}

#[tokio::test]
async fn account_says_what_the_shop_can_be_paid_with() {
    let caller = Caller::exact().await;
    let (status, me) = caller.get("/me").await;
    assert_eq!((status, &me["account_id"], &me["status"], &me["test"]), (200, &json!("506751"), &json!("enabled"), &json!(true)));
    assert_eq!(me["payment_methods"], json!(["bank_card", "yoo_money", "sbp", "sberbank"]));
    assert_eq!(me["fiscalization"], json!({ "enabled": false }));
    let real_test_shop = vec![YookassaMethod::BankCard, YookassaMethod::YooMoney];
    let caller = Caller::with(Options { yookassa_methods: real_test_shop, ..Options::default() }).await;
    assert_eq!(caller.get("/me").await.1["payment_methods"], json!(["bank_card", "yoo_money"]));
}
