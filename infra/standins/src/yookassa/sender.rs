//! Posts notifications to the shop, for as long as the runtime lives.

use std::sync::Arc;
use std::time::Duration;

use super::notices::{Notice, Posted, YookassaNotice};
use super::state::Yookassa;
use crate::locked::locked;

/// How often it is looked whether there is something to post.
const LOOK: Duration = Duration::from_millis(100);
/// How long a leap of the clock waits for what is being posted.
const BEFORE_A_LEAP: Duration = Duration::from_secs(20);

impl Yookassa {
    pub(super) fn notification_url(&self) -> Option<String> {
        locked(&self.url).clone()
    }

    /// Posts notifications there from now on.
    pub(crate) fn notify(self: &Arc<Self>, url: String) {
        if locked(&self.url).replace(url).is_none() {
            let yookassa = Arc::clone(self);
            tokio::spawn(async move { yookassa.post_by_itself().await });
        }
    }

    async fn post_by_itself(&self) {
        loop {
            if let Some(url) = self.notification_url() {
                for notice in self.take_notices() {
                    self.post(&url, notice).await;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// See [`crate::StandIns::take_yookassa_notices`].
    pub(crate) fn take_notices(&self) -> Vec<YookassaNotice> {
        self.with(|books, setting| books.notices.take_due(setting.now))
    }

    /// See [`crate::StandIns::yookassa_notice_posted`].
    pub(crate) fn notice_posted(&self, notice: YookassaNotice, answered: u16) {
        self.with(|books, setting| books.notices.post(notice, answered, setting.now));
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.with(|books, _| books.notices.posted())
    }

    /// Posts one that was taken; what the shop answered, 0 for nothing.
    pub(super) async fn post(&self, url: &str, notice: Notice) -> u16 {
        let scheme = url.split(':').next().unwrap_or_default();
        let answered = match self.clients.get(scheme) {
            Ok(client) => {
                let request = client.post(url).header("content-type", "application/json").body(notice.body.clone());
                request.send().await.map_or(0, |answer| answer.status().as_u16())
            }
            Err(_) => 0,
        };
        self.notice_posted(notice, answered);
        answered
    }
}

/// Waits until the notifications are posted whose time has come: none becomes old by a leap.
pub(crate) async fn settle(yookassa: &Yookassa) {
    let posted = async {
        while yookassa.notification_url().is_some() && yookassa.with(|books, setting| books.notices.is_busy(setting.now)) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // A shop that takes longer gets them late.
    drop(tokio::time::timeout(BEFORE_A_LEAP, posted).await);
}
