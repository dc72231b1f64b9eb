//! Keeps what the shop has accepted: in the store, or in a queue until the store takes it. The shop has the order by then and
//! IMSHOP hears so, whatever happens here; so nothing of it may be lost.

use std::time::Duration;

use lambda_http::LambdaEvent;
use serde_json::{Value, json};
use shared::payments::payment::Order;
use shared::payments::store::Orders;
use shared::platform::dynamodb::{StoreError, Written};

use crate::Deps;
use crate::record::is_same;

/// How often an order is written again that lost against others.
const ROUNDS: u32 = 4;

/// Records orders. What the store does not take at once goes to the queue: the SDK has tried three times by then, and the customer
/// waits. So of several orders only the first waits for a store that is down.
pub(crate) async fn all(deps: &Deps, accepted: Vec<Order>) {
    let mut down: Option<StoreError> = None;
    for order in accepted {
        if down.is_none() {
            down = Box::pin(record(deps, &order)).await.err();
        }
        let Some(cause) = &down else { continue };
        let uuid = &order.uuid;
        match queue(deps, &order).await {
            Ok(()) => tracing::warn!(order_uuid = %uuid, %cause, "an accepted order waits in the queue until it can be recorded"),
            Err(queue) => {
                tracing::error!(order_uuid = %uuid, %cause, queue, "an accepted order is not recorded");
                deps.not_recorded(uuid.as_str(), "lost");
            }
        }
    }
}

async fn queue(deps: &Deps, order: &Order) -> Result<(), String> {
    let message = Orders::packed(order).map_err(|error| error.to_string())?;
    deps.queue.put(message, Duration::ZERO).await.map_err(|error| error.to_string())
}

/// Takes a batch of the queue and says which of its messages are to be given again: those that the store does not take yet, and
/// those that cannot be read, which end among the dead letters and are never dropped.
pub async fn record_queued(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let messages = event.payload["Records"].as_array().ok_or("not a batch of a queue: no Records")?;
    let mut failures = Vec::new();
    for message in messages {
        let recorded = match Orders::unpacked(message["body"].as_str().unwrap_or_default()) {
            Ok(order) => record(deps, &order).await.map_err(|cause| (order.uuid.to_string(), cause)),
            Err(cause) => Err((String::new(), cause)),
        };
        if let Err((order_uuid, cause)) = recorded {
            tracing::warn!(order_uuid, cause = %cause, "an order of the queue could not be recorded");
            failures.push(json!({"itemIdentifier": message["messageId"]}));
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// Records an order. What the shop says of it again counts if it was said later, since shops recalculate, as long as no attempt
/// relies on what was said before.
async fn record(deps: &Deps, order: &Order) -> Result<(), StoreError> {
    let uuid = &order.uuid;
    if deps.orders.save_order(order).await? == Written::Yes {
        tracing::info!(order_uuid = %uuid, with_amount = order.amount.is_some(), "order recorded");
        return Ok(());
    }
    for _ in 0..ROUNDS {
        let Some(known) = deps.orders.order(uuid).await? else { break };
        let is_same = is_same(&known, order);
        if known.said_at > order.said_at || (known.said_at == order.said_at && is_same) {
            tracing::info!(order_uuid = %uuid, is_same, "order was recorded before");
            return Ok(());
        }
        if is_relied_on(deps, &known).await? {
            if is_same {
                // Said again: what was said in between, and waits in the queue, does not count any more.
                if deps.orders.save_order(&Order { said_at: order.said_at, ..known }).await? == Written::Yes {
                    return Ok(());
                }
                continue;
            }
            tracing::error!(
                order_uuid = %uuid,
                recorded = known.amount.map(|amount| amount.to_string()),
                answered = order.amount.map(|amount| amount.to_string()),
                "the shop answers an order otherwise than the one that is being paid"
            );
            deps.not_recorded(uuid.as_str(), "differs");
            return Ok(());
        }
        if deps.orders.save_order(&order.clone().in_place_of(&known)).await? == Written::Yes {
            tracing::info!(order_uuid = %uuid, with_amount = order.amount.is_some(), "order recorded anew, as the shop answers now");
            return Ok(());
        }
    }
    Err(StoreError::Failed { action: "UpdateItem", cause: "the order is being written by too many at once".to_owned() })
}

/// Whether the order is being paid, or was.
async fn is_relied_on(deps: &Deps, order: &Order) -> Result<bool, StoreError> {
    let Some(latest) = &order.latest_payment else { return Ok(false) };
    let payment = deps.orders.payment(latest).await?;
    Ok(payment.is_none_or(|payment| payment.relies_on_its_order()))
}
