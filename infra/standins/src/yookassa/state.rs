//! What YooKassa knows: payments, refunds, receipts, and what was answered under which key.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::keys::Keys;
use super::notices::{Notice, Notices};
use super::payment::{Payment, State};
use super::readings::Reading;
use super::records::{Receipt, Refund};
use super::setting::Setting;
use super::shown;
use crate::clients::Clients;
use crate::clock::Clock;
use crate::error::ControlError;
use crate::locked::locked;
use crate::options::Options;
use crate::readings::Readings;

/// What YooKassa knows, and how it is set up.
pub(crate) struct Yookassa {
    books: Mutex<Books>,
    /// Where notifications go.
    pub(super) url: Mutex<Option<String>>,
    pub(super) clients: Clients,
    pub(super) options: Arc<Options>,
    clock: Clock,
    base_url: String,
    pub(crate) readings: Readings<Reading>,
}

impl Yookassa {
    pub(crate) fn new(options: Arc<Options>, clock: Clock, base_url: String) -> Self {
        Self {
            books: Mutex::default(),
            url: Mutex::default(),
            clients: Clients::default(),
            options,
            clock,
            base_url,
            readings: Readings::default(),
        }
    }

    /// Works on the books as they stand now. One call at a time: of two captures, one comes second.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Books, &Setting<'_>) -> T) -> T {
        let now = self.clock.now();
        let setting = Setting { options: &self.options, readings: &self.readings, now, base_url: &self.base_url };
        let mut books = locked(&self.books);
        books.refresh(&setting);
        work(&mut books, &setting)
    }

    /// Every payment as the API shows it, oldest first.
    pub(crate) fn payments(&self) -> Vec<Value> {
        self.with(|books, setting| books.payments.iter().map(|payment| shown::payment(payment, setting)).collect())
    }

    /// Those that were registered with this `payment_id` in their metadata.
    pub(crate) fn payments_of(&self, payment_id: &str) -> Vec<Value> {
        let is_it = |payment: &&Payment| payment.metadata.get("payment_id").and_then(Value::as_str) == Some(payment_id);
        self.with(|books, setting| books.payments.iter().filter(is_it).map(|payment| shown::payment(payment, setting)).collect())
    }

    /// The refunds of a payment of ours, oldest first.
    pub(crate) fn refunds_of(&self, id: &str) -> Vec<Value> {
        self.with(|books, _| books.refunds.iter().filter(|refund| refund.payment_id == id).map(shown::refund).collect())
    }

    /// Every refund, oldest first.
    pub(crate) fn refunds(&self) -> Vec<Value> {
        self.with(|books, _| books.refunds.iter().map(shown::refund).collect())
    }

    /// Every receipt as the API shows it, with our id of its payment, oldest first; of one payment of ours only, if it is given.
    pub(crate) fn receipts(&self, payment_id: Option<&str>) -> Vec<Value> {
        self.with(|books, _| {
            let with_ours = |receipt: &Receipt| {
                let payment = books.payments.find(&receipt.payment_id);
                let ours = payment.and_then(|payment| payment.metadata.get("payment_id")).and_then(Value::as_str);
                if payment_id.is_some_and(|wanted| ours != Some(wanted)) {
                    return None;
                }
                let mut shown = books.shown_receipt(receipt);
                shown["our_payment_id"] = json!(ours);
                Some(shown)
            };
            books.receipts.iter().filter_map(with_ours).collect()
        })
    }

    /// A payment, a refund or a receipt, by its id.
    pub(crate) fn object(&self, id: &str) -> Option<Value> {
        self.with(|books, setting| {
            let payment = books.payments.find(id).map(|payment| shown::payment(payment, setting));
            let refund = || books.refunds.find(id).map(shown::refund);
            payment.or_else(refund).or_else(|| books.receipts.find(id).map(|receipt| books.shown_receipt(receipt)))
        })
    }

    /// See [`crate::StandIns::set_yookassa_fields`].
    pub(crate) fn set_fields(&self, id: &str, fields: Map<String, Value>) -> Result<(), ControlError> {
        self.with(|books, _| {
            let payment = books.payments.find_mut(id).ok_or_else(|| ControlError::UnknownYookassa(id.to_owned()))?;
            payment.overrides.extend(fields);
            Ok(())
        })
    }

    /// See [`crate::StandIns::set_next_yookassa_fields`].
    pub(crate) fn set_next_fields(&self, fields: Map<String, Value>) {
        self.with(|books, _| books.next_overrides.extend(fields));
    }
}

/// The books, behind one lock.
#[derive(Default)]
pub(super) struct Books {
    pub(super) payments: Shelf<Payment>,
    pub(super) refunds: Shelf<Refund>,
    pub(super) receipts: Shelf<Receipt>,
    pub(super) keys: Keys,
    pub(super) notices: Notices,
    /// What a test wants to be shown of the next payment.
    pub(super) next_overrides: Map<String, Value>,
    /// When which payment may end by itself.
    ends: BTreeSet<(OffsetDateTime, String)>,
}

impl Books {
    /// Ends the payments whose time is over. A customer's end is announced, that of a hold is not.
    fn refresh(&mut self, setting: &Setting<'_>) {
        while let Some((at, id)) = self.ends.pop_first() {
            if at > setting.now {
                self.ends.insert((at, id));
                return;
            }
            let Some(payment) = self.payments.find_mut(&id).filter(|payment| payment.ends_at() == Some(at)) else { continue };
            let announced = payment.state != State::Held;
            payment.end();
            if announced {
                self.announce(&id, setting);
            }
        }
    }

    /// Takes note of when a payment that was made or has changed ends.
    pub(super) fn watch(&mut self, id: &str) {
        if let Some(at) = self.payments.find(id).and_then(Payment::ends_at) {
            self.ends.insert((at, id.to_owned()));
        }
    }

    /// Queues what a payment's state is announced with.
    pub(super) fn announce(&mut self, id: &str, setting: &Setting<'_>) {
        let Some(payment) = self.payments.find(id) else { return };
        if let Some(event) = payment.event() {
            self.notices.queue(Notice::new(event, &shown::payment(payment, setting), setting.now));
        }
    }
}

/// Things by their id, in the order in which they came.
pub(super) struct Shelf<T> {
    things: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { things: Vec::new(), places: HashMap::new() }
    }
}

impl<T> Shelf<T> {
    pub(super) fn add(&mut self, id: String, thing: T) {
        self.places.insert(id, self.things.len());
        self.things.push(thing);
    }

    pub(super) fn find(&self, id: &str) -> Option<&T> {
        self.things.get(*self.places.get(id)?)
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut T> {
        self.things.get_mut(*self.places.get(id)?)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.things.iter()
    }
}
