//! Faults on demand, at the wire.
//!
//! | fault | effect happens | what the caller sees |
//! |---|---|---|
//! | `timeout` | no | the request is read; no byte is ever answered; the connection closes after 60 s |
//! | `reset` | no | the request is read, then the connection is reset (RST) |
//! | `http500` | no | HTTP 500 with a short text |
//! | `throttled` | no | HTTP 429 with a short text |
//! | `html` | no | HTTP 200 with an HTML maintenance page |
//! | `slow` | yes | the right answer, its body byte by byte, 30 s in total |
//! | `bom` | yes | the right answer, behind a byte order mark |
//! | `late:NN` | yes | the right answer, after NN milliseconds |
//! | `answer_lost` | yes | the connection is reset instead of an answer |
//! | `effect_late:NN` | yes, NN seconds of the clock later | the connection is reset |
//! | `repeated` | yes, twice | the answer to the second of two equal requests |
//! | `refused` | no | a proper refusal in the system's own shape |
//! | `status:NN` | no | Mokka, SMSPRO: their own status NN and its text; YooKassa: HTTP NN in its own shape; shop, IMSHOP: HTTP NN, JSON |
//!
//! A call is recorded before its fault plays. The refusals: Mokka 100 (with the reading `cannot_process` = `done` the effect
//! happens); YooKassa 400 `invalid_request`; SMSPRO 5, to a question for a report 2; shop orders: every order
//! `success:false` with `errorCode` and `errorMessage`; shop forms: `success:false` with a message, as for a time slot
//! that was taken; shop events: 422; shop feed: 403; IMSHOP: `success:false`. With the reading `lost_call` = `later`, Mokka's `answer_lost` is
//! `effect_late:20`.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::error::ControlError;
use crate::locked::locked;
use crate::system::System;

/// One way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No effect; nothing is ever answered.
    Timeout,
    /// No effect; the connection is reset.
    Reset,
    /// No effect; HTTP 500 with a text that is not JSON.
    Http500,
    /// No effect; HTTP 429 with a text that is not JSON.
    Throttled,
    /// No effect; HTTP 200 with an HTML page.
    Html,
    /// The effect happens; the answer takes 30 s to arrive.
    Slow,
    /// The effect happens; the answer begins with a byte order mark.
    Bom,
    /// The effect happens; the answer comes that many milliseconds later.
    Late(u16),
    /// The effect happens; the connection is reset instead of an answer.
    AnswerLost,
    /// The connection is reset; the effect happens that many seconds of the stand-ins' clock later.
    EffectLate(u16),
    /// The effect happens twice, as if something on the way had sent the request again; the answer is the second's.
    Repeated,
    /// No effect; the system says properly that it will not do it.
    Refused,
    /// No effect; this status in the system's own shape.
    Status(u16),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timeout"),
            Self::Reset => f.write_str("reset"),
            Self::Http500 => f.write_str("http500"),
            Self::Throttled => f.write_str("throttled"),
            Self::Html => f.write_str("html"),
            Self::Slow => f.write_str("slow"),
            Self::Bom => f.write_str("bom"),
            Self::Late(millis) => write!(f, "late:{millis}"),
            Self::AnswerLost => f.write_str("answer_lost"),
            Self::EffectLate(seconds) => write!(f, "effect_late:{seconds}"),
            Self::Repeated => f.write_str("repeated"),
            Self::Refused => f.write_str("refused"),
            Self::Status(status) => write!(f, "status:{status}"),
        }
    }
}

impl FromStr for Fault {
    type Err = ControlError;

