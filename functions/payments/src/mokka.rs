//! What Mokka adds to the list: the plan of instalments, and whether this customer may pay so at all.

use std::sync::Arc;

use shared::payments::gateway::mokka::{client_from_env, currency_from_env};
use shared::payments::imshop::payments::{Period, Widget};
use shared::payments::instalments::Plan;
use shared::payments::store::{Quotes, Schedules as Store};
use shared::payments::texts;
use shared::platform::clock::{Clock, Deadline};
use shared::platform::env::Env;
use shared::platform::money::{Currency, Money};
use shared::platform::outbound::Http;
use shared::platform::phone::Phone;
use time::Date;

use crate::mokka_limits::{MokkaLimit, MokkaLimits};
use crate::schedules::{Plans, Schedules};

/// Mokka, as far as the list asks it.
#[derive(Debug)]
pub(crate) struct Mokka {
    schedules: Schedules,
    limits: MokkaLimits,
    currency: Currency,
}

/// What is to be found out.
pub(crate) struct Questions<'a> {
    /// What the cart costs.
    pub(crate) amount: Option<Money>,
    /// How that can be paid.
    pub(crate) schedule: bool,
    /// What this customer may spend.
    pub(crate) phone: Option<&'a Phone>,
}

/// What was found out in time.
pub(crate) struct Answers {
    amount: Option<Money>,
    plans: Option<Plans>,
    limit: Option<MokkaLimit>,
    today: Date,
}

impl Mokka {
    /// Reads Mokka's settings.
    pub(crate) fn from_env(env: &mut Env, http: Http, clock: Clock, quotes: Quotes) -> Option<Self> {
        let mokka = client_from_env(env, http).map(Arc::new);
        let currency = currency_from_env(env);
        let (mokka, currency) = (mokka?, currency?);
        let store = Store::new(quotes, clock.clone(), mokka.store_id());
        Some(Self {
            schedules: Schedules::new(Arc::clone(&mokka), store, clock.clone()),
            limits: MokkaLimits::new(mokka, clock, currency),
            currency,
        })
    }

    /// Asks what is to be found out, at most one Schedule and one Limit, both at once. What does not come in time is missing.
    pub(crate) async fn ask(&self, questions: Questions<'_>, deadline: Deadline) -> Answers {
        // A plan of instalments is in Mokka's own currency.
        let amount = questions.amount.filter(|amount| amount.currency() == self.currency && !amount.is_zero());
        let plans = async { self.schedules.plans(amount.filter(|_| questions.schedule)?, deadline).await };
        let limit = async { self.limits.limit(questions.phone?, deadline).await };
        let (plans, limit) = futures_util::future::join(plans, limit).await;
        Answers { amount, plans, limit, today: self.schedules.today() }
    }

    /// Waits for the answers that came too late.
    pub(crate) async fn finish(&self) {
        self.schedules.finish().await;
    }
}

impl Answers {
    /// The widget for the wanted term, else for the plan that costs least.
    pub(crate) fn widget(&self, term: Option<u32>) -> Option<Widget> {
        let plan = Plan::choose(self.plans.as_ref()?, term)?;
        let periods = plan.payments.iter().zip(plan.progress()).map(|(due, progress)| Period {
            period_description: texts::day(due.date, self.today),
            period_price: texts::price(due.amount),
            progress,
        });
        Some(Widget { description: texts::instalments(plan.overpayment, plan.term), payments_graphic: periods.collect() })
    }

    /// Mokka was asked and no tariff takes this amount.
    pub(crate) fn suits_no_tariff(&self) -> bool {
        self.plans.as_ref().is_some_and(|plans| plans.is_empty())
    }

    /// Mokka was asked and does not grant this customer so much.
    pub(crate) fn exceeds_limit(&self) -> bool {
        self.limit.is_some_and(|limit| limit.is_zero() || self.amount.is_some_and(|amount| amount.minor() > limit.minor()))
    }

    /// What this customer may spend, if it is something.
    pub(crate) fn available(&self) -> Option<MokkaLimit> {
        self.limit.filter(|limit| !limit.is_zero())
    }
}
