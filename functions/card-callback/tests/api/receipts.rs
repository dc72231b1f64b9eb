//! Fiscal receipts: made of the order when it is paid, and of the part that is captured or given back.

use shared::platform::money::{Decimal, Quantity};
use testkit::settings::SHOP_KEY;
use testkit::written;

use super::*;

/// Cards with receipts, whose default VAT is 20 %.
fn with_receipts(name: &str, lines: &str) -> String {
    let text = std::fs::read_to_string(WITH_CARDS).unwrap();
    written(env!("CARGO_TARGET_TMPDIR"), name, &format!("{text}\n[gateways.yookassa.receipt]\n{lines}\n"))
}

fn usual() -> String {
    with_receipts("receipts.toml", "vat = \"20\"\nvatCodes = { \"20\" = 4, \"10\" = 3, none = 1 }\ntaxSystem = 1")
}

impl Shop {
    /// The order is placed, and the provider's register wants a receipt of everything.
    async fn with_register(config: &str) -> Self {
        let options = Options { yookassa_register: Some("atol".to_owned()), ..Options::default() };
        let story = Story::start_with(options, &[("PAYMENTS_CONFIG", config)]).await;
        let order = story.order().await;
        let payment = order.payment(1);
        Self { story, order, payment }
    }

    /// An order that the shop says, of a customer with these contacts.
    async fn pushed(config: &str, amount: &str, items: Value, contacts: Value) -> Self {
        let shop = Self::with_register(config).await;
        let order = Placed { uuid: "pushed".to_owned(), id: "5001".to_owned() };
        let payment = order.payment(1);
        let shop = Self { order, payment, ..shop };
        let pushed = shop.push(amount, items, contacts).await;
        assert!((200..300).contains(&pushed.status), "{pushed:?}");
        shop
    }

    /// The shop says what the order is now; the delivery is free.
    async fn push(&self, amount: &str, items: Value, contacts: Value) -> Answer {
        let path = format!("/v1/orders/{}", self.order.uuid);
        let mut body = json!({"orderId": self.order.id, "amount": amount, "currency": "RUB", "items": items});
        body.as_object_mut().unwrap().extend(contacts.as_object().unwrap().clone());
        self.story.orders(Event::new("PUT", &path).key(SHOP_KEY).json(body).rest()).await
    }

    /// The receipt that was sent with the only call of this method.
    fn receipt_of(&self, method: &str) -> Value {
        let calls = self.standins().calls(Some(System::Yookassa));
        let calls: Vec<_> = calls.into_iter().filter(|call| call.method == method).collect();
        let [only] = calls.as_slice() else { panic!("one {method}, not {}", calls.len()) };
        only.body["receipt"].clone()
    }

    fn is_called(&self, method: &str) -> bool {
        self.called().contains(&method)
    }
}

/// What the items of a receipt cost, in thousandths of a kopeck.
fn sum(receipt: &Value) -> i64 {
    let cost = |item: &Value| {
        let quantity = Quantity::parse(item["quantity"].as_str().unwrap()).unwrap();
        let price = Decimal::parse(item["amount"]["value"].as_str().unwrap()).unwrap();
        quantity.thousandths() * price.hundredths()
    };
    receipt["items"].as_array().unwrap().iter().map(cost).sum()
}

#[tokio::test]
async fn payment_is_registered_with_the_receipt_of_its_order() {
    let shop = Shop::with_register(&usual()).await;
    let created = shop.create().await;
    assert_eq!(created["success"], json!(true), "{created}");
    let receipt = shop.receipt_of("create");
    assert_eq!(sum(&receipt), 325_000_000, "{receipt}");
    assert_eq!(receipt["tax_system_code"], json!(1));
    for item in receipt["items"].as_array().unwrap() {
        assert_eq!((&item["vat_code"], &item["payment_mode"]), (&json!(4), &json!("full_prepayment")), "{item}");
    }
    let customer = receipt["customer"].as_object().unwrap();
    assert_eq!(customer.len(), 1, "one contact: {customer:?}");
    shop.pay(CardDecision::Paid).await;
    shop.forget_calls();
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!(shop.receipt_of("capture"), Value::Null, "the whole capture needs no new receipt");
}

