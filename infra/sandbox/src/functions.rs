//! The functions as they are deployed: the same libraries, built from the same settings, called with the same events.

use std::collections::BTreeMap;

use emulators::functions::{Function, Functions};
use emulators::{http, worker};
use shared::platform::env::ConfigError;
use shared::platform::runtime::Platform;
use testkit::Cast;

/// Every function of the template.
pub struct Everything;

impl Cast for Everything {
    fn functions() -> Vec<Function> {
        vec![
            http!(orders),
            http!(payments),
            http!(acquiring),
            http!(form_otp),
            http!(mokka_callback),
            http!(card_callback),
            http!(back_office),
            http!(sms_reports),
            worker!(orders, record_queued),
            worker!(payment_events),
            worker!(form_delivery),
            worker!(reconcile),
            worker!(price_feed),
            worker!(sms_watch),
        ]
    }
}

/// Builds every function with the same settings.
pub fn build(settings: &BTreeMap<String, String>, platform: &Platform) -> Result<Functions, ConfigError> {
    Functions::build(&Everything::functions(), settings, platform)
}

/// The main job with every function around it.
pub type Story = testkit::Story<Everything>;
