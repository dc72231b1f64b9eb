//! The life of an order that is paid by card, held against a model as that of Mokka's instalments is: what the customer does on
//! YooKassa's page, what its notifications say, what the shop's people do here and in the cabinet, what breaks. The customer may also
//! choose instalments for the same order, before a card or after it.
//!
//! - [`plan`]: what may happen. [`life`]: lets it happen, and looks at everything after each step.
//! - [`calls`]: what is asked of us. [`side`]: how a payment stands at its provider; [`agreement`]: whether that is the same. [`rest`]: how everything must stand in the end.
//! - [`found`]: sequences that once went wrong.

mod agreement;
mod calls;
mod found;
mod life;
mod plan;
mod rest;
mod side;

use proptest::test_runner::{Config, TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, StateMachineTest as _};
use standins::Options;
use testkit::settings::WITH_CARDS;
use testkit::written;

use crate::kept::{Address, KeptEnvironment, Policy};
use life::CardLives;
use plan::Plans;
pub(crate) use side::{Side, Standing};

#[test]
fn a_card_captured_at_once_comes_to_rest_as_yookassa_has_it() {
    all_come_to_rest::<OnHold>(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/cards_on_hold.txt"));
}

#[test]
fn a_card_captured_on_shipment_comes_to_rest_as_yookassa_has_it() {
    all_come_to_rest::<OnShipment>(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/cards_on_shipment.txt"));
}

#[test]
fn a_card_of_one_stage_comes_to_rest_as_yookassa_has_it() {
    all_come_to_rest::<OneStage>(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/cards_one_stage.txt"));
}

/// Plays a quarter of the lives that Mokka's have for each: there are three of them, and an order by card, with its receipts, has
/// longer ones. `prop_state_machine!` would play them all, since it reads the environment after everything else.
fn all_come_to_rest<A: Cards>(seeds: &'static str) {
    let config = crate::config(seeds);
    let config = Config { cases: config.cases.div_ceil(4), ..config };
    let mut runner = TestRunner::new(config.clone());
    let played = runner.run(&Plans::<A>::sequential_strategy(1..24), |(plan, steps, seen)| {
        CardLives::<A>::test_sequential(config.clone(), plan, steps, seen);
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}\n{runner}");
    }
}

/// How cards are charged in an environment.
pub(crate) trait Cards: Address {
    /// Whether money is held before it is captured.
    const TWO_STAGE: bool;
}

/// Receipts are made of every payment.
const RECEIPTS: &str = "\n[gateways.yookassa.receipt]\nvat = \"20\"\nvatCodes = { \"20\" = 4, none = 1 }\n";

fn environment(policy: Policy, two_stage: bool) -> KeptEnvironment {
    let text = std::fs::read_to_string(WITH_CARDS).expect("the sandbox's ways to pay");
    let (finish, stages) = (format!("finish = \"{}\"", policy.word()), format!("twoStage = {two_stage}"));
    let changed = text.replace("finish = \"on_hold\"", &finish).replace("twoStage = true", &stages);
    assert!(changed.contains(&finish) && changed.contains(&stages), "{text}");
    let changed = format!("{changed}{RECEIPTS}");
    let path = written(env!("CARGO_TARGET_TMPDIR"), &format!("cards-{}-{two_stage}.toml", policy.word()), &changed);
    // Its register takes no payment without a receipt.
    let options = Options { yookassa_register: Some("avanpost".to_owned()), ..Options::default() };
    KeptEnvironment::with_options(policy, options, &[("PAYMENTS_CONFIG", &path), ("MOKKA_FINISH", policy.word())])
}

/// A hold is captured as soon as it is seen.
pub(crate) struct OnHold;
/// A hold is captured when the goods ship.
pub(crate) struct OnShipment;
/// YooKassa takes the money by itself.
pub(crate) struct OneStage;

impl Address for OnHold {
    const POLICY: Policy = Policy::OnHold;

    fn build() -> KeptEnvironment {
        environment(Self::POLICY, Self::TWO_STAGE)
    }
}

impl Cards for OnHold {
    const TWO_STAGE: bool = true;
}

impl Address for OnShipment {
    const POLICY: Policy = Policy::OnShipment;

    fn build() -> KeptEnvironment {
        environment(Self::POLICY, Self::TWO_STAGE)
    }
}

impl Cards for OnShipment {
    const TWO_STAGE: bool = true;
}

impl Address for OneStage {
    const POLICY: Policy = Policy::OnHold;

    fn build() -> KeptEnvironment {
        environment(Self::POLICY, Self::TWO_STAGE)
    }
}

impl Cards for OneStage {
    const TWO_STAGE: bool = false;
}
