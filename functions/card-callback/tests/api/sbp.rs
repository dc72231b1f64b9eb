//! SBP, whose customer pays in the bank's app by a link of the app's answer, and the other means of payment at YooKassa.

use testkit::settings::VIEWER_KEY;
use testkit::{drop_after, few_at_a_time};

use super::stages::changed;
use super::*;

const SBP: &str = "yookassa/sbp";
const SBP_SECTION: &str = "means = \"sbp\"\ntwoStage = false";

impl Shop {
    /// The sandbox's way to pay by SBP takes these means instead.
    async fn by(name: &str, means: &str) -> Self {
        Self::with(&[("PAYMENTS_CONFIG", &changed(&format!("{name}.toml"), SBP_SECTION, means))]).await
    }

    async fn create_sbp(&self) -> Value {
        self.create_by(SBP).await.json()
    }

    /// The customer has the link.
    async fn linked() -> Self {
        let shop = Self::open().await;
        let created = shop.create_sbp().await;
        assert_eq!(created["success"], json!(true), "{created}");
        shop.forget_calls();
        shop
    }

    async fn capture_sbp(&self) -> Value {
        let body = json!({"command": "capture", "paymentMethodId": SBP, "paymentId": self.payment});
        self.story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await.json()
    }

    /// What became of the newest payment at YooKassa; no notification comes.
    async fn decide_newest(&self, decision: CardDecision) {
        let newest = self.theirs().pop().unwrap();
        let outcome = CardOutcome { notify: false, ..CardOutcome::new(decision) };
        self.standins().decide_yookassa(newest["id"].as_str().unwrap(), &outcome).await.unwrap();
    }

    fn creations(&self) -> Vec<standins::Call> {
        self.standins().calls_to(System::Yookassa, "create")
    }
}

fn paid(shop: &Shop) -> Value {
    json!({"success": true, "paymentId": shop.payment, "paymentCaptured": true})
}

fn waiting(shop: &Shop) -> Value {
    json!({"success": true, "paymentId": shop.payment, "paymentCaptured": false, "pending": true})
}

#[tokio::test]
async fn app_gets_a_link_and_no_page() {
    let shop = Shop::open().await;
    let created = shop.create_sbp().await;
    let their = shop.their();
    let link = &their["confirmation"]["confirmation_data"];
    assert!(link.as_str().unwrap().starts_with("https://qr.nspk.ru/"), "{their}");
    assert_eq!(created, json!({"success": true, "paymentId": shop.payment, "sbpPayload": link}), "no URL, no regexes");
    let [call] = shop.creations().try_into().unwrap();
    assert_eq!(call.body["payment_method_data"], json!({"type": "sbp"}));
    assert_eq!(call.body["confirmation"], json!({"type": "qr"}));
    assert_eq!((&call.body["capture"], &call.body["amount"]["value"]), (&json!(true), &json!(AMOUNT)));
    let stored = shop.stored().await;
    assert_eq!((&stored["state"], &stored["means"], &stored["one_stage"]), (&json!("pending"), &json!("sbp"), &json!(true)));
    assert_eq!((&stored["sbp_payload"], stored.get("payment_url")), (link, None));
    assert_eq!(stored["provider_id"], their["id"]);
}

#[tokio::test]
async fn shops_people_see_the_link_and_no_page() {
    let shop = Shop::linked().await;
    let event = Event::new("GET", &format!("/v1/back-office/payments/{}", shop.payment)).key(VIEWER_KEY);
    let payment = shop.story.back_office(event.rest()).await.json()["payment"].clone();
    assert_eq!(payment["sbp_payload"], shop.their()["confirmation"]["confirmation_data"], "{payment}");
    assert_eq!((payment.get("payment_url"), &payment["means"]), (None, &json!("sbp")), "{payment}");
}

#[tokio::test]
async fn repeated_create_answers_the_same_link() {
    let shop = Shop::open().await;
    let first = shop.create_sbp().await;
    shop.forget_calls();
    shop.story.environment.advance(Duration::from_mins(10));
    assert_eq!(shop.create_sbp().await, first);
    assert_eq!((shop.called(), shop.theirs().len()), (vec!["get"], 1));
}

