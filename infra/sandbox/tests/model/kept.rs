//! The environments in which the sequences are played: one for each policy, used again as long as nothing has gone wrong in it.

use std::sync::{Mutex, PoisonError};

use sandbox::functions::Story;
use standins::Options;
use tokio::runtime::{Builder, Runtime};

/// Everything that a sequence needs.
pub(crate) struct KeptEnvironment {
    /// One thread, so that what happens at once happens in much the same order each time.
    pub(crate) runtime: Runtime,
    pub(crate) rooms: Simulated,
}

/// The functions and the stand-ins around them, with the policy on holds.
pub(crate) struct Simulated {
    pub(crate) story: Story,
    pub(crate) policy: Policy,
}

/// When a hold is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    OnHold,
    OnShipment,
}

impl Policy {
    /// As settings say it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::OnHold => "on_hold",
            Self::OnShipment => "on_shipment",
        }
    }
}

/// An environment, kept from one sequence to the next.
pub(crate) trait Address: 'static {
    const POLICY: Policy;

    fn kept() -> &'static Mutex<Option<KeptEnvironment>>;

    /// Moves in.
    fn enter() -> KeptEnvironment {
        let kept = Self::kept().lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.unwrap_or_else(Self::build)
    }

    fn build() -> KeptEnvironment {
        KeptEnvironment::build(Self::POLICY)
    }

    /// Moves out, everything being in order.
    fn leave(kept_environment: KeptEnvironment) {
        *Self::kept().lock().unwrap_or_else(PoisonError::into_inner) = Some(kept_environment);
    }
}

/// `MOKKA_FINISH=on_hold`.
pub(crate) struct OnHold;

impl Address for OnHold {
    const POLICY: Policy = Policy::OnHold;

    fn kept() -> &'static Mutex<Option<KeptEnvironment>> {
        static KEPT: Mutex<Option<KeptEnvironment>> = Mutex::new(None);
        &KEPT
    }
}

/// `MOKKA_FINISH=on_shipment`.
pub(crate) struct OnShipment;

impl Address for OnShipment {
    const POLICY: Policy = Policy::OnShipment;

    fn kept() -> &'static Mutex<Option<KeptEnvironment>> {
        static KEPT: Mutex<Option<KeptEnvironment>> = Mutex::new(None);
        &KEPT
    }
}

impl KeptEnvironment {
    pub(crate) fn build(policy: Policy) -> Self {
        Self::with(policy, &[("MOKKA_FINISH", policy.word())])
    }

    /// With these settings, of which one says the policy.
    pub(crate) fn with(policy: Policy, changes: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rooms = runtime.block_on(async {
            let options = Options { record_calls: false, ..Options::default() };
            let story = Story::start_with(options, changes).await;
            Simulated { story, policy }
        });
        Self { runtime, rooms }
    }
}