#[tokio::test]
async fn lost_answer_is_asked_for_again_with_the_same_receipt() {
    let shop = Shop::with_register(&usual()).await;
    shop.fault("create", "answer_lost", 3);
    assert_eq!(shop.create().await["success"], json!(false));
    let first = shop.standins().calls(Some(System::Yookassa))[0].raw.clone();
    let items = json!([{"name": "Другое", "quantity": 1, "price": "3250.00", "sku": "other"}]);
    // The order that is being paid stays as it is.
    assert_eq!(shop.push(AMOUNT, items, json!({})).await.status, 409);
    shop.standins().clear_faults();
    assert_eq!(shop.create().await["success"], json!(true));
    let calls = shop.standins().calls(Some(System::Yookassa));
    assert!(calls.iter().filter(|call| call.method == "create").all(|call| call.raw == first));
    assert_eq!(shop.theirs().len(), 1);
}

#[tokio::test]
async fn words_of_the_shop_become_the_numbers_of_the_gateway() {
    let items = json!([
        {"name": "Чайник", "quantity": 3, "price": "1000.00", "subtotal": "2899.99", "sku": "kettle", "vat": 10, "mode": "full_payment"},
        {"name": "Сборка", "quantity": 1, "price": "350.01", "sku": "work", "vat": "none", "subject": "service"},
    ]);
    let contacts = json!({"email": "a@b.example", "phone": "+79161234567"});
    let shop = Shop::pushed(&usual(), AMOUNT, items, contacts).await;
    assert_eq!(shop.create().await["success"], json!(true));
    let receipt = shop.receipt_of("create");
    assert_eq!(receipt["customer"], json!({"email": "a@b.example"}));
    let shown: Vec<_> = receipt["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
            let price = item["amount"]["value"].as_str().unwrap();
            format!(
                "{} {} {price} {} {} {}",
                text("description"),
                text("quantity"),
                item["vat_code"],
                text("payment_subject"),
                text("payment_mode")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Чайник 2 966.66 3 commodity full_payment",
            "Чайник 1 966.67 3 commodity full_payment",
            "Сборка 1 350.01 1 service full_prepayment",
        ]
    );
}

#[tokio::test]
async fn order_of_which_no_receipt_can_be_made_is_not_paid_and_the_provider_not_called() {
    let items = |vat: Value| json!([{"name": "Чайник", "quantity": 1, "price": "3250.00", "vat": vat}]);
    let phone = || json!({"phone": "+79161234567"});
    let email_only = with_receipts("email.toml", "vat = \"20\"\nvatCodes = { \"20\" = 4 }\ncashRegister = \"provider\"");
    for (config, amount, items, contacts, text) in [
        (usual(), AMOUNT, items(json!(20)), json!({}), texts::RECEIPT_WITHOUT_CONTACT),
        (email_only, AMOUNT, items(json!(20)), phone(), texts::RECEIPT_WITHOUT_CONTACT),
        (usual(), AMOUNT, items(json!(22)), phone(), texts::METHOD_TEMPORARILY_OFF),
        (usual(), "3250.01", items(json!(20)), phone(), texts::METHOD_TEMPORARILY_OFF),
        (usual(), AMOUNT, json!([]), phone(), texts::METHOD_TEMPORARILY_OFF),
    ] {
        let shop = Shop::pushed(&config, amount, items, contacts).await;
        let refused = shop.create().await;
        assert_eq!((&refused["success"], &refused["error"]), (&json!(false), &json!(text)), "{amount}");
        assert!(!shop.is_called("create") && shop.stored().await.is_null());
    }
}

#[tokio::test]
async fn hold_that_was_lowered_is_captured_with_a_receipt_of_what_it_costs() {
    let config = usual();
    let text = std::fs::read_to_string(&config).unwrap().replace("finish = \"on_hold\"", "finish = \"on_shipment\"");
    let shop = Shop::with_register(&written(env!("CARGO_TARGET_TMPDIR"), "receipts-on-shipment.toml", &text)).await;
    shop.opened().await;
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    let cart = json!([{"name": "Чайник", "price": "1500.00", "quantity": 2}]);
    let changed = shop.back_office("change", OPERATOR_KEY, Some(json!({"amount": "3000.00", "cart": cart}))).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    shop.forget_calls();
    let finished = shop.back_office("finish", OPERATOR_KEY, Some(json!({}))).await;
    assert_eq!(finished.status, 200, "{finished:?}");
    let receipt = shop.receipt_of("capture");
    assert_eq!(sum(&receipt), 300_000_000, "{receipt}");
    assert_eq!(receipt["items"].as_array().unwrap().len(), 1, "no delivery is left to be paid: {receipt}");
}

#[tokio::test]
async fn without_a_section_no_receipt_is_sent() {
    let shop = Shop::open().await;
    shop.create().await;
    assert_eq!(shop.receipt_of("create"), Value::Null);
}
