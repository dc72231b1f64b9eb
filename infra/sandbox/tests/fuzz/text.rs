//! The decoders that are functions: text in any charset, phones, codes, photos, SMSPRO's reports.

use serde_json::Value;
use shared::forms::photos;
use shared::forms::smspro::read_reports;
use shared::platform::decoding::{self, Headers};
use shared::platform::money::{Currency, Decimal, Quantity};
use shared::platform::phone::Phone;
use shared::platform::plain;

use crate::input::{Input, corpus, inputs};
use crate::trial::try_all;

/// The lines of the corpus, each an input of its own.
fn lines(folder: &str) -> Vec<Input> {
    let files = corpus(folder);
    files.iter().flat_map(|file| file.split(|byte| *byte == b'\n').map(|line| Input(line.to_vec()))).collect()
}

/// What a function makes of a text, made of that again, is the same.
fn stays(what: &str, text: &str, canonical: impl Fn(&str) -> String) -> Result<(), String> {
    let once = canonical(text);
    let twice = canonical(&once);
    if once == twice { Ok(()) } else { Err(format!("{what}: {once:?} becomes {twice:?}")) }
}

#[test]
fn a_text_is_read_in_one_way_and_stays_as_it_is() {
    let files = corpus("texts");
    try_all(&inputs(files.clone()), files, |input| {
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let (head, body) = input.split_at(at);
        let said = String::from_utf8_lossy(head);
        for headers in [
            Headers::default(),
            Headers { content_type: Some(&said), content_encoding: None },
            Headers { content_type: None, content_encoding: Some(&said) },
        ] {
            let Ok(text) = decoding::text(body, headers, 1024 * 1024) else { continue };
            let again = decoding::text(
                text.as_bytes(),
                Headers { content_type: Some("text/plain; charset=utf-8"), ..headers },
                1024 * 1024,
            );
            // A byte order mark behind the byte order mark is the text's own.
            if headers.content_encoding.is_none() && !text.starts_with('\u{feff}') && again.as_deref() != Ok(&*text) {
                return Err(format!("{text:?} is read as {again:?}"));
            }
            if text.contains(decoding::LOST)
                && headers.content_type.is_none()
                && !String::from_utf8_lossy(body).contains(decoding::LOST)
            {
                return Err(format!("something is lost in {text:?}"));
            }
            decoding::passed_on(&text, Some(&said)).ok();
        }
        for name in [decoding::charset(&said), decoding::declared(body)].into_iter().flatten() {
            if name.is_empty() {
                return Err("a charset without a name".to_owned());
            }
        }
        Ok(())
    });
}

#[test]
fn a_phone_is_the_same_phone_however_often_it_is_read() {
    let lines = lines("phones");
    try_all(&inputs(lines.clone()), lines, |input| {
        let text = String::from_utf8_lossy(&input);
        for phone in [Phone::parse(&text).ok(), Phone::first_in(&text)].into_iter().flatten() {
            let digits = phone.digits();
            if !(10..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("{digits:?} is no phone"));
            }
            for again in [format!("+{digits}"), format!("tel:+{digits}"), format!(" \u{200e}+{digits}\u{a0}")] {
                if Phone::parse(&again).as_ref() != Ok(&phone) {
                    return Err(format!("{again:?} is another phone than {digits}"));
                }
            }
        }
        stays("plain", &text, plain::plain)?;
        stays("normal", &text, |text| plain::normal(text).into_owned())
    });
}

#[test]
fn a_code_is_the_same_code_however_often_it_is_cleaned() {
    let lines = lines("codes");
    try_all(&inputs(lines.clone()), lines, |input| {
        let text = String::from_utf8_lossy(&input);
        if let Some(other) = plain::code(&text).chars().find(|character| !character.is_alphanumeric()) {
            return Err(format!("{other:?} in a code"));
        }
        stays("code", &text, plain::code)
    });
}

#[test]
fn a_number_is_the_same_number_when_it_is_written_again() {
    let mut lines = lines("phones");
    lines.extend(
        ["1 299,00", "389.70000000000005", "0.10", "1e3", "1E-2", " 5 ", "-1", "1.005", "100000000000", "5000.5 RUB"]
            .map(|text| Input(text.as_bytes().to_vec())),
    );
    try_all(&inputs(lines.clone()), lines, |input| {
        let text = String::from_utf8_lossy(&input);
        for decimal in [Decimal::parse(&text).ok(), Decimal::parse_written(&text, Currency::Rub).ok()].into_iter().flatten() {
            if Decimal::parse(&decimal.to_string()) != Ok(decimal) {
                return Err(format!("{text:?} is {decimal}, which is another number"));
            }
        }
        if let Ok(quantity) = Quantity::parse(&text)
            && Quantity::parse(&quantity.to_string()) != Ok(quantity)
        {
            return Err(format!("{text:?} is {quantity}, which is another quantity"));
        }
        Ok(())
    });
}

#[test]
fn photos_are_taken_out_once_and_whole() {
    let files = corpus("photos");
    try_all(&inputs(files.clone()), files, |input| {
        let Ok(Value::Object(mut data)) = serde_json::from_slice(&input) else { return Ok(()) };
        let taken = match photos::take_out(&mut data) {
            Ok(taken) => taken,
            Err(error) if error.to_string().starts_with("field `data") => return Ok(()),
            Err(error) => return Err(format!("it is not said where: {error}")),
        };
        for photo in &taken {
            if decoding::in_one_piece(photo.base64()) != photo.base64() {
                return Err("white space is left in a photo".to_owned());
            }
        }
        match photos::take_out(&mut data) {
            Ok(again) if again.is_empty() => Ok(()),
            other => Err(format!("photos are left: {:?}", other.map(|left| left.len()))),
        }
    });
}

#[test]
fn reports_of_sms_are_read_one_by_one() {
    let files = corpus("reports");
    try_all(&inputs(files.clone()), files, |input| {
        let Ok(pushed) = read_reports(&input) else { return Ok(()) };
        let written = pushed.reports.iter().map(|report| {
            let (id, delivery) = (&report.transaction_id, report.delivery.number());
            format!("<dr><id>{id}</id><phone><report>{delivery}</report></phone></dr>")
        });
        let written = written.collect::<Vec<_>>().concat();
        if pushed.reports.is_empty() {
            return Ok(());
        }
        let again = read_reports(format!("<report>{written}</report>").as_bytes()).map_err(|error| error.to_string())?;
        if again.reports == pushed.reports { Ok(()) } else { Err(format!("{pushed:?} is read as {again:?}")) }
    });
}
