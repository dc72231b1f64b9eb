//! Tables for spreadsheets: RFC 4180 with every cell in quotes. What people wrote is data there and never a formula.

use std::io::Write;

use ::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use shared::platform::http;

/// Says that a file is UTF-8 to spreadsheets, which would not think so.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';
/// What makes a cell a formula, as it is and as full-width letters.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Writes a table's rows, the names first.
pub(crate) fn writer<W: Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(to)
}

/// The answer with a table as a file of that name.
pub(crate) fn answer(file: &str, table: impl Into<Body>) -> Response<Body> {
    let mut response = http::respond(StatusCode::OK, "text/csv; charset=utf-8; header=present", table);
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// With the mark twice: `lambda_http` decodes texts by their charset, which takes the first away.
pub(crate) fn marked(text: &str) -> String {
    format!("{BYTE_ORDER_MARK}{BYTE_ORDER_MARK}{text}")
}

/// A text with an apostrophe wherever a spreadsheet would begin a formula: at its beginning, and behind what separates cells for
/// a spreadsheet that takes no commas, as in countries with decimal ones.
pub(crate) fn harmless(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 1);
    if text.starts_with(['\t', '\r', '\n']) {
        cell.push('\'');
    }
    let mut begins = true;
    for character in text.chars() {
        if begins && FORMULA.contains(&character) {
            cell.push('\'');
        }
        cell.push(character);
        begins = match character {
            ';' | '\t' | '\r' | '\n' => true,
            '"' | BYTE_ORDER_MARK | '\u{200b}' => begins,
            _ => begins && (character.is_whitespace() || character.is_control()),
        };
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_customer_writes_becomes_a_formula() {
        for (text, expected) in [
            ("Айгуль", "Айгуль"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+996 770 00 11 22", "'+996 770 00 11 22"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠A1", "'＠A1"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\tx", "'\tx"),
            ("  =1", "  '=1"),
            ("\u{a0}=1", "\u{a0}'=1"),
            ("\u{0}=1", "\u{0}'=1"),
            ("\u{200b}=1", "\u{200b}'=1"),
            ("\"=1", "\"'=1"),
            ("a\n=1", "a\n'=1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a; \"'=1"),
            ("1-2=-1", "1-2=-1"),
            ("a, -b", "a, -b"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}
