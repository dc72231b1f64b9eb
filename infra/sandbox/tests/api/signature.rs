//! What SHOP.md tells the shop's programmers to check is what is sent.

use std::process::Command;

use shared::platform::clock::Clock;
use shared::platform::webhook::SigningKey;

const SHOP: &str = include_str!("../../../docs/SHOP.md");
const SECRET: &str = testkit::settings::SHOP_FORMS_SECRET;

/// The document's snippet, and a question to it.
fn verifies(id: &str, timestamp: i64, signature: &str, body: &str) -> bool {
    let snippet = SHOP.split("<!-- verify:begin -->\n```python\n").nth(1).unwrap().split("```").next().unwrap();
    let question = format!(
        "{snippet}\nimport sys\nid, timestamp, signature, body, secret = sys.argv[1:]\nheaders = {{'webhook-id': id, \
         'webhook-timestamp': timestamp, 'webhook-signature': signature}}\n\
         print(is_from_imshop_webhooks(headers, body.encode(), secret))"
    );
    let arguments = ["-c", &question, id, &timestamp.to_string(), signature, body, SECRET];
    let output = Command::new("python3").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim() == "True"
}

#[test]
fn the_documented_snippet_takes_our_messages_and_no_others() {
    // The snippet asks the machine what time it is.
    let now = Clock::system().now();
    let body = r#"{"formName":"callback","data":{"name":"Айгуль"}}"#;
    let signature = SigningKey::parse(SECRET).unwrap().sign("f1", now, body);
    assert!(verifies("f1", now.seconds(), &signature, body));
    let other = SigningKey::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap().sign("f1", now, body);
    assert!(verifies("f1", now.seconds(), &format!("{other} {signature}"), body), "while keys are changed");
    assert!(!verifies("f1", now.seconds(), &other, body), "another key");
    assert!(!verifies("f2", now.seconds(), &signature, body), "another id");
    assert!(!verifies("f1", now.seconds() + 1, &signature, body), "another time");
    assert!(!verifies("f1", now.seconds(), &signature, "{}"), "another body");
    let old = now.minus(std::time::Duration::from_mins(6));
    let signature = SigningKey::parse(SECRET).unwrap().sign("f1", old, body);
    assert!(!verifies("f1", old.seconds(), &signature, body), "an old one");
}
