//! `finish`, and the shop's own fiscal document.

use serde_json::json;
use standins::System;
use testkit::settings::OPERATOR_KEY;

use crate::{Shop, assert_answer};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BOUNDARY: &str = "----a-boundary";

/// A document larger than one stored part.
fn document() -> Vec<u8> {
    let mut document = b"%PDF-1.7\n".to_vec();
    document.extend((0..800_000_u32).map(|index| index.to_le_bytes()[0] ^ 0x5a));
    document
}

fn part(name: &str, extra: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n").into_bytes();
    part.extend_from_slice(content);
    part.extend_from_slice(b"\r\n");
    part
}

fn multipart(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = parts.concat();
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

impl Shop {
    async fn finish_with_parts(&self, parts: &[Vec<u8>]) -> testkit::Answer {
        let event = self.event("finish", OPERATOR_KEY).bytes(&multipart(parts));
        let mut event = event.rest();
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        event["headers"]["Content-Type"] = json!(content_type);
        event["multiValueHeaders"]["Content-Type"] = json!([content_type]);
        self.story.back_office(event).await
    }

    fn document_sent(&self) -> Vec<u8> {
        let calls = self.story.environment.standins().calls_to(System::Mokka, "finish");
        assert_eq!(calls.len(), 1);
        calls[0].check.as_ref().unwrap().bytes.to_vec()
    }
}

#[tokio::test]
async fn without_a_document_the_sales_document_is_ours() {
    let shop = Shop::held().await;
    let answer = shop.finish().await;
    assert_eq!(answer.status, 200);
    assert_answer!("finished", answer);
    assert_eq!(shop.called(), ["status", "finish"]);
    assert!(shop.document_sent().starts_with(b"%PDF-"));
    assert_eq!(shop.mokka().check_number.as_deref(), Some(shop.payment.as_str()));
}

#[tokio::test]
async fn the_shops_document_number_and_link_go_to_mokka_as_they_came() {
    for multipart in [false, true] {
        let shop = Shop::held().await;
        let fields = json!({"check_number": "ФД-000123", "check_link": "https://ofd.example/check?id=1&n=2"});
        let answer = if multipart {
            let body = part("body", "", fields.to_string().as_bytes());
            let check = part("check", "; filename=\"check.pdf\"\r\nContent-Type: application/pdf", &document());
            shop.finish_with_parts(&[body, check]).await
        } else {
            let mut fields = fields;
            fields["document"] = STANDARD.encode(document()).into();
            shop.ask(shop.event("finish", OPERATOR_KEY).json(fields)).await
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(shop.document_sent(), document(), "not a byte is different");
        let mokka = shop.mokka();
        assert_eq!((mokka.check_number.as_deref(), mokka.finishes), (Some("ФД-000123"), 1));
        assert_eq!(mokka.check_link.as_deref(), Some("https://ofd.example/check?id=1&n=2"));
        let payment = &answer.json()["payment"];
        assert_eq!((&payment["check_number"], &payment["state"]), (&json!("ФД-000123"), &json!("captured")));
        let parts = shop.story.environment.items("order-holds", "document#").await;
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part["expires_at"].is_number()), "they go away by themselves");
    }
}

#[tokio::test]
async fn either_part_may_be_left_out() {
    let shop = Shop::held().await;
    assert_eq!(shop.finish_with_parts(&[part("check", "; filename=\"c.pdf\"", b"%PDF-1.4 small")]).await.status, 200);
    assert_eq!(shop.document_sent(), b"%PDF-1.4 small");
    let shop = Shop::held().await;
    assert_eq!(shop.finish_with_parts(&[part("body", "", b"{\"check_number\":\"7\"}")]).await.status, 200);
    assert_eq!(shop.mokka().check_number.as_deref(), Some("7"));
}

