//! The books: what was captured and what was given back in a period. A payment comes anew in the index `by-state` when its money moves, so
//! that whatever was captured or given back at a moment is there at that moment or later.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Deserialize;

use super::orders::{Orders, PAYMENT};
use crate::payments::payment::{GatewayName, State};
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{Consistency, Item, Lookup, Reading, StoreError, passed_over, read};
use crate::platform::ids::PaymentId;
use crate::platform::money::{Currency, Money};

/// How many entries are read at most.
pub const MOST_ENTRIES: usize = 50_000;
/// How long reading may take: it has to be answered within the function's 15 s.
const PATIENCE: Duration = Duration::from_secs(9);
/// How many payments are read in one request.
const IN_A_BATCH: usize = 100;
/// How many such requests are under way at once: what they bring is in memory together.
const AT_ONCE: usize = 8;
/// How many keys are taken from the index at once: enough for all of these requests.
const KEYS: u16 = 800;

/// The states of a payment whose money was ours. A payment only moves forward in them, so that one that moves while they are read in this order
/// is read at least once, and its latest reading counts.
const OURS: [State; 3] = [State::Captured, State::PartiallyRefunded, State::Refunded];

/// The attributes of [`PaymentPart`], and the schema of the item.
const ATTRIBUTES: [&str; 12] = [
    "schema",
    "payment_id",
    "order_id",
    "method",
    "provider",
    "provider_id",
    "means",
    "amount",
    "currency",
    "captured_at",
    "history",
    "refunds",
];

/// What the books need of a payment's attributes, in the shape of its record.
#[derive(Deserialize)]
struct PaymentPart {
    payment_id: String,
    order_id: String,
    method: String,
    provider: String,
    provider_id: Option<String>,
    means: Option<String>,
    amount: i64,
    currency: String,
    captured_at: Option<i64>,
    history: Vec<StepPart>,
    #[serde(default)]
    refunds: Vec<RefundPart>,
}

#[derive(Deserialize)]
struct StepPart {
    at: i64,
    state: String,
    by: String,
}

#[derive(Deserialize)]
struct RefundPart {
    amount: i64,
    status: String,
    by: String,
    at: i64,
    ended_at: Option<i64>,
    provider_id: Option<String>,
    /// The word for why it was given back, where one is stored.
    grounds_reason: Option<String>,
}

/// Money that was captured or given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When we learned of it.
    pub at: Timestamp,
    /// The number of the refund on its payment, from 1; none if it is the capture.
    pub refund: Option<usize>,
    pub payment_id: PaymentId,
    /// The shop's id of the order.
    pub order_id: String,
    pub provider: GatewayName,
    /// The provider's id of the payment or the refund, where it gives one.
    pub provider_id: Option<String>,
    /// The way to pay that the customer chose.
    pub method: String,
    /// What the customer paid with, at a gateway that takes several means.
    pub means: Option<String>,
    pub amount: Money,
    /// Who asked for it, as the payment's history has it.
    pub by: String,
    /// Why it was given back, where that was said.
    pub reason: Option<String>,
}

/// What was captured and given back in a period.
#[derive(Debug, Default)]
pub struct Books {
    /// The longest ago first.
    pub entries: Vec<Entry>,
    /// The ids of payments that cannot be read, and may belong to it.
    pub unreadable: Vec<String>,
}

