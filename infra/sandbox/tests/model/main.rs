//! The whole life of a payment, held against a model: sequences of what customers, IMSHOP, Mokka, the shop's people and bad luck
//! do, in any order, against the real functions, the embedded store and the simulated Mokka.
//!
//! - [`plan`]: what may happen, and how likely it is at which point.
//! - [`life`]: lets it happen to an order, and looks at everything after each step.
//! - [`books`], [`truth`]: how a payment stands by our store, and by Mokka and IMSHOP; [`agreement`]: whether that is the same.
//! - [`office`]: what the shop's people ask for, and what they are answered.
//! - [`rest`]: how everything must stand once no more time can bring anything new.
//! - [`explained`]: whether the words that people read are true.
//! - [`prepaid`]: an order of which a part is paid beside the instalments.
//! - [`found`]: sequences that once went wrong.
//! - [`cards`]: the same for orders that are paid by card.
//!
//! `PROPTEST_CASES` sets how many sequences each test plays (40 without it; `.ci/run` plays 1,000; a quarter of it for cards). A sequence
//! that fails is shrunk, shown with what was answered, and its seed is written into `proptest-regressions`, to be committed with the
//! repair; since a seed only stands for its sequence as long as the plan is not touched, the shrunk sequence is added to [`found`] too.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod agreement;
mod books;
mod cards;
mod explained;
mod found;
mod kept;
mod life;
mod office;
mod plan;
mod prepaid;
mod rest;
mod truth;

use proptest::test_runner::{Config, FileFailurePersistence, contextualize_config};
use proptest_state_machine::prop_state_machine;

use kept::{OnHold, OnShipment};
use life::Lives;

/// How many sequences each test plays without `PROPTEST_CASES`.
const SEQUENCES: u32 = 40;

fn config(seeds: &'static str) -> Config {
    contextualize_config(Config {
        cases: SEQUENCES,
        max_shrink_iters: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        ..Config::default()
    })
}

prop_state_machine! {
    #![proptest_config(config(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/on_hold.txt")))]

    #[test]
    fn a_payment_captured_at_once_comes_to_rest_as_mokka_has_it(sequential 1..24 => Lives<OnHold>);
}

prop_state_machine! {
    #![proptest_config(config(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/on_shipment.txt")))]

    #[test]
    fn a_payment_captured_on_shipment_comes_to_rest_as_mokka_has_it(sequential 1..24 => Lives<OnShipment>);
}