    fn from_str(text: &str) -> Result<Self, ControlError> {
        match text {
            "timeout" => Ok(Self::Timeout),
            "reset" => Ok(Self::Reset),
            "http500" => Ok(Self::Http500),
            "throttled" => Ok(Self::Throttled),
            "html" => Ok(Self::Html),
            "slow" => Ok(Self::Slow),
            "bom" => Ok(Self::Bom),
            "answer_lost" => Ok(Self::AnswerLost),
            "repeated" => Ok(Self::Repeated),
            "refused" => Ok(Self::Refused),
            _ => {
                let with_number = numbered(text, "status:").map(Self::Status).or_else(|| numbered(text, "late:").map(Self::Late));
                with_number.or_else(|| numbered(text, "effect_late:").map(Self::EffectLate)).ok_or_else(|| {
                    let known =
                        "timeout, reset, http500, throttled, html, slow, bom, late:NN, answer_lost, effect_late:NN, repeated, refused, status:NN";
                    ControlError::field("fault", format!("`{text}` is none of {known}"))
                })
            }
        }
    }
}

/// The digits after `name`.
fn numbered(text: &str, name: &str) -> Option<u16> {
    let digits = text.strip_prefix(name)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A fault waiting for its calls, as `GET /control/faults` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Armed {
    system: System,
    method: &'static str,
    #[serde(serialize_with = "crate::json::display")]
    fault: Fault,
    /// How many more calls it will meet.
    times: u32,
}

/// Says of a call which fault it meets, by its system, method and body.
pub(crate) type Chooser = Arc<dyn Fn(System, &'static str, &[u8]) -> Option<Fault> + Send + Sync>;

/// The faults armed, in the order they were armed, and who chooses one for the other calls.
#[derive(Default)]
pub(crate) struct Faults {
    armed: Mutex<VecDeque<Armed>>,
    chooser: Mutex<Option<Chooser>>,
}

impl Faults {
    pub(crate) fn arm(&self, system: System, method: &str, fault: Fault, times: u32) -> Result<(), ControlError> {
        let method = system
            .methods()
            .find(|known| *known == method)
            .ok_or_else(|| ControlError::UnknownMethod { system, method: method.to_owned() })?;
        if times == 0 {
            return Err(ControlError::field("times", "must be at least 1"));
        }
        if let Fault::Status(status) = fault {
            check_status(system, status)?;
        }
        locked(&self.armed).push_back(Armed { system, method, fault, times });
        Ok(())
    }

    /// Lets the calls for which nothing is armed meet what this chooses.
    pub(crate) fn choose_by(&self, chooser: Chooser) {
        *locked(&self.chooser) = Some(chooser);
    }

    /// The fault this call meets, if one is armed or chosen for it.
    pub(crate) fn take(&self, system: System, method: &'static str, body: &[u8]) -> Option<Fault> {
        self.take_armed(system, method).or_else(|| {
            let chooser = locked(&self.chooser).clone()?;
            chooser(system, method, body)
        })
    }

    fn take_armed(&self, system: System, method: &str) -> Option<Fault> {
        let mut armed = locked(&self.armed);
        let at = armed.iter().position(|one| one.system == system && one.method == method)?;
        let one = armed.get_mut(at)?;
        let fault = one.fault;
        one.times -= 1;
        if one.times == 0 {
            armed.remove(at);
        }
        Some(fault)
    }

    pub(crate) fn clear(&self) {
        locked(&self.armed).clear();
        *locked(&self.chooser) = None;
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        locked(&self.armed).iter().cloned().collect()
    }
}

/// A status fault must be a failure that the system can really answer.
fn check_status(system: System, status: u16) -> Result<(), ControlError> {
    match system {
        System::Mokka | System::Smspro if !(1..=999).contains(&status) => {
            Err(ControlError::field("fault", format!("status:{status}: {system} codes are 1..=999 (0 is success)")))
        }
        System::Yookassa if status != 202 && !(400..=599).contains(&status) => {
            Err(ControlError::field("fault", format!("status:{status}: for {system} 202, or an HTTP status of 400..=599")))
        }
        System::Shop | System::Imshop if !(200..=599).contains(&status) => {
            Err(ControlError::field("fault", format!("status:{status}: for {system} an HTTP status, 200..=599")))
        }
        System::Mokka | System::Yookassa | System::Smspro | System::Shop | System::Imshop => Ok(()),
    }
}
