//! Which seeds are played.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shared::platform::clock::Random;
use tokio::runtime::Builder;

use crate::town::{Policy, Town};

/// Seeds that once failed: a policy, a seed, a number of orders in a line. A seed that fails is added here, to be committed with
/// the repair.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chaos/seeds.txt");
/// The seed of a run that says nothing.
const USUAL: u64 = 1;

/// Plays what the environment says.
pub(crate) fn play(policy: Policy) {
    let orders = testkit::size("CHAOS_ORDERS", 24);
    if let Ok(seed) = std::env::var("CHAOS_SEED") {
        return play_one(policy, seed.parse().expect("CHAOS_SEED is a number"), orders);
    }
    for (seed, orders) in kept(policy) {
        play_one(policy, seed, orders);
    }
    if std::env::var("CHAOS_SEEDS").is_err() {
        return play_one(policy, USUAL, orders);
    }
    for _ in 0..testkit::size("CHAOS_SEEDS", 1) {
        let random = Random::System.hex32().expect("random bytes");
        play_one(policy, u64::from_str_radix(&random[..8], 16).expect("hex"), orders);
    }
}

fn kept(policy: Policy) -> Vec<(u64, u32)> {
    let text = std::fs::read_to_string(KEPT).expect("the list of seeds");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let seeds = lines.filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [of, seed, orders, ..] = words[..] else { panic!("not a seed: {line}") };
        (of == policy.name()).then(|| (seed.parse().expect("a seed"), orders.parse().expect("a number of orders")))
    });
    seeds.collect()
}

fn play_one(policy: Policy, seed: u64, orders: u32) {
    let began = std::time::Instant::now();
    // One thread, so that what happens at once happens in much the same order each time.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(Town::live(policy, seed, orders))));
    match played {
        Ok(summary) => println!("{} seed {seed}, {orders} orders, {} s: {summary}", policy.name(), began.elapsed().as_secs()),
        Err(cause) => {
            keep(policy, seed, orders);
            println!(
                "this seed alone: CHAOS_SEED={seed} CHAOS_ORDERS={orders} cargo test -p sandbox --test chaos chaos_{}",
                policy.name()
            );
            resume_unwind(cause);
        }
    }
}

fn keep(policy: Policy, seed: u64, orders: u32) {
    if kept(policy).contains(&(seed, orders)) {
        return;
    }
    let file = std::fs::File::options().append(true).open(KEPT);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{} {seed} {orders}", policy.name())) {
        println!("the seed could not be added to {KEPT}: {error}");
    }
}
