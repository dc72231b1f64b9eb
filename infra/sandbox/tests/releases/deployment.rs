//! All functions in one environment, called by their paths as the template routes them.

use std::time::Duration;

use emulators::functions::{Functions, context};
use emulators::template::{TEMPLATE, Template};
use sandbox::functions::Everything;
use serde_json::{Value, json};
use standins::Decision;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY, SHOP_KEY, VIEWER_KEY};
use testkit::{Cast as _, Event, TestEnvironment};
use url::Url;

/// An answer's status and body.
pub(crate) type Answered = (u16, Value);

/// The functions, once for each finish policy.
pub(crate) struct Deployment {
    pub(crate) environment: TestEnvironment,
    template: Template,
    on_hold: Functions,
    on_shipment: Functions,
}

impl Deployment {
    pub(crate) fn new(environment: TestEnvironment) -> Self {
        let environment = environment.with(Everything::functions(), &[]);
        let mut settings = environment.env();
        let on_hold = sandbox::functions::build(&settings, &environment.platform()).unwrap();
        settings.insert("MOKKA_FINISH".to_owned(), "on_shipment".to_owned());
        let on_shipment = sandbox::functions::build(&settings, &environment.platform()).unwrap();
        Self { template: Template::read(TEMPLATE).unwrap(), environment, on_hold, on_shipment }
    }

    async fn invoke(&self, functions: &Functions, path: &str, event: Value) -> Answered {
        let (route, _) = self.template.route(path).unwrap();
        let answer = functions.invoke(&route.function, event, context(Duration::from_secs(15))).await.unwrap();
        let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap();
        (status, serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default())
    }

    pub(crate) async fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> Answered {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let event = Event::new(method, path).key(key).json(body.clone());
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let event = pairs.fold(event, |event, (name, value)| event.query(name, value));
        self.invoke(&self.on_hold, path, event.rest()).await
    }

    pub(crate) async fn imshop(&self, path: &str, body: Value) -> Answered {
        self.call("POST", path, IMSHOP_KEY, &body).await
    }

    /// IMSHOP places an order; the shop's id of it.
    pub(crate) async fn order(&self, uuid: &str) -> String {
        let items = json!([{"id": "i-1", "configurationId": "sku-1", "privateId": "p-1", "name": "Чайник", "quantity": 2,
            "warehouseId": "MAIN"}]);
        let order = json!({"uuid": uuid, "name": "Айгуль Примерова", "phone": "+7 (888) 000-11-22",
            "email": "aigul@shop.example", "country": "KG", "city": "Бишкек", "delivery": "courier/1", "deliveryPrice": 250,
            "payment": "mokka", "items": items});
        let (status, answer) = self.imshop("/v1/orders", json!({"installId": "install-1", "orders": [order]})).await;
        assert_eq!(status, 200, "{answer}");
        answer["orders"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn create(&self, uuid: &str, id: &str) -> Answered {
        let body = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": uuid, "orderId": id,
            "returnUrl": "imshop://payment/failed"});
        self.imshop("/v1/acquiring", body).await
    }

    pub(crate) async fn capture(&self, payment: &str) -> Answered {
        self.imshop("/v1/acquiring", json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": payment})).await
    }

    pub(crate) async fn decide(&self, payment: &str, decision: Decision) {
        self.environment.standins().decide(payment, decision, false, 1).await.unwrap();
    }

    /// Mokka's callback, at the address that it was given.
    pub(crate) async fn callback(&self, payment: &str) -> Answered {
        self.called_back(&self.on_hold, payment).await
    }

    async fn called_back(&self, functions: &Functions, payment: &str) -> Answered {
        let order = self.environment.standins().mokka_order(payment).unwrap();
        let path = Url::parse(&order.callback_url).unwrap().path().to_owned();
        let body = json!({"order_id": payment, "decision": "approved", "amount": order.amount});
        self.invoke(functions, &path, Event::post(&path).json(body).rest()).await
    }

    /// The customer agrees, and the money stays held until the goods ship.
    pub(crate) async fn hold(&self, payment: &str) {
        self.decide(payment, Decision::Approved).await;
        let (status, answer) = self.called_back(&self.on_shipment, payment).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn operate(&self, payment: &str, action: &str, body: Value) -> Answered {
        self.call("POST", &format!("/v1/back-office/payments/{payment}/{action}"), OPERATOR_KEY, &body).await
    }

    /// `finish` with the shop's own document.
    pub(crate) async fn finish_with_document(&self, payment: &str, document: &[u8]) -> Answered {
        let path = format!("/v1/back-office/payments/{payment}/finish");
        let head = "--b\r\nContent-Disposition: form-data; name=\"check\"; filename=\"check.pdf\"\r\n\
            Content-Type: application/pdf\r\n\r\n";
        let body = [head.as_bytes(), document, b"\r\n--b--\r\n"].concat();
        let mut event = Event::post(&path).key(OPERATOR_KEY).bytes(&body).rest();
        event["headers"]["Content-Type"] = json!("multipart/form-data; boundary=b");
        event["multiValueHeaders"]["Content-Type"] = json!(["multipart/form-data; boundary=b"]);
        self.invoke(&self.on_hold, &path, event).await
    }

    pub(crate) async fn refund(&self, payment: &str, key: &str, body: Value) -> Answered {
        let path = format!("/v1/back-office/payments/{payment}/refunds");
        let event = Event::post(&path).key(CASHIER_KEY).header("Idempotency-Key", key).json(body).rest();
        self.invoke(&self.on_hold, &path, event).await
    }

    pub(crate) async fn refund_was(&self, payment: &str, number: usize, made: bool) -> Answered {
        let path = format!("/v1/back-office/payments/{payment}/refunds/{number}/outcome");
        self.call("POST", &path, CASHIER_KEY, &json!({ "made": made })).await
    }

    pub(crate) async fn look(&self, path: &str) -> Answered {
        self.call("GET", path, VIEWER_KEY, &json!({})).await
    }

    pub(crate) async fn push(&self, uuid: &str, order: &Value) -> Answered {
        self.call("PUT", &format!("/v1/orders/{uuid}"), SHOP_KEY, order).await
    }

    /// A form, with a code or asking for one.
    pub(crate) async fn form(&self, name: &str, phone: &str, code: Option<&str>) -> Answered {
        let mut data = json!({"name": "Айгуль", "phone": phone, "picture": picture()});
        if let Some(code) = code {
            data["otpCode"] = code.into();
        }
        let path = if code.is_some() || name == "feedback" { "/v1/forms" } else { "/v1/forms/otp" };
        let installation: String = phone.chars().filter(char::is_ascii_digit).collect();
        self.imshop(path, json!({"formName": name, "installId": installation, "data": data})).await
    }

    /// The code in the last SMS to a phone (digits).
    pub(crate) fn code(&self, phone: &str) -> String {
        self.environment.standins().inbox(Some(phone)).pop().unwrap().code
    }

    pub(crate) async fn payment(&self, payment: &str) -> Value {
        self.environment.item("order-holds", &format!("payment#{payment}")).await.unwrap_or_default()
    }

    pub(crate) async fn state(&self, payment: &str) -> String {
        self.payment(payment).await["state"].as_str().unwrap_or_default().to_owned()
    }
}

/// A small photo as base64.
pub(crate) fn picture() -> String {
    use base64::Engine as _;
    let png = [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".as_slice(), &[0; 900]].concat();
    base64::engine::general_purpose::STANDARD.encode(png)
}
