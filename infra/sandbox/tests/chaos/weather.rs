//! Which request meets which fault: drawn from the seed, the kind of request, what it is about, and how many of its like came
//! before.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use shared::platform::secret::sha256_hex;
use standins::{Fault, System};
use testkit::{StoreFault, StoreRequest};

/// Numbers drawn from a seed and a name.
pub(crate) struct Dice {
    seed: u64,
    name: String,
    drawn: u32,
}

impl Dice {
    pub(crate) fn new(seed: u64, name: String) -> Self {
        Self { seed, name, drawn: 0 }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.drawn += 1;
        let digits = sha256_hex(&format!("{} {} {}", self.seed, self.name, self.drawn));
        let number = u64::from_str_radix(&digits[..12], 16).expect("hex");
        u32::try_from(number % u64::from(end)).expect("below a u32")
    }

    /// Whether it happens, with so many chances of a thousand.
    pub(crate) fn happens(&mut self, permille: u32) -> bool {
        self.below(1000) < permille
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(u32::try_from(of.len()).expect("few")) as usize]
    }
}

/// What the seed does to requests.
pub(crate) struct Weather {
    seed: u64,
    round: AtomicU32,
    over: AtomicBool,
    /// How often something goes wrong outside of storms, of a thousand.
    usual: u32,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The number of the order that the shop has given this id.
    orders: HashMap<String, u32>,
    times: HashMap<String, u32>,
    faults: BTreeMap<String, u32>,
}

