//! Mokka's plans for an amount. Known in memory, else in the store, else asked of Mokka, once for everybody who wants to know
//! at the same time. A question goes on when its asker has stopped waiting, so that the next one finds the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use shared::payments::instalments::Plan;
use shared::payments::mokka::Client;
use shared::payments::store::Schedules as Store;
use shared::platform::clock::{Clock, Deadline, Timestamp};
use shared::platform::money::Money;
use time::Date;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long Mokka may take when no caller waits any more.
const ANSWER: Duration = Duration::from_secs(5);
/// How long Mokka is left alone after it did not answer: one slow answer for a customer is enough.
const QUIET: Duration = Duration::from_secs(10);
/// How many amounts are remembered; more would be a machine's carts, not customers'.
const AMOUNTS: usize = 500;

/// What Mokka offers; nothing if no tariff suits the amount.
pub(crate) type Plans = Arc<[Plan]>;

/// Mokka's plans.
#[derive(Clone, Debug)]
pub(crate) struct Schedules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mokka: Arc<Client>,
    store: Store,
    clock: Clock,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    day: Option<Date>,
    answers: HashMap<i64, Shared<oneshot::Receiver<Plans>>>,
    questions: Vec<JoinHandle<()>>,
    quiet_until: Option<Timestamp>,
}

impl Schedules {
    pub(crate) fn new(mokka: Arc<Client>, store: Store, clock: Clock) -> Self {
        Self(Arc::new(Inner { mokka, store, clock, memory: Mutex::default() }))
    }

    /// The day that it is at Mokka's.
    pub(crate) fn today(&self) -> Date {
        self.0.store.today()
    }

    /// What Mokka offers for this amount, if that is known in time.
    pub(crate) async fn plans(&self, amount: Money, deadline: Deadline) -> Option<Plans> {
        let answer = self.answer(amount)?;
        let known = answer.peek().and_then(|answer| answer.clone().ok());
        if known.is_some() {
            return known;
        }
        let Ok(answer) = tokio::time::timeout(deadline.allows(Duration::MAX)?, answer).await else {
            tracing::warn!(amount_minor = amount.minor(), "Mokka's schedule did not come in time");
            return None;
        };
        answer.ok()
    }

    /// Waits until every question that was asked is answered.
    pub(crate) async fn finish(&self) {
        let questions = std::mem::take(&mut self.0.memory().questions);
        for question in questions {
            if question.await.is_err() {
                tracing::error!("a question to Mokka panicked");
            }
        }
    }

    /// The answer, known or under way; nothing while Mokka is left alone.
    fn answer(&self, amount: Money) -> Option<Shared<oneshot::Receiver<Plans>>> {
        let today = self.today();
        let mut memory = self.0.memory();
        if memory.day != Some(today) || memory.answers.len() > AMOUNTS {
            memory.day = Some(today);
            memory.answers.clear();
        }
        if let Some(answer) = memory.answers.get(&amount.minor()) {
            return Some(answer.clone());
        }
        if memory.quiet_until.is_some_and(|until| self.0.clock.now() < until) {
            return None;
        }
        let (tell, answer) = oneshot::channel();
        let answer = answer.shared();
        memory.answers.insert(amount.minor(), answer.clone());
        memory.questions.retain(|question| !question.is_finished());
        memory.questions.push(tokio::spawn(Arc::clone(&self.0).find_out(today, amount, tell)));
        Some(answer)
    }
}

impl Inner {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find_out(self: Arc<Self>, today: Date, amount: Money, tell: oneshot::Sender<Plans>) {
        let stored = self.store.get(today, amount).await.unwrap_or_else(|error| {
            tracing::warn!(cause = %error, "a stored schedule could not be read");
            None
        });
        if let Some(plans) = stored {
            drop(tell.send(plans.into()));
            return;
        }
        let Some(plans) = self.ask(amount).await else {
            let mut memory = self.memory();
            memory.answers.remove(&amount.minor());
            memory.quiet_until = Some(self.clock.now().plus(QUIET));
            return;
        };
        drop(tell.send(Arc::clone(&plans)));
        if let Err(error) = self.store.save(today, amount, &plans).await {
            tracing::warn!(cause = %error, "a schedule could not be stored");
        }
    }

    /// Mokka's answer, without the tariffs whose numbers contradict each other; nothing if none is left of them.
    async fn ask(&self, amount: Money) -> Option<Plans> {
        let tariffs = match self.mokka.schedule(amount, Deadline::within(ANSWER)).await {
            Ok(tariffs) => tariffs,
            Err(error) => {
                tracing::warn!(cause = %error, "Mokka's schedule could not be read");
                return None;
            }
        };
        let plans = tariffs.iter().filter_map(|tariff| match Plan::of_tariff(tariff, amount) {
            Ok(plan) => Some(plan),
            Err(nonsense) => {
                tracing::error!(term = tariff.term, cause = %nonsense, "Mokka's tariff makes no sense");
                None
            }
        });
        let plans: Plans = plans.collect();
        (tariffs.is_empty() || !plans.is_empty()).then_some(plans)
    }
}
