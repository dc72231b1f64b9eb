//! Everything the stand-ins know, and the way of a request through it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::call::{Call, Calls};
use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::hooks::Hooks;
use crate::imshop::Imshop;
use crate::mokka::Mokka;
use crate::options::Options;
use crate::request::Request;
use crate::server::Outcome;
use crate::shop::Shop;
use crate::smspro::{self, Smspro};
use crate::system::System;
use crate::{control, index, mokka};

/// The systems and what is recorded and armed around them.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) mokka: Mokka,
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

/// What the reading `lost_call` = `later` means, in seconds: longer than any caller waits.
const LATER: u16 = 20;

/// A panicking test must not make every other one fail at the lock.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(options: Options, clock: Clock, port: u16) -> Self {
        Self {
            calls: Calls::new(options.record_calls),
            options,
            clock,
            faults: Faults::default(),
            mokka: Mokka::default(),
            smspro: Smspro::default(),
            shop: Shop::default(),
            imshop: Imshop::default(),
            hooks: Hooks::default(),
            late: Mutex::default(),
            port,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Records the call, lets its fault play, and answers.
    pub(crate) async fn serve(self: Arc<Self>, request: Request) -> Outcome {
        self.carry_out_late();
        let path = request.path.as_str();
        if path == "/" {
            return Outcome::Answer(index::page(&self.base_url()));
        }
        if path == "/control" || path.starts_with("/control/") {
            return Outcome::Answer(control::serve(&self, &request).await);
        }
        if let Some(token) = path.strip_prefix("/mokka/form/") {
            return Outcome::Answer(mokka::form::serve(&self, token, &request));
        }
        let Some((system, rest)) = system_of(path) else {
            return Outcome::Answer(nowhere(path));
        };
        let method = system.routes().iter().find(|(_, route)| *route == rest).map(|(method, _)| *method);
        let recorded = method.unwrap_or("unknown");
        self.calls.record(system, recorded, || Call::of(system, recorded, &request, self.clock.now()));
        let Some(method) = method else {
            return Outcome::Answer(nowhere(path));
        };
        let verb = System::verb(method);
        if request.method != verb {
            let problem = format!("{path} takes {verb}, not {}", request.method);
            return Outcome::Answer(Answer::error(StatusCode::METHOD_NOT_ALLOWED, problem));
        }
        let mut fault = self.faults.take(system, method, request.chosen_by());
        if fault == Some(Fault::AnswerLost) && system == System::Mokka && self.mokka.readings.is_other(mokka::Reading::LostCall) {
            fault = Some(Fault::EffectLate(LATER));
        }
        self.play(fault, system, method, request)
    }

    /// Carries out the calls whose time has come, before anybody looks.
    pub(crate) fn carry_out_late(&self) {
        let now = self.clock.now();
        let mut due: Vec<_> = locked(&self.late).extract_if(.., |call| call.at <= now).collect();
        due.sort_by_key(|call| call.at);
        for LateCall { system, method, request, .. } in due {
            self.handle(system, method, &request);
        }
    }

    /// What each fault means: see the table in [`crate::fault`].
    fn play(&self, fault: Option<Fault>, system: System, method: &'static str, request: Request) -> Outcome {
        match fault {
            None => Outcome::Answer(self.handle(system, method, &request)),
            Some(Fault::Timeout) => Outcome::Silence,
            Some(Fault::Reset) => Outcome::Reset,
            Some(Fault::Http500) => Outcome::Answer(Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
            Some(Fault::Throttled) => Outcome::Answer(Answer::text(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")),
            Some(Fault::Html) => Outcome::Answer(Answer::html(StatusCode::OK, index::MAINTENANCE)),
            Some(Fault::Slow) => Outcome::Drip(self.handle(system, method, &request)),
            Some(Fault::Bom) => Outcome::Answer(self.handle(system, method, &request).marked()),
            Some(Fault::Late(millis)) => {
                Outcome::Late(self.handle(system, method, &request), Duration::from_millis(millis.into()))
            }
            Some(Fault::AnswerLost) => {
                self.handle(system, method, &request);
                Outcome::Reset
            }
            Some(Fault::EffectLate(seconds)) => {
                let at = self.clock.now() + Duration::from_secs(seconds.into());
                locked(&self.late).push(LateCall { at, system, method, request });
                Outcome::Reset
            }
            Some(Fault::Repeated) => {
                self.handle(system, method, &request);
                Outcome::Answer(self.handle(system, method, &request))
            }
            Some(Fault::Refused) => {
                if system == System::Mokka && self.mokka.readings.is_other(mokka::Reading::CannotProcess) {
                    self.handle(system, method, &request);
                }
                Outcome::Answer(refuse(system, method, &request))
            }
            Some(Fault::Status(status)) => Outcome::Answer(fail(system, method, status)),
        }
    }

    fn handle(&self, system: System, method: &str, request: &Request) -> Answer {
        match system {
            System::Mokka => mokka::handle(self, method, request),
            System::Smspro => self.smspro.handle(&self.options, self.clock.now(), method, request),
            System::Shop => self.shop.handle(&self.options, self.clock.now(), method, request),
            System::Imshop => self.imshop.handle(self.clock.now(), method, request),
        }
    }
}

fn refuse(system: System, method: &str, request: &Request) -> Answer {
    match system {
        System::Mokka => mokka::fail(method, mokka::code::CANNOT_PROCESS),
        System::Smspro => smspro::fail(method, if method == "dr" { 2 } else { 5 }),
        System::Shop => Shop::refuse(method, request),
        System::Imshop => Imshop::refuse(),
    }
}

fn fail(system: System, method: &str, status: u16) -> Answer {
    match system {
        System::Mokka => mokka::fail(method, status),
        System::Smspro => smspro::fail(method, status),
        System::Shop | System::Imshop => {
            let http = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Answer::json(http, &json!({ "success": false, "message": format!("status {status}") }))
        }
    }
}

/// The system a path belongs to, and the path below it.
fn system_of(path: &str) -> Option<(System, &str)> {
    System::ALL.into_iter().find_map(|system| {
        let rest = path.strip_prefix('/')?.strip_prefix(system.name())?;
        rest.starts_with('/').then_some((system, rest))
    })
}

fn nowhere(path: &str) -> Answer {
    let exist: Vec<String> = System::ALL
        .into_iter()
        .flat_map(|system| {
            system.routes().iter().map(move |(method, route)| format!("{} /{system}{route}", System::verb(method)))
        })
        .chain(control::PATHS.iter().map(|path| (*path).to_owned()))
        .collect();
    Answer::json(
        StatusCode::NOT_FOUND,
        &json!({
            "error": format!("there is nothing at {path}"),
            "exists": exist,
        }),
    )
}
