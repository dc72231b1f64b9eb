//! Text is text: whatever charset and packing a request or the shop's answer comes in, it is the same, or the charset is named.

use std::io::Write as _;

use encoding_rs::{IBM866, KOI8_R, WINDOWS_1251};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};
use standins::Options;
use testkit::Event;
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::Story;

pub(crate) const ANSWER: &str =
    r#"{"message":"Заказ принят","orders":[{"success":true,"id":"909","uuid":"uuid-1","price":5240}]}"#;

/// A shop that answers everything alike; its address.
pub(crate) async fn shop(headers: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
    });
    format!("http://{address}/orders")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

async fn placed(headers: &'static str, body: Vec<u8>) -> (Story, testkit::Answer) {
    let url = shop(headers, body).await;
    let story = Story::start_with(Options::default(), &[("SHOP_ORDERS_URL", &url)]).await;
    let event = Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-1"));
    let answer = story.orders(event.rest()).await;
    (story, answer)
}

#[tokio::test]
async fn the_shops_answer_is_read_in_its_charset_and_goes_on_as_utf_8() {
    let windows = WINDOWS_1251.encode(ANSWER).0.into_owned();
    let koi8 = KOI8_R.encode(ANSWER).0.into_owned();
    for (headers, body) in [
        ("Content-Type: application/json; charset=utf-8", ANSWER.as_bytes().to_vec()),
        ("Content-Type: application/json; charset=windows-1251", windows.clone()),
        ("Content-Type: application/json; charset=\"CP1251\"", windows.clone()),
        ("Content-Type: text/html; charset=Win-1251", windows.clone()),
        ("Content-Type: application/json;charset=KOI8-R", koi8),
        ("Content-Type: application/json; charset=ibm866", IBM866.encode(ANSWER).0.into_owned()),
        ("Content-Type: application/json", format!("\u{feff}{ANSWER}").into_bytes()),
        ("Content-Type: application/json; charset=utf-16", utf16(&format!("\u{feff}{ANSWER}"))),
        ("Content-Type: application/json", utf16(ANSWER)),
        ("Content-Type: application/json; charset=windows-1251", ANSWER.as_bytes().to_vec()),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", gzip(ANSWER.as_bytes())),
        ("Content-Type: application/json; charset=windows-1251\r\nContent-Encoding: x-gzip", gzip(&windows)),
        ("Content-Type: application/json\r\nContent-Encoding: deflate", zlib(ANSWER.as_bytes())),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", ANSWER.as_bytes().to_vec()),
    ] {
        let (story, answer) = placed(headers, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ANSWER), "{headers}");
        let kind = answer.headers["content-type"].to_ascii_lowercase();
        assert!(!kind.contains("1251") && !kind.contains("koi8") && !kind.contains("866") && !kind.contains("utf-16"), "{kind}");
        let order = story.environment.item("order-holds", "order#uuid-1").await.unwrap();
        assert_eq!((&order["order_id"], &order["amount"]), (&json!("909"), &json!(524_000)), "{headers}");
    }
}

#[tokio::test]
async fn answer_in_unknown_charset_is_refused_and_charset_is_logged() {
    let windows = WINDOWS_1251.encode(ANSWER).0.into_owned();
    for (headers, body, said) in [
        ("Content-Type: application/json", windows.clone(), "not UTF-8"),
        ("Content-Type: application/json; charset=utf-8", windows.clone(), "not UTF-8, as its Content-Type says"),
        ("Content-Type: application/json; charset=x-klingon", windows.clone(), "x-klingon"),
        ("Content-Type: application/json\r\nContent-Encoding: br", ANSWER.as_bytes().to_vec(), "packed as `br`"),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", b"\x1f\x8b\x08".to_vec(), "not gzip"),
    ] {
        let (story, answer) = placed(headers, body).await;
        assert_eq!(answer.json()["orders"][0]["errorCode"], "shop_unavailable", "{headers}");
        let logs: Vec<_> = story.environment.logs().lines().filter(|line| line.contains(said)).map(str::to_owned).collect();
        assert!(logs.iter().any(|line| line.contains("no usable answer")), "{headers}: {logs:?}");
        assert!(!answer.body.contains('\u{fffd}'), "{headers}");
    }
}

