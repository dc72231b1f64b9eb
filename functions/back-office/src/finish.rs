//! `finish`: captures a hold. The shop's own fiscal document comes as base64 in JSON, or as a file beside it.

use std::convert::Infallible;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::stream;
use lambda_http::{Body, Response};
use multer::{Field, Multipart};
use serde::Deserialize;
use shared::payments::payment::{Command, CommandRefusal, FiscalReceipt, Payment};
use shared::platform::clock::Timestamp;
use shared::platform::decoding::{self, BASE64, Headers, in_one_piece};
use shared::platform::http::{Failure, decode};

use crate::request::{self, Amount, Https, PartLine, Text, wrong};
use crate::{Asked, response};

/// The largest document.
const MAX_DOCUMENT: usize = 3 * 1024 * 1024;
/// What every PDF begins with.
const PDF: &[u8] = b"%PDF-";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    check_number: Option<Text<100>>,
    check_link: Option<Https>,
    #[serde(default, deserialize_with = "request::meant")]
    document: Option<String>,
    /// What of the hold is captured; all that is to be paid without it and `lines`.
    #[serde(default, deserialize_with = "request::meant")]
    amount: Option<Amount>,
    #[serde(default, deserialize_with = "request::meant")]
    lines: Option<Vec<PartLine>>,
}

pub(crate) async fn finish(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let (request, document) = read(asked).await?;
    request::check_part(request.amount, request.lines.as_deref())?;
    let payment = asked.payment(id).await?;
    let part = request::part(request.amount, request.lines, payment.amount.currency());
    let settler = &asked.deps.settler;
    let mut receipt = FiscalReceipt {
        number: request.check_number.map(|text| text.0),
        link: request.check_link.map(|link| link.0),
        document: None,
    };
    if let Some(document) = document {
        if let Err(refusal) = refused_anyway(&payment, asked.now()) {
            return response::forbidden(&payment, &refusal, None, asked.now());
        }
        receipt.document = Some(settler.orders.save_document(&payment.id, &document).await.map_err(Failure::internal)?);
    }
    let outcome =
        Box::pin(settler.operate(payment, Command::Finish { receipt, part }, asked.who, asked.inbound.deadline())).await;
    response::operated(&outcome.map_err(Failure::internal)?, None, asked.now())
}

/// A payment that is at rest in a state without a hold: its document need not be stored.
fn refused_anyway(payment: &Payment, now: Timestamp) -> Result<(), CommandRefusal> {
    if payment.is_leased(now) || payment.intent.is_some() {
        return Ok(());
    }
    payment.permits(&Command::Finish { receipt: FiscalReceipt::default(), part: None }, now, now)
}

async fn read(asked: &Asked<'_>) -> Result<(Request, Option<Vec<u8>>), Failure> {
    let content_type = asked.inbound.header("content-type").unwrap_or_default();
    if content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return read_parts(content_type, asked.inbound.body()).await;
    }
    let request: Request = request::body(asked.inbound)?;
    let document = request.document.as_deref().map(|text| {
        let bytes = BASE64.decode(in_one_piece(text).as_bytes()).map_err(|_| wrong("document", "must be base64"))?;
        pdf("field `document`", bytes)
    });
    let document = document.transpose()?;
    Ok((request, document))
}

/// `multipart/form-data` with the parts `body` (JSON) and `check` (the PDF), each at most once.
async fn read_parts(content_type: &str, body: &[u8]) -> Result<(Request, Option<Vec<u8>>), Failure> {
    let unreadable = |_| Failure::bad_request("the body is not multipart/form-data with the parts `body` and `check`");
    let boundary = multer::parse_boundary(content_type).map_err(unreadable)?;
    let bytes = Bytes::copy_from_slice(body);
    let mut parts = Multipart::new(stream::iter([Ok::<_, Infallible>(bytes)]), boundary);
    let (mut request, mut document) = (None, None);
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let (known, taken) = match name.as_str() {
            "body" => (true, request.is_some()),
            "check" => (true, document.is_some()),
            _ => (false, false),
        };
        if !known || taken {
            return Err(Failure::bad_request("there must be only the parts `body` and `check`, each once"));
        }
        let kind = part.content_type().map(ToString::to_string);
        let content = content(part).await.map_err(unreadable)?;
        if name == "body" {
            let headers = Headers { content_type: kind.as_deref(), content_encoding: None };
            let text = decoding::text(&content, headers, content.len());
            let text = text.map_err(|problem| Failure::bad_request(format!("part `body`: is {problem}")))?;
            let fields: Request = decode(&text)?;
            if fields.document.is_some() {
                return Err(wrong("document", "must be the part `check` here"));
            }
            request = Some(fields);
        } else {
            document = Some(pdf("part `check`", content)?);
        }
    }
    // A body that was cut off may still look like one without parts.
    if request.is_none() && document.is_none() {
        return Err(Failure::bad_request("there must be the part `body` or the part `check`"));
    }
    Ok((request.unwrap_or_default(), document))
}

async fn content(part: Field<'_>) -> Result<Vec<u8>, multer::Error> {
    part.bytes().await.map(Vec::from)
}

fn pdf(place: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if !bytes.starts_with(PDF) {
        Err(Failure::bad_request(format!("{place}: must be a PDF")))
    } else if bytes.len() > MAX_DOCUMENT {
        Err(Failure::bad_request(format!("{place}: must be at most {MAX_DOCUMENT} bytes")))
    } else {
        Ok(bytes)
    }
}
