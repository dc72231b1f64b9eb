//! A running set of stand-ins and a caller that knows how to speak to each of them.

use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use standardwebhooks::Webhook;
use standins::{Clock, Options, StandIns};
use time::OffsetDateTime;
use time::macros::{format_description, offset};
use tokio::net::TcpListener;

pub(crate) const PDF: &[u8] = b"%PDF-1.7 a receipt";

pub(crate) struct TestEnvironment {
    pub(crate) standins: StandIns,
    pub(crate) http: Client,
}

impl TestEnvironment {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::of(options, Clock::standing_at(standins::beginning())).await
    }

    /// An environment whose Mokka takes nothing but what its document has.
    pub(crate) async fn exact() -> Self {
        Self::with(Options { exact_requests: true, ..Options::default() }).await
    }

    /// The same, whose clock stands at `moment` until it is advanced.
    pub(crate) async fn at(moment: OffsetDateTime) -> Self {
        Self::of(Options { exact_requests: true, ..Options::default() }, Clock::standing_at(moment)).await
    }

    async fn of(options: Options, clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let standins = StandIns::start(listener, options, clock);
        let http = Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none()).build().unwrap();
        Self { standins, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.standins.base_url())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        answer(self.http.get(self.url(path))).await.1
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.http.delete(self.url(path))).await
    }

    /// A request to the control API.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.http.post(self.url(path)).body(body.to_string())).await
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        let (status, _) = self.control("/control/clock", &json!({ "advance_s": seconds })).await;
        assert_eq!(status, 200);
    }

    /// A correctly signed call of Mokka.
    pub(crate) async fn mokka(&self, path: &str, body: &Value) -> Value {
        answer(self.mokka_request(path, body)).await.1
    }

    pub(crate) fn mokka_request(&self, path: &str, body: &Value) -> RequestBuilder {
        let body = body.to_string();
        self.http
            .post(self.url(&format!("/mokka{path}?store_id=72&signature={}", signature(&body))))
            .header("content-type", "application/json")
            .body(body)
    }

    pub(crate) async fn status(&self, order_id: &str) -> Value {
        self.mokka("/factoring/v1/status", &json!({ "order_id": order_id })).await
    }

    pub(crate) async fn cancel(&self, order_id: &str) -> Value {
        self.mokka("/factoring/v1/precheck/cancel", &json!({ "order_id": order_id })).await
    }

    pub(crate) async fn give_back(&self, order_id: &str, amount: &str) -> Value {
        self.mokka("/factoring/v1/return", &json!({ "order_id": order_id, "amount": amount })).await
    }

    /// The code that Mokka answers, and the note that says why.
    pub(crate) async fn refusal(&self, path: &str, body: &Value) -> (Value, String) {
        let response = self.mokka_request(path, body).send().await.unwrap();
        let note = response.headers().get("x-stand-in-note").map(|note| note.to_str().unwrap().to_owned());
        let answer: Value = serde_json::from_str(&text(response).await.1).unwrap();
        (answer["status"].clone(), note.unwrap_or_default())
    }

    /// A Checkout that Mokka accepts.
    pub(crate) fn checkout_body(&self, order_id: &str) -> Value {
        json!({
            "callback_url": self.url("/imshop/callback"),
            "redirect_url": self.url("/back?to=shop&x=1"),
            "primary_phone": "8881234567",
            "primary_email": "anna@example.com",
            "current_order": {
                "order_id": order_id,
                "valid_till": valid_till(3600),
                "amount": "4500.00",
            },
            "person": { "first_name": "Анна", "surname": "Ким" },
            "cart_items": [{ "sku": "1", "name": "Чайник", "price": 4500.00, "quantity": 1 }],
        })
    }

    pub(crate) async fn checkout(&self, order_id: &str) -> Value {
        self.mokka("/factoring/v1/precheck/auth", &self.checkout_body(order_id)).await
    }

    pub(crate) async fn finish(&self, order_id: &str, amount: &str) -> Value {
        let body = json!({ "order_id": order_id, "amount": amount, "check_number": "N-1" }).to_string();
        let form = Form::new().text("body", body.clone()).part("check", pdf());
        answer(self.finish_request(&body, form)).await.1
    }

    pub(crate) fn finish_request(&self, signed: &str, form: Form) -> RequestBuilder {
        let path = format!("/mokka/factoring/v1/precheck/finish?store_id=72&signature={}", signature(signed));
        self.http.post(self.url(&path)).multipart(form)
    }

    pub(crate) async fn smspro(&self, method: &str, body: &Value) -> Value {
        let (status, answer) = answer(
            self.http
                .post(self.url(&format!("/smspro/api/otp/{method}")))
                .header("x-api-key", "smspro-demo-key")
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await;
        assert_eq!(status, 200);
        answer
    }

    pub(crate) fn shop_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(self.url(path))
            .bearer_auth("shop-demo-key")
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// A form under an id, signed now.
    pub(crate) fn form_request(&self, id: &str, body: &Value) -> RequestBuilder {
        self.form_signed(id, body, machine_time(), &Options::default().shop_forms_secret)
    }

    /// The same, signed at another time or with another key.
    pub(crate) fn form_signed(&self, id: &str, body: &Value, at: i64, secret: &str) -> RequestBuilder {
        self.signed("/shop/forms", id, body, at, secret)
    }

    /// An event under an id, signed now.
    pub(crate) fn event_request(&self, id: &str, body: &Value) -> RequestBuilder {
        self.signed("/shop/events", id, body, machine_time(), &Options::default().shop_events_secret)
    }

    /// A signed message.
    pub(crate) fn signed(&self, path: &str, id: &str, body: &Value, at: i64, secret: &str) -> RequestBuilder {
        let body = body.to_string();
        let signature = Webhook::new(secret).unwrap().sign(id, at, body.as_bytes()).unwrap();
        self.http
            .post(self.url(path))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(body)
    }
}

/// What is signed is signed at the machine's time, whatever the environment's clock says.
pub(crate) fn machine_time() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Sends it, and reads the status and the JSON.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let (status, text) = text(request.send().await.unwrap()).await;
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}

pub(crate) async fn text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

pub(crate) fn pdf() -> Part {
    Part::bytes(PDF).file_name("check.pdf").mime_str("application/pdf").unwrap()
}

pub(crate) fn signature(body: &str) -> String {
    hex::encode(Sha1::digest(format!("{body}mokka-demo-secret")))
}

/// Moscow time, `seconds` after the environment began.
pub(crate) fn valid_till(seconds: i64) -> String {
    let format = format_description!("[day].[month].[year] [hour]:[minute]:[second]+03:00");
    let at = standins::beginning().to_offset(offset!(+3)) + time::Duration::seconds(seconds);
    at.format(format).unwrap()
}
