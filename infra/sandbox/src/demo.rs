//! The main job from order to paid, and a form confirmed by SMS, over HTTP, with a transcript for people.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::settings::{Addresses, IMSHOP_KEY};

/// The story did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A call failed.
    #[error("a call of the demo failed: {0}")]
    Http(#[from] reqwest::Error),
    /// The transcript could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// An answer was not what it should be.
    #[error("{step}: expected {expected}, got {got}")]
    Unexpected {
        /// Where.
        step: &'static str,
        /// What should have come.
        expected: &'static str,
        /// What came.
        got: Value,
    },
}

/// Ready-made lines for the first steps.
#[must_use]
pub fn curl_lines(addresses: &Addresses) -> String {
    let Addresses { gateway, providers, .. } = addresses;
    let post = |path: &str, body: Value| {
        format!(
            "curl -s {gateway}{path} -H 'Authorization: Bearer {IMSHOP_KEY}' -H 'Content-Type: application/json' \\\n  -d '{body}'"
        )
    };
    [
        "Place an order, then pay for it:".to_owned(),
        post("/v1/orders", order("demo-order-1")),
        post("/v1/payments", json!({"items": []})),
        post("/v1/acquiring", create("demo-order-1", "1001")),
        format!("Open the paymentUrl in a browser (code 1111), or decide for the customer:\ncurl -s {providers}/control/mokka/1001-1/decide -d '{{\"decision\":\"approved\"}}'"),
        post("/v1/acquiring", capture("1001-1")),
        format!("What the outside systems saw: {providers}/"),
    ]
    .join("\n")
}

fn order(uuid: &str) -> Value {
    json!({
        "installId": "demo-install",
        "orders": [{
            "uuid": uuid,
            "name": "Айгуль Демонстрационная",
            "phone": "+7 (888) 000-11-22",
            "email": "aigul@shop.example",
            "deliveryPrice": 250,
            "items": [
                {"configurationId": "kettle-1", "name": "Чайник", "quantity": 1, "price": 4990},
                {"configurationId": "cup-7", "name": "Пиала", "quantity": 6, "price": 350}
            ]
        }]
    })
}

fn create(uuid: &str, id: &str) -> Value {
    json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": uuid, "orderId": id, "returnUrl": "imshop://payment/failed"})
}

fn capture(payment: &str) -> Value {
    json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": payment})
}

/// Plays the story; an error if any step does not do what it should.
pub async fn play(addresses: &Addresses, out: &mut impl Write) -> Result<(), DemoError> {
    let mut stage = Stage { http: reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?, addresses, out };
    let payment = stage.pay().await?;
    stage.form().await?;
    writeln!(stage.out, "\nDone: payment {payment} is captured, the form is stored.")?;
    Ok(())
}

struct Stage<'a, W> {
    http: reqwest::Client,
    addresses: &'a Addresses,
    out: &'a mut W,
}

impl<W: Write> Stage<'_, W> {
    async fn pay(&mut self) -> Result<String, DemoError> {
        self.title("An order, paid in instalments")?;
        let answer = self.imshop("The customer places an order", "/v1/orders", order("demo-order-1")).await?;
        let id = text(&answer["orders"][0]["id"]);
        expect("order", answer["orders"][0]["success"] == true, "an accepted order", &answer)?;

        let list = self.imshop("The app asks how this cart can be paid", "/v1/payments", json!({"items": []})).await?;
        let offers = list["payments"].as_array().into_iter().flatten();
        expect("payments", offers.into_iter().any(|offer| offer["id"] == "mokka"), "mokka among the ways to pay", &list)?;

        let created = self.imshop("The customer chooses Mokka", "/v1/acquiring", create("demo-order-1", &id)).await?;
        expect("create", created["success"] == true, "a payment page", &created)?;
        let payment = text(&created["paymentId"]);

        let pending = self.imshop("The app asks too early", "/v1/acquiring", capture(&payment)).await?;
        expect("capture", pending["pending"] == true, "pending", &pending)?;

        let decided = self
            .control(
                "The customer approves on Mokka's form; Mokka calls back",
                &format!("/control/mokka/{payment}/decide"),
                json!({"decision": "approved"}),
            )
            .await?;
        expect("callback", decided["callbacks"] == json!([200]), "a callback answered with 200", &decided)?;

        let captured = self.imshop("The app asks again", "/v1/acquiring", capture(&payment)).await?;
        expect("capture", captured["paymentCaptured"] == true, "paymentCaptured", &captured)?;
        Ok(payment)
    }

    async fn form(&mut self) -> Result<(), DemoError> {
        self.title("A form, confirmed by SMS")?;
        let form = |code: Option<&str>| {
            let mut form = json!({
                "formName": "callback",
                "installId": "demo-install",
                "data": {"name": "Айгуль", "phone": "+996 770 00 11 22", "time": "завтра, 10:00"}
            });
            if let Some(code) = code {
                form["data"]["otpCode"] = code.into();
            }
            form
        };
        let sent = self.imshop("The customer fills in a form and asks for a code", "/v1/forms/otp", form(None)).await?;
        expect("send", sent["success"] == true, "a code sent", &sent)?;
        let inbox = self.look("/control/inbox?phone=996770001122").await?;
        let code = text(&inbox[0]["code"]);
        writeln!(self.out, "\n  The SMS on the customer's phone: {}", text(&inbox[0]["text"]))?;

        let wrong = self.imshop("The customer mistypes the code", "/v1/forms", form(Some("000"))).await?;
        expect("check", wrong["otpFailed"] == true, "otpFailed", &wrong)?;
        let saved = self.imshop("The customer types it right", "/v1/forms", form(Some(&code))).await?;
        expect("form", saved["success"] == true, "a saved form", &saved)?;
        let forms = self.look("/control/forms").await?;
        expect("forms", forms.as_array().is_some_and(|forms| forms.len() == 1), "one form at the shop", &forms)
    }

    fn title(&mut self, title: &str) -> Result<(), DemoError> {
        Ok(writeln!(self.out, "\n== {title} ==")?)
    }

    async fn imshop(&mut self, what: &str, path: &str, body: Value) -> Result<Value, DemoError> {
        let address = format!("{}{path}", self.addresses.gateway);
        self.call(what, path, self.http.post(address).bearer_auth(IMSHOP_KEY), body).await
    }

    async fn control(&mut self, what: &str, path: &str, body: Value) -> Result<Value, DemoError> {
        let address = format!("{}{path}", self.addresses.providers);
        self.call(what, path, self.http.post(address), body).await
    }

    async fn look(&self, path: &str) -> Result<Value, DemoError> {
        let answer = self.http.get(format!("{}{path}", self.addresses.providers)).send().await?.text().await?;
        Ok(serde_json::from_str(&answer).unwrap_or(Value::String(answer)))
    }

    async fn call(&mut self, what: &str, path: &str, request: reqwest::RequestBuilder, body: Value) -> Result<Value, DemoError> {
        writeln!(self.out, "\n{what}\n  POST {path}\n  {body}")?;
        let request = request.header("Content-Type", "application/json").body(body.to_string());
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let answer = answer.text().await?;
        writeln!(self.out, "  → {status} {answer}")?;
        Ok(serde_json::from_str(&answer).unwrap_or(Value::String(answer)))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn expect(step: &'static str, right: bool, expected: &'static str, got: &Value) -> Result<(), DemoError> {
    if right { Ok(()) } else { Err(DemoError::Unexpected { step, expected, got: got.clone() }) }
}
