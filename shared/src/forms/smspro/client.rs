//! The calls to SMSPRO.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;

use super::error::{Code, Error};
use super::types::{SendRequest, Token, Verdict, VerifyRequest};
use crate::platform::clock::Deadline;
use crate::platform::outbound::{self, Answer, CallError, Http, System, Target};
use crate::platform::phone::Phone;
use crate::platform::secret::Secret;

/// A send gets this long: after a lost answer the code in the customer's SMS is worth nothing.
const SEND_LIMIT: Duration = Duration::from_secs(6);
/// A check gets this long: the form has to be saved in what remains.
const VERIFY_LIMIT: Duration = Duration::from_secs(3);

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How to reach SMSPRO.
#[derive(Debug)]
pub struct Settings {
    /// `https://smspro.nikita.kg`.
    pub base_url: Url,
    /// The key from the cabinet's page "Сервис ОТР".
    pub key: Secret,
}

/// A client of SMSPRO's one-time codes.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base_url: Url,
    key: Secret,
}

impl Client {
    /// A client over the shared HTTP client.
    #[must_use]
    pub fn new(http: Http, settings: Settings) -> Self {
        Self { http, base_url: settings.base_url, key: settings.key }
    }

    /// Sends a code to a phone. `transaction_id`: 1 to 32 letters and digits, new for every SMS; SMSPRO sends nothing for an
    /// id that it has seen (10), so the same id may be repeated after a lost answer. Document, section 2.
    pub async fn send(&self, phone: &Phone, transaction_id: &str, deadline: Deadline) -> Result<Token, Error> {
        let request = SendRequest { transaction_id, phone: phone.digits() };
        let verdict = self.call("send", &request, SEND_LIMIT, deadline).await?;
        verdict
            .token
            .0
            .and_then(|token| Token::parse(&token).ok())
            .ok_or_else(|| Error::Unavailable("it says sent, but gives no token".to_owned()))
    }

    /// Checks a code, as the customer typed it. Document, section 3.
    pub async fn verify(&self, token: &Token, code: &str, deadline: Deadline) -> Result<(), Error> {
        let request = VerifyRequest { code, token: token.expose() };
        self.call("verify", &request, VERIFY_LIMIT, deadline).await.map(|_| ())
    }

