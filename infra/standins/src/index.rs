//! Pages for people who open the listener in a browser.

use std::fmt::Write as _;

use hyper::StatusCode;

use crate::answer::Answer;

/// What the `html` fault answers.
pub(crate) const MAINTENANCE: &str = "<!doctype html><html><head><title>Maintenance</title></head>\
<body><h1>Maintenance</h1><p>The service will be back shortly.</p></body></html>";

/// Makes text safe inside HTML, in attributes too.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// `GET /`: where to look.
pub(crate) fn page(base_url: &str) -> Answer {
    let views = [
        ("/control/calls", "every call received, oldest first (<code>?system=mokka</code>)"),
        ("/control/inbox", "SMS messages (<code>?phone=996…</code>)"),
        ("/control/orders", "orders the shop has accepted"),
        ("/control/forms", "forms the shop has saved"),
        ("/control/shop-events", "what the shop heard of payments"),
        ("/control/shop-events/books", "the books that it keeps of them"),
        ("/control/imshop", "what IMSHOP was told"),
        ("/control/mokka", "Mokka's orders, with their forms"),
        ("/control/mokka/registrations", "Mokka's registrations, with their forms"),
        ("/control/mokka/limits", "limits that were set or granted, by phone"),
        ("/control/yookassa", "YooKassa's payments, with their pages"),
        ("/control/yookassa/refunds", "what YooKassa gave back"),
        ("/control/yookassa/receipts", "what YooKassa made receipts of"),
        ("/control/faults", "faults that are armed"),
        ("/control/shop", "what is merged into the shop's answers"),
    ];
    let mut rows = String::new();
    for (path, what) in views {
        // Writing to a String cannot fail.
        let _ = write!(rows, "<li><a href=\"{path}\">{path}</a> {what}</li>");
    }
    Answer::html(
        StatusCode::OK,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Stand-ins</title>\
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}</style></head>\
<body><h1>Stand-ins</h1><p>Simulated Mokka, YooKassa, SMSPRO, shop and IMSHOP at {}. Nothing here leaves this machine.</p>\
<ul>{rows}</ul></body></html>",
            escape(base_url)
        ),
    )
}
