//! SMSPRO's one-time codes, with an inbox instead of SMS (SMSPRO, sections 2 to 4), and its delivery reports (section 5, and the
//! XML API that it refers to), pushed and asked for.
//!
//! Every SMS is delivered at once, unless [`PhoneReports`] says otherwise of its phone. A push that is not answered with 200 is
//! repeated three times, ten minutes apart by the stand-ins' clock.
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
use crate::error::ControlError;
use crate::locked::locked;
use crate::options::Options;
use crate::random;
use crate::request::Request;

/// How often a push is repeated that was not answered with 200, and after how long.
const REPETITIONS: u32 = 3;
const REPEATED_AFTER: Duration = Duration::minutes(10);
/// Statuses of the XML API that the codes' own do not have.
const NO_REPORT: u16 = 4;

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
    pub code: String,
    /// The sender's id of this message.
    pub transaction_id: String,
    /// When it was sent.
    #[serde(serialize_with = "crate::json::moment")]
    pub at: OffsetDateTime,
}

/// What becomes of the SMS to a phone, and who hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneReports {
    /// The operator's word, 0 to 7; none: there is no report.
    pub report: Option<u8>,
    /// Whether it is pushed. Who asks is told all the same.
    pub pushed: bool,
}

impl Default for PhoneReports {
    fn default() -> Self {
        Self { report: Some(3), pushed: true }
    }
}

/// A report on its way to the shop.
#[derive(Clone, Debug)]
pub struct Push {
    /// The SMS.
    pub transaction_id: String,
    /// The XML.
    pub body: String,
    due: OffsetDateTime,
    /// How often sending it failed.
    tries: u32,
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
    wishes: HashMap<String, PhoneReports>,
    pushes: Vec<Push>,
    /// How many were taken, without a report yet.
    taken: usize,
    /// Whether they are taken by themselves, and not by a test.
    by_itself: bool,
}

/// A status other than 0, and what the provider's shape has no room for.
struct SmsproRefusal {
    status: u16,
    note: String,
}

impl SmsproRefusal {
    fn new(status: u16, note: impl Into<String>) -> Self {
        Self { status, note: note.into() }
    }
}

impl Smspro {
    pub(crate) fn handle(&self, options: &Options, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        if method == "dr" {
            return self.report(options, request).unwrap_or_else(|refusal| fail(method, refusal.status).noted(refusal.note));
        }
        let answer = check(options, request)
            .and_then(|()| if method == "send" { self.send(options, now, request) } else { self.verify(options, now, request) });
        answer.unwrap_or_else(|refusal| fail(method, refusal.status).noted(refusal.note))
    }

    fn send(&self, options: &Options, now: OffsetDateTime, request: &Request) -> Result<Answer, SmsproRefusal> {
        let Send { transaction_id, phone } = parse(request)?;
        let length = transaction_id.len();
        if !(1..=32).contains(&length) || !transaction_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(SmsproRefusal::new(BAD_FORMAT, "transaction_id must be 1 to 32 ASCII letters and digits"));
        }
        if !(10..=15).contains(&phone.len()) || !phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SmsproRefusal::new(INVALID_PHONE, "phone must be 10 to 15 digits, international, without a plus"));
        }
        let mut state = locked(&self.state);
        if !state.transaction_ids.insert(transaction_id.clone()) {
            return Err(SmsproRefusal::new(INVALID_TRANSACTION_ID, "this transaction_id was sent before"));
        }
        let code = random::code(options.code_alphabet, options.code_length);
        let token = random::token();
        let place = state.inbox.len();
        state.tokens.insert(token.clone(), place);
        state.push(&transaction_id, &phone, now);
        state.inbox.push(Sms {
            text: format!("{code} — код подтверждения. Никому его не сообщайте."),
            phone,
            code,
            transaction_id,
            at: now,
        });
        Ok(Answer::ok(&json!({ "token": token, "status": 0, "description": "Code Sent" })))
    }

    fn verify(&self, options: &Options, now: OffsetDateTime, request: &Request) -> Result<Answer, SmsproRefusal> {
        let Verify { code, token } = parse(request)?;
        let state = locked(&self.state);
        let sms = state
            .tokens
            .get(&token)
            .and_then(|place| state.inbox.get(*place))
            .ok_or_else(|| SmsproRefusal::new(INVALID_TOKEN, "no send was answered with this token"))?;
        if now >= sms.at + Duration::seconds(options.code_lifetime_s) {
            return Err(SmsproRefusal::new(TIME_EXPIRED, "the code's lifetime is over"));
        }
        if code != sms.code {
            return Err(SmsproRefusal::new(INVALID_CODE, "another code was sent"));
        }
        Ok(Answer::ok(&json!({ "status": "0", "description": "Code Valid" })))
    }

    /// A question for a report: `<dr><login/><pwd/><id/></dr>` and nothing else.
    fn report(&self, options: &Options, request: &Request) -> Result<Answer, SmsproRefusal> {
        if !request.media_type().is_some_and(|media| ["application/xml", "text/xml"].contains(&media)) {
            return Err(SmsproRefusal::new(BAD_FORMAT, "the content type must be application/xml or text/xml"));
        }
        let text = std::str::from_utf8(&request.body).unwrap_or_default();
        let [login, password, id] =
            question(text).ok_or_else(|| SmsproRefusal::new(BAD_FORMAT, "must be <dr><login/><pwd/><id/></dr>"))?;
        if (login, password) != (options.smspro_login.as_str(), options.smspro_password.as_str()) {
            return Err(SmsproRefusal::new(BAD_AUTH, "login or password is wrong"));
        }
        let state = locked(&self.state);
        let sms = state.inbox.iter().find(|sms| sms.transaction_id == id);
        let sms = sms.ok_or_else(|| SmsproRefusal::new(NO_REPORT, "no SMS has this id"))?;
        let report = state.wish(&sms.phone).report.ok_or_else(|| SmsproRefusal::new(NO_REPORT, "there is no report"))?;
        Ok(Answer::xml(format!("{DECLARATION}<response><status>0</status>{}</response>", phone(&sms.phone, report, sms.at))))
    }

    /// Knows an SMS that was sent elsewhere, by its token.
    pub(crate) fn remember(&self, sms: Sms, token: String) {
        let mut state = locked(&self.state);
        let place = state.inbox.len();
        state.tokens.insert(token, place);
        state.transaction_ids.insert(sms.transaction_id.clone());
        state.inbox.push(sms);
    }

    /// Says what becomes of SMS to a phone, those that were sent included.
    pub(crate) fn set_reports(&self, phone: &str, reports: PhoneReports) -> Result<(), ControlError> {
        if reports.report.is_some_and(|report| report > 7) {
            return Err(ControlError::field("report", "must be 0 to 7, or null for none"));
        }
        locked(&self.state).wishes.insert(phone.to_owned(), reports);
        Ok(())
    }

    /// Pushes anew what became of every SMS to a phone.
    pub(crate) fn push_again(&self, phone: &str, now: OffsetDateTime) {
        let mut state = locked(&self.state);
        let ids = state.inbox.iter().filter(|sms| sms.phone == phone).map(|sms| sms.transaction_id.clone());
        for id in ids.collect::<Vec<_>>() {
            state.push(&id, phone, now);
        }
    }

    /// The pushes whose time has come; the taker says by [`Self::pushed`] what became of them.
    pub(crate) fn take_pushes(&self, now: OffsetDateTime) -> Vec<Push> {
        let mut state = locked(&self.state);
        let (due, later) = std::mem::take(&mut state.pushes).into_iter().partition(|push| push.due <= now);
        state.pushes = later;
        state.taken += due.len();
        due
    }

    /// From now on pushes go out by themselves.
    pub(crate) fn push_by_itself(&self) {
        locked(&self.state).by_itself = true;
    }

    /// Whether a push that goes out by itself is on its way, or about to be.
    pub(crate) fn is_pushing(&self, now: OffsetDateTime) -> bool {
        let state = locked(&self.state);
        state.by_itself && (state.taken > 0 || state.pushes.iter().any(|push| push.due <= now))
    }

    /// A push was answered with this HTTP status (0: with none).
    pub(crate) fn pushed(&self, push: Push, status: u16, now: OffsetDateTime) {
        let mut state = locked(&self.state);
        state.taken = state.taken.saturating_sub(1);
        if status != 200 && push.tries < REPETITIONS {
            state.pushes.push(Push { due: now + REPEATED_AFTER, tries: push.tries + 1, ..push });
        }
    }

    pub(crate) fn inbox(&self, phone: Option<&str>) -> Vec<Sms> {
        let state = locked(&self.state);
        state.inbox.iter().filter(|sms| phone.is_none_or(|wanted| sms.phone == wanted)).cloned().collect()
    }
}

