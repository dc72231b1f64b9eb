use crate::Story;
use futures_util::future::join_all;
use regex::Regex;
use serde_json::json;
use standins::{Decision, Fault, Options, System};
use testkit::{Event, Placed, TIMELY, few_at_a_time, invoke};

fn checkouts(story: &Story) -> usize {
    story.environment.standins().calls_to(System::Mokka, "checkout").len()
}

#[tokio::test]
async fn a_payment_is_registered_and_its_page_returned() {
    let story = Story::start().await;
    let order = story.order().await;
    let answer = story.create(&order).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    insta::assert_json_snapshot!(body, {".paymentUrl" => "[mokka's page]"});
    let mokka = story.environment.standins().mokka_order(&order.payment(1)).unwrap();
    assert_eq!(body["paymentUrl"], mokka.form_url.as_str());
    let call = &story.environment.standins().calls_to(System::Mokka, "checkout")[0];
    insta::assert_json_snapshot!("checkout_request", call.body, {
        ".callback_url" => insta::dynamic_redaction(|url, _| {
            let url = url.as_str().unwrap().to_owned();
            let (address, token) = url.rsplit_once('/').unwrap();
            assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
            format!("{address}/[token]")
        }),
        ".current_order.valid_till" => "[tomorrow]",
    });
    let stored = story.payment(&order.payment(1)).await;
    assert_eq!((stored["state"].as_str(), stored["amount"].as_i64()), (Some("pending"), Some(325_000)));
    assert!(!stored.to_string().contains(mokka.callback_url.rsplit('/').next().unwrap()), "the token is stored hashed only");
}

#[tokio::test]
async fn twenty_identical_creates_make_one_attempt() {
    let story = Story::start().await;
    let order = story.order().await;
    let answers = join_all((0..20).map(|_| story.create(&order))).await;
    assert_eq!(answers[0].json()["success"], json!(true), "{}", answers[0].body);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(checkouts(&story), 1);
}

#[tokio::test]
async fn the_expressions_match_our_pages_and_nothing_else() {
    let story = Story::start().await;
    let order = story.order().await;
    let body = story.create(&order).await.json();
    let base = format!("http://127.0.0.1:9{}", story.return_path(&order.payment(1)));
    assert!(base.starts_with(&format!("http://127.0.0.1:9/v1/return/{}/", order.payment(1))), "{base}");
    let other = &base[..base.len() - 1];
    for (field, yes, no) in [
        (
            "successRegex",
            vec![format!("{base}/success"), format!("{base}/success?x=1")],
            vec![format!("{base}/failed"), format!("{other}/success")],
        ),
        (
            "failureRegex",
            vec![format!("{base}/failed"), format!("{base}/failed/"), "imshop://payment/failed".to_owned()],
            vec![format!("{base}/success"), format!("{other}/failed"), "imshop://payment/fine".to_owned()],
        ),
    ] {
        let pattern = body[field].as_str().unwrap();
        let (search, whole) = (Regex::new(pattern).unwrap(), Regex::new(&format!("^(?:{pattern})$")).unwrap());
        for url in yes {
            assert!(search.is_match(&url) && whole.is_match(&url), "{pattern} {url}");
        }
        for url in no {
            assert!(!search.is_match(&url), "{pattern} {url}");
        }
        assert!(!pattern.contains("(?"), "no look-around, no flags: {pattern}");
    }
}

