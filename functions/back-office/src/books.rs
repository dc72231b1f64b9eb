//! The books of a period: every capture and refund as a table, and what they come to. Both are made of one reading, so that they agree.

use std::collections::BTreeMap;
use std::io::Write;

use ::http::{HeaderValue, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_http::{Body, Response};
use serde::Serialize;
use shared::payments::store::books::{Books, BooksError, Entry, MOST_ENTRIES, Period};
use shared::platform::clock::{MOSCOW, Timestamp};
use shared::platform::http::{self, Failure, Inbound, Status};

use crate::Asked;
use crate::forms::LARGEST_ANSWER;
use crate::list_parameters::{unlisted, wrong};
use crate::spreadsheet::{self, BYTE_ORDER_MARK, harmless};

/// What a packed table may have: Lambda carries it as base64, three bytes in four.
const LARGEST_PACKED: usize = LARGEST_ANSWER / 4 * 3;
/// The media type that the API gateway lets through as bytes, if a request names it first (template.yaml, `BinaryMediaTypes`).
const TABLE: &str = "text/csv";
/// The columns of the table.
const COLUMNS: [&str; 14] = [
    "day",
    "at",
    "kind",
    "order_id",
    "payment_id",
    "refund",
    "provider",
    "provider_id",
    "method",
    "means",
    "amount",
    "currency",
    "by",
    "reason",
];

/// What the address asks for, and what was found of it.
async fn read(asked: &Asked<'_>) -> Result<Books, Failure> {
    let period = period(asked.inbound)?;
    asked.deps.settler.orders.books(period).await.map_err(|error| match error {
        BooksError::TooMany => Failure::answer_too_large(format!(
            "there are more than {MOST_ENTRIES} captures and refunds in it: ask for a shorter period with `from` and `to`"
        )),
        BooksError::TooLong => Failure::takes_too_long(
            "the books were not read in time: every payment that moved since `from` is read, ask for a later `from`, or again",
        ),
        BooksError::Store(error) => unlisted(error),
    })
}

/// From the midnight of Moscow at which `from` begins to that at which `to` ends.
fn period(inbound: &Inbound) -> Result<Period, Failure> {
    let from = day(inbound, "from")?;
    let until = day(inbound, "to")?.next_day(MOSCOW);
    if from < until { Ok(Period { from, until }) } else { Err(wrong("to", "must not be before `from`")) }
}

/// The beginning of a day of the shop.
fn day(inbound: &Inbound, parameter: &str) -> Result<Timestamp, Failure> {
    let text = inbound.query(parameter).unwrap_or_default();
    Timestamp::of_day(text, MOSCOW).ok_or_else(|| wrong(parameter, "must be a day of the shop like 2026-11-22"))
}

/// `GET payments.csv`.
pub(crate) async fn table(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let books = read(asked).await?;
    asked.shown("books", books.entries.len());
    if takes_packed(asked.inbound) {
        let packed = packed(&books).map_err(Failure::internal)?;
        if packed.len() > LARGEST_PACKED {
            return Err(Failure::answer_too_large("the table is too large: ask for a shorter period with `from` and `to`"));
        }
        let mut response = spreadsheet::answer("payments.csv", packed);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return Ok(response);
    }
    let text = write(&books, Vec::new()).map_err(Failure::internal)?;
    let text = String::from_utf8(text).map_err(Failure::internal)?;
    if crate::forms::carried(&text) > LARGEST_ANSWER {
        return Err(Failure::answer_too_large(
            "the table is too large as it is: ask for it packed (`Accept: text/csv` and `Accept-Encoding: gzip`, with curl \
             `--compressed -H 'Accept: text/csv'`), or for a shorter period with `from` and `to`",
        ));
    }
    Ok(spreadsheet::answer("payments.csv", spreadsheet::marked(&text)))
}

/// Whether the caller unpacks an answer, and the API gateway passes its bytes on: it goes by the first media type that is accepted.
fn takes_packed(inbound: &Inbound) -> bool {
    let first = |name| inbound.header(name).and_then(|value| value.split([',', ';']).next()).unwrap_or_default().trim();
    let codings = inbound.header("accept-encoding").unwrap_or_default().split(',');
    let takes_gzip = codings.map(|coding| coding.split_once(';').unwrap_or((coding, ""))).any(|(coding, weight)| {
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    });
    first("accept").eq_ignore_ascii_case(TABLE) && takes_gzip
}

/// The table packed as it is written: unpacked it is never in memory.
fn packed(books: &Books) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(BYTE_ORDER_MARK.encode_utf8(&mut [0; 4]).as_bytes())?;
    Ok(write(books, encoder)?.finish()?)
}

