//! What became of an SMS (document, section 5; its XML API: reference "SMSPRO", "Delivery reports"). SMSPRO pushes reports, and
//! answers when it is asked for one.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::xml::{Element, Malformed};
use crate::platform::clock::Deadline;
use crate::platform::outbound::{self, Answer, CallError, Http, System, Target};
use crate::platform::secret::Secret;

/// What a report may take that is asked for.
const ASK_LIMIT: Duration = Duration::from_secs(3);
/// The largest answer that is read; a report has a few hundred bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What an operator says of an SMS, in the order in which one status replaces another: reports come late, twice and out of order, and
/// whatever their order the last status is the same. That it was delivered outweighs that it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryStatus {
    /// 6: SMSPRO does not know.
    Unknown,
    /// 0: waits at SMSPRO.
    Queued,
    /// 1: handed to the operator.
    Sent,
    /// 7: the operator gave up waiting for the phone.
    Expired,
    /// 4: the operator could not deliver it.
    NotDelivered,
    /// 2: the operator refused it.
    Rejected,
    /// 5: there was no money for it.
    NoMoney,
    /// 3: it is on the phone.
    Delivered,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Queued,
        Self::Sent,
        Self::Expired,
        Self::NotDelivered,
        Self::Rejected,
        Self::NoMoney,
        Self::Delivered,
    ];

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Sent => 1,
            Self::Rejected => 2,
            Self::Delivered => 3,
            Self::NotDelivered => 4,
            Self::NoMoney => 5,
            Self::Unknown => 6,
            Self::Expired => 7,
        }
    }

    /// Its name, as stored and logged.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Delivered => "delivered",
            Self::NotDelivered => "not_delivered",
            Self::NoMoney => "no_money",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }

    /// The word of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delivery| delivery.name() == name)
    }

    /// Nothing more is to be expected.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Unknown | Self::Queued | Self::Sent => false,
            Self::Expired | Self::NotDelivered | Self::Rejected | Self::NoMoney | Self::Delivered => true,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let number: u8 = text.parse().ok()?;
        Self::ALL.into_iter().find(|delivery| delivery.number() == number)
    }
}

/// What is reported of one SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The id under which it was sent: 1 to 32 letters and digits.
    pub transaction_id: String,
    /// What became of it.
    pub delivery: DeliveryStatus,
}

/// What SMSPRO pushes, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    pub reports: Vec<DeliveryReport>,
    /// Entries that say nothing: which, counted from 1, and why.
    pub unreadable: Vec<(usize, &'static str)>,
}

/// Reads what SMSPRO pushes: `<report><dr><id/><phone><number/><report/>…</phone></dr></report>`. The numbers are not looked at, and an entry
/// that cannot be read says nothing of the others.
pub fn read_reports(body: &[u8]) -> Result<Pushed, Malformed> {
    let root = Element::parse(body)?;
    if root.name != "report" {
        return Err(Malformed::Other("must be a report"));
    }
    let mut pushed = Pushed::default();
    for (index, entry) in root.all("dr").enumerate() {
        match report(entry) {
            Ok(report) => pushed.reports.push(report),
            Err(why) => pushed.unreadable.push((index + 1, why)),
        }
    }
    if pushed == Pushed::default() { Err(Malformed::Other("must have an element dr")) } else { Ok(pushed) }
}

fn report(dr: &Element) -> Result<DeliveryReport, &'static str> {
    let id = dr.text_of("id").filter(|id| is_transaction_id(id)).ok_or("its id is not one of ours")?;
    let delivery = delivery(dr).ok_or("it has no report from 0 to 7")?;
    Ok(DeliveryReport { transaction_id: id.to_owned(), delivery })
}

fn is_transaction_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An SMS with a code has one phone; of several, the best word counts.
fn delivery(parent: &Element) -> Option<DeliveryStatus> {
    parent.all("phone").filter_map(|phone| DeliveryStatus::from_text(phone.text_of("report")?)).max()
}

