//! What was counted is measured, and judged: an alarm is raised once for each group and window.

use std::collections::{BTreeMap, BTreeSet};

use shared::forms::sms::{Counts, Group, Sms};
use shared::forms::store::otp::Conversion;
use shared::platform::dynamodb::{StoreError, Written};
use shared::platform::metrics::{self, Metrics};

use crate::Deps;

/// What an SMS is counted in.
pub(crate) fn groups(sms: &Sms) -> [Group; 2] {
    [Group::Operator(sms.operator.clone()), Group::Range(sms.range.clone())]
}

/// Measures what an SMS was counted for.
pub(crate) fn measure(metrics: &Metrics, sms: &Sms, added: Counts) {
    let Counts { sent, delivered, entered } = added;
    let values = [(metrics::SMS_SENT, sent), (metrics::SMS_DELIVERED, delivered), (metrics::SMS_ENTERED, entered)];
    metrics.emit(
        &values.map(|(metric, number)| (metric, number.into())),
        &[(metrics::OPERATOR, &sms.operator), (metrics::RANGE, &sms.range)],
    );
}

/// Looks at every group that was added to; how many alarms were raised.
pub(crate) async fn judge(deps: &Deps, counted: &BTreeMap<(String, String), Counts>) -> Result<u32, StoreError> {
    let groups = counted.keys().flat_map(|(operator, range)| [Group::Operator(operator.clone()), Group::Range(range.clone())]);
    let groups: BTreeSet<_> = groups.collect();
    let mut alarms = 0;
    for group in groups {
        let now = deps.clock.now();
        let known = deps.otp.conversion(&group, now, deps.thresholds.window_hours).await?;
        let told = known.alarmed_at.is_some_and(|at| now.since(at) < deps.thresholds.window());
        if told || !deps.thresholds.are_missed_by(known.counts) {
            continue;
        }
        // Only the run whose note is written raises the alarm.
        if deps.otp.note_alarm(&group, &known, now).await? == Written::Yes {
            alarms += 1;
            raise(deps, &group, &known);
        }
    }
    Ok(alarms)
}

fn raise(deps: &Deps, group: &Group, known: &Conversion) {
    let Counts { sent, delivered, entered } = known.counts;
    let (kind, name) = (group.kind(), group.name());
    tracing::error!(
        sms.group = kind,
        sms.name = name,
        sms.sent = sent,
        sms.delivered = delivered,
        sms.entered = entered,
        window_hours = deps.thresholds.window_hours,
        "codes by SMS are not entered; see [conversion] in forms.toml"
    );
    let field = match group {
        Group::Operator(_) => metrics::OPERATOR,
        Group::Range(_) => metrics::RANGE,
    };
    deps.metrics.emit(&[(metrics::SMS_CONVERSION_DROPPED, 1)], &[(field, name)]);
}
