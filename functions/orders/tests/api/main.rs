//! Orders from outside: HTTP events in; answers, stored orders and calls to the shop out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod large;
mod matching;
#[cfg(target_os = "linux")]
mod memory;
mod push;
mod queued;
mod relay;
mod tax;
mod text;

use testkit::{Cast, Function, http, worker};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), worker!(orders, record_queued), http!(acquiring)]
    }
}

type Story = testkit::Story<Here>;