/// The status of an answer to a question for a report (reference "SMSPRO", "Delivery reports").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskCode {
    /// 1: the request has a wrong format.
    BadFormat,
    /// 2: login or password is wrong.
    BadLogin,
    /// 3: called from an address that is not allowed in the cabinet.
    BadAddress,
    /// 4: there is no report, or not yet.
    NoReport,
    /// 5: asked too often; later again.
    TooMany,
    /// A status that the document does not know.
    Other(i64),
}

impl AskCode {
    fn from_number(number: i64) -> Self {
        match number {
            1 => Self::BadFormat,
            2 => Self::BadLogin,
            3 => Self::BadAddress,
            4 => Self::NoReport,
            5 => Self::TooMany,
            other => Self::Other(other),
        }
    }

    /// The status on the wire.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::BadFormat => 1,
            Self::BadLogin => 2,
            Self::BadAddress => 3,
            Self::NoReport => 4,
            Self::TooMany => 5,
            Self::Other(number) => number,
        }
    }
}

/// Why there is no report. Asking changes nothing, so it may always be tried again.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// SMSPRO read the question and has another answer than a report.
    #[error("SMSPRO answered with status {}", .0.number())]
    Refused(AskCode),
    /// No usable answer.
    #[error("SMSPRO is unavailable: {0}")]
    Unavailable(String),
}

/// Asks SMSPRO's XML API for reports.
#[derive(Debug)]
pub struct Reports {
    http: Http,
    base_url: Url,
    login: Secret,
    password: Secret,
}

impl Reports {
    /// A client over the shared HTTP client; login and password are those of SMSPRO's cabinet.
    #[must_use]
    pub fn new(http: Http, base_url: Url, login: Secret, password: Secret) -> Self {
        Self { http, base_url, login, password }
    }

    /// What became of the SMS with that id.
    pub async fn ask(&self, transaction_id: &str, deadline: Deadline) -> Result<DeliveryStatus, AskError> {
        let escape = |secret: &Secret| quick_xml::escape::escape(secret.expose().to_owned()).into_owned();
        let (login, password) = (escape(&self.login), escape(&self.password));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><dr><login>{login}</login><pwd>{password}</pwd><id>{transaction_id}</id></dr>"
        );
        let request = self.http.post(outbound::below(&self.base_url, "api/dr"));
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8")).body(body);
        let target = Target { system: System::Smspro, method: "report" };
        let answer = self.http.send(target, request, ASK_LIMIT, deadline).await.map_err(|error| match error {
            CallError::NotSent(cause) | CallError::NoAnswer(cause) => AskError::Unavailable(cause),
        });
        let mut answer = answer?;
        let delivery = read(&answer);
        match &delivery {
            Ok(_) => answer.call.done(),
            Err(AskError::Refused(AskCode::NoReport | AskCode::TooMany)) => answer.call.refused(),
            Err(_) => {}
        }
        delivery
    }
}

