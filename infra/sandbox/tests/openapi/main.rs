//! `infra/openapi.yaml` is what the functions do: the same paths as the template's, every answer of theirs promised there, and
//! nothing promised that they do not answer.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod back_office;
mod browser;
mod cards;
mod document;
mod imshop;
mod mokka;
mod receipts;
mod shop;
mod smspro;

use std::collections::BTreeSet;

use emulators::template::{TEMPLATE, Template};
use serde_json::{Value, json};

use crate::api::Api;
use crate::document::{DOCUMENT, Document, root};

#[test]
fn the_document_has_the_paths_of_the_template() {
    let routes: BTreeSet<_> = Template::read(TEMPLATE).unwrap().routes.into_iter().map(|route| route.path).collect();
    assert_eq!(DOCUMENT.paths(), routes);
}

#[test]
fn every_example_is_what_its_schema_allows() {
    assert_eq!(DOCUMENT.wrong_examples(), Vec::<String>::new());
    let mut wrong = root();
    wrong["paths"]["/v1/payments"]["post"]["responses"]["200"]["content"]["application/json"]["examples"]["two"]["value"]["payments"]
        [0]["type"] = json!("barter");
    assert_eq!(Document::new(wrong).wrong_examples().len(), 1);
}

/// What would be overlooked if this test passed with a document that says too little.
#[tokio::test]
async fn what_the_document_does_not_say_is_found() {
    let answer = Api::start().await.example("listPaymentMethods", "empty").await;
    let operation = DOCUMENT.operation("listPaymentMethods");
    assert_eq!(DOCUMENT.check(&operation, &answer), Ok(()));
    let payment = "/components/schemas/PaymentMethod";
    let response = "/paths/~1v1~1payments/post/responses";
    let forget = |pointer: &str, name: &str| -> Value {
        let mut altered = root();
        altered.pointer_mut(pointer).and_then(Value::as_object_mut).and_then(|object| object.remove(name)).unwrap();
        altered
    };
    for (altered, complaint) in [
        (forget(&format!("{payment}/properties"), "iconId"), "iconId"),
        (forget(response, "200"), "the status 200 is not documented"),
        (forget(&format!("{response}/200/content"), "application/json"), "the media type"),
    ] {
        let document = Document::new(altered);
        let problem = document.check(&document.operation("listPaymentMethods"), &answer).unwrap_err();
        assert!(problem.contains(complaint), "{complaint}: {problem}");
    }
}
