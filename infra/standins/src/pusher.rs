//! Pushes SMSPRO's delivery reports to the shop, for as long as the runtime lives.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use crate::clock::Clock;
use crate::smspro::Smspro;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked whether there is something to push.
const LOOK: Duration = Duration::from_millis(100);
/// How long an SMS is on its way: its sender has noted by then that it was sent.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// How long a leap of the clock waits for what is being pushed.
const BEFORE_A_LEAP: Duration = Duration::from_secs(20);

/// Waits until the reports are pushed whose time has come: none becomes old by a leap.
pub(crate) async fn settle(smspro: &Smspro, clock: &Clock) {
    let pushed = async {
        while smspro.is_pushing(clock.now()) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // A receiver that takes longer gets them late.
    drop(tokio::time::timeout(BEFORE_A_LEAP, pushed).await);
}

pub(crate) async fn run(smspro: &Smspro, clock: &Clock, url: &str) {
    // Loopback needs no root certificates.
    let client = Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none()).tls_certs_only([]).build();
    let Ok(client) = client else { return };
    loop {
        let pushes = smspro.take_pushes(clock.now());
        if !pushes.is_empty() {
            tokio::time::sleep(ON_ITS_WAY).await;
        }
        for push in pushes {
            let request = client.post(url).header("content-type", "text/xml; charset=utf-8").body(push.body.clone());
            let status = request.send().await.map_or(0, |answer| answer.status().as_u16());
            smspro.pushed(push, status, clock.now());
        }
        tokio::time::sleep(LOOK).await;
    }
}
