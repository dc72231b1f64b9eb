//! Polls every payment that no caller asks about: a callback that never came, a call without a clear answer, an attempt whose
//! time is over, a message that IMSHOP or the shop did not take. Runs on a schedule, one run at a time
//! ([`shared::platform::dynamodb::RunLease`]); two at once would do no harm. In a large shop each partition of what is due has a schedule
//! of its own, by the event `{"shard": "0"}`, with a run lease of its own.
//!
//! The sparse index `due` holds only the payments whose next poll is planned, spread over partitions; the rest of the table is
//! never read. For each payment that is due: one read, then what [`shared::payments::settle`] and [`shared::payments::outbox`] need, and a write that
//! plans the next poll, later each time that nothing was new. A run ends with its time; what is left comes first in the next.
//! Beside each partition for payments the same index has one for the orders that know their customer, by the end of the time for which
//! they may: a read, and what [`shared::payments::forget`] needs. They come after all payments of a run, so that none waits for them, and
//! one that fails comes up again an hour later.
//!
//! Round trips of a run with nothing due: one write that acquires the run lease, two Queries for each of its partitions, one write that
//! releases it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde_json::Value;
use shared::payments::forget::{self, Forgotten, Why};
use shared::payments::outbox::{self, OutboxRelay, Published};
use shared::payments::payment::{Channel, GatewayName, Payment, Trigger};
use shared::payments::settle::{Settled, Settler};
use shared::payments::store::{Due, Orders};
use shared::platform::clock::{self, Deadline, Timestamp};
use shared::platform::dynamodb::{EndedRun, StoreError};
use shared::platform::env::{ConfigError, Env};
use shared::platform::ids::{OrderUuid, PaymentId};
use shared::platform::metrics::{self, Metrics};
use shared::platform::outbound::{Http, System};
use shared::platform::runtime::{Platform, left, remaining};

/// How many keys are taken from the index at once.
const PAGE: u16 = 200;
/// How long a run may take; Lambda gives the function a minute.
const BUDGET: Duration = Duration::from_secs(50);
/// How long a run holds its lease if it cannot release it: a little longer than it may take.
const RUN_LEASE: Duration = Duration::from_secs(55);
/// How long one payment may take.
const EACH: Duration = Duration::from_secs(9);
/// After so many failed calls in a row the provider is taken for down, and the rest of the run leaves it alone.
const DOWN: u32 = 3;
/// How many payments are polled together when a run begins.
const FIRST_AT_ONCE: usize = 4;
/// How long an order that could not be processed is postponed.
const PUT_OFF: Duration = Duration::from_hours(1);
/// The pause of a poll whose provider asked for fewer calls.
const A_MOMENT: Duration = Duration::from_millis(500);

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    settler: Settler,
    relay: OutboxRelay,
    manual_review_after: Duration,
    audits: Vec<Duration>,
    at_once: usize,
    http: Http,
    metrics: Metrics,
}

