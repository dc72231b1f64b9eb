//! Registration's callback: whether a customer was granted a limit (document "Registration"). Nothing can be asked about it, so
//! what a right token brings is believed; no money depends on it. The customer's phone and e-mail are not kept.

use lambda_http::{Body, Response};
use serde_json::json;
use shared::payments::gateway::Gateway as _;
use shared::payments::mokka::types::{Decision, RegistrationCallback};
use shared::payments::store::{Decided, Registration};
use shared::platform::dynamodb::Written;
use shared::platform::http::{self, Failure, Inbound, Status};
use shared::platform::ids::RegistrationId;
use shared::platform::money::Money;
use shared::platform::secret::{same, sha256_hex};

use crate::Deps;
use crate::callback::{MAX_BODY, refuse};

/// How often a decision is recorded again when another callback was quicker.
const ROUNDS: u32 = 4;

pub(crate) async fn callback(deps: &Deps, inbound: &Inbound, id: &str, token: &str) -> Result<Response<Body>, Failure> {
    inbound.limit_body(MAX_BODY)?;
    let mut registration = authentic(deps, inbound, id, token).await?;
    let (approved, limit) = decision(deps, inbound.text()?, &registration)?;
    for _ in 0..ROUNDS {
        let known = registration.decided.map(|decided| (decided.approved, decided.limit));
        if known == Some((approved, limit)) {
            return http::json(Status::Ok, &json!({"success": true}));
        }
        let decided = Decided { approved, limit, at: deps.settler.clock.now() };
        let next = Registration { decided: Some(decided), ..registration };
        match deps.settler.orders.save_registration(&next).await.map_err(Failure::unavailable)? {
            Written::Yes => {
                // Customers may apply again, so the later decision counts.
                let replaces = known.map(|(approved, _)| approved);
                tracing::info!(registration_id = %next.id, approved, ?replaces, "registration decided");
                return http::json(Status::Ok, &json!({"success": true}));
            }
            Written::Conflict => registration = authentic(deps, inbound, id, token).await?,
        }
    }
    Err(Failure::unavailable("other callbacks were quicker"))
}

/// The registration, if token and signature are right. Every way of being wrong gets the same answer.
async fn authentic(deps: &Deps, inbound: &Inbound, id: &str, token: &str) -> Result<Registration, Failure> {
    let id = RegistrationId::parse(id).map_err(|_| refuse(deps, "id"))?;
    let registration = deps.settler.orders.registration(&id).await.map_err(Failure::unavailable)?;
    let expected = registration.as_ref().map_or("", |registration| registration.callback_token_hash.as_str());
    let token_is_right = same(sha256_hex(token).as_bytes(), expected.as_bytes());
    let client = deps.settler.gateways.mokka().client();
    let signature_is_right = inbound.signature().is_none_or(|signature| client.verify_registration(inbound.body(), signature));
    match registration {
        Some(registration) if token_is_right && signature_is_right => Ok(registration),
        Some(_) if token_is_right => Err(refuse(deps, "signature")),
        Some(_) => Err(refuse(deps, "token")),
        None => Err(refuse(deps, "unknown")),
    }
}

/// What was decided: granted or not, and the limit. A limit that was not granted is none.
fn decision(deps: &Deps, body: &str, registration: &Registration) -> Result<(bool, Option<Money>), Failure> {
    let callback: RegistrationCallback = http::decode(body)?;
    if callback.order_id.0.is_some_and(|id| id != registration.id.as_str()) {
        return Err(Failure::bad_request("field `order_id`: must be the registration's"));
    }
    let currency = deps.settler.gateways.mokka().currency();
    match callback.decision.0 {
        Some(Decision::Approved) => Ok((true, callback.amount.0.map(|amount| Money::new(amount, currency)))),
        Some(Decision::Declined) => Ok((false, None)),
        Some(Decision::Other(_)) | None => Err(Failure::bad_request("field `decision`: must be approved or declined")),
    }
}
