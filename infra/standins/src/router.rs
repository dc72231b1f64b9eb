//! The way of a request: to the control API, a form, or one of the systems.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;

use crate::answer::{Answer, ServedOutcome};
use crate::call::Call;
use crate::error::list;
use crate::fault::Fault;
use crate::request::Request;
use crate::simulator::Simulator;
use crate::system::{Route, System};
use crate::{control, index, mokka, yookassa};

/// What the reading `lost_call` = `later` means, in seconds: longer than any caller waits.
const LATER: u16 = 20;

impl Simulator {
    /// Records the call, lets its fault play, and answers.
    pub(crate) async fn serve(self: Arc<Self>, request: Request) -> ServedOutcome {
        self.execute_late();
        let path = request.path.as_str();
        if path == "/" {
            return ServedOutcome::Answer(index::page(&self.base_url()));
        }
        if path == "/control" || path.starts_with("/control/") {
            return ServedOutcome::Answer(control::serve(&self, &request).await);
        }
        if let Some(token) = path.strip_prefix("/mokka/form/") {
            return ServedOutcome::Answer(mokka::form::serve(&self.mokka, token, &request));
        }
        if let Some(token) = path.strip_prefix("/yookassa/page/") {
            return ServedOutcome::Answer(yookassa::form::serve(&self.yookassa, token, &request));
        }
        let Some((system, rest)) = system_of(path) else {
            return ServedOutcome::Answer(nowhere(path));
        };
        let routes: Vec<&Route> = system.routes().iter().filter(|route| route.is_at(rest)).collect();
        let route = routes.iter().find(|route| route.verb == request.method.as_str());
        let recorded = route.or(routes.first()).map_or("unknown", |route| route.method);
        self.calls.record(system, recorded, || Call::of(system, recorded, &request, self.clock.now()));
        if routes.is_empty() {
            return ServedOutcome::Answer(nowhere(path));
        }
        let Some(method) = route.map(|route| route.method) else {
            let verbs = list(routes.iter().map(|route| route.verb));
            let problem = format!("{path} takes {verbs}, not {}", request.method);
            let answer = if system == System::Yookassa {
                yookassa::wrong_verb(&problem)
            } else {
                Answer::error(StatusCode::METHOD_NOT_ALLOWED, problem)
            };
            return ServedOutcome::Answer(answer);
        };
        let mut fault = self.faults.take(system, method, request.chosen_by());
        if fault == Some(Fault::AnswerLost) && system == System::Mokka && self.mokka.readings.is_other(mokka::Reading::LostCall) {
            fault = Some(Fault::EffectLate(LATER));
        }
        self.play(fault, system, method, request)
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
        .flat_map(|system| system.routes().iter().map(move |route| format!("{} /{system}{}", route.verb, route.path)))
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
