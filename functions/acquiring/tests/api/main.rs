//! Acquiring from outside: HTTP events in; answers, stored state and calls to Mokka out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bill;
mod capture;
mod crash;
mod create;
mod input;
mod known;
#[cfg(target_os = "linux")]
mod memory;
mod offers;
mod orders;
mod reality;
mod samples;
mod store;

use testkit::{Cast, Function, http};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), http!(acquiring), http!(mokka_callback)]
    }
}

type Story = testkit::Story<Here>;
