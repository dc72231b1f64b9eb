//! Photos come as base64 among the fields, and are objects in S3 while the form is stored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};
use shared::forms::submission::RETENTION_DAYS;
use shared::forms::texts;
use testkit::settings::PHOTOS;

use super::{Customer, EXPORT, failed, success};

/// Bytes that begin as a photo of that kind does.
pub(crate) fn photo(kind: &str, length: usize) -> Vec<u8> {
    let head: &[u8] = match kind {
        "image/jpeg" => b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
        "image/png" => b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        "image/webp" => b"RIFF\x00\x10\x00\x00WEBPVP8 ",
        "image/heif" => b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        "image/gif" => b"GIF89a",
        other => unreachable!("{other}"),
    };
    let rest = (head.len()..length).map(|place| u8::try_from(place * 31 % 251).unwrap());
    head.iter().copied().chain(rest).collect()
}

/// The form that needs no code and stays here, with fields.
async fn feedback(customer: &Customer, data: Value) -> Value {
    let mut form = customer.with("/formName", "feedback");
    form["data"] = data;
    customer.ok(EXPORT, form).await
}

async fn stored(customer: &Customer) -> Value {
    let mut forms = customer.environment.items("forms", "form#").await;
    assert_eq!(forms.len(), 1);
    forms.remove(0)
}

#[tokio::test]
async fn photos_become_objects_byte_for_byte_wherever_they_were() {
    let kinds = ["image/jpeg", "image/png", "image/webp", "image/heif", "image/gif"];
    // Around the chunks that are decoded at once, with every kind of padding.
    let lengths = [1000, 49_151, 49_152, 49_153, 200_000];
    let photos: Vec<_> = kinds.into_iter().zip(lengths).map(|(kind, length)| (kind, photo(kind, length))).collect();
    let customer = Customer::start().await;
    let data = json!({
        "a/b~c": format!("data:image/jpg;base64,{}", STANDARD.encode(&photos[0].1)),
        "pictures": [STANDARD.encode(&photos[1].1), {"file": STANDARD_NO_PAD.encode(&photos[2].1)}],
        "others": [[format!("data:application/octet-stream;base64,{}", STANDARD.encode(&photos[3].1))]],
        "last": STANDARD_NO_PAD.encode(&photos[4].1),
        "text": "data:, is how some people write",
    });
    assert_eq!(feedback(&customer, data.clone()).await, success());
    let form = stored(&customer).await;
    let fields: Value = serde_json::from_str(form["data"].as_str().unwrap()).unwrap();
    let nothing =
        json!({"a/b~c": null, "pictures": [null, {"file": null}], "others": [[null]], "last": null, "text": data["text"]});
    assert_eq!(fields, nothing, "no photo in the item");
    let items = form["photos"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    for item in items {
        let text = data.pointer(item["pointer"].as_str().unwrap()).unwrap().as_str().unwrap();
        let (kind, bytes) = photos.iter().find(|(kind, _)| item["media_type"] == *kind).unwrap();
        let key = item["key"].as_str().unwrap();
        assert_eq!(customer.environment.storage().get(PHOTOS, key).as_ref(), Some(bytes), "{kind}");
        assert_eq!((&item["bytes"], &item["data_url"]), (&json!(bytes.len()), &json!(text.starts_with("data:"))), "{kind}");
        let id = form["pk"].as_str().unwrap().strip_prefix("form#").unwrap();
        assert!(key.starts_with(&format!("photos/90d/{id}/")), "as long as the form: {key}");
    }
}

#[tokio::test]
async fn bad_photo_is_refused_in_photo_field_and_is_text_elsewhere() {
    let pdf = STANDARD.encode([&b"%PDF-1.7"[..], &[7; 600]].concat());
    let svg = STANDARD.encode("<svg onload='alert(1)'>".repeat(40));
    let broken = format!("{}*{}", STANDARD.encode(photo("image/png", 900)), STANDARD.encode(photo("image/png", 900)));
    let inner_padding = format!("{}{}", STANDARD.encode(photo("image/png", 49_151)), STANDARD.encode(photo("image/png", 60_000)));
    let customer = Customer::start().await;
    for wrong in [&pdf, &svg, &broken, &inner_padding, &"А".repeat(600), &String::new()] {
        let mut form = customer.with("/formName", "feedback");
        form["data"] = json!({"cv": [{"file": format!("data:image/png;base64,{wrong}")}]});
        let answer = customer.post(EXPORT, form).await;
        assert_eq!(answer.status, 400);
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("field `data/cv/0/file`: must be a photo (JPEG, PNG,"), "{message}");
        assert!(!message.contains("JVBER"), "nothing of what came: {message}");
    }
    assert_eq!(customer.environment.items("forms", "form#").await.len(), 0);
    for text in [&pdf, &svg, &broken, &"QUJD".repeat(300)] {
        assert_eq!(feedback(&customer, json!({"text": text})).await, success());
    }
    let forms = customer.environment.items("forms", "form#").await;
    assert!(forms.len() == 4 && forms.iter().all(|form| form.get("photos").is_none()), "{forms:#?}");
}