impl Deps {
    /// Reads the store's settings, Mokka's, IMSHOP's addresses and the shop's, `ATTENTION_AFTER_MINUTES` (default 60), and `AUDIT_AFTER_DAYS`
    /// (default `1,7,30`): when a captured payment is looked at once more; `RECONCILE_AT_ONCE` (default 32).
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let minutes = env.number_or("ATTENTION_AFTER_MINUTES", 60, 1..=10_080);
        let audits = env.parsed_or("AUDIT_AFTER_DAYS", vec![days(1), days(7), days(30)], audits);
        let at_once = env.number_or("RECONCILE_AT_ONCE", 32, 1..=100);
        let Platform { clock, random, http, metrics } = platform;
        let settler = Settler::from_env(&mut env, clock.clone(), random, http.clone(), metrics.clone());
        let orders = settler.as_ref().map(|settler| settler.orders.clone());
        let relay = OutboxRelay::from_env(&mut env, orders, http.clone(), clock, metrics.clone());
        let build = || {
            let settler = settler?;
            let at_once = usize::try_from(at_once?).unwrap_or(1);
            let manual_review_after = Duration::from_mins(u64::from(minutes?));
            Some(Self { settler, relay: relay?, manual_review_after, audits: audits?, at_once, http, metrics })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}

fn days(days: u32) -> Duration {
    Duration::from_hours(24) * days
}

/// Whole days, each later than the one before.
fn audits(text: &str) -> Result<Vec<Duration>, &'static str> {
    let wrong = "must be `none` or days from 1 to 365, each later than the one before, like 1,7,30";
    if text == "none" {
        return Ok(Vec::new());
    }
    let read = text.split(',').map(|day| day.trim().parse().ok().filter(|day| (1..=365).contains(day)));
    let read: Vec<u32> = read.collect::<Option<_>>().ok_or(wrong)?;
    if read.is_sorted_by(|earlier, later| earlier < later) { Ok(read.into_iter().map(days).collect()) } else { Err(wrong) }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReconcileReport {
    /// Payments and orders processed.
    pub due: u32,
    /// Payments that moved on.
    pub moved: u32,
    /// Payments of which everything due was published, to IMSHOP and to the shop.
    pub told: u32,
    /// Payments and orders that failed for a fault of ours or of the store.
    pub failed: u32,
    /// Payments that came to manual review.
    pub attention: u32,
    /// Orders that know nothing of their customer any more.
    pub forgotten: u32,
    /// The time was over before the work.
    pub left: bool,
}

/// The partition for payments that the schedule's event names, with the one for orders beside it; without one a run looks at all.
fn shard(event: &Value) -> Result<Option<String>, String> {
    let Some(named) = event.get("shard") else { return Ok(None) };
    let found = Orders::shards().find(|shard| *named == **shard);
    found.map(Some).ok_or_else(|| format!("shard must be one of {:?}, not {named}", Orders::shards().collect::<Vec<_>>()))
}

/// Runs once.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let run = Run {
        deps,
        deadline: Deadline::within(remaining(&event.context, BUDGET)),
        providers: ProvidersHealth::default(),
        pace: Pace::new(deps.at_once),
        channels: outbox::ChannelHealth::default(),
    };
    let (name, shards) = match shard(&event.payload)? {
        Some(shard) => (format!("reconcile-{shard}"), vec![shard]),
        None => ("reconcile".to_owned(), Orders::shards().collect()),
    };
    let orders = &deps.settler.orders;
    let Some(lease) = orders.acquire_run_lease(&name, deps.settler.clock.now(), RUN_LEASE).await? else {
        tracing::info!("another run holds the run lease");
        return Ok(serde_json::to_value(ReconcileReport::default())?);
    };
    let report = run.all(shards).await;
    let ended = EndedRun { at: deps.settler.clock.now(), failed: report.is_err() };
    lease.release(left(&event.context, BUDGET), ended).await;
    let report = report?;
    let ReconcileReport { due, moved, told, failed, attention, forgotten, left } = report;
    tracing::info!(due, moved, told, failed, attention, forgotten, left, "reconciled");
    Ok(serde_json::to_value(report)?)
}

/// Whether each gateway's provider answers: how often in a row it did not. One that is down holds up no payment of another.
#[derive(Default)]
struct ProvidersHealth(Mutex<BTreeMap<GatewayName, u32>>);

impl ProvidersHealth {
    fn is_down(&self, gateway: &GatewayName) -> bool {
        self.locked().get(gateway).is_some_and(|failures| *failures >= DOWN)
    }