impl State {
    fn wish(&self, phone: &str) -> PhoneReports {
        self.wishes.get(phone).copied().unwrap_or_default()
    }

    fn push(&mut self, transaction_id: &str, to: &str, now: OffsetDateTime) {
        let PhoneReports { report: Some(report), pushed: true } = self.wish(to) else { return };
        let body = format!(
            "{DECLARATION}<report xmlns=\"http://Giper.mobi/schema/DeliveryReport\"><dr><id>{transaction_id}</id>{}</dr></report>",
            phone(to, report, now)
        );
        self.pushes.push(Push { transaction_id: transaction_id.to_owned(), body, due: now, tries: 0 });
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What a report says of one phone.
fn phone(number: &str, report: u8, at: OffsetDateTime) -> String {
    let [year, month, day] = [at.year(), i32::from(u8::from(at.month())), i32::from(at.day())];
    let [hour, minute, second] = [at.hour(), at.minute(), at.second()];
    let time = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
    format!(
        "<phone><number>{number}</number><report>{report}</report><sendTime>{time}</sendTime><rcvTime>{time}</rcvTime></phone>"
    )
}

/// Login, password and id of a question, in the document's order; the demo's have nothing that would be escaped.
fn question(text: &str) -> Option<[&str; 3]> {
    let text = text.trim();
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let text = text.strip_prefix("<dr>")?;
    let (login, text) = element(text, "login")?;
    let (password, text) = element(text, "pwd")?;
    let (id, text) = element(text, "id")?;
    (text.trim() == "</dr>").then_some([login, password, id])
}

fn element<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let text = text.trim_start().strip_prefix(&format!("<{name}>"))?;
    text.split_once(&format!("</{name}>")).filter(|(value, _)| !value.is_empty() && !value.contains('<'))
}

/// Who calls, and whether it is JSON at all.
fn check(options: &Options, request: &Request) -> Result<(), SmsproRefusal> {
    if request.header("x-api-key") != Some(options.smspro_key.as_str()) {
        return Err(SmsproRefusal::new(BAD_AUTH, "X-API-KEY is missing or wrong"));
    }
    if !request.is_json() {
        return Err(SmsproRefusal::new(BAD_FORMAT, "the content type must be application/json"));
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(request: &'a Request) -> Result<T, SmsproRefusal> {
    serde_json::from_slice(&request.body).map_err(|error| SmsproRefusal::new(BAD_FORMAT, error.to_string()))
}

/// A failure in SMSPRO's own shape, with the documented description.
pub(crate) fn fail(method: &str, status: u16) -> Answer {
    if method == "dr" {
        return Answer::xml(format!("{DECLARATION}<response><status>{status}</status></response>"));
    }
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
