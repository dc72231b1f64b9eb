//! The deployed program, given its event by a runtime as Lambda has one, takes the worst notification in little memory.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "what was measured, for the documents")]

use serde_json::json;
use testkit::settings::WITH_CARDS;
use testkit::{Event, Program, TestEnvironment};

/// Half of what the function has.
const MEMORY_KIB: u64 = 128 * 1024;
/// What the function reads of a body.
const BODY: usize = 64 * 1024;

/// A notification about nobody's payment with as many pieces in it as a body of this size has.
fn notification(size: usize, open: &str, piece: impl Fn(usize) -> String, close: &str) -> String {
    let mut body = format!(r#"{{"event": "payment.succeeded", "object": {{"id": "nobodys", {open}"#);
    let mut count = 0;
    loop {
        let next = piece(count);
        if body.len() + next.len() + close.len() > size {
            break;
        }
        body.push_str(&next);
        count += 1;
    }
    body.pop();
    body + close
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_notification_is_handled_in_less_than_half_the_memory() {
    let objects = |size| notification(size, r#""metadata": {}, "list": ["#, |_| r#"{"":0},"#.to_owned(), "]}}");
    let names = |size| notification(size, r#""metadata": {"#, |number| format!(r#""{number:x}":"","#), "}}}");
    let deep = format!(r#"{{"event": {}"#, "[".repeat(BODY - 100));
    for (what, body, status) in [
        ("objects, as many as are read", objects(BODY), 200),
        ("metadata, as much as is read", names(BODY), 200),
        ("a list in a list, as deep as is read", deep, 200),
        ("objects, as many as AWS lets through", objects(6_000_000), 413),
        ("metadata, as much as AWS lets through", names(6_000_000), 413),
    ] {
        // One for each: the gateway is asked about payments that are not ours once in two seconds.
        let environment = TestEnvironment::start_now().await;
        let mut settings = environment.env();
        settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
        settings.insert("PAYMENTS_CONFIG".to_owned(), WITH_CARDS.to_owned());
        let mut event = Event::post("/v1/cards/yookassa").text(&body).rest();
        event["requestContext"]["identity"]["sourceIp"] = json!("127.0.0.1");
        let mut program = Program::start(env!("CARGO_BIN_EXE_card-callback"), settings, vec![event]).await;
        let answer = program.answer().await;
        let peak = program.peak_kib();
        println!("{what}, {} bytes: {peak} KiB at most", body.len());
        assert_eq!(answer["statusCode"], status, "{what}: {answer}");
        assert!(peak < MEMORY_KIB, "{what}: {peak} KiB");
    }
}