    fn note(&self, gateway: &GatewayName, answered: bool) {
        let mut failures = self.locked();
        if answered {
            failures.remove(gateway);
        } else {
            *failures.entry(gateway.clone()).or_default() += 1;
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<GatewayName, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many payments are polled together: few at first, one more with each that the provider answers for, half as many when it asks
/// for less. What is down is so found out by a few calls, and what is well is soon asked at full strength.
struct Pace {
    most: usize,
    now: AtomicUsize,
}

impl Pace {
    fn new(most: usize) -> Self {
        Self { most, now: AtomicUsize::new(FIRST_AT_ONCE.min(most)) }
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    fn is_least(&self) -> bool {
        self.now() == 1
    }

    fn quicker(&self) {
        self.now.store((self.now() + 1).min(self.most), Ordering::Relaxed);
    }

    fn slower(&self) {
        self.now.store((self.now() / 2).max(1), Ordering::Relaxed);
    }
}

struct Run<'a> {
    deps: &'a Deps,
    deadline: Deadline,
    providers: ProvidersHealth,
    pace: Pace,
    channels: outbox::ChannelHealth,
}

/// What came of asking the provider.
struct ProviderAnswer {
    /// The payment stands as it is said to.
    known: bool,
    /// The provider has answered meanwhile, to this poll or to another one.
    understood: bool,
    /// It was written since.
    is_new: bool,
}

/// What was done with one payment.
#[derive(Default)]
struct Polled {
    moved: bool,
    told: bool,
    attention: bool,
}

/// What came of one due payment or order.
enum Processed {
    /// It is not due after all.
    NotDue,
    /// The run's time is over.
    NoTime,
    Polled(Polled),
    /// An order's: whether it knows nothing of its customer any more.
    Forgotten(bool),
}

impl Run<'_> {
    /// Payments first, then orders.
    async fn all(&self, mut shards: Vec<String>) -> Result<ReconcileReport, StoreError> {
        let now = self.deps.settler.clock.now();
        let mut report = ReconcileReport::default();
        // Another partition comes first each minute, so that none waits for ever behind a busy one.
        let first = usize::try_from(now.seconds() / 60).unwrap_or(0) % shards.len();
        shards.rotate_left(first);
        self.due(&shards, now, &mut report).await?;
        report.left |= !self.has_time();
        if !report.left {
            let shards: Vec<_> = shards.iter().map(|shard| Orders::order_shard(shard)).collect();
            self.due(&shards, now, &mut report).await?;
        }
        Ok(report)
    }

    /// What is due in some partitions, as far as the time goes.
    async fn due(&self, shards: &[String], now: Timestamp, report: &mut ReconcileReport) -> Result<(), StoreError> {
        let orders = &self.deps.settler.orders;
        let pages = try_join_all(shards.iter().map(|shard| orders.due(shard, now, None, PAGE))).await?;
        for (shard, mut page) in shards.iter().zip(pages) {
            loop {
                self.page(page.entries, report).await;
                if report.left {
                    return Ok(());
                }
                let Some(from) = page.next else { break };
                page = orders.due(shard, now, Some(&from), PAGE).await?;
            }
        }
        Ok(())
    }

    /// Whether one more could be seen through.
    fn has_time(&self) -> bool {
        self.deadline.allows(EACH).is_some_and(|left| left >= EACH)
    }

    async fn page(&self, due: Vec<Due>, report: &mut ReconcileReport) {
        let mut waiting = due.into_iter();
        let mut polls = FuturesUnordered::new();
        loop {
            let free = self.pace.now().saturating_sub(polls.len());
            polls.extend(waiting.by_ref().take(free).map(|due| async move {
                let result = match &due {
                    Due::Payment(id) => Box::pin(self.poll(id)).await,
                    Due::Order(uuid) => self.forget(uuid).await,
                };
                (due, result)
            }));
            let Some((what, result)) = polls.next().await else { return };
            match result {
                Ok(Processed::NotDue) => {}
                Ok(Processed::NoTime) => report.left = true,
                Ok(Processed::Polled(polled)) => {
                    report.due += 1;
                    report.moved += u32::from(polled.moved);
                    report.told += u32::from(polled.told);
                    report.attention += u32::from(polled.attention);
                }
                Ok(Processed::Forgotten(forgotten)) => {
                    report.due += 1;
                    report.forgotten += u32::from(forgotten);
                }
                Err(error) => {
                    report.due += 1;
                    report.failed += 1;
                    match what {
                        Due::Payment(id) => {
                            tracing::error!(payment_id = %id, cause = %error, "a payment could not be polled");
                        }
                        Due::Order(uuid) => {
                            tracing::error!(order_uuid = %uuid, cause = %error, "an order could not be processed");
                            self.put_off(&uuid).await;
                        }
                    }
                }
            }
        }
    }

    /// Asks the provider what became of a payment, and whether it answered. One that asks for fewer calls is given a moment, and is only
    /// then taken for down when it wants not even one at a time.
    async fn ask_provider(&self, payment: Payment, deadline: Deadline) -> Result<(Payment, ProviderAnswer), StoreError> {
        let Deps { settler, http, .. } = self.deps;
        let version = payment.version;
        let gateway = payment.provider.clone();
        let system = settler.gateways.get(&gateway).system();
        let counted = |count: fn(&Http, System) -> u32| system.map_or(0, |system| count(http, system));
        let (throttled, understood) = (counted(Http::times_throttled), counted(Http::times_understood));
        let settled = settler.settle(payment, Trigger::Schedule, deadline).await?;
        let known = !matches!(settled, Settled::InDoubt(_));
        let after = settled.into_payment();
        let is_new = after.version != version;
        let understood = counted(Http::times_understood) > understood;
        if counted(Http::times_throttled) > throttled {
            if self.pace.is_least() {
                self.providers.note(&gateway, false);
            }
            self.pace.slower();
            tokio::time::sleep(A_MOMENT).await;
        } else {
            // A provider that refuses one order's status is not down.
            self.providers.note(&gateway, known || is_new || understood);
            if known || is_new {
                self.pace.quicker();
            }
        }
        Ok((after, ProviderAnswer { known, understood, is_new }))
    }

    /// Polls one payment, if the run has the time to finish with it.
    async fn poll(&self, id: &PaymentId) -> Result<Processed, StoreError> {
        if !self.has_time() {
            return Ok(Processed::NoTime);
        }
        let deadline = Deadline::within(EACH);
        let orders = &self.deps.settler.orders;
        let Some(payment) = orders.payment(id).await? else { return Ok(Processed::NotDue) };
        let now = self.deps.settler.clock.now();
        // The index is a moment late; and the holder of the lease writes the next poll.
        if payment.poll.next_at.is_none_or(|at| at > now) || payment.is_leased(now) {
            return Ok(Processed::NotDue);
        }
        let mut polled = Polled::default();
        let payment = if payment.is_approval_overdue(now) && !payment.poll.manual_review {
            self.list_for_review(payment, &mut polled).await?
        } else if payment.due_refund(now).is_some() {
            self.settle(payment, deadline, &mut polled).await?
        } else if payment.is_audit_due(now) {
            self.audit(payment, deadline, &mut polled).await?
        } else if payment.is_over() || !payment.is_provider_poll_due(now) {
            // Only a message for a channel is due.
            payment
        } else {
            self.settle(payment, deadline, &mut polled).await?
        };
        self.measure(&payment);
        if payment.has_unpublished() {
            let published = self.deps.relay.publish(id, &self.channels, deadline).await?;
            polled.told = matches!(published, Published::Everything | Published::ButShop);
            if published == Published::Failed && self.needs_manual_review(&payment) {
                self.request_manual_review(id, &mut polled).await?;
            }
        }
        Ok(Processed::Polled(polled))
    }

    /// Has an order forget its customer whose time is over.
    async fn forget(&self, uuid: &OrderUuid) -> Result<Processed, StoreError> {
        if !self.has_time() {
            return Ok(Processed::NoTime);
        }
        let settler = &self.deps.settler;
        let now = settler.clock.now();
        Ok(match forget::customer(&settler.orders, uuid, Why::Over, now).await? {
            // The index is a moment late.
            Forgotten::NoCustomer | Forgotten::NotYet => Processed::NotDue,
            Forgotten::Open => Processed::Forgotten(false),
            Forgotten::Gone { .. } => Processed::Forgotten(true),
        })
    }

    /// Postpones an order that could not be processed, so that the others come first. If that fails, too, it is due in the next run.
    async fn put_off(&self, uuid: &OrderUuid) {
        let settler = &self.deps.settler;
        let now = settler.clock.now();
        if let Err(error) = settler.orders.put_off(uuid, now, now.plus(PUT_OFF)).await {
            tracing::warn!(order_uuid = %uuid, cause = %error, "an order could not be postponed and stays due");
        }
    }

    /// Measures for how long the payment has been in trouble, if it is.
    fn measure(&self, payment: &Payment) {
        let Some(since) = payment.poll.troubled_since else { return };
        let age = clock::seconds(self.deps.settler.clock.now().since(since));
        self.deps.metrics.emit(&[(metrics::UNRESOLVED_AGE, age)], &[(metrics::PAYMENT, payment.id.as_str())]);
    }

    /// Whether it has been in trouble for too long, and is not in manual review yet.
    fn needs_manual_review(&self, payment: &Payment) -> bool {
        !payment.poll.manual_review && payment.is_overdue(self.deps.manual_review_after, self.deps.settler.clock.now())
    }

    /// Puts a payment on the list for manual review because IMSHOP does not take its status event.
    async fn request_manual_review(&self, id: &PaymentId, polled: &mut Polled) -> Result<(), StoreError> {
        let orders = &self.deps.settler.orders;
        if let Some(payment) = orders.payment(id).await?.filter(|payment| self.needs_manual_review(payment)) {
            self.list_for_review(payment, polled).await?;
        }
        Ok(())
    }

    /// Puts a payment on the list for manual review. If another request wrote first, the next poll will see.
    async fn list_for_review(&self, payment: Payment, polled: &mut Polled) -> Result<Payment, StoreError> {
        let mut listed = payment.clone();
        listed.poll.manual_review = true;
        let Some(saved) = self.deps.settler.orders.save_payment(listed).await? else { return Ok(payment) };
        note_manual_review(&saved, polled);
        Ok(saved)
    }

    /// Looks at what is over: what happened at the provider without us is recorded, and otherwise the next audit look is planned.
    async fn audit(&self, payment: Payment, deadline: Deadline, polled: &mut Polled) -> Result<Payment, StoreError> {
        let Deps { settler, audits, .. } = self.deps;
        let planned = payment.next_audit(payment.poll.audits_done, audits);
        let now = settler.clock.now();
        if !payment.poll.hinted && !payment.is_receipt_look_due(now) && planned.is_none_or(|at| at > now) {
            // The setting is another one than that by which it was planned.
            let mut later = payment.clone();
            later.poll.audit_at = planned;
            later.poll.audits_done = if planned.is_some() { later.poll.audits_done } else { later.poll.audits_done.max(1) };
            return Ok(settler.orders.save_payment(later).await?.unwrap_or(payment));
        }
        // A gateway that the configuration has lost never answers: its looks end as those do that a provider does not answer.
        let is_gone = !settler.gateways.has(&payment.provider);
        if !is_gone && self.providers.is_down(&payment.provider) {
            return Ok(payment);
        }
        let before = payment.state;
        let was_reviewed = payment.poll.manual_review;
        let (after, ProviderAnswer { known, understood, is_new }) = self.ask_provider(payment, deadline).await?;
        polled.moved = after.state != before;
        let now = settler.clock.now();
        let next = match (known, understood || is_gone) {
            _ if is_new => return Ok(after),
            (true, _) => after.clone().audited(audits, now),
            // The provider may have dropped an order that is long over.
            (false, true) => after.clone().audited_without_answer(audits, now),
            // It stays due, and is polled in every run until the provider answers.
            (false, false) => return Ok(after),
        };
        let Some(saved) = settler.orders.save_payment(next).await? else { return Ok(after) };
        if saved.poll.manual_review && !was_reviewed {
            note_manual_review(&saved, polled);
        }
        Ok(saved)
    }

    async fn settle(&self, payment: Payment, deadline: Deadline, polled: &mut Polled) -> Result<Payment, StoreError> {
        let before = (payment.state, payment.version);
        // This poll may be due for a status event only: before the repeat is due there is no manual review.
        let is_due = payment.poll.repeat_at.is_none_or(|at| at <= self.deps.settler.clock.now());
        let mut asked = false;
        let after = if self.providers.is_down(&payment.provider) {
            payment
        } else {
            let (after, ProviderAnswer { known, is_new, .. }) = self.ask_provider(payment, deadline).await?;
            asked = known || is_new;
            after
        };
        polled.moved = after.state != before.0;
        let now = self.deps.settler.clock.now();
        let person = is_due && self.needs_manual_review(&after);
        let unchanged = after.version == before.1;
        if after.is_leased(now) || !(person || unchanged) {
            return Ok(after);
        }
        let mut next = match (unchanged, asked) {
            (true, true) => after.clone().polled_unchanged(),
            // It stays due, and is polled in every run until the provider answers.
            (true, false) if after.poll.unreachable_since.is_some() && !person => return Ok(after),
            (true, false) => after.clone().unreachable(now),
            (false, _) => after.clone(),
        };
        next.poll.manual_review |= person;
        let Some(saved) = self.deps.settler.orders.save_payment(next).await? else {
            // Another request wrote first, and has planned the next poll.
            return Ok(after);
        };
        if person {
            note_manual_review(&saved, polled);
        }
        Ok(saved)
    }
}

fn note_manual_review(payment: &Payment, polled: &mut Polled) {
    polled.attention = true;
    tracing::error!(
        payment_id = %payment.id,
        state = payment.state.name(),
        unknown = payment.unknown,
        intent = payment.intent.as_ref().map(shared::payments::payment::Intent::name),
        mismatch = payment.mismatch,
        tell_failures = Channel::IMSHOP.map(|channel| payment.outbox.of(channel).failures).into_iter().max(),
        "a payment needs manual review"
    );
}
