//! Keys and bodies of every bad kind.

use crate::Story;
use serde_json::{Value, json};
use standins::Options;
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, canary};

fn capture() -> Value {
    json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": "1-1"})
}

async fn status(story: &Story, event: Event) -> u16 {
    let (rest, v2) = (story.acquiring(event.rest()).await, story.acquiring(event.v2()).await);
    assert_eq!((rest.status, &rest.body), (v2.status, &v2.body), "both kinds of events are answered alike");
    assert_eq!(rest.json()["success"], json!(false), "{}", rest.body);
    assert!(rest.json()["error"].is_string(), "{}", rest.body);
    rest.status
}

#[tokio::test]
async fn only_the_right_key_opens_wherever_it_stands() {
    let story = Story::start_with(Options::default(), &[("IMSHOP_KEY_NEXT", "the-other-valid-key")]).await;
    let event = || Event::post("/v1/acquiring").json(capture());
    for wrong in [
        event(),
        event().key(""),
        event().key("wrong"),
        event().key(&IMSHOP_KEY[1..]),
        event().header("Authorization", IMSHOP_KEY),
        event().header("Authorization", &format!("Basic {IMSHOP_KEY}")),
        event().header("key", ""),
        event().query("key", IMSHOP_KEY),
        Event::post("/v1/acquiring").json(json!({"key": "", "command": "capture"})),
        Event::post("/v1/acquiring").json(json!({"key": null})),
        Event::post("/v1/acquiring").json(json!({"key": [IMSHOP_KEY]})),
        Event::post("/v1/acquiring").text("not json"),
        Event::post("/v1/acquiring"),
    ] {
        assert_eq!(status(&story, wrong.clone()).await, 401, "{wrong:?}");
    }
    let mut body = capture();
    body["key"] = IMSHOP_KEY.into();
    for right in [
        event().key(IMSHOP_KEY),
        event().key("the-other-valid-key"),
        event().header("authorization", &format!("bearer {IMSHOP_KEY}")),
        event().header("key", IMSHOP_KEY),
        event().header("Key", "the-other-valid-key"),
        Event::post("/v1/acquiring").json(body),
    ] {
        assert_eq!(status(&story, right.clone()).await, 200, "{right:?}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_named() {
    let story = Story::start().await;
    let event = || Event::post("/v1/acquiring").key(IMSHOP_KEY);
    for (event, wanted) in [
        (event(), "empty"),
        (event().text("  \n"), "empty"),
        (event().text("{"), "not JSON"),
        (event().text("<xml/>"), "not JSON"),
        (event().text(&format!("{} extra", capture())), "not JSON"),
        (event().text("[\"capture\"]"), "not a JSON object"),
        (event().text("null"), "not a JSON object"),
        (event().text("{}"), "command"),
        (event().text(&"[".repeat(40_000)), "not JSON"),
        (
            event().text(&format!("{{\"command\":\"capture\",\"x\":{}1{}}}", "[".repeat(5000), "]".repeat(5000))),
            "paymentMethodId",
        ),
        (event().text("{\"command\":\"capture\",\"command\":\"create\"}"), "duplicate field `command`"),
        (event().bytes(b"{\"command\":\"\xff\xfe\"}"), "not UTF-8"),
        (event().text("{\"command\":\"capture\",\"paymentMethodId\":\"mokka\",\"paymentId\":1.5}"), "paymentId"),
        (event().text("{\"command\":\"capture\",\"paymentMethodId\":\"\",\"paymentId\":\"1-1\"}"), "paymentMethodId"),
    ] {
        let answer = story.acquiring(event.rest()).await;
        assert_eq!(answer.status, 400, "{event:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
}

#[tokio::test]
async fn base64_bodies_byte_order_and_unknown_fields_are_fine() {
    let story = Story::start().await;
    let event = || Event::post("/v1/acquiring").key(IMSHOP_KEY);
    let mut body = capture();
    body["somethingNew"] = json!({"deep": [1, 2, {"x": null}]});
    for event in [event().bytes(body.to_string().as_bytes()), event().json(body.clone())] {
        assert_eq!(story.acquiring(event.rest()).await.json()["error"], json!("Платёж не найден."));
    }
}

#[tokio::test]
async fn sizes_paths_and_methods_are_held() {
    let story = Story::start().await;
    let huge = Event::post("/v1/acquiring").key(IMSHOP_KEY).text(&" ".repeat(1024 * 1024 + 1));
    assert_eq!(status(&story, huge).await, 413);
    assert_eq!(status(&story, Event::post("/v1/acquiring/x").key(IMSHOP_KEY).json(capture())).await, 404);
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = story.acquiring(Event::new(method, "/v1/acquiring").key(IMSHOP_KEY).rest()).await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn wallets_are_read_and_refused_until_a_card_gateway_is_there() {
    let story = Story::start().await;
    for (command, field) in [("applepay", "applePayData"), ("androidpay", "androidPayData"), ("android", "androidPayData")] {
        let body = json!({"command": command, "paymentMethodId": "sberbank/wallet", "orderUuid": "u", "orderId": "1", field: canary::CRYPTOGRAM});
        let answer = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.json(),
            json!({"success": false, "error": "Оплата через Apple Pay и Google Pay не подключена. Выберите другой способ оплаты."})
        );
    }
}

#[tokio::test]
async fn the_store_being_down_is_our_fault_and_said_so() {
    let story = Story::start_with(Options::default(), &[]).await;
    let broken: acquiring::Deps =
        story.environment.build(acquiring::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let answer =
        testkit::invoke(&broken, |deps, request| Box::pin(acquiring::handle(deps, request)), Story::capture_event("1-1")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json(), json!({"success": false, "error": "Внутренняя ошибка. Попробуйте ещё раз через минуту."}));
}

#[test]
fn settings_that_are_wrong_are_all_named() {
    let env = shared::platform::env::Env::from_map(
        [
            ("IMSHOP_KEY".to_owned(), " ".to_owned()),
            ("INTERNAL_SECRET".to_owned(), "short".to_owned()),
            ("MOKKA_BASE_URL".to_owned(), "http://mokka.example".to_owned()),
        ]
        .into(),
    );
    let environment = shared::platform::runtime::Platform::real(&env).unwrap();
    let error = acquiring::Deps::from_env(env, environment).unwrap_err().to_string();
    for wanted in [
        "IMSHOP_KEY: must be set",
        "INTERNAL_SECRET: must have at least 32",
        "MOKKA_BASE_URL: must begin with https",
        "MOKKA_SECRET",
        "PAYMENTS_CONFIG",
        "AWS_REGION",
        "SHOP_NAME",
    ] {
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[tokio::test]
async fn form_and_hold_ends_are_two_settings_and_the_old_one_is_refused() {
    let story = Story::start().await;
    let problems = |changes: &[(&str, &str)]| {
        let mut env = story.environment.env();
        env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let deps = acquiring::Deps::from_env(shared::platform::env::Env::from_map(env), story.environment.platform());
        deps.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(problems(&[]), "");
    let before = problems(&[("MOKKA_VALID_HOURS", "24")]);
    assert!(before.contains("MOKKA_FORM_HOURS") && before.contains("MOKKA_HOLD_HOURS"), "{before}");
    assert_eq!(problems(&[("MOKKA_HOLD_HOURS", "24")]), "", "nothing waits for the goods");
    let short = problems(&[("MOKKA_HOLD_HOURS", "71"), ("MOKKA_FINISH", "on_shipment")]);
    assert!(short.contains("MOKKA_HOLD_HOURS: must be a whole number from 72 to 720"), "{short}");
    assert_eq!(problems(&[("MOKKA_HOLD_HOURS", "72"), ("MOKKA_FINISH", "on_shipment")]), "");
    assert!(problems(&[("MOKKA_FORM_HOURS", "0")]).contains("MOKKA_FORM_HOURS"));
}