/// Books that are not given.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// There are more than [`MOST_ENTRIES`].
    #[error("there are more than {MOST_ENTRIES} captures and refunds")]
    TooMany,
    /// Too many payments have moved since the period began.
    #[error("the books were not read in time")]
    TooLong,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From its beginning, which belongs to it, to its end, which does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Period {
    fn has(self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}

impl Orders {
    /// What was captured and given back in a period, all of it. Every payment whose money has moved since the period began is read, whether it
    /// moved in the period or later.
    pub async fn books(&self, period: Period) -> Result<Books, BooksError> {
        let reading = tokio::time::timeout(PATIENCE * self.table.slowness(), self.read_books(period));
        reading.await.map_err(|_| BooksError::TooLong)?
    }

    async fn read_books(&self, period: Period) -> Result<Books, BooksError> {
        let mut found = Found::default();
        for state in OURS {
            let mut from = None;
            loop {
                let lookup = Lookup {
                    index: "by-state",
                    hash: ("state", state.name()),
                    range: "moved_at",
                    bound: Some((">=", period.from.millis())),
                    newest_first: false,
                };
                let page = self.table.keys(&lookup, from.as_ref(), KEYS).await?;
                let batches: Vec<_> = page.entries.chunks(IN_A_BATCH).map(<[String]>::to_vec).collect();
                let read = |keys| self.table.get_parts(keys, &ATTRIBUTES, Consistency::Strong, Reading::page());
                let mut batches = stream::iter(batches).map(read).buffer_unordered(AT_ONCE);
                while let Some(items) = batches.next().await {
                    found.add(items?, period)?;
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(found.books())
    }
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    /// By the payment's key.
    payments: HashMap<String, Vec<Entry>>,
    entries: usize,
    unreadable: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, items: HashMap<String, Item>, period: Period) -> Result<(), BooksError> {
        for (key, item) in items {
            match entries(&key, item) {
                Ok(mut entries) => {
                    entries.retain(|entry| period.has(entry.at));
                    self.entries += entries.len();
                    let earlier = if entries.is_empty() { None } else { self.payments.insert(key, entries) };
                    self.entries -= earlier.map_or(0, |earlier| earlier.len());
                }
                Err(cause) => {
                    self.unreadable.insert(passed_over(key.strip_prefix(PAYMENT).unwrap_or(&key), cause)?);
                }
            }
            if self.entries > MOST_ENTRIES {
                return Err(BooksError::TooMany);
            }
        }
        Ok(())
    }

    fn books(self) -> Books {
        let mut entries: Vec<_> = self.payments.into_values().flatten().collect();
        entries.sort_unstable_by(|a, b| (a.at, a.payment_id.as_str(), a.refund).cmp(&(b.at, b.payment_id.as_str(), b.refund)));
        Books { entries, unreadable: self.unreadable.into_iter().collect() }
    }
}

/// The capture of a payment and its refunds that are made.
fn entries(key: &str, item: Item) -> Result<Vec<Entry>, StoreError> {
    let part: PaymentPart = read(key, item)?;
    of_payment(part).map_err(|cause| StoreError::Unreadable { key: key.to_owned(), cause })
}

fn of_payment(part: PaymentPart) -> Result<Vec<Entry>, String> {
    let currency = Currency::parse(&part.currency).map_err(|error| format!("currency {error}"))?;
    let money = |minor| Money::from_minor(minor, currency).map_err(|error| format!("amount {error}"));
    let provider = GatewayName::parse(&part.provider).map_err(|error| format!("provider {error}"))?;
    let is_ours = |step: &&StepPart| OURS.iter().any(|state| state.name() == step.state);
    let reached = part.history.iter().find(is_ours);
    let asked = part.history.iter().find(|step| step.state == State::Finishing.name()).or(reached);
    let at = part.captured_at.or(reached.map(|step| step.at)).ok_or("it does not say when it was captured")?;
    let capture = Entry {
        at: Timestamp::from_millis(at),
        refund: None,
        payment_id: PaymentId::parse(&part.payment_id).map_err(|error| format!("payment_id {error}"))?,
        order_id: part.order_id,
        means: part.means.or_else(|| (!provider.is_mokka()).then(|| "card".to_owned())),
        provider,
        provider_id: part.provider_id,
        method: part.method,
        amount: money(part.amount)?,
        by: asked.map(|step| step.by.clone()).unwrap_or_default(),
        reason: None,
    };
    let made = part.refunds.into_iter().zip(1..).filter(|(refund, _)| refund.status == "made");
    let refunds: Result<Vec<_>, String> = made
        .map(|(refund, number)| {
            Ok(Entry {
                at: Timestamp::from_millis(refund.ended_at.unwrap_or(refund.at)),
                refund: Some(number),
                provider_id: refund.provider_id,
                amount: money(refund.amount)?,
                by: refund.by,
                reason: refund.grounds_reason,
                ..capture.clone()
            })
        })
        .collect();
    Ok([vec![capture], refunds?].concat())
}
