//! What the shop's people ask for, and what they are answered.

use std::time::Duration;

use sandbox::testing::World;
use shared::clock::{Deadline, Random, Timestamp};
use shared::env::{ConfigError, Env};
use shared::ids::PaymentId;
use shared::money::{Currency, Money, Quantity};
use shared::payment::{Change, Check, Command, Line, Trigger};
use shared::runtime::World as Outside;
use shared::secret::sha256_hex;
use shared::settle::{Operated, Settler};

use crate::plan::Part;

/// The back office.
pub(crate) struct Office {
    settler: Settler,
}

/// What the office answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done.
    Done,
    /// It is being found out.
    Unknown,
    /// The state of things forbids it.
    Forbidden(String),
    /// Mokka refused it.
    Refused(String),
    /// Mokka could not be asked; nothing was done.
    Unavailable,
    /// There is no such payment.
    NoPayment,
    /// Our own fault.
    Failed,
}

fn settler(mut env: Env, world: Outside) -> Result<Settler, ConfigError> {
    let settler = Settler::from_env(&mut env, world.clock, Random::System, world.http);
    env.finish(settler)
}

impl Office {
    pub(crate) fn open(world: &World, changes: &[(&str, &str)]) -> Self {
        Self { settler: world.build(settler, changes) }
    }

    async fn operate(&self, payment: &str, command: Command) -> Verdict {
        let id = PaymentId::parse(payment).expect("an id");
        let Ok(found) = self.settler.orders.payment(&id).await else { return Verdict::Failed };
        let Some(found) = found else { return Verdict::NoPayment };
        match self.settler.operate(found, command, "tester", Deadline::within(Duration::from_secs(9))).await {
            Ok(operated) => verdict(operated),
            Err(_) => Verdict::Failed,
        }
    }

    pub(crate) async fn finish(&self, payment: &str) -> Verdict {
        self.operate(payment, Command::Finish(Check::default())).await
    }

    pub(crate) async fn cancel(&self, payment: &str) -> Verdict {
        self.operate(payment, Command::Cancel).await
    }

    pub(crate) async fn change(&self, payment: &str, amount: i64, valid_till: i64) -> Verdict {
        let amount = Money::from_minor(amount, Currency::Rub).expect("an amount");
        let quantity = Quantity::parse("1").expect("a quantity");
        let line = Line { sku: None, name: "Чайник".to_owned(), quantity, price: Some(amount), subtotal: None };
        let change = Change { amount, valid_till: Timestamp::from_millis(valid_till), lines: vec![line] };
        self.operate(payment, Command::Change(change)).await
    }

    pub(crate) async fn refund(&self, payment: &str, part: Part, key: &str) -> Verdict {
        let amount = match part {
            Part::Of(minor) => Some(Money::from_minor(minor, Currency::Rub).expect("an amount")),
            Part::Rest => None,
        };
        self.operate(payment, Command::Refund { key_hash: sha256_hex(key), amount }).await
    }

    pub(crate) async fn settle(&self, payment: &str) -> Verdict {
        let id = PaymentId::parse(payment).expect("an id");
        let Ok(found) = self.settler.orders.payment(&id).await else { return Verdict::Failed };
        let Some(found) = found else { return Verdict::NoPayment };
        let deadline = Deadline::within(Duration::from_secs(9));
        match self.settler.settle(found, Trigger::BackOffice("tester"), deadline).await {
            Ok(_) => Verdict::Done,
            Err(_) => Verdict::Failed,
        }
    }

    /// A person has looked into Mokka's cabinet.
    pub(crate) async fn outcome(&self, payment: &str, refund: usize, made: bool) -> Verdict {
        let id = PaymentId::parse(payment).expect("an id");
        let Ok(Some(found)) = self.settler.orders.payment(&id).await else { return Verdict::Failed };
        let deadline = Deadline::within(Duration::from_secs(9));
        match self.settler.decide_refund(found, refund, made, "tester", deadline).await {
            Ok(operated) => verdict(operated),
            Err(_) => Verdict::Failed,
        }
    }
}

fn verdict(operated: Operated) -> Verdict {
    match operated {
        Operated::Done(_) => Verdict::Done,
        Operated::Unknown(_) => Verdict::Unknown,
        Operated::Forbidden(_, refusal) => Verdict::Forbidden(refusal.code().to_owned()),
        Operated::Refused(_, reason) => Verdict::Refused(reason.code),
        Operated::Unavailable(_) => Verdict::Unavailable,
    }
}
