//! One run over the SMS that are due.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use shared::forms::sms::{Counts, Sms};
use shared::forms::smspro::{AskCode, AskError, DeliveryStatus, Reports};
use shared::platform::clock::Deadline;
use shared::platform::dynamodb::{StoreError, Written};

use crate::Deps;
use crate::conversion::{groups, measure};

/// How many keys are taken from the index at once.
const PAGE: u16 = 50;
/// What one SMS may take: a question to SMSPRO and the store's worst case around it. None is begun with less left.
const EACH: Duration = Duration::from_secs(9);
/// What must be left for judging what was counted.
const JUDGING: Duration = Duration::from_secs(5);
/// After so many failed questions in a row SMSPRO is taken for down, and the rest of the run leaves it alone.
const DOWN: u32 = 3;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SmsWatchReport {
    /// SMS polled.
    pub due: u32,
    /// SMS whose code's time is over, counted for the first time.
    pub counted: u32,
    /// Questions to SMSPRO.
    pub asked: u32,
    /// Answers that said something new.
    pub reported: u32,
    /// SMS whose poll failed for a fault of ours or of the store; the next run comes back to them.
    pub failed: u32,
    /// Alarms that were raised.
    pub alarms: u32,
    /// The time was over before the work.
    pub left: bool,
}

pub(crate) struct Run<'a> {
    deps: &'a Deps,
    deadline: Deadline,
    report: SmsWatchReport,
    /// What was added, by operator and range.
    counted: BTreeMap<(String, String), Counts>,
    /// Failed questions in a row.
    failed_in_a_row: u32,
    /// SMSPRO does not want to be asked in this run.
    is_throttled: bool,
}

impl<'a> Run<'a> {
    pub(crate) fn new(deps: &'a Deps, deadline: Deadline) -> Self {
        let deadline = deadline.before(JUDGING);
        Self {
            deps,
            deadline,
            report: SmsWatchReport::default(),
            counted: BTreeMap::new(),
            failed_in_a_row: 0,
            is_throttled: false,
        }
    }

    pub(crate) fn report(&self) -> SmsWatchReport {
        self.report
    }

    /// What was added, by operator and range.
    pub(crate) fn counted(&self) -> &BTreeMap<(String, String), Counts> {
        &self.counted
    }

    /// Polls every SMS that is due, the longest due first. What is due when it begins, so that it ends.
    pub(crate) async fn poll_due(&mut self) -> Result<(), StoreError> {
        let now = self.deps.clock.now();
        let mut from = None;
        loop {
            let page = self.deps.otp.due_sms(now, from.as_ref(), PAGE).await?;
            for id in page.entries {
                if self.deadline.allows(EACH).is_none_or(|left| left < EACH) {
                    self.report.left = true;
                    return Ok(());
                }
                if let Err(cause) = self.poll(&id).await {
                    self.report.failed += 1;
                    tracing::error!(transaction_id = id, cause = %cause, "an SMS could not be polled");
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Polls one SMS. The first write wins; the loser leaves it to the next run.
    async fn poll(&mut self, id: &str) -> Result<(), StoreError> {
        // The index is a moment late.
        let Some(sms) = self.deps.otp.sms(id).await?.filter(|sms| sms.is_due(self.deps.clock.now())) else { return Ok(()) };
        self.report.due += 1;
        let Some(reports) = self.deps.reports.as_ref().filter(|_| sms.lacks_report()) else {
            return self.save(sms, false).await.map(drop);
        };
        // Counted first: nothing of that waits for SMSPRO.
        let sms = if sms.uncounted(self.deps.clock.now()).is_some() {
            match self.save(sms, true).await? {
                Some(sms) => sms,
                None => return Ok(()),
            }
        } else {
            sms
        };
        let delivery = self.ask(reports, id).await;
        let now = self.deps.clock.now();
        if let Some(sms) = delivery.and_then(|delivery| sms.clone().reported(delivery, now)) {
            self.report.reported += 1;
            self.save(sms, true).await?;
        } else if sms.is_due(now) {
            // Counted long ago, so it is not planned again yet.
            self.save(sms, true).await?;
        }
        Ok(())
    }

    /// Writes an SMS as it is after this look, with what is to be counted; nothing if another request wrote first.
    async fn save(&mut self, sms: Sms, can_ask: bool) -> Result<Option<Sms>, StoreError> {
        let now = self.deps.clock.now();
        let added = sms.uncounted(now);
        let mut polled = sms.polled(now, can_ask);
        let written = match added {
            Some(added) => self.deps.otp.count_sms(&polled, added, &groups(&polled)).await?,
            None => self.deps.otp.save_sms(&polled).await?,
        };
        if written == Written::Conflict {
            return Ok(None);
        }
        polled.version += 1;
        if let Some(added) = added {
            self.report.counted += added.sent;
            measure(&self.deps.metrics, &polled, added);
            let counted = self.counted.entry((polled.operator.clone(), polled.range.clone())).or_default();
            *counted = counted.with(added);
        }
        Ok(Some(polled))
    }

    /// What SMSPRO says of an SMS, if it says something.
    async fn ask(&mut self, reports: &Reports, id: &str) -> Option<DeliveryStatus> {
        if self.is_throttled || self.failed_in_a_row >= DOWN {
            return None;
        }
        self.report.asked += 1;
        let answer = reports.ask(id, self.deadline).await;
        self.failed_in_a_row = if matches!(answer, Err(AskError::Unavailable(_))) { self.failed_in_a_row + 1 } else { 0 };
        match answer {
            Ok(delivery) => return Some(delivery),
            Err(AskError::Refused(code)) => match code {
                AskCode::NoReport => tracing::debug!(transaction_id = id, "SMSPRO has no report (yet)"),
                AskCode::TooMany => {
                    tracing::info!("SMSPRO wants fewer questions for reports: no more in this run");
                    self.is_throttled = true;
                }
                AskCode::BadLogin | AskCode::BadAddress => {
                    tracing::error!(
                        smspro.status = code.number(),
                        "SMSPRO gives no reports: the settings in its cabinet do not fit SMSPRO_LOGIN and SMSPRO_PASSWORD"
                    );
                    self.is_throttled = true;
                }
                AskCode::BadFormat => {
                    tracing::error!(
                        smspro.status = code.number(),
                        "SMSPRO cannot read our question for a report: a fault of this program"
                    );
                    self.is_throttled = true;
                }
                AskCode::Other(_) => {
                    tracing::error!(
                        smspro.status = code.number(),
                        "SMSPRO answered a question for a report with a status that is not documented for it"
                    );
                }
            },
            Err(AskError::Unavailable(cause)) => tracing::warn!(cause, "SMSPRO could not be asked for a report"),
        }
        None
    }
}