fn write<W: Write + 'static>(books: &Books, to: W) -> Result<W, Box<dyn std::error::Error>> {
    let mut writer = spreadsheet::writer(to);
    writer.write_record(COLUMNS)?;
    for entry in &books.entries {
        writer.write_record(row(entry))?;
    }
    for id in &books.unreadable {
        let cell = |column| match column {
            "kind" => "unreadable".to_owned(),
            "payment_id" => harmless(id),
            _ => String::new(),
        };
        writer.write_record(COLUMNS.map(cell))?;
    }
    writer.into_inner().map_err(|error| error.to_string().into())
}

fn row(entry: &Entry) -> [String; COLUMNS.len()] {
    let optional = |text: &Option<String>| text.as_deref().map(harmless).unwrap_or_default();
    [
        entry.at.day(MOSCOW),
        entry.at.rfc3339(),
        if entry.refund.is_some() { "refund" } else { "capture" }.to_owned(),
        harmless(&entry.order_id),
        harmless(entry.payment_id.as_str()),
        entry.refund.map(|number| number.to_string()).unwrap_or_default(),
        harmless(entry.provider.as_str()),
        optional(&entry.provider_id),
        harmless(&entry.method),
        optional(&entry.means),
        entry.amount.decimal(),
        entry.amount.currency().code().to_owned(),
        harmless(&entry.by),
        optional(&entry.reason),
    ]
}

#[derive(Serialize)]
struct TotalsAnswer<'a> {
    success: bool,
    totals: Vec<Total<'a>>,
    /// Payments that cannot be read, and may belong to it; what is wrong is in the log.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreadable: &'a [String],
}

/// What a provider took and gave back in a currency.
#[derive(Serialize)]
struct Total<'a> {
    currency: &'static str,
    provider: &'a str,
    captured: Shown,
    refunded: Shown,
    /// What was captured less what was given back; below zero if more of earlier days was given back.
    net: String,
}

#[derive(Serialize)]
struct Shown {
    count: usize,
    sum: String,
}

/// Entries of one kind. The sum is in minor units.
#[derive(Clone, Copy, Default)]
struct Sum {
    count: usize,
    minor: i128,
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        self.count += 1;
        self.minor += i128::from(entry.amount.minor());
    }

    fn shown(self) -> Shown {
        Shown { count: self.count, sum: decimal(self.minor) }
    }
}

/// `GET totals`.
pub(crate) async fn totals(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let books = read(asked).await?;
    asked.shown("totals", books.entries.len());
    let mut sums: BTreeMap<(&str, &str), [Sum; 2]> = BTreeMap::new();
    for entry in &books.entries {
        let [captured, refunded] = sums.entry((entry.amount.currency().code(), entry.provider.as_str())).or_default();
        if entry.refund.is_some() { refunded.add(entry) } else { captured.add(entry) }
    }
    let totals = sums.into_iter().map(|((currency, provider), [captured, refunded])| Total {
        currency,
        provider,
        captured: captured.shown(),
        refunded: refunded.shown(),
        net: decimal(captured.minor - refunded.minor),
    });
    http::json(Status::Ok, &TotalsAnswer { success: true, totals: totals.collect(), unreadable: &books.unreadable })
}

/// Minor units with exactly two decimals: `-1500.00`.
fn decimal(minor: i128) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100)
}
