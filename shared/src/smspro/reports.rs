//! What became of an SMS (document, section 5; its XML API: reference "SMSPRO", "Delivery reports"). SMSPRO pushes reports, and
//! answers when it is asked for one.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::xml::{Element, Malformed};
use crate::clock::Deadline;
use crate::outbound::{self, Answer, CallError, Http, System, Target};
use crate::secret::Secret;

/// The namespace of a pushed report.
const NAMESPACE: &str = "http://Giper.mobi/schema/DeliveryReport";
/// How many SMS one push may report.
const MAX_REPORTS: usize = 100;
/// What a report may take that is asked for.
const ASK_LIMIT: Duration = Duration::from_secs(3);
/// The largest answer that is read; a report has a few hundred bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What an operator says of an SMS, in the order in which one word replaces another: news come late, twice and out of order, and
/// whatever their order the last word is the same. That it was delivered outweighs that it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
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

impl Delivery {
    /// Every word.
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
pub struct Report {
    /// The id under which it was sent: 1 to 32 letters and digits.
    pub transaction_id: String,
    /// What became of it.
    pub delivery: Delivery,
}

/// Reads what SMSPRO pushes: `<report><dr><id/><phone><number/><report/>…</phone></dr></report>`. The numbers are not looked at.
pub fn read_reports(body: &[u8]) -> Result<Vec<Report>, Malformed> {
    let root = Element::parse(body)?;
    if root.name != "report" || root.namespace.as_deref() != Some(NAMESPACE) {
        return Err(Malformed::Other("must be a report of http://Giper.mobi/schema/DeliveryReport"));
    }
    let reports: Vec<_> = root.all("dr").map(report).collect::<Result<_, _>>()?;
    match reports.len() {
        0 => Err(Malformed::Other("must have an element dr")),
        1..=MAX_REPORTS => Ok(reports),
        _ => Err(Malformed::Other("must report at most 100 SMS")),
    }
}

fn report(dr: &Element) -> Result<Report, Malformed> {
    let id = dr.text_of("id").filter(|id| is_transaction_id(id));
    let id = id.ok_or(Malformed::Other("element id: must be 1 to 32 letters and digits"))?;
    Ok(Report { transaction_id: id.to_owned(), delivery: delivery(dr)? })
}

fn is_transaction_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An SMS with a code has one phone; of several, the best word counts.
fn delivery(parent: &Element) -> Result<Delivery, Malformed> {
    let wrong = || Malformed::Other("element phone: must have a report from 0 to 7");
    let words: Option<Vec<_>> = parent.all("phone").map(|phone| Delivery::from_text(phone.text_of("report")?)).collect();
    words.ok_or_else(wrong)?.into_iter().max().ok_or_else(wrong)
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
    pub async fn ask(&self, transaction_id: &str, deadline: Deadline) -> Result<Delivery, AskError> {
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

fn read(answer: &Answer) -> Result<Delivery, AskError> {
    let unusable = |cause: &dyn std::fmt::Display| AskError::Unavailable(format!("HTTP {}: its answer {cause}", answer.status));
    if answer.body.len() > MAX_ANSWER {
        return Err(unusable(&"is too large"));
    }
    let root = Element::parse(&answer.body).map_err(|error| unusable(&error))?;
    let status = root.text_of("status").and_then(|status| status.parse().ok()).filter(|_| root.name == "response");
    match status {
        Some(0) => delivery(&root).map_err(|error| unusable(&error)),
        Some(number) => Err(AskError::Refused(AskCode::from_number(number))),
        None => Err(unusable(&"must be a response with a status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for delivery in Delivery::ALL {
            let reports = read_reports(pushed(&one("t1", &delivery.number().to_string())).as_bytes()).unwrap();
            assert_eq!(reports, [Report { transaction_id: "t1".to_owned(), delivery }]);
            assert_eq!(Delivery::named(delivery.name()), Some(delivery));
        }
    }

    #[test]
    fn several_sms_are_reported_at_once_but_not_any_number() {
        let many = |count| (0..count).map(|index| one(&format!("t{index}"), "3")).collect::<String>();
        assert_eq!(read_reports(pushed(&many(2)).as_bytes()).unwrap().len(), 2);
        assert_eq!(read_reports(pushed(&many(100)).as_bytes()).unwrap().len(), 100);
        read_reports(pushed(&many(101)).as_bytes()).unwrap_err();
    }

    #[test]
    fn what_is_no_report_is_refused_and_never_quoted() {
        let good = pushed(&one("t1", "3"));
        for text in [
            pushed(""),
            pushed(&one("", "3")),
            pushed(&one("t-1", "3")),
            pushed(&one(&"t".repeat(33), "3")),
            pushed(&one("t1", "8")),
            pushed(&one("t1", "")),
            pushed(&one("t1", "delivered")),
            pushed("<dr><id>t1</id></dr>"),
            pushed("<dr><id>t1</id><id>t2</id><phone><report>3</report></phone></dr>"),
            pushed("<dr><id>t1</id><phone><report>3</report><report>4</report></phone></dr>"),
            good.replace(NAMESPACE, "http://example.org/other"),
            good.replace(&format!(" xmlns=\"{NAMESPACE}\""), ""),
            good.replace("<report xmlns", "<reports xmlns").replace("</phone></dr></report>", "</phone></dr></reports>"),
        ] {
            let error = read_reports(text.as_bytes()).expect_err(&text).to_string();
            assert!(!error.contains("996770"), "{error}");
        }
    }
}
