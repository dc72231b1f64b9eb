//! Challenges and send logs as they are stored. Moments are milliseconds since 1970 UTC, but for `expires_at`.

use serde::{Deserialize, Serialize};

use crate::forms::challenge::{Challenge, ChallengeKey, Lease, Saved, SendLog, Sending, Sent, SentCode};
use crate::forms::smspro::Token;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::Versioned;
use crate::platform::ids::{FormName, SubmissionId};

/// A challenge's attributes. Neither phone nor code: the key binds the one, a digest knows the other.
#[derive(Serialize, Deserialize)]
pub(super) struct ChallengeRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sending: Option<SendingRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<SentRecord>,
    keep_until: i64,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct SendingRecord {
    transaction_id: String,
    started_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    repeated: bool,
}

#[derive(Serialize, Deserialize)]
struct SentRecord {
    token: String,
    transaction_id: String,
    valid_till: i64,
    checks_used: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified_code_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saved: Option<SavedRecord>,
    /// Which form each was that was saved with it; `saved` is the first one's, which earlier releases read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    submissions: Vec<SubmissionRecord>,
    /// The ids of those that the shop does not want like that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct SubmissionRecord {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LeaseRecord {
    until: i64,
    counted: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// A send log's attributes.
#[derive(Serialize, Deserialize)]
pub(super) struct SendLogRecord {
    times: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    codes: Vec<CodeRecord>,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct CodeRecord {
    at: i64,
    form: String,
    challenge: String,
}

impl From<&Challenge> for ChallengeRecord {
    fn from(challenge: &Challenge) -> Self {
        Self {
            sending: challenge.sending.as_ref().map(|sending| SendingRecord {
                transaction_id: sending.transaction_id.clone(),
                started_at: sending.started_at.millis(),
                lease_until: sending.lease_until.map(Timestamp::millis),
                repeated: sending.repeated,
            }),
            sent: challenge.sent.as_ref().map(|sent| SentRecord {
                token: sent.token.expose().to_owned(),
                transaction_id: sent.transaction_id.clone(),
                valid_till: sent.valid_till.millis(),
                checks_used: sent.checks_used,
                verified_code_hash: sent.verified.clone(),
                lease: sent.lease.map(|lease| LeaseRecord { until: lease.until.millis(), counted: lease.counted }),
                saved: sent.saved.first().map(|saved| SavedRecord { message: saved.message.clone() }),
                submissions: submissions(&sent.saved),
                refused: sent.refused.iter().map(|id| id.as_str().to_owned()).collect(),
            }),
            keep_until: challenge.keep_until.millis(),
            expires_at: challenge.keep_until.seconds(),
        }
    }
}

impl Versioned<ChallengeRecord> {
    pub(super) fn into_challenge(self, key: ChallengeKey) -> Result<Challenge, String> {
        let Self { version, record } = self;
        let sent = record.sent.map(|sent| {
            let token = Token::parse(&sent.token).map_err(|error| format!("token {error}"))?;
            Ok::<_, String>(Sent {
                token,
                transaction_id: sent.transaction_id,
                valid_till: Timestamp::from_millis(sent.valid_till),
                checks_used: sent.checks_used,
                verified: sent.verified_code_hash,
                lease: sent.lease.map(|lease| Lease { until: Timestamp::from_millis(lease.until), counted: lease.counted }),
                saved: saved(sent.saved, sent.submissions)?,
                refused: sent.refused.iter().map(|id| submission("refused", id)).collect::<Result<_, _>>()?,
            })
        });
        let sending = record.sending.map(|sending| Sending {
            transaction_id: sending.transaction_id,
            started_at: Timestamp::from_millis(sending.started_at),
            lease_until: sending.lease_until.map(Timestamp::from_millis),
            repeated: sending.repeated,
        });
        Ok(Challenge { key, sending, sent: sent.transpose()?, keep_until: Timestamp::from_millis(record.keep_until), version })
    }
}

fn submissions(saved: &[Saved]) -> Vec<SubmissionRecord> {
    let known = saved.iter().filter_map(|saved| Some((saved.submission.as_ref()?, &saved.message)));
    known.map(|(id, message)| SubmissionRecord { id: id.as_str().to_owned(), message: message.clone() }).collect()
}

/// The forms that a code has saved: of what an earlier release saved, which one is unknown.
fn saved(first: Option<SavedRecord>, known: Vec<SubmissionRecord>) -> Result<Vec<Saved>, String> {
    if known.is_empty() {
        return Ok(first.map(|saved| Saved { submission: None, message: saved.message }).into_iter().collect());
    }
    let read = |record: SubmissionRecord| {
        Ok(Saved { submission: Some(submission("submissions", &record.id)?), message: record.message })
    };
    known.into_iter().map(read).collect()
}

fn submission(attribute: &str, id: &str) -> Result<SubmissionId, String> {
    SubmissionId::parse(id).map_err(|error| format!("{attribute} {error}"))
}

impl SendLogRecord {
    pub(super) fn new(log: &SendLog, now: Timestamp) -> Self {
        let times = log.times.iter().map(|at| at.millis()).collect();
        let codes = log.codes.iter().map(|code| CodeRecord {
            at: code.at.millis(),
            form: code.form.as_str().to_owned(),
            challenge: code.challenge.as_str().to_owned(),
        });
        Self { times, codes: codes.collect(), expires_at: log.ends_at(now).seconds() + 1 }
    }

    pub(super) fn into_log(self, key: String, version: u64) -> SendLog {
        let times = self.times.into_iter().map(Timestamp::from_millis).collect();
        let codes = self.codes.into_iter().filter_map(|code| {
            Some(SentCode {
                at: Timestamp::from_millis(code.at),
                form: FormName::parse(&code.form).ok()?,
                challenge: ChallengeKey::stored(code.challenge),
            })
        });
        SendLog { key, times, codes: codes.collect(), version }
    }
}