    async fn call<T: Serialize>(
        &self,
        method: &'static str,
        body: &T,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<Verdict, Error> {
        let body =
            serde_json::to_string(body).map_err(|error| Error::NotSent(format!("the request cannot be written: {error}")))?;
        let mut key = HeaderValue::from_str(self.key.expose())
            .map_err(|_| Error::NotSent("the key cannot be a header's value".to_owned()))?;
        key.set_sensitive(true);
        let request = self
            .http
            .post(outbound::below(&self.base_url, &format!("api/otp/{method}")))
            .header(API_KEY, key)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let target = Target { system: System::Smspro, method };
        let answer = self.http.send(target, request, limit, deadline).await.map_err(|error| match error {
            CallError::NotSent(cause) => Error::NotSent(cause),
            CallError::NoAnswer(cause) => Error::Unavailable(cause),
        });
        let mut answer = answer?;
        let verdict = read(&answer);
        match &verdict {
            Ok(_) => answer.call.done(),
            Err(Error::Refused(code)) if code.is_customers() => answer.call.refused(),
            Err(_) => {}
        }
        verdict
    }
}

fn read(answer: &Answer) -> Result<Verdict, Error> {
    // The JSON says more than the HTTP status, which the document does not mention.
    let verdict = parse(&answer.body)
        .ok_or_else(|| Error::Unavailable(format!("HTTP {} without the JSON that was expected", answer.status)))?;
    match verdict.status {
        0 => Ok(verdict),
        number => Err(Error::Refused(Code::from_number(number))),
    }
}

/// Both samples of the document end with a brace too many, so one is forgiven.
fn parse(body: &[u8]) -> Option<Verdict> {
    // serde would take an array as the fields in their order.
    body.trim_ascii_start().starts_with(b"{").then_some(())?;
    serde_json::from_slice(body)
        .or_else(|error| match body.trim_ascii_end().strip_suffix(b"}") {
            Some(body) => serde_json::from_slice(body),
            None => Err(error),
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::platform::metrics::Metrics;

    /// Answers one request with `response` (nothing: the connection is closed) and gives back what was asked.
    async fn one_call(response: Option<String>) -> (Client, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = Url::parse(&format!("http://{}/smspro/", listener.local_addr().unwrap())).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut chunk = [0; 1024];
                let read = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            if let Some(response) = response {
                stream.write_all(response.as_bytes()).await.unwrap();
            }
            String::from_utf8(request).unwrap()
        });
        let settings = Settings { base_url, key: Secret::parse("test-key").unwrap() };
        (Client::new(Http::new(Metrics::default()).unwrap(), settings), server)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `one_call` takes")]
    fn http(status: &str, body: &str) -> Option<String> {
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
    }

    fn ok(body: &str) -> Option<String> {
        http("200 OK", body)
    }

    async fn send(response: Option<String>) -> Result<Token, Error> {
        let (client, _) = one_call(response).await;
        let phone = Phone::parse("996770123456").unwrap();
        client.send(&phone, "0123456789abcdef0123456789abcdef", deadline()).await
    }

    async fn verify(response: Option<String>) -> Result<(), Error> {
        let (client, _) = one_call(response).await;
        client.verify(&Token::parse("t0").unwrap(), "J2RM7D", deadline()).await
    }

    fn deadline() -> Deadline {
        Deadline::within(Duration::from_secs(2))
    }

    #[tokio::test]
    async fn the_requests_are_the_documents() {
        let (client, server) = one_call(ok(r#"{"token":"t0","status":0,"description":"Code Sent"}"#)).await;
        let phone = Phone::parse("+996 770 12-34-56").unwrap();
        assert_eq!(client.send(&phone, "12345678", deadline()).await.unwrap().expose(), "t0");
        let request = server.await.unwrap();
        assert!(request.starts_with("POST /smspro/api/otp/send HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("x-api-key: test-key\r\n") && request.contains("content-type: application/json\r\n"));
        assert!(request.ends_with("\r\n\r\n{\"transaction_id\":\"12345678\",\"phone\":\"996770123456\"}"), "{request}");

        let (client, server) = one_call(ok(r#"{"status":"0","description":"Code Valid"}"#)).await;
        client.verify(&Token::parse("t0").unwrap(), "J2RM7D", deadline()).await.unwrap();
        let request = server.await.unwrap();
        assert!(request.starts_with("POST /smspro/api/otp/verify HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"code\":\"J2RM7D\",\"token\":\"t0\"}"), "{request}");
    }

    #[tokio::test]
    async fn every_code_is_read_as_number_and_text_with_any_http_status() {
        for code in Code::DOCUMENTED.into_iter().chain([Code::Other(8), Code::Other(-1), Code::Other(500)]) {
            for (status, body) in [
                ("200 OK", format!(r#"{{"status":{code},"description":"x"}}"#)),
                ("200 OK", format!(r#"{{"status":"{code}"}}"#)),
                ("403 Forbidden", format!(r#"{{"status":{code},"token":null}}"#)),
                ("500 Internal Server Error", format!(r#"{{"status":" {code} ","token":7}}"#)),
            ] {
                let sent = send(http(status, &body)).await;
                assert!(matches!(sent, Err(Error::Refused(got)) if got == code), "{body}: {sent:?}");
                let verified = verify(http(status, &body)).await;
                assert!(matches!(verified, Err(Error::Refused(got)) if got == code), "{body}: {verified:?}");
            }
        }
    }

    #[tokio::test]
    async fn zero_is_success_in_every_shape_of_the_document() {
        for status in ["0", "\"0\""] {
            // The document's samples have one brace too many.
            for end in ["", "\n}", "}\n"] {
                assert_eq!(send(ok(&format!(r#"{{"token":"t1","status":{status}}}{end}"#))).await.unwrap().expose(), "t1");
                verify(ok(&format!(r#"{{"status":{status}}}{end}"#))).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_an_answer_is_an_unknown_outcome() {
        let (good, wide) = (r#"{"token":"t","status":0}"#, "99999999999999999999");
        for response in [
            ok(""),
            ok("<html>maintenance</html>"),
            http("500 Internal Server Error", "Internal Server Error"),
            http("302 Found", ""),
            ok(r#"{"token":"t","status":0"#),
            ok(r#"{"token":"t"}"#),
            ok(r#"{"status":null}"#),
            ok(r#"{"status":0.5}"#),
            ok(r#"{"status":""}"#),
            ok(r#"{"status":true}"#),
            ok(&format!(r#"{{"status":{wide}}}"#)),
            ok(&format!("{good}{good}")),
            ok(&format!("{good}<html>")),
            ok("[0]"),
            ok("0"),
            Some(format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{good}")),
            None,
        ] {
            let sent = send(response.clone()).await;
            assert!(matches!(sent, Err(Error::Unavailable(_))), "{response:?}: {sent:?}");
            let verified = verify(response.clone()).await;
            assert!(matches!(verified, Err(Error::Unavailable(_))), "{response:?}: {verified:?}");
        }
        for body in [r#"{"status":0}"#, r#"{"status":0,"token":""}"#, r#"{"status":0,"token":null}"#, r#"{"status":0,"token":5}"#]
        {
            assert!(matches!(send(ok(body)).await, Err(Error::Unavailable(_))), "a send without a token cannot be used: {body}");
        }
    }

    #[tokio::test]
    async fn what_did_not_reach_them_is_known_not_to_have_been_sent() {
        // Not a port that was free a moment ago: another test's server may have it by now.
        let base_url = Url::parse("http://127.0.0.1:9").unwrap();
        let client = Client::new(Http::new(Metrics::default()).unwrap(), Settings { base_url, key: Secret::parse("k").unwrap() });
        let phone = Phone::parse("996770123456").unwrap();
        assert!(matches!(client.send(&phone, "1", deadline()).await, Err(Error::NotSent(_))));
        let late = Deadline::within(Duration::ZERO);
        assert!(matches!(client.verify(&Token::parse("t").unwrap(), "1", late).await, Err(Error::NotSent(_))));
    }

    #[test]
    fn nothing_prints_a_token() {
        assert_eq!(format!("{:?}", Token::parse("very-secret").unwrap()), "Token(…)");
        assert!(Token::parse(" ").is_err() && Token::parse(&"x".repeat(201)).is_err());
    }
}
