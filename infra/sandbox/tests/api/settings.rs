//! The page of settings is what would be written now, and names every variable that the code reads.

use std::collections::BTreeSet;

use sandbox::settings;

use crate::documents::sources;

const PAGE: &str = include_str!("../../../docs/SETTINGS.md");

#[tokio::test]
async fn the_page_of_settings_is_the_one_that_would_be_written() {
    let written = settings::page().await.unwrap();
    let differs = PAGE.lines().zip(written.lines()).find(|(said, written)| said != written);
    assert!(PAGE == written, "the page is old, `cargo run -p sandbox -- settings --write` writes it anew: {differs:?}");
}

/// The names of variables among texts in quotation marks: with an underscore, and nothing but capitals.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|text| {
        let capitals = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        capitals && text.contains('_') && text.starts_with(|letter: char| letter.is_ascii_uppercase())
    })
}

/// The code of the functions and of what they share, without tests and comments.
fn code() -> String {
    let sources = sources();
    // A file ends with its tests, and the next begins with its own page.
    let files = sources.split("\n//! ").map(|file| file.split("#[cfg(test)]").next().unwrap());
    files.flat_map(str::lines).filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_variable_that_the_code_reads_has_a_row_and_no_other_has() {
    // Lambda's and cargo's own, the name that is refused since it became two, and the beginning of a gateway's.
    let not_ours = ["AWS_LAMBDA_FUNCTION_NAME", "CARGO_PKG_VERSION", "MOKKA_VALID_HOURS", "GATEWAY_"];
    let code = code();
    let next = code.split(".keys(\"").skip(1).map(|rest| format!("{}_NEXT", rest.split('"').next().unwrap()));
    let read: BTreeSet<String> =
        variables(&code).filter(|name| !not_ours.contains(name)).map(str::to_owned).chain(next).collect();
    assert!(read.len() > 60, "{read:?}");
    // Those that each gateway has are made of its name.
    let (of_gateways, others): (BTreeSet<_>, BTreeSet<_>) = settings::names().into_iter().partition(|name| name.contains('{'));
    let known = ["GATEWAY_{NAME}_BASE_URL", "GATEWAY_{NAME}_SECRET", "GATEWAY_{NAME}_SECRET_NEXT"];
    assert_eq!(of_gateways, known.map(str::to_owned).into(), "the page and gateway::configured");
    let listed: BTreeSet<_> = others.into_iter().filter(|name| name.contains('_')).collect();
    assert_eq!(listed, read, "the page and the code");
}

#[tokio::test]
async fn what_is_said_to_hold_without_a_variable_holds() {
    let (code, mut values) = (code(), 0);
    for (name, default) in settings::defaults() {
        let is_missed = settings::is_missed(name).await;
        if default.is_empty() {
            assert!(is_missed, "{name} is called needed, and every function starts without it");
        }
        let Some(value) = default.strip_prefix('`').map(|value| value.split('`').next().unwrap()) else { continue };
        assert!(!is_missed, "{name} has the default {value}, and a function does not start without it");
        let quoted = value.starts_with('/').then(|| format!("\"{value}\""));
        let is_written = value.parse::<u32>().is_ok() || value == "true" || quoted.is_some();
        if is_written && name != "EXTRA_CA_FILE" {
            let written = format!("\"{name}\", {}", quoted.as_deref().unwrap_or(value));
            assert!(code.contains(&written), "{name}: the code has another default than {value}");
            values += 1;
        }
    }
    assert!(values > 10, "{values}");
}
