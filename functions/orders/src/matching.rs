//! Which answer of the shop belongs to which order that it was asked for. What can only mean one thing is taken so; what is left
//! is never dropped in silence, since the shop may have an order that cannot be paid.

use shared::payments::imshop::orders::{AnsweredOrder, Order as Requested};
use shared::platform::ids::OrderUuid;

/// What an answer says of the orders that were asked for.
#[derive(Default)]
pub(crate) struct Matched<'a> {
    /// The orders that the shop accepted, with its word on each.
    pub(crate) accepted: Vec<(&'a Requested, &'a AnsweredOrder)>,
    /// What cannot be understood, with the order's id if it is known.
    pub(crate) troubles: Vec<(Trouble, Option<&'a OrderUuid>)>,
}

/// Why an order that the shop may have cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Accepted, but under no `uuid` that was asked for, and more than one order could be meant.
    Unmatched,
    /// Neither a yes nor a no, though it has an `id`.
    Unclear,
    /// Asked for, and not answered.
    Unanswered,
    /// Accepted without an `id`.
    WithoutId,
    /// Accepted twice, and not in the same words.
    Twice,
}

impl Trouble {
    /// A word for programs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::Unclear => "unclear",
            Self::Unanswered => "unanswered",
            Self::WithoutId => "id",
            Self::Twice => "twice",
        }
    }
}

/// Holds the answers against the orders.
pub(crate) fn matched<'a>(requested: &'a [Requested], answered: &'a [AnsweredOrder]) -> Matched<'a> {
    let mut owners: Vec<_> = answered.iter().map(|answer| named(requested, answer.uuid.0.as_ref()?)).collect();
    let is_open =
        |owners: &[Option<&Requested>], order: &Requested| !owners.iter().flatten().any(|owner| owner.uuid == order.uuid);
    let open: Vec<_> = requested.iter().filter(|order| is_open(&owners, order)).collect();
    let strays: Vec<_> = (0..answered.len()).filter(|index| owners[*index].is_none()).collect();
    if let ([order], [stray]) = (open.as_slice(), strays.as_slice())
        && answered[*stray].uuid.0.is_none()
    {
        owners[*stray] = Some(order);
    }
    let mut matched = Matched::default();
    for (answer, owner) in answered.iter().zip(&owners) {
        match (answer.is_accepted(), owner) {
            (Some(true), Some(order)) => matched.accepted.push((order, answer)),
            (Some(true), None) => matched.troubles.push((Trouble::Unmatched, answer.uuid.0.as_ref())),
            (None, owner) if answer.id.0.is_some() => {
                let uuid = owner.map(|order| &order.uuid).or(answer.uuid.0.as_ref());
                matched.troubles.push((Trouble::Unclear, uuid));
            }
            (None | Some(false), _) => {}
        }
    }
    // An answer that cannot be matched is most likely the one that is missing here.
    if matched.troubles.is_empty() {
        let silent = requested.iter().filter(|order| is_open(&owners, order));
        matched.troubles.extend(silent.map(|order| (Trouble::Unanswered, Some(&order.uuid))));
    }
    matched
}

/// The order of that `uuid`; in another case of its letters if only one can be meant.
fn named<'a>(requested: &'a [Requested], uuid: &OrderUuid) -> Option<&'a Requested> {
    let exact = requested.iter().find(|order| order.uuid == *uuid);
    exact.or_else(|| {
        let mut alike = requested.iter().filter(|order| order.uuid.as_str().eq_ignore_ascii_case(uuid.as_str()));
        alike.next().filter(|_| alike.next().is_none())
    })
}