impl Weather {
    pub(crate) fn new(seed: u64) -> Self {
        let usual = Dice::new(seed, "usual".to_owned()).one(&[20, 60, 120]);
        Self { seed, round: AtomicU32::new(0), over: AtomicBool::new(false), usual, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shop has given the order of this number this id.
    pub(crate) fn is_called(&self, order: u32, id: &str) {
        self.seen().orders.insert(id.to_owned(), order);
    }

    pub(crate) fn begin(&self, round: u32) {
        self.round.store(round, Ordering::SeqCst);
    }

    /// Everything works from now on.
    pub(crate) fn clear_up(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// How often each fault was met.
    pub(crate) fn faults(&self) -> BTreeMap<String, u32> {
        self.seen().faults.clone()
    }

    /// What is drawn for the next request of its like, or nothing in good weather. `usual` chances of a thousand are for this
    /// kind of request when there is no storm.
    fn dice(&self, place: &str, kind: &str, about: &str, usual: u32) -> Option<Dice> {
        if self.over.load(Ordering::SeqCst) {
            return None;
        }
        let round = self.round.load(Ordering::SeqCst);
        let name = {
            let mut seen = self.seen();
            // The ids of the shop are given in the order in which requests arrive; ours are not.
            let (id, attempt) = about.rsplit_once('-').unwrap_or((about, ""));
            let about = match (seen.orders.get(id), seen.orders.get(about)) {
                (Some(order), _) => format!("{order}-{attempt}"),
                (_, Some(order)) => order.to_string(),
                (None, None) => about.to_owned(),
            };
            let key = format!("{place} {kind} {about}");
            let times = seen.times.entry(key.clone()).or_default();
            *times += 1;
            format!("{key} {times}")
        };
        // In one of eight rounds the place is all but down.
        let storm = place != "store" && Dice::new(self.seed, format!("storm {place} {round}")).happens(125);
        let mut dice = Dice::new(self.seed, name);
        dice.happens(if storm { 850 } else { usual }).then_some(dice)
    }

    fn note(&self, what: String) {
        *self.seen().faults.entry(what).or_default() += 1;
    }

    /// The fault that a call to an outside system meets.
    pub(crate) fn outside(&self, system: System, method: &'static str, body: &[u8]) -> Option<Fault> {
        // What changes something is where the money is, and is called least.
        let changes = system == System::Mokka && method != "status" || system == System::Yookassa && method != "get";
        let mut dice = self.dice(system.name(), method, &about(body), if changes { 3 * self.usual } else { self.usual })?;
        let fault = match system {
            System::Mokka => mokka(method, &mut dice),
            System::Yookassa => yookassa(&mut dice),
            // Any 2xx says that the shop has the event, so a page of HTML in its place with 200 is left out.
            System::Shop if method == "events" => dice.one(&[
                Fault::Reset,
                Fault::Http500,
                Fault::AnswerLost,
                Fault::AnswerLost,
                Fault::Refused,
                Fault::Status(503),
                Fault::Late(200),
                Fault::Repeated,
            ]),
            System::Imshop | System::Shop | System::Smspro => dice.one(&[
                Fault::Reset,
                Fault::Http500,
                Fault::Html,
                Fault::AnswerLost,
                Fault::AnswerLost,
                Fault::Refused,
                Fault::Status(503),
                Fault::Late(200),
                Fault::Repeated,
            ]),
        };
        let kind = fault.to_string();
        let of = if matches!(system, System::Mokka | System::Yookassa) { method } else { "" };
        self.note(format!("{system} {of} {}", kind.split(':').next().unwrap_or_default()));
        Some(fault)
    }

    /// The fault that a round trip to DynamoDB meets.
    pub(crate) fn store(&self, request: &StoreRequest<'_>) -> Option<StoreFault> {
        let StoreRequest { operation, body, attempt } = *request;
        // What failed fails again more often than not: else the SDK's own repeats would hide everything.
        let usual = if attempt > 1 { 550 } else { self.usual / 2 };
        let mut dice = self.dice("store", operation, &key(body), usual)?;
        let writes = operation == "TransactWriteItems" || operation == "UpdateItem";
        let mut faults = vec![StoreFault::Failed, StoreFault::AnswerLost, StoreFault::Throttled, StoreFault::Late(60)];
        if writes {
            faults.extend([StoreFault::Repeated, StoreFault::AnswerLost, StoreFault::Conflict]);
        }
        if operation == "TransactWriteItems" {
            let reasons = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            faults.extend(reasons.map(StoreFault::Canceled));
        }
        let fault = dice.one(&faults);
        self.note(format!("store {}", format!("{fault:?}").split('(').next().unwrap_or_default()));
        Some(fault)
    }
}

fn mokka(method: &'static str, dice: &mut Dice) -> Fault {
    const ASKED: [Fault; 6] = [Fault::Reset, Fault::Http500, Fault::Html, Fault::AnswerLost, Fault::Refused, Fault::Late(300)];
    // It costs five seconds of the machine's time, and is nothing else than a reset.
    if dice.happens(5) {
        return Fault::Timeout;
    }
    let codes: &[u16] = match method {
        "status" => return dice.one(&ASKED),
        "checkout" => &[33, 100],
        "finish" => &[62, 80],
        "cancel" => &[81],
        "change" => &[82, 33],
        _ => &[100],
    };
    match dice.below(16) {
        0 => Fault::Reset,
        1 => Fault::Http500,
        2 => Fault::Html,
        3..6 => Fault::AnswerLost,
        6..9 => Fault::EffectLate(dice.one(&[10, 50, 200])),
        9..12 => Fault::Refused,
        12..14 => Fault::Status(dice.one(codes)),
        // Two equal returns are two returns, and nothing in the protocol can tell: no proof of ours can hold there.
        14 if method != "return" => Fault::Repeated,
        _ => Fault::Late(300),
    }
}

/// Under its key everything may be asked for again, and is done once.
fn yookassa(dice: &mut Dice) -> Fault {
    if dice.happens(5) {
        return Fault::Timeout;
    }
    dice.one(&[
        Fault::Reset,
        Fault::Http500,
        Fault::Throttled,
        Fault::Html,
        Fault::AnswerLost,
        Fault::AnswerLost,
        Fault::EffectLate(10),
        Fault::EffectLate(50),
        Fault::EffectLate(200),
        Fault::Status(202),
        Fault::Status(503),
        Fault::Repeated,
        Fault::Late(300),
    ])
}

/// The order or the payment that a call is about.
fn about(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = [
        &body["order_id"],
        &body["current_order"]["order_id"],
        &body["paymentId"],
        &body["payment"]["paymentId"],
        &body["orders"][0]["uuid"],
        &body["data"]["payment_id"],
        &body["metadata"]["payment_id"],
    ];
    texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}

/// The key that a round trip is about, without what says of what kind it is.
fn key(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let item = &body["TransactItems"][0];
    let keys = [&body["Key"]["pk"]["S"], &item["Update"]["Key"]["pk"]["S"], &item["Put"]["Item"]["pk"]["S"]];
    let key = keys.into_iter().find_map(Value::as_str).unwrap_or_default();
    key.split_once('#').map_or(key, |(_, id)| id).to_owned()
}
