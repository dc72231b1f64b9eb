//! A request as it came in: nothing of it is trusted before it is parsed.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt as _};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use super::decode::decode;
use super::failure::Failure;
use crate::platform::clock::Deadline;
use crate::platform::decoding::{self, Headers, LOST, Undecodable};
use crate::platform::metrics::{self, Metric, Metrics};
use crate::platform::roles::{Holder, RoleKeys};
use crate::platform::secret::Keys;

/// How long a request may take from its arrival to its answer: IMSHOP must hear from us within 10 s at the very worst.
const BUDGET: Duration = Duration::from_secs(9);
/// What must remain of a Lambda invocation for writing the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// 1 MiB: the size limit of everything but forms, which may carry photos.
pub const SMALL_BODY: usize = 1024 * 1024;

/// 10 MiB: what an API gateway takes is what is unpacked.
const LARGEST_UNPACKED: usize = 10 * 1024 * 1024;

/// A request: method, path, headers, raw body, and the time by which it must be answered.
#[derive(Debug)]
pub struct Inbound {
    method: Method,
    /// Nothing if it is no text.
    path: Option<Vec<String>>,
    ends_with_slash: bool,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    body: Vec<u8>,
    text: Content,
    deadline: Deadline,
    request_id: String,
    api_gateway_url: Option<Url>,
    caller: Option<IpAddr>,
}

/// What of a body is its text.
#[derive(Debug)]
enum Content {
    /// The body from there on.
    From(usize),
    /// Unpacked, or in another charset.
    Decoded(String),
    Unreadable(Undecodable),
}

impl Content {
    /// Of a body that the API gateway takes for text, and of one that it passes on as it is.
    fn of(body: &[u8], passed_on: bool, headers: &HeaderMap) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = header(CONTENT_TYPE);
        let as_it_is = |text: &str| Self::From(body.len() - text.len());
        let read = match std::str::from_utf8(body) {
            Ok(text) if passed_on => decoding::passed_on(text, content_type).map(as_it_is),
            Ok(_) | Err(_) => {
                let headers = Headers { content_type, content_encoding: header(CONTENT_ENCODING) };
                decoding::text(body, headers, LARGEST_UNPACKED).map(|text| match text {
                    Cow::Borrowed(text) => as_it_is(text),
                    Cow::Owned(text) => Self::Decoded(text),
                })
            }
        };
        read.unwrap_or_else(Self::Unreadable)
    }
}

impl Inbound {
    pub(super) fn new(request: Request) -> Self {
        let deadline = deadline(&request);
        let request_id = request.lambda_context_ref().map(|context| context.request_id.clone()).unwrap_or_default();
        let path = segments(request.raw_http_path());
        let first = path.as_ref().and_then(|path| path.first().cloned());
        let ends_with_slash = request.raw_http_path().ends_with('/');
        let query = request.query_string_parameters_ref();
        let query = query.into_iter().flat_map(|query| query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let query = query.collect();
        let api_gateway_url = request.request_context_ref().and_then(|context| api_gateway_url(context, &first?));
        let caller = request.request_context_ref().and_then(caller);
        let (parts, body) = request.into_parts();
        let (body, passed_on) = match body {
            Body::Text(text) => (text.into_bytes(), true),
            Body::Binary(bytes) => (bytes, false),
            Body::Empty | _ => (Vec::new(), true),
        };
        let text = Content::of(&body, passed_on, &parts.headers);
        Self {
            method: parts.method,
            path,
            ends_with_slash,
            headers: parts.headers,
            query,
            body,
            text,
            deadline,
            request_id,
            api_gateway_url,
            caller,
        }
    }

    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The decoded segments of the path from `v1` on, without a stage in front.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().flatten().map(String::as_str).collect()
    }

    /// Refuses a path that is no text: with holes in them, two ids would be one.
    pub(super) fn require_text_in_path(&self) -> Result<(), Failure> {
        if self.path.is_some() { Ok(()) } else { Err(Failure::bad_request("the path is not UTF-8")) }
    }

    /// Whether the path ended with a slash, which a relative address in the answer has to mind.
    #[must_use]
    pub fn ends_with_slash(&self) -> bool {
        self.ends_with_slash
    }

    /// The raw body, which signatures are about.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text: unpacked, and in the charset that it names.
    pub fn text(&self) -> Result<&str, Failure> {
        let unreadable = |problem: &dyn fmt::Display| Failure::bad_request(format!("the body is {problem}"));
        match &self.text {
            Content::From(start) => {
                let bytes = self.body.get(*start..).unwrap_or_default();
                std::str::from_utf8(bytes).map_err(|error| unreadable(&error))
            }
            Content::Decoded(text) => Ok(text),
            Content::Unreadable(Undecodable::TooLarge(limit)) => Err(Failure::too_large(*limit)),
            Content::Unreadable(problem) => Err(unreadable(problem)),
        }
    }