#[tokio::test]
async fn parts_that_cannot_be_read_are_refused() {
    let shop = Shop::held().await;
    let check = || part("check", "; filename=\"c.pdf\"", b"%PDF-1.4");
    let with_document = format!("{{\"document\":\"{}\"}}", STANDARD.encode(b"%PDF-1.4"));
    for (parts, wanted) in [
        (vec![check(), check()], "each once"),
        (vec![part("body", "", b"{}"), part("body", "", b"{}")], "each once"),
        (vec![part("cheque", "", b"%PDF-1.4")], "only the parts"),
        (vec![part("check", "; filename=\"c.pdf\"", b"<html>")], "part `check`: must be a PDF"),
        (vec![part("check", "; filename=\"c.pdf\"", b"")], "part `check`: must be a PDF"),
        (vec![part("body", "", b"not json"), check()], "not JSON"),
        (vec![part("body", "", b"{\"checknumber\":\"1\"}"), check()], "unknown field `checknumber`"),
        (vec![part("body", "", with_document.as_bytes())], "must be the part `check`"),
        (vec![b"garbage".to_vec()], "there must be the part"),
        (vec![], "there must be the part"),
        (vec![part("check", "", &[b'x'; 100])[..60].to_vec()], "multipart/form-data"),
    ] {
        let answer = shop.finish_with_parts(&parts).await;
        assert_eq!(answer.status, 400, "{wanted}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
    assert!(shop.called().is_empty());
    assert_eq!(shop.state().await, "held");
}

#[tokio::test]
async fn documents_are_small_pdfs() {
    let shop = Shop::held().await;
    let send = async |document: &[u8]| {
        let fields = json!({"document": STANDARD.encode(document)});
        shop.ask(shop.event("finish", OPERATOR_KEY).json(fields)).await
    };
    let mut large = b"%PDF-1.7".to_vec();
    large.resize(3 * 1024 * 1024 + 1, b' ');
    for (document, wanted) in [
        (&b""[..], "must be a PDF"),
        (b"PDF", "must be a PDF"),
        (b" %PDF-1.7", "must be a PDF"),
        (&large, "at most 3145728 bytes"),
    ] {
        let answer = send(document).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{}", answer.body);
    }
    large.resize(6_000_000, b' ');
    assert_eq!(send(&large).await.status, 413);
    for text in ["%PDF-", "JVBER", "JVBERi0x=LjcK", "====", "JVBERi0xLjc*"] {
        let answer = shop.ask(shop.event("finish", OPERATOR_KEY).json(json!({"document": text}))).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("`document`"), "{}", answer.body);
    }
    large.truncate(3 * 1024 * 1024);
    assert_eq!(send(&large).await.status, 200, "the largest");
    assert_eq!(shop.document_sent().len(), 3 * 1024 * 1024);
}

#[tokio::test]
async fn white_space_and_padding_of_a_documents_base64_do_not_count() {
    for text in ["JVBERi0x\r\nLjc=\r\n", "JVBERi0xLjc", " JVBE Ri0x Ljc= "] {
        let shop = Shop::held().await;
        let answer = shop.ask(shop.event("finish", OPERATOR_KEY).json(json!({"document": text}))).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.body);
        assert_eq!(shop.document_sent(), b"%PDF-1.7", "{text}");
    }
}

#[tokio::test]
async fn a_document_of_a_payment_that_cannot_be_finished_is_not_even_stored() {
    let shop = Shop::pending().await;
    let fields = json!({"document": STANDARD.encode(b"%PDF-1.4")});
    let answer = shop.ask(shop.event("finish", OPERATOR_KEY).json(fields)).await;
    crate::assert_refused(&answer, 409, "not_held", "pending");
    assert!(shop.story.environment.items("order-holds", "document#").await.is_empty());
}

#[tokio::test]
async fn a_shop_that_captures_at_once_can_still_finish_what_got_stuck() {
    let shop = Shop::with(&[("MOKKA_FINISH", "on_hold")]).await;
    shop.story.decide(&shop.payment, standins::Decision::Approved).await;
    shop.story.environment.standins().fault(System::Mokka, "finish", "status:62".parse().unwrap(), 1).unwrap();
    shop.story.callback(&shop.payment, "approved").await;
    assert_eq!(shop.state().await, "finishing");
    shop.story.environment.standins().forget_calls();
    let fields = json!({"check_number": "second-try", "document": STANDARD.encode(b"%PDF-1.4 other")});
    let answer = shop.ask(shop.event("finish", OPERATOR_KEY).json(fields)).await;
    assert_eq!((answer.status, shop.state().await.as_str()), (200, "captured"), "{}", answer.body);
    assert_eq!(shop.document_sent(), b"%PDF-1.4 other");
    assert_eq!(answer.json()["payment"]["reason"], serde_json::Value::Null);
}
