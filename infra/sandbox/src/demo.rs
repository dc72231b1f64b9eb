//! The main job from order to paid, what comes after it, and a form confirmed by SMS, over HTTP, with a transcript for people.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use shared::platform::clock::Timestamp;
use testkit::settings::{Addresses, CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY};

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
    let Addresses { api_gateway, providers, .. } = addresses;
    let post = |path: &str, body: Value| {
        format!(
            "curl -s {api_gateway}{path} -H 'Authorization: Bearer {IMSHOP_KEY}' -H 'Content-Type: application/json' \\\n  -d '{body}'"
        )
    };
    [
        "Place an order, then pay for it:".to_owned(),
        post("/v1/orders", order("demo-order-1")),
        post("/v1/payments", json!({"items": items()})),
        post("/v1/acquiring", create(MOKKA, "demo-order-1", "1001")),
        format!("Open the paymentUrl in a browser (code 1111), or decide for the customer:\ncurl -s {providers}/control/mokka/1001-1/decide -d '{{\"decision\":\"approved\"}}'"),
        post("/v1/acquiring", capture(MOKKA, "1001-1")),
        format!("Look at it as the shop's people do:\ncurl -s {api_gateway}/v1/back-office/orders/1001 -H 'Authorization: Bearer {OPERATOR_KEY}'"),
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
            "items": items()
        }]
    })
}

fn items() -> Value {
    json!([
        {"configurationId": "kettle-1", "name": "Чайник", "quantity": 1, "price": 4990},
        {"configurationId": "cup-7", "name": "Пиала", "quantity": 6, "price": 350}
    ])
}

fn create(method: &str, uuid: &str, id: &str) -> Value {
    json!({"command": "create", "paymentMethodId": method, "orderUuid": uuid, "orderId": id, "returnUrl": "imshop://payment/failed"})
}

fn capture(method: &str, payment: &str) -> Value {
    json!({"command": "capture", "paymentMethodId": method, "paymentId": payment})
}

/// Mokka's way to pay, as the sandbox's list names it.
const MOKKA: &str = "mokka";
/// The way to pay by card, as the sandbox's list names it.
const CARD: &str = "yookassa/card";
/// The way to pay by SBP, as the sandbox's list names it.
const SBP: &str = "yookassa/sbp";

/// How many codes an attacker with a range of numbers asks for.
const ABUSE: usize = 200;
/// How many of them the shipped limits let through, `sends_per_prefix_per_hour`.
const SMS_OF_A_RANGE: usize = 30;
/// How often IMSHOP's stand-in is looked at before a message counts as lost.
const LOOKS: u32 = 100;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// When the story's clocks must start to be true at any time: noon in Moscow on the day of `now`. What it calls "the same day" takes minutes.
#[must_use]
pub fn beginning(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    const NOON: i64 = 9 * 60 * 60 * 1000;
    Timestamp::from_millis(now.millis().div_euclid(DAY) * DAY + NOON)
}

/// Plays the story, in a shop that captures at once and in one that captures when the goods ship; an error if any step does
/// not do what it should.
pub async fn play(addresses: &Addresses, on_shipment: &Addresses, out: &mut impl Write) -> Result<(), DemoError> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let mut stage = Stage { http: http.clone(), addresses, out };
    let payment = stage.pay().await?;
    stage.forgotten_callback().await?;
    stage.refund(&payment).await?;
    stage.card().await?;
    stage.sbp().await?;
    stage.form().await?;
    stage.shop_is_down().await?;
    stage.pumping().await?;
    let mut stage = Stage { http, addresses: on_shipment, out };
    stage.shipment().await?;
    writeln!(
        out,
        "\nDone: paid in instalments, by card and by SBP, made up for, given back, captured on shipment; forms delivered; and abuse stopped."
    )?;
    Ok(())
}

struct Stage<'a, W> {
    http: reqwest::Client,
    addresses: &'a Addresses,
    out: &'a mut W,
}

