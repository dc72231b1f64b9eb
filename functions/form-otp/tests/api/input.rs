//! Bad input of every kind: a clear error in the forms' shape, and nothing happens.

use std::collections::BTreeMap;

use form_otp::Deps;
use serde_json::{Value, json};
use shared::platform::env::Env;
use shared::platform::texts;
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, TestEnvironment, invoke};

use super::{Customer, EXPORT, HANDLE, SEND, failed, success};

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let customer = Customer::start().await;
    let deep = format!(r#"{{"formName":"callback","installId":"i","data":{{"a":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "empty"),
        (b" \n".to_vec(), "empty"),
        (b"form".to_vec(), "not JSON"),
        (b"{".to_vec(), "not JSON"),
        (b"{}{}".to_vec(), "not JSON"),
        (b"{\xff\xfe}".to_vec(), "not UTF-8 (byte 1)"),
        (b"\xff\xfe{}".to_vec(), "not JSON"),
        (b"\xff\xfe{".to_vec(), "not UTF-16LE, as its byte order mark says"),
        (b"[]".to_vec(), "body"),
        (b"null".to_vec(), "body"),
        (deep.into_bytes(), "recursion"),
        (br"{}".to_vec(), "formName"),
        (br#"{"formName":null,"installId":"i","data":{}}"#.to_vec(), "formName"),
        (br#"{"formName":"","installId":"i","data":{}}"#.to_vec(), "formName"),
        (br#"{"formName":{"a":1},"installId":"i","data":{}}"#.to_vec(), "formName"),
        (br#"{"formName":"a","formId":"b","installId":"i","data":{}}"#.to_vec(), "formId"),
        (br#"{"formName":"a","formName":"a","installId":"i","data":{}}"#.to_vec(), "formName"),
        (br#"{"formName":"callback","installId":["i"],"data":{}}"#.to_vec(), "installId"),
        (br#"{"formName":"callback","installId":true,"data":{}}"#.to_vec(), "installId"),
        (br#"{"formName":"callback","installId":"i"}"#.to_vec(), "data"),
        (br#"{"formName":"callback","installId":"i","data":null}"#.to_vec(), "data"),
        (br#"{"formName":"callback","installId":"i","data":"x"}"#.to_vec(), "data"),
        (br#"{"formName":"callback","installId":"i","data":[]}"#.to_vec(), "data"),
        (br#"{"formName":"callback","installId":"i","data":{"a":1,"a":2}}"#.to_vec(), "data"),
        (br#"{"formName":"callback","installId":"i","data":{"b":{"a":1,"a":2}}}"#.to_vec(), "occurs twice"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":true}}"#.to_vec(), "data.otpCode"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":["1"]}}"#.to_vec(), "data.otpCode"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":{}}}"#.to_vec(), "data.otpCode"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":12.5}}"#.to_vec(), "data.otpCode"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":-123}}"#.to_vec(), "data.otpCode"),
        (br#"{"formName":"callback","installId":"i","data":{"otpCode":1e5}}"#.to_vec(), "data.otpCode"),
    ];
    for path in [SEND, EXPORT] {
        for (body, part) in &cases {
            let event = Event::post(path).key(IMSHOP_KEY).bytes(body);
            let answer = invoke(&customer.deps, HANDLE, event.rest()).await;
            let shown = String::from_utf8_lossy(body);
            assert_eq!(answer.status, 400, "{path} {shown}: {}", answer.body);
            let json = answer.json();
            assert_eq!(json["success"], json!(false), "{shown}");
            assert!(json["message"].as_str().unwrap().contains(part), "{path} {shown}: {json}");
        }
    }
    assert_eq!(customer.environment.standins().calls(None).len(), 0);
    assert_eq!(customer.environment.items("otp-tokens", "").await.len(), 0);
}

#[tokio::test]
async fn what_can_be_read_is_read() {
    for (name, body) in [
        ("ids as numbers", json!({"formName": "callback", "installId": 17, "data": {"phone": "996770102030"}})),
        (
            "both names alike",
            json!({"formName": "callback", "formId": "callback", "installId": "i", "data": {"phone": "996770102030"}}),
        ),
        ("formId alone", json!({"formId": "callback", "installId": "i", "data": {"phone": "996770102030"}})),
        (
            "unknown fields",
            json!({"x": [1], "formName": "callback", "installId": "i", "data": {"phone": "996770102030", "y": {}}}),
        ),
        ("an empty code", json!({"formName": "callback", "installId": "i", "data": {"phone": "996770102030", "otpCode": " "}})),
        ("a null code", json!({"formName": "callback", "installId": "i", "data": {"phone": "996770102030", "otpCode": null}})),
    ] {
        let customer = Customer::start().await;
        let text = body.to_string();
        let event = Event::post(SEND).key(IMSHOP_KEY).bytes(text.as_bytes());
        assert_eq!(invoke(&customer.deps, HANDLE, event.rest()).await.json(), success(), "{name}, base64");
    }
}

#[tokio::test]
async fn a_body_may_have_ten_megabytes_and_no_more() {
    let customer = Customer::start().await;
    let form = |size: usize| {
        let body = customer.with("/data/name", "").to_string();
        body.replace(r#""name":"""#, &format!(r#""name":"{}""#, "x".repeat(size - body.len())))
    };
    let limit = 10 * 1024 * 1024;
    let post = async |text: String| {
        assert!(text.len() >= limit);
        invoke(&customer.deps, HANDLE, Event::post(SEND).key(IMSHOP_KEY).text(&text).rest()).await
    };
    let answer = post(form(limit + 1)).await;
    assert_eq!((answer.status, answer.json()["success"].clone()), (413, json!(false)));
    assert_eq!(post(form(limit)).await.json(), success());
}

#[tokio::test]
async fn only_the_right_key_opens() {
    let customer = Customer::start_with(&[("IMSHOP_KEY_NEXT", "the-next-key-of-imshop")]).await;
    let post = async |event: Event, body: Value| invoke(&customer.deps, HANDLE, event.json(body).rest()).await;
    let mut keyed = customer.form.clone();
    for wrong in [json!(""), json!("wrong"), json!(null), json!(7), json!(["imshop-demo-key"])] {
        keyed["key"] = wrong;
        for path in [SEND, EXPORT] {
            let answer = post(Event::post(path), keyed.clone()).await;
            assert_eq!((answer.status, answer.json()), (401, failed(texts::UNAUTHORIZED)));
        }
    }
    for event in [
        Event::post(SEND),
        Event::post(SEND).key(""),
        Event::post(SEND).key("imshop-demo-ke"),
        Event::post(SEND).key("shop-demo-key"),
        Event::post(SEND).header("key", ""),
        Event::post(SEND).header("Authorization", "imshop-demo-key"),
    ] {
        let answer = post(event, customer.form.clone()).await;
        assert_eq!((answer.status, answer.json()), (401, failed(texts::UNAUTHORIZED)));
    }
    assert_eq!(invoke(&customer.deps, HANDLE, Event::post(SEND).text("{").rest()).await.status, 401, "before anything is read");
    assert_eq!(customer.environment.standins().calls(None).len(), 0);

    keyed["key"] = json!(IMSHOP_KEY);
    assert_eq!(post(Event::post(SEND), keyed).await.json(), success(), "in the body");
    customer.environment.advance(super::COOL_DOWN);
    assert_eq!(post(Event::post(SEND).header("key", IMSHOP_KEY), customer.form.clone()).await.json(), success(), "in a header");
    customer.environment.advance(super::COOL_DOWN);
    assert_eq!(
        post(Event::post(SEND).key("the-next-key-of-imshop"), customer.form.clone()).await.json(),
        success(),
        "the next one"
    );
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_forms_shape() {
    let customer = Customer::start().await;
    for (method, path, status) in [
        ("GET", SEND, 405),
        ("PUT", EXPORT, 405),
        ("DELETE", EXPORT, 405),
        ("POST", "/v1/forms/otp/more", 404),
        ("POST", "/v1/form", 404),
        ("POST", "/", 404),
    ] {
        let event = Event::new(method, path).key(IMSHOP_KEY).json(customer.form.clone());
        let answer = invoke(&customer.deps, HANDLE, event.rest()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["success"], json!(false), "{method} {path}");
        assert!(answer.json()["message"].is_string(), "{method} {path}");
        if status == 405 {
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
}

#[tokio::test]
async fn wrong_settings_refuse_to_start_and_are_named() {
    let environment = TestEnvironment::start().await;
    let problems = |changes: &[(&str, &str)]| {
        let mut env: BTreeMap<String, String> = environment.env();
        env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Deps::from_env(Env::from_map(env), environment.platform()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(problems(&[]), "");
    let here = super::configured("settings", &[(r#"["shop", "store"]"#, r#"["store"]"#)]);
    let nowhere = [("FORMS_CONFIG", here.as_str()), ("SHOP_FORMS_URL", ""), ("SHOP_FORMS_SECRET", ""), ("FORMS_QUEUE_URL", "")];
    assert_eq!(problems(&nowhere), "", "if no form goes to the shop");
    for (name, value) in [
        ("IMSHOP_KEY", ""),
        ("INTERNAL_SECRET", "short"),
        ("OTP_TABLE", ""),
        ("FORMS_CONFIG", "/nowhere/forms.toml"),
        ("SMSPRO_BASE_URL", "http://smspro.example"),
        ("SMSPRO_KEY", " "),
        ("SHOP_FORMS_URL", "ftp://shop.example"),
        ("SHOP_FORMS_URL", ""),
        ("SHOP_FORMS_SECRET", "whsec_short"),
        ("SHOP_FORMS_SECRET_NEXT", "short"),
        ("FORMS_QUEUE_URL", ""),
        ("FORMS_TABLE", ""),
        ("FORM_PHOTOS_BUCKET", ""),
        ("AWS_REGION", ""),
    ] {
        assert!(problems(&[(name, value)]).contains(name), "{name}");
    }
}