#[tokio::test]
async fn lost_answer_is_asked_for_again_with_the_same_key_and_gives_the_same_link() {
    few_at_a_time(["answer_lost", "http500", "timeout", "html", "status:202"].into_iter().map(|fault| async move {
        let shop = Shop::open().await;
        shop.fault("create", fault, 1);
        assert_eq!(shop.create_sbp().await["error"], json!(texts::PROVIDER_UNAVAILABLE), "{fault}");
        assert_eq!(shop.stored().await.get("sbp_payload"), None, "{fault}");
        shop.story.environment.advance(Duration::from_mins(10));
        let created = shop.create_sbp().await;
        assert_eq!(created["sbpPayload"], shop.their()["confirmation"]["confirmation_data"], "{fault}: {created}");
        let calls = shop.creations();
        let keys: std::collections::BTreeSet<_> = calls.iter().map(|call| &call.headers["idempotence-key"]).collect();
        let bodies: std::collections::BTreeSet<_> = calls.iter().map(|call| &call.raw).collect();
        assert_eq!((keys.len(), bodies.len()), (1, 1), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn create_dropped_at_every_point_opens_one_payment_with_one_link() {
    let mut points = 0;
    loop {
        let shop = Shop::open().await;
        let finished = drop_after(points, shop.create_sbp()).await.is_some();
        shop.story.environment.advance(Duration::from_secs(18));
        let created = shop.create_sbp().await;
        assert_eq!(created["sbpPayload"], shop.their()["confirmation"]["confirmation_data"], "{points}: {created}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 4, "read, intent, create, record: {points}");
}

#[tokio::test]
async fn paid_sbp_is_captured_without_a_call_and_told_once() {
    let shop = Shop::linked().await;
    assert_eq!(shop.capture_sbp().await, waiting(&shop), "the customer has not paid");
    shop.decide_newest(CardDecision::Paid).await;
    shop.forget_calls();
    assert_eq!(shop.capture_sbp().await, paid(&shop));
    assert_eq!(shop.called(), ["get"], "YooKassa has captured it by itself");
    assert_eq!(shop.capture_sbp().await, paid(&shop));
    shop.wait(15).await;
    let told = shop.standins().shop_events();
    let kinds: Vec<_> = told.iter().filter(|event| event["type"] == json!("payment.paid")).collect();
    assert_eq!((kinds.len(), &kinds[0]["times"]), (1, &json!(1)), "{told:?}");
    assert_eq!(shop.standins().imshop_payment(&shop.payment).unwrap()["paymentCaptured"], json!(true));
    assert_eq!(shop.create_sbp().await["error"], json!(texts::ALREADY_PAID));
}

#[tokio::test]
async fn notification_of_a_paid_sbp_captures_it() {
    let shop = Shop::linked().await;
    shop.decide_newest(CardDecision::Paid).await;
    for _ in 0..2 {
        assert_eq!(shop.notify("payment.succeeded").await.status, 200);
        shop.story.environment.advance(Duration::from_secs(10));
    }
    let stored = shop.stored().await;
    assert_eq!(stored["state"], json!("captured"));
    let captured = stored["history"].as_array().unwrap().iter().filter(|step| step["state"] == json!("captured")).count();
    assert_eq!(captured, 1, "{stored}");
}

#[tokio::test]
async fn slow_bank_is_waited_for() {
    let shop = Shop::linked().await;
    shop.decide_newest(CardDecision::Processing).await;
    assert_eq!(shop.capture_sbp().await, waiting(&shop));
    shop.decide_newest(CardDecision::Paid).await;
    assert_eq!(shop.capture_sbp().await, paid(&shop));
}

#[tokio::test]
async fn declined_or_unpaid_sbp_is_failed_and_another_attempt_opens() {
    for (decision, state) in [(CardDecision::Declined, "declined"), (CardDecision::Abandoned, "expired")] {
        let shop = Shop::linked().await;
        shop.decide_newest(decision).await;
        let text = if state == "declined" { texts::DECLINED } else { texts::EXPIRED };
        assert_eq!(shop.capture_sbp().await, failed(&shop, text), "{state}");
        assert_eq!(shop.state().await, state);
        let next = shop.create_sbp().await;
        assert_eq!(next["paymentId"], json!(shop.order.payment(2)), "{state}: {next}");
        assert_eq!(next["sbpPayload"], shop.theirs()[1]["confirmation"]["confirmation_data"], "{state}");
    }
}

#[tokio::test]
async fn link_left_alone_expires_by_polling() {
    let shop = Shop::linked().await;
    shop.wait(75).await;
    assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("expired", &json!("canceled")));
    assert_eq!(shop.create_sbp().await["paymentId"], json!(shop.order.payment(2)));
}

#[tokio::test]
async fn other_ways_after_sbp_are_refused_until_its_end() {
    let shop = Shop::linked().await;
    for method in ["yookassa/card", "mokka"] {
        let refused = shop.create_by(method).await.json();
        let text = refused["error"].as_str().unwrap();
        assert!(text.starts_with("По заказу уже начата оплата другим способом."), "{method}: {text}");
    }
    assert_eq!(shop.theirs().len(), 1, "nobody can pay twice");
    shop.wait(70).await;
    let created = shop.create().await;
    assert_eq!((&created["success"], &created["paymentId"]), (&json!(true), &json!(shop.order.payment(2))), "{created}");
    assert!(created["paymentUrl"].is_string() && created.get("sbpPayload").is_none(), "{created}");
}

#[tokio::test]
async fn sbp_after_a_card_withdraws_the_page_and_lets_a_late_hold_go() {
    let shop = Shop::pending().await;
    let card = shop.their_id();
    let created = shop.create_sbp().await;
    assert_eq!((&created["success"], &created["paymentId"]), (&json!(true), &json!(shop.order.payment(2))), "{created}");
    assert!(created["sbpPayload"].is_string(), "{created}");
    assert_eq!(shop.state().await, "canceled");
    let held = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Held) };
    shop.standins().decide_yookassa(&card, &held).await.unwrap();
    shop.decide_newest(CardDecision::Paid).await;
    shop.wait(15).await;
    let statuses: Vec<_> = shop.theirs().iter().map(|their| their["status"].clone()).collect();
    assert_eq!(statuses, [json!("canceled"), json!("succeeded")], "the hold goes back, the money of SBP stays");
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "captured");
}

#[tokio::test]
async fn sbp_by_page_has_a_page_and_one_stage() {
    let shop = Shop::by("sbp-page", "means = \"sbp_page\"").await;
    let created = shop.create_sbp().await;
    assert_eq!(created["paymentUrl"], shop.their()["confirmation"]["confirmation_url"], "{created}");
    assert!(created["successRegex"].is_string() && created.get("sbpPayload").is_none(), "{created}");
    let [call] = shop.creations().try_into().unwrap();
    assert_eq!(call.body["payment_method_data"], json!({"type": "sbp"}));
    assert_eq!((&call.body["confirmation"]["type"], &call.body["capture"]), (&json!("redirect"), &json!(true)));
    shop.decide_newest(CardDecision::Paid).await;
    let path = shop.return_path().await;
    assert!(shop.come_back(&path).await.headers["location"].ends_with("/success"));
    assert_eq!(shop.capture_sbp().await, paid(&shop));
    assert!(shop.standins().calls_to(System::Yookassa, "capture").is_empty());
}

#[tokio::test]
async fn sberpay_is_held_first_and_captured_by_us() {
    let shop = Shop::by("sberpay", "means = \"sberpay\"").await;
    let created = shop.create_sbp().await;
    assert_eq!(created["paymentUrl"], shop.their()["confirmation"]["confirmation_url"], "{created}");
    let [call] = shop.creations().try_into().unwrap();
    assert_eq!((&call.body["payment_method_data"], &call.body["capture"]), (&json!({"type": "sberbank"}), &json!(false)));
    shop.decide_newest(CardDecision::Paid).await;
    assert_eq!(shop.their()["status"], json!("waiting_for_capture"));
    shop.forget_calls();
    assert_eq!(shop.capture_sbp().await, paid(&shop));
    assert_eq!(shop.called(), ["get", "capture"]);
}

#[tokio::test]
async fn any_leaves_the_choice_to_the_page_whatever_is_chosen_there() {
    for (stages, capture) in [("", false), ("\ntwoStage = false", true)] {
        let shop = Shop::by(&format!("any-{capture}"), &format!("means = \"any\"{stages}")).await;
        assert!(shop.create_sbp().await["paymentUrl"].is_string());
        let [call] = shop.creations().try_into().unwrap();
        assert_eq!((call.body.get("payment_method_data"), &call.body["capture"]), (None, &json!(capture)));
        shop.decide_newest(CardDecision::Paid).await;
        let fields = json!({"payment_method": {"type": "a_wallet_of_tomorrow", "id": "1", "saved": false}});
        shop.standins().set_yookassa_fields(&shop.their_id(), fields.as_object().unwrap().clone()).unwrap();
        assert_eq!(shop.capture_sbp().await, paid(&shop), "{capture}");
    }
}

#[tokio::test]
async fn answer_without_a_usable_link_is_not_given_out_and_asked_for_again() {
    let long = format!("https://qr.nspk.ru/{}", "A".repeat(3 * 1024));
    for confirmation in [
        json!(null),
        json!({"type": "qr"}),
        json!({"type": "qr", "confirmation_data": null}),
        json!({"type": "qr", "confirmation_data": 7}),
        json!({"type": "qr", "confirmation_data": ""}),
        json!({"type": "qr", "confirmation_data": "  "}),
        json!({"type": "qr", "confirmation_data": "https://qr.nspk.ru/A\u{0}B"}),
        json!({"type": "qr", "confirmation_data": "https://qr.nspk.ru/A\r\nSet-Cookie: a"}),
        json!({"type": "qr", "confirmation_data": "https://qr.nspk.ru/A B"}),
        json!({"type": "qr", "confirmation_data": long}),
        json!({"type": "redirect", "confirmation_url": "https://yoomoney.ru/page"}),
    ] {
        let shop = Shop::open().await;
        shop.standins().set_next_yookassa_fields(json!({"confirmation": confirmation}).as_object().unwrap().clone());
        for _ in 0..2 {
            let refused = shop.create_sbp().await;
            assert_eq!(refused["error"], json!(texts::PROVIDER_UNAVAILABLE), "{confirmation}: {refused}");
            let stored = shop.stored().await;
            assert_eq!((&stored["state"], stored.get("sbp_payload")), (&json!("creating"), None), "{confirmation}");
            assert_eq!(stored["provider_id"], shop.their()["id"], "it is registered: {confirmation}");
            shop.story.environment.advance(Duration::from_mins(2));
        }
        let keys: std::collections::BTreeSet<_> =
            shop.creations().into_iter().map(|call| call.headers["idempotence-key"].clone()).collect();
        assert_eq!((shop.creations().len(), keys.len(), shop.theirs().len()), (2, 1, 1), "{confirmation}");
    }
}

#[tokio::test]
async fn registration_that_yookassa_refuses_leaves_other_ways_open() {
    let shop = Shop::open().await;
    shop.fault("create", "refused", 1);
    assert_eq!(shop.create_sbp().await["error"], json!(texts::METHOD_TEMPORARILY_OFF));
    assert_eq!(shop.state().await, "declined");
    assert_eq!(shop.create().await["success"], json!(true), "another way is open at once");
}

#[tokio::test]
async fn refund_of_sbp_that_is_accepted_is_followed_until_it_is_made() {
    let shop = Shop::linked().await;
    shop.decide_newest(CardDecision::Paid).await;
    assert_eq!(shop.capture_sbp().await, paid(&shop));
    shop.standins().set_reading("refunds", "pending").unwrap();
    let answer = shop.refund("slow", Some("1000.00")).await;
    assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{}", answer.body);
    shop.wait(3).await;
    assert_eq!(shop.standins().calls_to(System::Yookassa, "refund").len(), 1, "no second call");
    let refund = shop.standins().yookassa_refunds()[0]["id"].as_str().unwrap().to_owned();
    let made = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    shop.standins().decide_yookassa(&refund, &made).await.unwrap();
    shop.wait(40).await;
    let stored = shop.stored().await;
    assert_eq!((&stored["state"], &stored["refunds"][0]["status"]), (&json!("partially_refunded"), &json!("made")), "{stored}");
}