impl<W: Write> Stage<'_, W> {
    /// An order up to the page to pay on; the shop's id of it and the payment's.
    async fn start_paying(&mut self, uuid: &str, method: &str) -> Result<(String, String), DemoError> {
        let answer = self.imshop("The customer places an order", "/v1/orders", order(uuid)).await?;
        let id = text(&answer["orders"][0]["id"]);
        expect("order", answer["orders"][0]["success"] == true, "an accepted order", &answer)?;
        let what = match method {
            CARD => "The customer chooses a bank card",
            SBP => "The customer chooses SBP: the app gets a link in place of a page",
            _ => "The customer chooses Mokka",
        };
        let created = self.imshop(what, "/v1/acquiring", create(method, uuid, &id)).await?;
        expect("create", created["success"] == true, "a page or a link", &created)?;
        Ok((id, text(&created["paymentId"])))
    }

    async fn pay(&mut self) -> Result<String, DemoError> {
        self.title("An order, paid in instalments")?;
        let list = self.imshop("The app asks how this cart can be paid", "/v1/payments", json!({"items": items()})).await?;
        let offers = list["payments"].as_array().into_iter().flatten();
        expect("payments", offers.into_iter().any(|offer| offer["id"] == MOKKA), "mokka among the ways to pay", &list)?;
        let (_, payment) = self.start_paying("demo-order-1", MOKKA).await?;

        let pending = self.imshop("The app asks too early", "/v1/acquiring", capture(MOKKA, &payment)).await?;
        expect("capture", pending["pending"] == true, "pending", &pending)?;

        let what = "The customer approves on Mokka's form; Mokka calls back";
        let decided = self.decide(what, &payment, true).await?;
        expect("callback", decided["callbacks"] == json!([200]), "a callback answered with 200", &decided)?;

        let captured = self.imshop("The app asks again", "/v1/acquiring", capture(MOKKA, &payment)).await?;
        expect("capture", captured["paymentCaptured"] == true, "paymentCaptured", &captured)?;
        self.imshop_hears(&payment, "paymentCaptured", true).await?;
        self.shop_hears(&payment, "payment.paid").await?;
        Ok(payment)
    }

    async fn forgotten_callback(&mut self) -> Result<(), DemoError> {
        self.title("A callback that never comes")?;
        let (_, payment) = self.start_paying("demo-order-2", MOKKA).await?;
        let what = "The customer approves; Mokka's callback is lost, and the app is closed";
        self.decide(what, &payment, false).await?;
        self.control("Ten minutes go by", "/control/clock", json!({"advance_s": 600})).await?;
        let report = self.control("The schedule ticks: reconcile asks Mokka", "/control/tick", json!({})).await?;
        expect("tick", report["moved"] == 1, "one payment that moved on", &report)?;
        self.imshop_hears(&payment, "paymentCaptured", true).await
    }

    async fn refund(&mut self, payment: &str) -> Result<(), DemoError> {
        self.title("Money is given back")?;
        let path = format!("/v1/back-office/payments/{payment}/refunds");
        let part = json!({"amount": "350.00"});
        let early = self
            .back_office("One cup is broken; on the day of the sale Mokka takes no part back", &path, part.clone(), "cup")
            .await?;
        expect("refund", early["code"] == "partial_too_early", "partial_too_early", &early)?;
        self.control("The next day", "/control/clock", json!({"advance_s": 86_400})).await?;
        let made = self.back_office("The cashier gives back one cup", &path, part.clone(), "cup").await?;
        expect("refund", made["payment"]["state"] == "partially_refunded", "partially_refunded", &made)?;
        let again = self.back_office("The cashier presses twice: it is the same refund", &path, part, "cup").await?;
        expect("refund", again["payment"]["refunded"] == "350.00", "350.00 given back", &again)?;
        let rest = self.back_office("The customer returns everything", &path, json!({}), "rest").await?;
        expect("refund", rest["payment"]["state"] == "refunded", "refunded", &rest)?;
        self.imshop_hears(payment, "paymentCaptured", false).await?;
        self.shop_hears(payment, "payment.refunded").await
    }

    async fn card(&mut self) -> Result<(), DemoError> {
        self.title("An order, paid by card")?;
        let cart = json!({"items": items()});
        let list = self.imshop("The app asks how this cart can be paid", "/v1/payments", cart).await?;
        let mut offers = list["payments"].as_array().into_iter().flatten();
        expect("payments", offers.any(|offer| offer["id"] == CARD), "yookassa/card among the ways to pay", &list)?;
        let (_, payment) = self.start_paying("demo-order-4", CARD).await?;
        let id = self.id_at_yookassa(&payment).await?;
        let what = "The customer pays on YooKassa's page, by whose id the payment is known there; YooKassa notifies";
        let path = format!("/control/yookassa/{id}/decide");
        let decided = self.control(what, &path, json!({"outcome": "paid"})).await?;
        expect("notification", decided["notifications"] == json!([200]), "a notification answered with 200", &decided)?;
        let captured = self.imshop("The app asks", "/v1/acquiring", capture(CARD, &payment)).await?;
        expect("capture", captured["paymentCaptured"] == true, "paymentCaptured", &captured)?;
        self.imshop_hears(&payment, "paymentCaptured", true).await?;
        self.shop_hears(&payment, "payment.paid").await?;
        let path = format!("/v1/back-office/payments/{payment}/refunds");
        let made = self
            .back_office(
                "One cup is broken; a card's part is given back on the same day",
                &path,
                json!({"amount": "350.00"}),
                "cup",
            )
            .await?;
        expect("refund", made["payment"]["state"] == "partially_refunded", "partially_refunded", &made)?;
        self.shop_hears(&payment, "payment.partially_refunded").await?;
        let theirs = self.look(&format!("/control/yookassa/{id}")).await?;
        let given_back = &theirs["refunded_amount"]["value"];
        expect("yookassa", given_back == "350.00", "350.00 given back at YooKassa", &theirs)?;
        writeln!(self.out, "\n  At YooKassa the payment is {}, {} of it given back.", text(&theirs["status"]), text(given_back))?;
        Ok(())
    }

    async fn sbp(&mut self) -> Result<(), DemoError> {
        self.title("An order, paid by SBP")?;
        let (_, payment) = self.start_paying("demo-order-5", SBP).await?;
        let id = self.id_at_yookassa(&payment).await?;
        let what = "The app has opened the customer's bank by that link, and the customer pays there; YooKassa notifies";
        let decided = self.control(what, &format!("/control/yookassa/{id}/decide"), json!({"outcome": "paid"})).await?;
        expect("notification", decided["notifications"] == json!([200]), "a notification answered with 200", &decided)?;
        let captured = self.imshop("The app asks", "/v1/acquiring", capture(SBP, &payment)).await?;
        expect("capture", captured["paymentCaptured"] == true, "paymentCaptured", &captured)?;
        self.shop_hears(&payment, "payment.paid").await
    }

    /// YooKassa's id of a payment of ours.
    async fn id_at_yookassa(&self, payment: &str) -> Result<String, DemoError> {
        let theirs = self.look("/control/yookassa").await?;
        let theirs = theirs.as_array().into_iter().flatten().find(|theirs| theirs["metadata"]["payment_id"] == payment);
        Ok(text(&theirs.unwrap_or(&Value::Null)["id"]))
    }

    async fn shipment(&mut self) -> Result<(), DemoError> {
        self.title("Another shop: captured when the goods ship (MOKKA_FINISH=on_shipment)")?;
        let (order, payment) = self.start_paying("demo-order-3", MOKKA).await?;
        self.decide("The customer approves; Mokka calls back", &payment, true).await?;
        let paid = self.imshop("For the app a hold is paid", "/v1/acquiring", capture(MOKKA, &payment)).await?;
        expect("capture", paid["paymentCaptured"] == true, "paymentCaptured", &paid)?;
        self.shop_hears(&payment, "payment.held").await?;
        let finish = json!({"check_number": "F-2026-17", "check_link": "https://ofd.example/F-2026-17"});
        let path = format!("/v1/back-office/payments/{payment}/finish");
        let finished = self.back_office("The goods ship, with a fiscal receipt", &path, finish.clone(), "").await?;
        expect("finish", finished["payment"]["state"] == "captured", "captured", &finished)?;
        let twice = self.back_office("Somebody presses again", &path, finish, "").await?;
        expect("finish", twice["code"] == "already_captured", "already_captured", &twice)?;
        self.shop_hears(&payment, "payment.paid").await?;
        let mokka = self.look(&format!("/control/mokka/{payment}")).await?;
        expect("mokka", mokka["finishes"] == 1 && mokka["check_number"] == "F-2026-17", "one Finish with the receipt", &mokka)?;
        writeln!(self.out, "\n  At Mokka the payment {payment} of order {order} is {}.", text(&mokka["status"]))?;
        Ok(())
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
        expect("forms", forms.as_array().is_some_and(|forms| forms.len() == 1), "one form at the shop", &forms)?;
        self.conversion().await
    }

    /// What came of the SMS.
    async fn conversion(&mut self) -> Result<(), DemoError> {
        let what = "SMSPRO has reported the SMS delivered; the code's time goes by";
        self.control(what, "/control/clock", json!({"advance_s": 600})).await?;
        let report = self.control("The schedule ticks: the SMS is counted", "/control/sms-watch", json!({})).await?;
        expect("sms-watch", report["counted"] == 1 && report["asked"] == 0, "one SMS that was reported by itself", &report)?;
        let measured = self.look("/control/metrics").await?;
        let line = measured.as_array().into_iter().flatten().rfind(|line| line["SmsSent"] == 1);
        let line = line.cloned().unwrap_or_default();
        expect("metrics", line["SmsDelivered"] == 1 && line["SmsEntered"] == 1, "delivered and entered", &measured)?;
        let (operator, range) = (text(&line["operator"]), text(&line["range"]));
        writeln!(
            self.out,
            "\n  Measured for the operator {operator} and the range {range}…: 1 SMS sent, 1 delivered, 1 code entered."
        )?;
        Ok(())
    }

    async fn shop_is_down(&mut self) -> Result<(), DemoError> {
        self.title("A form while the shop is down")?;
        let fault = json!({"system": "shop", "method": "forms", "fault": "http500", "times": 2});
        self.control("The shop's server fails", "/control/faults", fault).await?;
        let data = json!({"name": "Бакыт", "phone": "+996 555 00 11 22", "time": "сегодня, 18:00"});
        let form = |data: &Value| json!({"formName": "callback", "installId": "another-install", "data": data});
        self.imshop("A customer asks for a code", "/v1/forms/otp", form(&data)).await?;
        let inbox = self.look("/control/inbox?phone=996555001122").await?;
        let mut coded = data.clone();
        coded["otpCode"] = inbox[0]["code"].clone();
        let taken = self.imshop("With the code, the form is taken all the same: it is stored", "/v1/forms", form(&coded)).await?;
        expect("form", taken["success"] == true, "a form that is taken", &taken)?;
        for pause in [60, 40] {
            self.control(&format!("{pause} seconds go by"), "/control/clock", json!({"advance_s": pause})).await?;
            self.control("The queue tries the shop", "/control/form-delivery", json!({})).await?;
        }
        let forms = self.look("/control/forms").await?;
        let delivered = forms.as_array().into_iter().flatten().filter(|saved| saved["form"]["data"] == data).count();
        expect("forms", delivered == 1, "the form at the shop, once", &forms)
    }

    async fn pumping(&mut self) -> Result<(), DemoError> {
        self.title("Somebody wants to earn by SMS")?;
        let form = |phone: &str, install: &str| json!({"formName": "callback", "installId": install, "data": {"phone": phone}});
        let before = self.look("/control/inbox").await?.as_array().map_or(0, Vec::len);
        let mut refusal = Value::Null;
        for number in 0..ABUSE {
            let body = form(&format!("99677099{number:04}"), &format!("made-up-{number}"));
            let request = self.http.post(format!("{}/v1/forms/otp", self.addresses.api_gateway)).bearer_auth(IMSHOP_KEY);
            let answer = request.header("Content-Type", "application/json").body(body.to_string()).send().await?.text().await?;
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            if answer["success"] == false {
                refusal = answer["message"].clone();
            }
        }
        let sent = self.look("/control/inbox").await?.as_array().map_or(0, Vec::len) - before;
        writeln!(
            self.out,
            "\n  {ABUSE} requests for codes, each with another number of one range and another installation: {sent} SMS went \
             out, then “{}”",
            text(&refusal)
        )?;
        // Twice as many if an hour ended meanwhile.
        let allowed = sent == SMS_OF_A_RANGE || sent == 2 * SMS_OF_A_RANGE;
        expect("abuse", allowed, "the SMS that a range may have in an hour", &json!(sent))?;
        let phone = "+996 700 12 34 56";
        let sent = self.imshop("Meanwhile an ordinary customer", "/v1/forms/otp", form(phone, "ordinary-install")).await?;
        expect("send", sent["success"] == true, "a code sent", &sent)
    }

    async fn decide(&mut self, what: &str, payment: &str, callback: bool) -> Result<Value, DemoError> {
        let path = format!("/control/mokka/{payment}/decide");
        self.control(what, &path, json!({"decision": "approved", "callback": callback})).await
    }

    /// Waits until IMSHOP was told this of a payment; the stream brings it, a moment later.
    async fn imshop_hears(&mut self, payment: &str, field: &str, value: bool) -> Result<(), DemoError> {
        for _ in 0..LOOKS {
            let told = self.look("/control/imshop").await?;
            let mut told = told.as_array().into_iter().flatten().map(|told| &told["body"]);
            let last = told.rfind(|body| body["paymentId"] == payment);
            if let Some(body) = last.filter(|body| body[field] == value) {
                writeln!(self.out, "\n  IMSHOP has been told: {body}")?;
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        expect("imshop", false, "a message to IMSHOP", &self.look("/control/imshop").await?)
    }

    /// Waits until the shop's own system has heard this of a payment.
    async fn shop_hears(&mut self, payment: &str, kind: &str) -> Result<(), DemoError> {
        for _ in 0..LOOKS {
            let heard = self.look("/control/shop-events").await?;
            let mut of_payment =
                heard.as_array().into_iter().flatten().filter(|event| event["body"]["data"]["payment_id"] == payment);
            if let Some(event) = of_payment.find(|event| event["type"] == kind) {
                writeln!(self.out, "\n  The shop has heard: {}", event["body"])?;
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        expect("shop", false, "an event for the shop", &self.look("/control/shop-events").await?)
    }

    async fn back_office(&mut self, what: &str, path: &str, body: Value, key: &str) -> Result<Value, DemoError> {
        let mut request = self.http.post(format!("{}{path}", self.addresses.api_gateway)).bearer_auth(CASHIER_KEY);
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        self.call(what, path, request, body).await
    }

    fn title(&mut self, title: &str) -> Result<(), DemoError> {
        Ok(writeln!(self.out, "\n== {title} ==")?)
    }

    async fn imshop(&mut self, what: &str, path: &str, body: Value) -> Result<Value, DemoError> {
        let address = format!("{}{path}", self.addresses.api_gateway);
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
        let value = serde_json::from_str(&answer).unwrap_or(Value::String(answer.clone()));
        // The back office answers with the whole payment; a reader of the transcript wants to know how it stands.
        let shown = value["payment"].as_object().map_or(answer, |payment| {
            let said = ["code", "error"].map(|name| value[name].as_str().unwrap_or_default()).join(" ");
            format!("{} payment {}, refunded {}", said.trim(), payment["state"], payment["refunded"])
        });
        writeln!(self.out, "  → {status} {}", shown.trim())?;
        Ok(value)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn expect(step: &'static str, right: bool, expected: &'static str, got: &Value) -> Result<(), DemoError> {
    if right { Ok(()) } else { Err(DemoError::Unexpected { step, expected, got: got.clone() }) }
}
