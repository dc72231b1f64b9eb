//! A request as it came: read whole, nothing interpreted but the envelope.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request as Wire};

use crate::answer::Answer;
use crate::locked::locked;

/// Larger bodies are refused.
pub(crate) const MAX_BODY: usize = 12 * 1024 * 1024;
/// How much of a refused body is still read, so that the caller sees the refusal rather than a broken connection.
const MAX_DRAINED: usize = 64 * 1024 * 1024;

/// A request, read to its end.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent: still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The parts of a multipart body; `None` if it is none, or a broken one.
    pub(crate) parts: Option<Vec<Part>>,
    /// What was taken although no document has it so.
    pub(crate) remarks: Remarks,
}

/// What was taken although no document has it so: for the answer's note.
#[derive(Default)]
pub(crate) struct Remarks(Mutex<Vec<String>>);

impl Remarks {
    pub(crate) fn add(&self, remark: String) {
        locked(&self.0).push(remark);
    }

    /// The answer with the remarks as its note.
    pub(crate) fn of(&self, answer: Answer) -> Answer {
        let remarks = locked(&self.0);
        if remarks.is_empty() { answer } else { answer.noted(format!("taken all the same: {}", remarks.join(", "))) }
    }
}

/// One part of a multipart body.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// Why a request could not be read.
pub(crate) enum Unreadable {
    /// The body is larger than [`MAX_BODY`].
    TooLarge,
    /// The caller broke off.
    Gone,
}

impl Request {
    pub(crate) async fn read(wire: Wire<Incoming>) -> Result<Self, Unreadable> {
        let (head, body) = wire.into_parts();
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let body = read_body(body).await?;
        let parts = read_parts(&head.headers, &body).await;
        Ok(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query,
            headers: head.headers,
            body,
            parts,
            remarks: Remarks::default(),
        })
    }

    /// What says which call it is: the body, of a multipart one the part of that name.
    pub(crate) fn chosen_by(&self) -> &[u8] {
        self.part("body").map_or(&self.body, |part| &part.bytes)
    }

    /// A header's text, if it is there and readable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the body says it is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.media_type().is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
    }

    /// The content type without its parameters.
    pub(crate) fn media_type(&self) -> Option<&str> {
        let content_type = self.header(header::CONTENT_TYPE.as_str())?;
        content_type.split(';').next().map(str::trim)
    }

    /// The part of that name, if the body is multipart and has exactly one.
    pub(crate) fn part(&self, name: &str) -> Option<&Part> {
        let mut parts = self.parts.as_deref()?.iter().filter(|part| part.name == name);
        let part = parts.next()?;
        parts.next().is_none().then_some(part)
    }

    /// The bearer key, if one was sent.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
    }
}

async fn read_body(mut body: Incoming) -> Result<Bytes, Unreadable> {
    let mut read = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unreadable::Gone)?;
        let Some(data) = frame.data_ref() else { continue };
        total += data.len();
        if total <= MAX_BODY {
            read.extend_from_slice(data);
        } else if total > MAX_DRAINED {
            break;
        }
    }
    if total > MAX_BODY { Err(Unreadable::TooLarge) } else { Ok(read.freeze()) }
}

async fn read_parts(headers: &HeaderMap, body: &Bytes) -> Option<Vec<Part>> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multer::parse_boundary(content_type).ok()?;
    let whole = body.clone();
    let mut multipart = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(whole)]), boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await.ok()? {
        parts.push(Part {
            name: field.name()?.to_owned(),
            filename: field.file_name().map(str::to_owned),
            content_type: field.content_type().map(ToString::to_string),
            bytes: field.bytes().await.ok()?,
        });
    }
    Some(parts)
}