#[tokio::test]
async fn every_fault_of_checkout_is_answered_and_then_converges() {
    let faults =
        ["timeout", "reset", "http500", "html", "slow", "answer_lost", "refused", "status:33", "status:61", "status:777"];
    few_at_a_time(faults.into_iter().map(|fault| async move {
        let story = Story::start().await;
        let order = story.order().await;
        story
            .environment
            .standins()
            .fault(System::Mokka, "checkout", fault.parse::<Fault>().unwrap(), if fault == "status:61" { 2 } else { 1 })
            .unwrap();
        let started = std::time::Instant::now();
        let answer = story.create(&order).await;
        assert!(started.elapsed() < TIMELY, "{fault}");
        assert_eq!((answer.status, answer.json()["success"].as_bool()), (200, Some(false)), "{fault}: {}", answer.body);
        assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{fault}");
        let again = story.create(&order).await.json();
        assert_eq!(again["success"], json!(true), "{fault}: {again}");
        let payment = again["paymentId"].as_str().unwrap();
        story.decide(payment, Decision::Approved).await;
        let captured = story.capture(payment).await.json();
        assert_eq!(captured["paymentCaptured"], json!(true), "{fault}: {captured}");
        assert_eq!(story.environment.standins().mokka_order(payment).unwrap().finishes, 1, "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn a_way_back_that_is_no_address_keeps_nobody_from_paying() {
    let story = Story::start().await;
    for (return_url, is_noted) in [
        (json!(null), false),
        (json!(""), false),
        (json!("  "), false),
        (json!("imshop://payment/failed"), false),
        (json!("payment/failed"), true),
        (json!("javascript:alert(1)"), true),
        (json!("DATA:text/html,hello"), true),
        (json!("file:///etc/passwd"), true),
        (json!(format!("imshop://{}", "a".repeat(2000))), true),
        (json!({"url": "imshop://payment/failed"}), true),
        (json!(7), true),
        (json!(["imshop://payment/failed"]), true),
    ] {
        let order = story.order().await;
        let (before, command) = (story.environment.logs().len(), json!({"command": "create", "paymentMethodId": "mokka"}));
        let mut body = command;
        body["orderUuid"] = order.uuid.clone().into();
        body["orderId"] = order.id.clone().into();
        body["returnUrl"] = return_url.clone();
        let answer = story.acquiring(Event::post("/v1/acquiring").key("imshop-demo-key").json(body).rest()).await.json();
        assert_eq!(answer["success"], true, "{return_url}: {answer}");
        let named = answer["failureRegex"].as_str().unwrap().contains("imshop://payment/failed");
        assert_eq!(named, return_url == "imshop://payment/failed", "{return_url}: {answer}");
        let logs = story.environment.logs()[before..].to_owned();
        assert_eq!(logs.contains("returnUrl") || logs.contains("\"field\":\"returnUrl\""), is_noted, "{return_url}: {logs}");
    }
}

#[tokio::test]
async fn bad_commands_are_named() {
    let story = Story::start().await;
    let event = |body: serde_json::Value| Event::post("/v1/acquiring").key("imshop-demo-key").json(body);
    for (body, status, wanted) in [
        (json!({"command": "create", "orderUuid": "u", "orderId": "1"}), 400, "paymentMethodId"),
        (json!({"command": "create", "paymentMethodId": "mokka", "orderId": "1"}), 400, "orderUuid"),
        (json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "u"}), 400, "orderId"),
        (json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "u", "orderId": {}}), 400, "orderId"),
        (json!({"command": 7}), 400, "command"),
        (json!({"command": "capture", "paymentMethodId": "mokka"}), 400, "paymentId"),
        (json!({"command": "applepay", "paymentMethodId": "x", "orderUuid": "u", "orderId": "1"}), 400, "applePayData"),
        (json!({"command": "steal"}), 200, "create, applepay"),
    ] {
        for event in [event(body.clone()).rest(), event(body.clone()).v2()] {
            let answer = story.acquiring(event).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            assert_eq!(answer.json()["success"], json!(false));
            assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{body}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn without_a_public_address_the_gateways_own_is_told() {
    let story = Story::start_with(Options::default(), &[("PUBLIC_BASE_URL", "")]).await;
    let body =
        |order: &Placed| json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": order.uuid, "orderId": order.id});
    let (first, second) = (story.order().await, story.order().await);
    let event = |order: &Placed| Event::post("/v1/acquiring").key("imshop-demo-key").json(body(order));
    let rest = story.acquiring(event(&first).rest()).await.json();
    let v2 = story.acquiring(event(&second).v2()).await.json();
    for (answer, order, base) in [(rest, &first, "https://api.shop.example/prod"), (v2, &second, "https://api.shop.example")] {
        let mokka = story.environment.standins().mokka_order(&order.payment(1)).unwrap();
        let payment = order.payment(1);
        let redirect = &mokka.redirect_url;
        assert!(redirect.starts_with(&format!("{base}/v1/return/{payment}/")), "{redirect}: {answer}");
        assert!(mokka.callback_url.starts_with(&format!("{base}/v1/mokka/callback/{payment}/")));
        let success = Regex::new(answer["successRegex"].as_str().unwrap()).unwrap();
        assert!(success.is_match(&format!("{redirect}/success")));
    }
}

#[tokio::test]
async fn an_attempt_keeps_the_page_that_mokka_knows() {
    let story = Story::start().await;
    let order = story.order().await;
    let first = story.create(&order).await.json();
    let page = story.return_path(&order.payment(1));
    // The token of a page cannot be derived from the next order's.
    let next = story.order().await;
    story.create(&next).await;
    assert_ne!(story.return_path(&next.payment(1)).rsplit_once('/'), page.rsplit_once('/'));
    story.environment.standins().fault(System::Mokka, "status", "status:24".parse::<Fault>().unwrap(), 1).unwrap();
    let registered_anew = story.create(&order).await.json();
    assert_eq!((&registered_anew["successRegex"], story.return_path(&order.payment(1))), (&first["successRegex"], page));
    // One that an earlier release opened: its page has no token, and Mokka and the app go on knowing it so.
    story.open_without_return_token(&order.payment(1)).await;
    let again = story.create(&order).await.json();
    let success = Regex::new(again["successRegex"].as_str().unwrap()).unwrap();
    assert!(success.is_match(&format!("http://127.0.0.1:9/v1/mokka/return/{}/success", order.payment(1))), "{again}");
}

#[tokio::test]
async fn attempt_unknown_to_mokka_is_registered_again_until_it_expires() {
    let story = Story::start().await;
    let order = story.order().await;
    let first = story.create(&order).await.json();
    let forgets =
        || story.environment.standins().fault(System::Mokka, "status", "status:24".parse::<Fault>().unwrap(), 1).unwrap();
    forgets();
    let second = story.create(&order).await.json();
    assert_eq!((&second["paymentId"], checkouts(&story)), (&first["paymentId"], 2), "{second}");
    assert_ne!(second["paymentUrl"], first["paymentUrl"], "the page of the new registration");
    story.environment.advance(std::time::Duration::from_hours(25));
    forgets();
    assert_eq!(story.create(&order).await.json()["paymentId"], json!(order.payment(2)));
}

#[tokio::test]
async fn payments_go_on_when_the_internal_secret_is_another_one() {
    let story = Story::start().await;
    let (registered, again) = (story.order().await, story.order().await);
    for order in [&registered, &again] {
        assert_eq!(story.create(order).await.json()["success"], json!(true));
    }
    let changed = [("INTERNAL_SECRET", "another-internal-secret-of-the-sandbox")];
    let acquiring = story.environment.build(acquiring::Deps::from_env, &changed);
    // Mokka forgot one of them: it is registered anew, with an address of the new secret.
    story.environment.standins().fault(System::Mokka, "status", "status:24".parse::<Fault>().unwrap(), 1).unwrap();
    let create = Story::create_event(&again);
    let answer = invoke(&acquiring, |deps, request| Box::pin(acquiring::handle(deps, request)), create).await;
    assert_eq!(answer.json()["success"], json!(true), "{}", answer.body);
    for order in [registered, again] {
        let payment = order.payment(1);
        story.decide(&payment, Decision::Approved).await;
        assert_eq!(story.callback(&payment, "approved").await.status, 200, "{payment}");
        assert_eq!(story.state(&payment).await, "captured", "{payment}");
    }
}

#[tokio::test]
async fn a_page_that_a_lost_answer_replaced_is_never_handed_out_again() {
    let story = Story::start().await;
    let order = story.order().await;
    let first = story.create(&order).await.json();
    let standins = story.environment.standins();
    standins.fault(System::Mokka, "status", "status:24".parse::<Fault>().unwrap(), 1).unwrap();
    standins.fault(System::Mokka, "checkout", Fault::AnswerLost, 1).unwrap();
    assert_eq!(story.create(&order).await.json()["success"], json!(false), "registered again, its answer lost");
    let again = story.create(&order).await.json();
    let page = standins.mokka_order(&order.payment(1)).unwrap().form_url;
    assert_eq!((&again["paymentId"], &again["paymentUrl"]), (&first["paymentId"], &json!(page)), "{again}");
}
