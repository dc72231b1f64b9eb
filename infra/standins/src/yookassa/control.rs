//! YooKassa's part of the control API.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::cabinet::CabinetAct;
use super::decide::CardOutcome;
use super::state::Yookassa;
use crate::answer::Answer;
use crate::command::body;
use crate::error::ControlError;
use crate::request::Request;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    url: String,
}

/// Answers a request below `/control/yookassa`; `None` if there is no such method and path.
pub(crate) async fn serve(yookassa: &Arc<Yookassa>, request: &Request, path: &[&str]) -> Option<Result<Answer, ControlError>> {
    let answer = match (request.method.as_str(), path) {
        ("GET", []) => Ok(Answer::ok(&yookassa.payments())),
        ("GET", ["refunds"]) => Ok(Answer::ok(&yookassa.refunds())),
        ("GET", ["receipts"]) => Ok(Answer::ok(&yookassa.receipts(None))),
        ("GET", ["notifications"]) => Ok(Answer::ok(&yookassa.posted())),
        ("POST", ["notifications"]) => address(yookassa, request),
        ("GET", [id]) => {
            let object = yookassa.object(id).ok_or_else(|| ControlError::UnknownYookassa((*id).to_owned()));
            object.map(|object| Answer::ok(&object))
        }
        ("POST", [id, "decide"]) => decide(yookassa, id, request).await,
        ("POST", [id, "cabinet"]) => {
            let act = body::<CabinetAct>(request);
            act.and_then(|act| yookassa.in_cabinet(id, &act)).map(|object| Answer::ok(&object))
        }
        ("POST", [id, "fields"]) => {
            let fields = body::<Map<String, Value>>(request).and_then(|fields| yookassa.set_fields(id, fields));
            fields.map(|()| Answer::ok(&json!({ "done": true })))
        }
        _ => return None,
    };
    Some(answer)
}

/// The shop says in its cabinet where notifications go.
fn address(yookassa: &Arc<Yookassa>, request: &Request) -> Result<Answer, ControlError> {
    let Address { url } = body(request)?;
    if !Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(ControlError::field("url", format!("`{url}` is no address of the web")));
    }
    yookassa.notify(url);
    Ok(Answer::ok(&json!({ "done": true })))
}

async fn decide(yookassa: &Yookassa, id: &str, request: &Request) -> Result<Answer, ControlError> {
    let wish: CardOutcome = body(request)?;
    Ok(Answer::ok(&yookassa.decide(id, &wish).await?))
}