#[tokio::test]
async fn a_photo_is_the_photo_however_its_base64_is_dressed() {
    let bytes = photo("image/png", 70_001);
    let plain = STANDARD.encode(&bytes);
    let lines = |ending: &str| {
        plain.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join(ending)
    };
    let url_safe = plain.replace('+', "-").replace('/', "_");
    let customer = Customer::start().await;
    for (dress, text) in [
        ("lines of Android's Base64.DEFAULT", lines("\n") + "\n"),
        ("lines of MIME", lines("\r\n")),
        ("a data: URL with lines", format!("data:image/png;base64,{}", lines("\n"))),
        ("a line break behind it", format!("data:image/png;base64,{plain}\n")),
        ("white space before it", format!(" \u{feff}data:image/png;base64, {plain}")),
        ("spaces and tabs", lines(" \t")),
        ("no-break and invisible marks", lines("\u{a0}\u{200b}")),
        ("the alphabet for addresses", url_safe.clone()),
        ("the same without padding", url_safe.trim_end_matches('=').to_owned()),
        ("lines without padding", lines("\n").trim_end_matches('=').to_owned()),
        ("words in capitals", format!("DATA:image/PNG;BASE64,{plain}")),
        ("parameters", format!("data:image/png;name=a.png;charset=utf-8;base64,{plain}")),
        ("no media type", format!("data:;base64,{plain}")),
        (
            "percent-encoded",
            format!("data:image/png;base64,{}", plain.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D")),
        ),
    ] {
        assert_eq!(feedback(&customer, json!({"text": dress, "picture": text})).await, success(), "{dress}");
        let forms = customer.environment.items("forms", "form#").await;
        let form = forms.iter().find(|form| form["data"].as_str().unwrap().contains(&format!("{dress:?}"))).unwrap();
        let key = form["photos"][0]["key"].as_str().unwrap_or_else(|| panic!("{dress}: no photo in {form}"));
        assert!(customer.environment.storage().get(PHOTOS, key) == Some(bytes.clone()), "{dress}");
        customer.environment.advance(Duration::from_mins(7)); // an installation hands in ten forms an hour
    }
}

#[tokio::test]
async fn a_form_has_twenty_photos_at_most() {
    let customer = Customer::start().await;
    let pictures = |count: usize| -> Vec<_> { (0..count).map(|_| STANDARD.encode(photo("image/gif", 600))).collect() };
    assert_eq!(feedback(&customer, json!({"pictures": pictures(20)})).await, success());
    let mut form = customer.with("/formName", "feedback");
    form["data"] = json!({"pictures": pictures(21)});
    let answer = customer.post(EXPORT, form).await;
    assert_eq!((answer.status, &answer.json()["message"]), (400, &json!("field `data`: must hold at most 20 photos")));
}

#[tokio::test]
async fn a_form_whose_photos_cannot_be_stored_is_not_taken() {
    let customer = Customer::start_with(&[("S3_ENDPOINT", "http://127.0.0.1:9")]).await;
    let data = json!({"picture": STANDARD.encode(photo("image/png", 900))});
    assert_eq!(feedback(&customer, data).await, failed(texts::FORM_NOT_SAVED));
    assert_eq!(customer.environment.items("forms", "form#").await.len(), 0);
    assert_eq!(feedback(&customer, json!({"text": "без фотографий"})).await, success());
}

#[tokio::test]
async fn forms_that_differ_only_in_their_photos_are_two() {
    let customer = Customer::start().await;
    for length in [900, 901, 900] {
        let data = json!({"picture": STANDARD.encode(photo("image/png", length))});
        assert_eq!(feedback(&customer, data).await, success());
    }
    assert_eq!(customer.environment.items("forms", "form#").await.len(), 2);
}

#[test]
fn the_bucket_deletes_photos_after_every_time_that_a_form_can_be_kept() {
    let template = include_str!("../../../../template.yaml");
    for days in RETENTION_DAYS {
        let rule = format!("Status: Enabled, Prefix: photos/{days}d/, ExpirationInDays: {days} }}");
        assert!(template.contains(&rule), "{rule}");
    }
}
