//! The environments in which the sequences are played: one for each policy, used again as long as nothing has gone wrong in it.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sandbox::functions::Story;
use standins::Options;
use tokio::runtime::{Builder, Runtime};

/// Those in which nobody lives, by their addresses.
static KEPT: Mutex<BTreeMap<TypeId, KeptEnvironment>> = Mutex::new(BTreeMap::new());

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

    /// Moves in.
    fn enter() -> KeptEnvironment {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).remove(&TypeId::of::<Self>());
        kept.unwrap_or_else(Self::build)
    }

    fn build() -> KeptEnvironment {
        KeptEnvironment::build(Self::POLICY)
    }

    /// Moves out, everything being in order.
    fn leave(kept_environment: KeptEnvironment) {
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<Self>(), kept_environment);
    }
}

/// `MOKKA_FINISH=on_hold`.
pub(crate) struct OnHold;

impl Address for OnHold {
    const POLICY: Policy = Policy::OnHold;
}

/// `MOKKA_FINISH=on_shipment`.
pub(crate) struct OnShipment;

impl Address for OnShipment {
    const POLICY: Policy = Policy::OnShipment;
}

impl KeptEnvironment {
    pub(crate) fn build(policy: Policy) -> Self {
        Self::with(policy, &[("MOKKA_FINISH", policy.word())])
    }

    /// With these settings, of which one says the policy.
    pub(crate) fn with(policy: Policy, changes: &[(&str, &str)]) -> Self {
        Self::with_options(policy, Options::default(), changes)
    }

    /// The same with stand-ins of these options.
    pub(crate) fn with_options(policy: Policy, options: Options, changes: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rooms = runtime.block_on(async {
            let options = Options { record_calls: false, ..options };
            let story = Story::start_with(options, changes).await;
            Simulated { story, policy }
        });
        Self { runtime, rooms }
    }
}
