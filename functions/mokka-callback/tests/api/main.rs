//! Mokka's callback and the customer's return, from outside: HTTP events in; answers, stored state and calls to Mokka out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callback;
mod landing;
#[cfg(target_os = "linux")]
mod memory;
mod readings;
mod registration;

use testkit::{Cast, Function, http, worker};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), http!(acquiring), http!(mokka_callback), http!(back_office), worker!(reconcile)]
    }
}

type Story = testkit::Story<Here>;
