//! SMSPRO's one-time codes, with an inbox instead of SMS (SMSPRO, sections 2 to 4).
//!
//! Strict where the document leaves room: POST only, `Content-Type: application/json`, the phone 10 to 15 digits without
//! a plus. HTTP is 200 whatever happens; `status` is a number at send and a string at verify, as in the document's two
//! samples. A transaction id is used up only by a send that was accepted.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::answer::Answer;
use crate::options::Options;
use crate::random;
use crate::request::Request;
use crate::world::locked;

const BAD_FORMAT: u16 = 1;
const BAD_AUTH: u16 = 2;
const INVALID_PHONE: u16 = 7;
const INVALID_TRANSACTION_ID: u16 = 10;
const INVALID_TOKEN: u16 = 12;
const TIME_EXPIRED: u16 = 13;
const INVALID_CODE: u16 = 14;

/// An SMS that a customer would have received.
#[derive(Clone, Debug, Serialize)]
pub struct Sms {
    /// The receiver, as it was sent to SMSPRO: digits.
    pub phone: String,
    /// What the customer reads.
    pub text: String,
    /// The code in it.
    pub code: String,
    /// The sender's id of this message.
    pub transaction_id: String,
    /// When it was sent.
    #[serde(serialize_with = "crate::json::moment")]
    pub at: OffsetDateTime,
}

/// Body of a send (SMSPRO, section 2).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    transaction_id: String,
    phone: String,
}

/// Body of a verify (SMSPRO, section 3).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    code: String,
    token: String,
}

/// Messages and the codes in them.
#[derive(Default)]
pub(crate) struct Smspro {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    inbox: Vec<Sms>,
    /// Token to place in the inbox.
    tokens: HashMap<String, usize>,
    transaction_ids: HashSet<String>,
}

/// A status other than 0, and what the provider's shape has no room for.
struct Refusal {
    status: u16,
    note: String,
}

impl Refusal {
    fn new(status: u16, note: impl Into<String>) -> Self {
        Self { status, note: note.into() }
    }
}

impl Smspro {
    pub(crate) fn handle(&self, options: &Options, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        let answer = check(options, request)
            .and_then(|()| if method == "send" { self.send(options, now, request) } else { self.verify(options, now, request) });
        answer.unwrap_or_else(|refusal| fail(method, refusal.status).noted(refusal.note))
    }

    fn send(&self, options: &Options, now: OffsetDateTime, request: &Request) -> Result<Answer, Refusal> {
        let Send { transaction_id, phone } = parse(request)?;
        let length = transaction_id.len();
        if !(1..=32).contains(&length) || !transaction_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Refusal::new(BAD_FORMAT, "transaction_id must be 1 to 32 ASCII letters and digits"));
        }
        if !(10..=15).contains(&phone.len()) || !phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::new(INVALID_PHONE, "phone must be 10 to 15 digits, international, without a plus"));
        }
        let mut state = locked(&self.state);
        if !state.transaction_ids.insert(transaction_id.clone()) {
            return Err(Refusal::new(INVALID_TRANSACTION_ID, "this transaction_id was sent before"));
        }
        let code = random::code(options.code_alphabet, options.code_length);
        let token = random::token();
        let place = state.inbox.len();
        state.tokens.insert(token.clone(), place);
        state.inbox.push(Sms {
            text: format!("{code} — код подтверждения. Никому его не сообщайте."),
            phone,
            code,
            transaction_id,
            at: now,
        });
        Ok(Answer::ok(&json!({ "token": token, "status": 0, "description": "Code Sent" })))
    }

    fn verify(&self, options: &Options, now: OffsetDateTime, request: &Request) -> Result<Answer, Refusal> {
        let Verify { code, token } = parse(request)?;
        let state = locked(&self.state);
        let sms = state
            .tokens
            .get(&token)
            .and_then(|place| state.inbox.get(*place))
            .ok_or_else(|| Refusal::new(INVALID_TOKEN, "no send was answered with this token"))?;
        if now >= sms.at + Duration::seconds(options.code_lifetime_s) {
            return Err(Refusal::new(TIME_EXPIRED, "the code's lifetime is over"));
        }
        if code != sms.code {
            return Err(Refusal::new(INVALID_CODE, "another code was sent"));
        }
        Ok(Answer::ok(&json!({ "status": "0", "description": "Code Valid" })))
    }

    pub(crate) fn inbox(&self, phone: Option<&str>) -> Vec<Sms> {
        let state = locked(&self.state);
        state.inbox.iter().filter(|sms| phone.is_none_or(|wanted| sms.phone == wanted)).cloned().collect()
    }
}

/// Who calls, and whether it is JSON at all.
fn check(options: &Options, request: &Request) -> Result<(), Refusal> {
    if request.header("x-api-key") != Some(options.smspro_key.as_str()) {
        return Err(Refusal::new(BAD_AUTH, "X-API-KEY is missing or wrong"));
    }
    if !request.is_json() {
        return Err(Refusal::new(BAD_FORMAT, "the content type must be application/json"));
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(request: &'a Request) -> Result<T, Refusal> {
    serde_json::from_slice(&request.body).map_err(|error| Refusal::new(BAD_FORMAT, error.to_string()))
}

/// A failure in SMSPRO's own shape, with the documented description.
pub(crate) fn fail(method: &str, status: u16) -> Answer {
    let description = description(status);
    if method == "send" {
        Answer::ok(&json!({ "status": status, "description": description }))
    } else {
        Answer::ok(&json!({ "status": status.to_string(), "description": description }))
    }
}

/// SMSPRO, section 4.
fn description(status: u16) -> &'static str {
    match status {
        BAD_FORMAT => "Bad Format",
        BAD_AUTH => "Bad Auth",
        3 => "Bad IP-address",
        4 => "Not Enough Money",
        5 => "Sender or text are not set",
        INVALID_PHONE => "Invalid Phone",
        INVALID_TRANSACTION_ID => "Invalid Transaction ID",
        INVALID_TOKEN => "Invalid Token",
        TIME_EXPIRED => "Time-Expired",
        INVALID_CODE => "Invalid Code",
        _ => "Unknown Error",
    }
}