#[tokio::test]
async fn an_order_is_read_in_its_charset_and_goes_on_as_utf_8() {
    let story = Story::start().await;
    for (number, (kind, packing, body)) in [
        ("application/json", None, (|text: &str| format!("\u{feff}{text}").into_bytes()) as fn(&str) -> Vec<u8>),
        ("application/json; charset=windows-1251", None, |text| WINDOWS_1251.encode(text).0.into_owned()),
        ("application/json; charset='cp1251'", None, |text| WINDOWS_1251.encode(text).0.into_owned()),
        ("application/json; charset=koi8-r", None, |text| KOI8_R.encode(text).0.into_owned()),
        ("application/json", None, |text| utf16(&format!("\u{feff}{text}"))),
        ("application/json; charset=utf-16le", None, utf16),
        ("application/json", Some("gzip"), |text| gzip(text.as_bytes())),
        ("application/json", Some("deflate"), |text| zlib(text.as_bytes())),
        ("application/json; charset=utf-8", Some("identity"), |text| text.as_bytes().to_vec()),
        ("application/json; charset=windows-1251", Some("gzip"), |text| gzip(&WINDOWS_1251.encode(text).0)),
    ]
    .into_iter()
    .enumerate()
    {
        let text = Story::order_request(&format!("uuid-{number}")).to_string().replace("«Өзгөн»", "Ош");
        let mut event = Event::new("POST", "/v1/orders").key(IMSHOP_KEY).bytes(&body(&text)).kind(kind);
        if let Some(packing) = packing {
            event = event.header("Content-Encoding", packing);
        }
        let answer = story.orders(event.rest()).await;
        assert_eq!((answer.status, &answer.json()["orders"][0]["success"]), (200, &json!(true)), "{kind} {}", answer.body);
        let calls = story.environment.standins().calls_to(standins::System::Shop, "orders");
        assert_eq!(calls.last().unwrap().raw, text, "{kind} {packing:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_no_text_is_refused_and_the_charset_is_named() {
    let story = Story::start().await;
    let text = Story::order_request("uuid-1").to_string();
    let windows = WINDOWS_1251.encode(&text).0.into_owned();
    let lost = String::from_utf8_lossy(&windows).into_owned();
    let bytes = |kind: &str, body: &[u8]| Event::new("POST", "/v1/orders").key(IMSHOP_KEY).bytes(body).kind(kind);
    let passed_on = |kind: &str, body: &str| Event::new("POST", "/v1/orders").key(IMSHOP_KEY).text(body).kind(kind);
    for (event, said) in [
        (bytes("application/json", &windows), "not UTF-8"),
        (bytes("application/json; charset=utf-8", &windows), "not UTF-8, as its Content-Type says"),
        (bytes("application/json; charset=x-unknown", &windows), "`x-unknown`"),
        (bytes("application/json; charset=utf-7", &windows), "`utf-7`"),
        (bytes("application/json", &windows).header("Content-Encoding", "zstd"), "`zstd`"),
        (bytes("application/json", b"\xff\xfe\0\0{\0\0\0}\0\0\0"), "`UTF-32`"),
        (passed_on("application/json; charset=windows-1251", &lost), "windows-1251, which the gateway does not pass on"),
        (passed_on("application/json", &lost), "something else, which the gateway does not pass on"),
    ] {
        let answer = story.orders(event.rest()).await;
        let body: Value = answer.json();
        assert_eq!(answer.status, 400, "{said}: {body}");
        assert!(body["message"].as_str().unwrap().contains(said), "{said}: {body}");
    }
    assert_eq!(story.environment.standins().calls(None).len(), 0);
    let bomb = bytes("application/json", &gzip(&vec![b' '; 20_000_000])).header("Content-Encoding", "gzip");
    assert_eq!(story.orders(bomb.rest()).await.status, 413, "nobody unpacks more than the largest body");
}

#[tokio::test]
async fn an_id_in_a_path_is_text_or_the_path_is_refused() {
    let story = Story::start().await;
    let put = async |path: &str| {
        let body = json!({"orderId": "1", "amount": "5240.00"});
        story.orders(Event::new("PUT", &format!("/v1/orders/{path}")).key(SHOP_KEY).json(body).rest()).await
    };
    for path in ["%FF", "%FE", "a%C3", "%C0%80", "%ED%A0%80", "%D0", "caf%E9", "%F4%90%80%80", "%EF%BF%BD", "%80abc", "\u{fffd}"]
    {
        let answer = put(path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    }
    assert_eq!(story.environment.items("order-holds", "order#").await.len(), 0, "no two of them are one");
    for (path, uuid) in [("a+b", "a+b"), ("%D0%B7", "з"), ("e%20f", "e f"), ("50%25", "50%"), ("100%", "100%")] {
        assert_eq!(put(path).await.status, 200, "{path}");
        assert!(story.environment.item("order-holds", &format!("order#{uuid}")).await.is_some(), "{path}");
    }
}
