//! Answers, and the slow way of sending one.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep};

/// What goes over the wire: at once, or in drips.
pub(crate) type Payload = Either<Full<Bytes>, Drip>;

/// How long a `slow` answer takes in all.
const SLOW: Duration = Duration::from_secs(30);

/// An answer of any of the systems.
pub(crate) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    location: Option<String>,
    etag: Option<String>,
    note: Option<String>,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, body: body.into(), location: None, etag: None, note: None }
    }

    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(error) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, format!("the stand-in's answer: {error}")),
        }
    }

    pub(crate) fn ok(value: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// The control API's error shape, also used for paths that do not exist.
    pub(crate) fn error(status: StatusCode, error: impl AsRef<str>) -> Self {
        Self::json(status, &json!({ "error": error.as_ref() }))
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn html(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn xml(body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, "text/xml; charset=utf-8", body)
    }

    pub(crate) fn file(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, content_type, body)
    }

    /// 304: the caller has it already.
    pub(crate) fn not_modified() -> Self {
        Self::text(StatusCode::NOT_MODIFIED, "")
    }

    /// With the name of this version.
    pub(crate) fn tagged(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    /// The same, behind a byte order mark.
    pub(crate) fn marked(self) -> Self {
        Self { body: ["\u{feff}".as_bytes(), &self.body].concat().into(), ..self }
    }

    /// The same, called HTML.
    pub(crate) fn called_html(self) -> Self {
        Self { content_type: "text/html; charset=utf-8", ..self }
    }

    /// The same, with null for these fields wherever a JSON body has them.
    pub(crate) fn with_nulls(self, fields: &[&str]) -> Self {
        let Ok(mut body) = serde_json::from_slice(&self.body) else { return self };
        crate::json::put_nulls(&mut body, fields);
        Self { body: body.to_string().into(), ..self }
    }

    /// 303: the browser goes on with a GET.
    pub(crate) fn see_other(location: impl Into<String>) -> Self {
        let mut answer = Self::text(StatusCode::SEE_OTHER, "");
        answer.location = Some(location.into());
        answer
    }

    /// Adds what the provider's own shape has no room for, as the header `x-stand-in-note`.
    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(crate) fn into_response(self, slow: bool) -> Response<Payload> {
        let payload = if slow { Either::Right(Drip::new(self.body, SLOW)) } else { Either::Left(Full::new(self.body)) };
        let mut response = Response::new(payload);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // The control views change from call to call, and the form's pages with the order.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in [("location", self.location), ("etag", self.etag), ("x-stand-in-note", self.note)] {
            // A note that quotes something unfit for a header is dropped rather than the answer.
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A body that arrives byte by byte.
pub(crate) struct Drip {
    rest: Bytes,
    pause: Duration,
    next: Pin<Box<Sleep>>,
}

impl Drip {
    fn new(body: Bytes, total: Duration) -> Self {
        let pause = total / u32::try_from(body.len()).unwrap_or(u32::MAX).max(1);
        Self { rest: body, pause, next: Box::pin(sleep(pause)) }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.next.as_mut().poll(context));
        let next = Instant::now() + self.pause;
        self.next.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(1)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

/// How a request ends.
pub(crate) enum ServedOutcome {
    Answer(Answer),
    /// With an answer that takes its time.
    Drip(Answer),
    /// With an answer, after a while.
    Late(Answer, Duration),
    /// With nothing at all.
    Silence,
    /// With a TCP reset.
    Reset,
}