fn read(answer: &Answer) -> Result<DeliveryStatus, AskError> {
    let unusable = |cause: &dyn std::fmt::Display| AskError::Unavailable(format!("HTTP {}: its answer {cause}", answer.status));
    if answer.body.len() > MAX_ANSWER {
        return Err(unusable(&"is too large"));
    }
    let root = Element::parse(&answer.body).map_err(|error| unusable(&error))?;
    let status = root.text_of("status").and_then(|status| status.parse().ok()).filter(|_| root.name == "response");
    match status {
        Some(0) => delivery(&root).ok_or_else(|| unusable(&"must have a phone with a report from 0 to 7")),
        Some(number) => Err(AskError::Refused(AskCode::from_number(number))),
        None => Err(unusable(&"must be a response with a status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMESPACE: &str = "http://Giper.mobi/schema/DeliveryReport";

    fn pushed(inner: &str) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<report xmlns=\"{NAMESPACE}\">{inner}</report>")
    }

    fn one(id: &str, report: &str) -> String {
        format!(
            "<dr><id>{id}</id><phone><number>996770123456</number><report>{report}</report><sendTime>20261122100000</sendTime></phone></dr>"
        )
    }

    #[test]
    fn every_word_is_read_and_reads_back() {
        for delivery in DeliveryStatus::ALL {
            let pushed = read_reports(pushed(&one("t1", &delivery.number().to_string())).as_bytes()).unwrap();
            assert_eq!(pushed.reports, [DeliveryReport { transaction_id: "t1".to_owned(), delivery }]);
            assert_eq!(DeliveryStatus::named(delivery.name()), Some(delivery));
        }
    }

    #[test]
    fn one_entry_that_cannot_be_read_costs_no_other() {
        for odd in [
            one("", "3"),
            one("t-1", "3"),
            one("550e8400-e29b-41d4-a716-446655440000", "3"),
            one(&"t".repeat(33), "3"),
            one("ключ", "3"),
            one("t1", "8"),
            one("t1", "-1"),
            one("t1", ""),
            one("t1", "delivered"),
            one("t1", "&three;"),
            "<dr/>".to_owned(),
            "<dr><id>t1</id></dr>".to_owned(),
            "<dr><id>t1</id><id>t2</id><phone><report>3</report></phone></dr>".to_owned(),
            "<dr><id>t1</id><phone><report>3</report><report>4</report></phone></dr>".to_owned(),
            format!("<dr>{}{}</dr>", "<a>".repeat(1000), "</a>".repeat(1000)),
        ] {
            let read = read_reports(pushed(&(one("before", "3") + &odd + &one("after", "4"))).as_bytes()).expect(&odd);
            let ids: Vec<_> = read.reports.iter().map(|report| report.transaction_id.as_str()).collect();
            assert_eq!(ids, ["before", "after"], "{odd}");
            assert_eq!(read.unreadable.len(), 1, "{odd}");
            assert_eq!(read.unreadable[0].0, 2, "{odd}");
        }
    }

    #[test]
    fn entries_are_read_whatever_is_around_them() {
        let (good, many) = (pushed(&one("t1", "3")), (0..700).map(|index| one(&format!("t{index}"), "3")).collect::<String>());
        for (text, count) in [
            (good.clone(), 1),
            (pushed(&many), 700),
            (good.replace(NAMESPACE, "http://example.org/other"), 1),
            (good.replace(NAMESPACE, "http://giper.mobi/schema/Message"), 1),
            (good.replace(&format!(" xmlns=\"{NAMESPACE}\""), ""), 1),
            (good.replace("<report xmlns", "<g:report xmlns:g").replace("</dr></report>", "</dr></g:report>"), 1),
            (good.replace("<dr>", "<g:dr>").replace("</dr>", "</g:dr>"), 1),
            (good.replace("<dr>", "<total>1</total><dr>"), 1),
            (good.replace("<dr>", "<note>Tom & Jerry &nbsp;</note><dr>"), 1),
            (good.replace("<report>3</report>", "<report>9</report></phone><phone><report>3</report>"), 1),
            (good.replace(">3<", "> 3\n<"), 1),
            (format!("\u{feff}{good}\n\n"), 1),
        ] {
            let read = read_reports(text.as_bytes()).expect(&text);
            assert_eq!((read.reports.len(), read.unreadable.len()), (count, 0), "{}", &text[..text.len().min(400)]);
            assert!(read.reports.iter().all(|report| report.delivery == DeliveryStatus::Delivered));
        }
    }

    #[test]
    fn what_is_no_report_is_refused_and_never_quoted() {
        let good = pushed(&one("t1", "3"));
        for text in [
            pushed(""),
            pushed("<sms/>"),
            good.replace("<report xmlns", "<reports xmlns").replace("</phone></dr></report>", "</phone></dr></reports>"),
            good[..good.len() - 3].to_owned(),
        ] {
            let error = read_reports(text.as_bytes()).expect_err(&text).to_string();
            assert!(!error.contains("996770"), "{error}");
        }
    }
}
