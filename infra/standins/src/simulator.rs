//! Everything the stand-ins know, and what a call to a system does to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;
use time::OffsetDateTime;

use crate::answer::{Answer, ServedOutcome};
use crate::call::Calls;
use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::hooks::Hooks;
use crate::imshop::Imshop;
use crate::locked::locked;
use crate::mokka::Mokka;
use crate::options::Options;
use crate::request::Request;
use crate::shop::Shop;
use crate::smspro::{self, Smspro};
use crate::system::System;
use crate::yookassa::{self, Yookassa};
use crate::{index, mokka};

/// The systems and what is recorded and armed around them.
pub(crate) struct Simulator {
    pub(crate) options: Arc<Options>,
    pub(crate) clock: Clock,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) mokka: Arc<Mokka>,
    pub(crate) yookassa: Arc<Yookassa>,
    pub(crate) smspro: Smspro,
    pub(crate) shop: Shop,
    pub(crate) imshop: Imshop,
    pub(crate) hooks: Hooks,
    /// Calls whose caller has given up, and which are still to be carried out.
    late: Mutex<Vec<LateCall>>,
    port: u16,
}

/// A call that is carried out at its time.
struct LateCall {
    at: OffsetDateTime,
    system: System,
    method: &'static str,
    request: Request,
}

impl Simulator {
    pub(crate) fn new(options: Options, clock: Clock, port: u16) -> Self {
        let options = Arc::new(options);
        let mokka = Mokka::new(Arc::clone(&options), clock.clone(), base_url(port));
        let yookassa = Yookassa::new(Arc::clone(&options), clock.clone(), base_url(port));
        Self {
            calls: Calls::new(options.record_calls),
            options,
            clock,
            faults: Faults::default(),
            mokka: Arc::new(mokka),
            yookassa: Arc::new(yookassa),
            smspro: Smspro::default(),
            shop: Shop::default(),
            imshop: Imshop::default(),
            hooks: Hooks::default(),
            late: Mutex::default(),
            port,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        base_url(self.port)
    }

    /// Carries out the calls whose time has come, before anybody looks.
    pub(crate) fn execute_late(&self) {
        let now = self.clock.now();
        let mut due: Vec<_> = locked(&self.late).extract_if(.., |call| call.at <= now).collect();
        due.sort_by_key(|call| call.at);
        for LateCall { system, method, request, .. } in due {
            self.handle(system, method, &request);
        }
    }

    /// How long until the next call is carried out late, those that are due being done: a leap of the clock stops there, for what was sent
    /// does not arrive days later.
    pub(crate) fn until_late_call(&self) -> Option<Duration> {
        self.execute_late();
        let at = locked(&self.late).iter().map(|call| call.at).min()?;
        (at - self.clock.now()).try_into().ok()
    }

    /// What each fault means: see the table in [`crate::fault`].
    pub(crate) fn play(&self, fault: Option<Fault>, system: System, method: &'static str, request: Request) -> ServedOutcome {
        match fault {
            None => ServedOutcome::Answer(self.handle(system, method, &request)),
            Some(Fault::Timeout) => ServedOutcome::Silence,
            Some(Fault::Reset) => ServedOutcome::Reset,
            Some(Fault::Http500) => {
                ServedOutcome::Answer(Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
            }
            Some(Fault::Throttled) => ServedOutcome::Answer(Answer::text(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")),
            Some(Fault::Html) => ServedOutcome::Answer(Answer::html(StatusCode::OK, index::MAINTENANCE)),
            Some(Fault::Slow) => ServedOutcome::Drip(self.handle(system, method, &request)),
            Some(Fault::Bom) => ServedOutcome::Answer(self.handle(system, method, &request).marked()),
            Some(Fault::Late(millis)) => {
                ServedOutcome::Late(self.handle(system, method, &request), Duration::from_millis(millis.into()))
            }
            Some(Fault::AnswerLost) => {
                self.handle(system, method, &request);
                ServedOutcome::Reset
            }
            Some(Fault::EffectLate(seconds)) => {
                let at = self.clock.now() + Duration::from_secs(seconds.into());
                locked(&self.late).push(LateCall { at, system, method, request });
                ServedOutcome::Reset
            }
            Some(Fault::Repeated) => {
                self.handle(system, method, &request);
                ServedOutcome::Answer(self.handle(system, method, &request))
            }
            Some(Fault::Refused) => {
                if system == System::Mokka && self.mokka.readings.is_other(mokka::Reading::CannotProcess) {
                    self.handle(system, method, &request);
                }
                ServedOutcome::Answer(refuse(system, method, &request))
            }
            Some(Fault::Status(status)) => ServedOutcome::Answer(fail(system, method, status)),
        }
    }

    fn handle(&self, system: System, method: &str, request: &Request) -> Answer {
        match system {
            System::Mokka => mokka::handle(&self.mokka, method, request),
            System::Yookassa => yookassa::handle(&self.yookassa, request),
            System::Smspro => self.smspro.handle(&self.options, self.clock.now(), method, request),
            System::Shop => self.shop.handle(&self.options, self.clock.now(), method, request),
            System::Imshop => self.imshop.handle(self.clock.now(), method, request),
        }
    }
}

fn base_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn refuse(system: System, method: &str, request: &Request) -> Answer {
    match system {
        System::Mokka => mokka::fail(method, mokka::code::CANNOT_PROCESS),
        System::Yookassa => yookassa::refuse(),
        System::Smspro => smspro::fail(method, if method == "dr" { 2 } else { 5 }),
        System::Shop => Shop::refuse(method, request),
        System::Imshop => Imshop::refuse(),
    }
}

fn fail(system: System, method: &str, status: u16) -> Answer {
    match system {
        System::Mokka => mokka::fail(method, status),
        System::Yookassa => yookassa::fail(status),
        System::Smspro => smspro::fail(method, status),
        System::Shop | System::Imshop => {
            let http = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Answer::json(http, &json!({ "success": false, "message": format!("status {status}") }))
        }
    }
}