    /// The query parameter `signature`, which Mokka may send; an empty one is none.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.query("signature").map(str::trim).filter(|signature| !signature.is_empty())
    }

    /// The query parameter of that name; the first, if there are several.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Refuses query parameters other than `allowed`, and one that is there twice: which of them is meant is anybody's guess.
    pub fn require_query(&self, allowed: &[&str]) -> Result<(), Failure> {
        for (index, (name, _)) in self.query.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                let known = allowed.join(", ");
                return Err(Failure::bad_request(format!("there are only these query parameters: {known}")));
            }
            if self.query[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Failure::bad_request(format!("query parameter `{name}`: must be there once")));
            }
        }
        Ok(())
    }

    /// The header of that name; nothing if it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The time by which the request must be answered.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The invocation's id.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The address at which the API gateway received this request, up to `/v1`: what we are called from outside.
    #[must_use]
    pub fn api_gateway_url(&self) -> Option<&Url> {
        self.api_gateway_url.as_ref()
    }

    /// The address that the request came from: the API gateway's caller, or what `header` says if the caller passes the
    /// customer's on. Proxies write what they see behind what they were told, so the last address counts that is not the caller's
    /// own, which the API gateway has written: everything before it is what anybody may have said. Nothing if that is no address: the
    /// caller's would be everybody's.
    #[must_use]
    pub fn source_address(&self, header: Option<&str>) -> Option<IpAddr> {
        match header {
            None => self.caller,
            Some(header) => {
                // A header may be there more than once: what a proxy adds is the last line, too.
                let lines: Vec<_> = self.headers.get_all(header).iter().map(|line| line.to_str().ok()).collect::<Option<_>>()?;
                let mut addresses = lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(address).peekable();
                if self.caller.is_some() && addresses.peek() == Some(&self.caller) {
                    addresses.next();
                }
                addresses.next()?
            }
        }
    }

    /// Refuses any other method than `allowed`.
    pub fn require_method(&self, allowed: &'static str) -> Result<(), Failure> {
        if self.method.as_str() == allowed { Ok(()) } else { Err(Failure::method_not_allowed(allowed)) }
    }

    /// Refuses a body larger than `limit` bytes.
    pub fn limit_body(&self, limit: usize) -> Result<(), Failure> {
        let text = if let Content::Decoded(text) = &self.text { text.len() } else { 0 };
        if self.body.len().max(text) > limit { Err(Failure::too_large(limit)) } else { Ok(()) }
    }

    /// Refuses a request of `endpoint` without one of `keys`, and counts it: `Authorization: Bearer`, the header `key`, or the
    /// body's field `key`.
    pub fn authorize(&self, keys: &Keys, endpoint: &'static str, metrics: &Metrics) -> Result<(), Failure> {
        if self.header_key_is_one_of(keys) || self.body_key().is_some_and(|key| keys.accept(&key)) {
            Ok(())
        } else {
            Err(wrong_key(metrics::KEYS_REFUSED, endpoint, metrics))
        }
    }

    /// Refuses a request of `endpoint` whose headers carry none of `keys`, and counts it.
    pub fn authorize_by_header(&self, keys: &Keys, endpoint: &'static str, metrics: &Metrics) -> Result<(), Failure> {
        if self.header_key_is_one_of(keys) { Ok(()) } else { Err(wrong_key(metrics::KEYS_REFUSED, endpoint, metrics)) }
    }

    /// Whose key the headers carry; refuses a request of the back office without one of `keys`, and counts it.
    pub fn holder<'a>(&self, keys: &'a RoleKeys, metrics: &Metrics) -> Result<&'a Holder, Failure> {
        let holder = self.header_keys().find_map(|key| keys.holder(key));
        holder.ok_or_else(|| wrong_key(metrics::BACK_OFFICE_KEYS_REFUSED, "back-office", metrics))
    }

    fn header_key_is_one_of(&self, keys: &Keys) -> bool {
        self.header_keys().any(|key| keys.accept(key))
    }

    /// `Authorization: Bearer`, and the header `key`.
    fn header_keys(&self) -> impl Iterator<Item = &str> {
        let bearer = self.header("authorization").and_then(bearer_token);
        [bearer, self.header("key")].into_iter().flatten().map(str::trim)
    }

    /// The body's field `key`, whatever else is in the body.
    fn body_key(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Keyed<'a> {
            #[serde(borrow)]
            key: Option<&'a RawValue>,
        }
        let keyed: Keyed<'_> = serde_json::from_str(self.text().ok()?).ok()?;
        serde_json::from_str(keyed.key?.get()).ok()
    }

    /// The body as `T`; an error names the field.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        decode(self.text()?)
    }
}

/// A request without a right key is counted, so that an alarm hears of attempts at keys.
fn wrong_key(metric: Metric, endpoint: &'static str, metrics: &Metrics) -> Failure {
    tracing::warn!(endpoint, "a request without a right key was refused");
    metrics.emit(&[(metric, 1)], &[(metrics::ENDPOINT, endpoint)]);
    Failure::unauthorized()
}

fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn deadline(request: &Request) -> Deadline {
    let own = BUDGET;
    let of_invocation = request.lambda_context_ref().and_then(|context| {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(context.deadline))?;
        at.duration_since(SystemTime::now()).ok()
    });
    // A deadline of zero is what local tools send; a real invocation always has time left when it starts.
    Deadline::within(of_invocation.map_or(own, |remaining| remaining.saturating_sub(RESERVE).min(own)))
}

/// The segments from `v1` on; nothing if they are no text, or were none before an API gateway read them.
fn segments(path: &str) -> Option<Vec<String>> {
    let decoded = path.split('/').filter(|segment| !segment.is_empty()).map(percent_decode);
    let decoded: Vec<_> = decoded.collect::<Option<_>>()?;
    Some(decoded.into_iter().skip_while(|segment| segment != "v1").collect())
}

fn percent_decode(segment: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!decoded.contains(LOST)).then(|| decoded.into_owned())
}

fn api_gateway_url(context: &RequestContext, first: &str) -> Option<Url> {
    let (domain, full_path) = match context {
        RequestContext::ApiGatewayV1(context) => (context.domain_name.as_deref()?, context.path.as_deref().unwrap_or("")),
        RequestContext::ApiGatewayV2(context) => (context.domain_name.as_deref()?, context.http.path.as_deref().unwrap_or("")),
        _ => return None,
    };
    let stage = full_path.split('/').filter(|segment| !segment.is_empty()).take_while(|segment| *segment != first);
    let base = stage.fold(format!("https://{domain}"), |base, segment| format!("{base}/{segment}"));
    Url::parse(&base).ok()
}

fn caller(context: &RequestContext) -> Option<IpAddr> {
    match context {
        RequestContext::ApiGatewayV1(context) => address(context.identity.source_ip.as_deref()?),
        RequestContext::ApiGatewayV2(context) => address(context.http.source_ip.as_deref()?),
        _ => None,
    }
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;

    use super::*;

    fn budget(context: Option<Context>) -> Duration {
        let request = Request::default();
        let request = match context {
            Some(context) => request.with_lambda_context(context),
            None => request,
        };
        Inbound::new(request).deadline().allows(Duration::from_mins(1)).unwrap_or_default()
    }

    #[test]
    fn of_a_chain_of_proxies_only_the_last_is_believed() {
        for (header, caller, address) in [
            ("203.0.113.7", "192.0.2.1", Some("203.0.113.7")),
            ("203.0.113.7, 192.0.2.1", "192.0.2.1", Some("203.0.113.7")),
            ("198.51.100.9, 203.0.113.7, 192.0.2.1", "192.0.2.1", Some("203.0.113.7")),
            ("198.51.100.9, 203.0.113.7", "192.0.2.1", Some("203.0.113.7")),
            ("203.0.113.7:52044", "192.0.2.1", Some("203.0.113.7")),
            ("198.51.100.9:1, 203.0.113.7:2, 192.0.2.1:3", "192.0.2.1", Some("203.0.113.7")),
            ("[2001:db8::7]:443", "192.0.2.1", Some("2001:db8::7")),
            ("[2001:db8::7]", "192.0.2.1", Some("2001:db8::7")),
            ("2001:db8::7", "192.0.2.1", Some("2001:db8::7")),
            ("::ffff:203.0.113.7", "192.0.2.1", Some("203.0.113.7")),
            ("198.51.100.9, unknown", "192.0.2.1", None),
            ("198.51.100.9, ", "192.0.2.1", None),
            ("192.0.2.1", "192.0.2.1", None),
            ("", "192.0.2.1", None),
        ] {
            let mut inbound = Inbound::new(Request::default());
            inbound.caller = Some(caller.parse().unwrap());
            inbound.headers.insert("x-forwarded-for", header.parse().unwrap());
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(inbound.source_address(Some("x-forwarded-for")), expected, "{header}");
            assert_eq!(inbound.source_address(None), inbound.caller);
        }
        let mut inbound = Inbound::new(Request::default());
        for line in ["198.51.100.9", "198.51.100.10, 203.0.113.7"] {
            inbound.headers.append("x-forwarded-for", line.parse().unwrap());
        }
        assert_eq!(inbound.source_address(Some("x-forwarded-for")), "203.0.113.7".parse().ok(), "of several lines the last");
    }

    #[test]
    fn a_request_has_nine_seconds_or_what_its_invocation_has_left() {
        let in_ms = |ms: u128| {
            let mut context = Context::default();
            context.deadline = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() + ms).unwrap();
            Some(context)
        };
        let nine = Duration::from_secs(8)..=Duration::from_secs(9);
        assert!(nine.contains(&budget(None)));
        assert!(nine.contains(&budget(Some(Context::default()))), "local tools send no deadline");
        assert!(nine.contains(&budget(in_ms(15_000))));
        assert!(budget(in_ms(3_000)) <= Duration::from_millis(2_500), "a reserve is kept for the answer");
        assert_eq!(budget(in_ms(400)), Duration::ZERO, "no call is started with nothing left");
    }
}
