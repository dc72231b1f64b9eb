//! What is counted by the hour and the day: taken before anything happens, given back if it did not.

use std::net::IpAddr;

use futures_util::future::join_all;
use shared::forms::challenge::{Alarm, FormsOf, LimitRefusal, Quota, Used};
use shared::forms::config;
use shared::forms::store::otp::{Otp, QuotaOutcome};
use shared::platform::clock::Timestamp;
use shared::platform::dynamodb::StoreError;
use shared::platform::ids::SubmissionId;
use shared::platform::metrics;
use shared::platform::phone::Phone;

use crate::Deps;
use crate::form::Form;

/// What a send counts against beside its phone and installation; the shop's budget last, so that no request holds a part of it that
/// is refused for another reason.
pub(crate) fn of_send(
    deps: &Deps,
    config: &config::Form,
    form: &Form,
    phone: &Phone,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Vec<Quota> {
    let limits = &config.limits;
    let nobodys = form.installation.is_none().then(|| Quota::of_no_installation(limits, now));
    let by_address = address.and_then(|address| Quota::of_address(limits, &deps.internal, address, now));
    let by_prefix = Some(Quota::of_prefix(limits, phone, now));
    [by_prefix, by_address, nobodys, Some(Quota::of_shop(limits, now))].into_iter().flatten().collect()
}

/// What a wrong code counts against, across codes and forms.
pub(crate) fn of_wrong_codes(deps: &Deps, config: &config::Form, form: &Form, phone: &Phone, now: Timestamp) -> [Quota; 2] {
    [
        Quota::of_wrong_codes_for(&config.limits, &deps.internal, phone, now),
        Quota::of_wrong_codes_from(&config.limits, &deps.internal, form.installation.as_ref(), phone, now),
    ]
}

/// What a form without a code counts against; the shop's day last. The few forms of a phone and an installation are remembered, so
/// that one that is sent again, at once or later, counts once there.
pub(crate) fn of_form(
    deps: &Deps,
    config: &config::Form,
    form: &Form,
    phone: Option<&Phone>,
    id: &SubmissionId,
    now: Timestamp,
) -> Vec<Quota> {
    let (limits, installation) = (&config.limits, form.installation.as_ref());
    let by_phone = phone.map(|phone| Quota::of_forms_for(limits, &deps.internal, phone, now).once_for(id));
    let by_installation = Quota::of_forms_from(limits, &deps.internal, installation, now);
    let by_installation = if installation.is_some() { by_installation.once_for(id) } else { by_installation };
    by_phone.into_iter().chain([by_installation, Quota::of_forms(limits, now)]).collect()
}

/// The first quota of which there is no more to be had.
pub(crate) fn refusal(quotas: &[Quota], used: &[Used]) -> Option<LimitRefusal> {
    quotas.iter().zip(used).find_map(|(quota, used)| quota.refuses(*used))
}

/// Takes one of each, one after the other, and says which were not counted for the same thing before; of none, if there is no more of
/// one, and then why.
pub(crate) async fn acquire_all<'a>(
    deps: &Deps,
    quotas: &'a [Quota],
) -> Result<Result<Vec<&'a Quota>, LimitRefusal>, StoreError> {
    let otp = &deps.otp;
    let mut taken = Vec::with_capacity(quotas.len());
    for quota in quotas {
        let outcome = match otp.acquire_quota(quota).await {
            Ok(outcome) => outcome,
            Err(error) => {
                release_all(otp, taken).await;
                return Err(error);
            }
        };
        match outcome {
            QuotaOutcome::Yes(used) => {
                if let Some(percent) = quota.budget_used(used) {
                    deps.metrics.emit(&[(metrics::SMS_BUDGET_USED, percent.into())], &[]);
                }
                raise_alarm(deps, quota, used).await;
                taken.push(quota);
            }
            QuotaOutcome::Before => {}
            QuotaOutcome::No(refusal) => {
                release_all(otp, taken).await;
                return Ok(Err(refusal));
            }
        }
    }
    Ok(Ok(taken))
}

/// Gives one of each back. What cannot be given back stays counted until its window ends.
pub(crate) async fn release_all(otp: &Otp, quotas: impl IntoIterator<Item = &Quota>) {
    for result in join_all(quotas.into_iter().map(|quota| otp.release_quota(quota))).await {
        if let Err(cause) = result {
            tracing::warn!(cause = %cause, "a count could not be released and stays until its hour and day are over");
        }
    }
}

/// Counts in the alarm's metric each request that is refused by a form's own limit below the shop's: the shop's thresholds do not see it.
pub(crate) fn measure_own_limit(deps: &Deps, config: &config::Form, refusal: LimitRefusal) {
    let (own, shops) = (&config.limits, &deps.forms.limits);
    let (limit, metric, is_own) = match refusal {
        LimitRefusal::Shop(_) => ("sends_per_shop_per_day", metrics::SMS_USED_UP, own.sends_per_shop_per_day < shops.sends_per_shop_per_day),
        LimitRefusal::Forms(FormsOf::Shop, _) => {
            ("forms_per_shop_per_day", metrics::FORMS_USED_UP, own.forms_per_shop_per_day < shops.forms_per_shop_per_day)
        }
        LimitRefusal::CoolDown(_)
        | LimitRefusal::Hour(_)
        | LimitRefusal::Day(_)
        | LimitRefusal::Installation(_)
        | LimitRefusal::Prefix(_)
        | LimitRefusal::Address(_)
        | LimitRefusal::WrongCodes(_)
        // No form has one of its own of those without an installation.
        | LimitRefusal::Forms(FormsOf::Phone | FormsOf::Installation | FormsOf::NoInstallation, _) => return,
    };
    if is_own {
        let form = config.name.as_str();
        tracing::error!(form, limit, "a form's own limit of the day is used up, and the shop's is not; see forms.toml");
        deps.metrics.emit(&[(metric, 1)], &[(metrics::FORM, form)]);
    }
}

/// Raises the alarm, once, that the shop's SMS or forms of the day are running out or used up.
async fn raise_alarm(deps: &Deps, quota: &Quota, used: Used) {
    let Some(alarm) = quota.alarm(used) else { return };
    match deps.otp.raises_alarm(quota, alarm.threshold()).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(cause) => tracing::warn!(cause = %cause, "an alarm could not be noted and may be raised again"),
    }
    let metric = match (alarm, quota.forms()) {
        (Alarm::RunningOut(threshold), None) => {
            tracing::error!(threshold, "the shop's SMS of today are running out; see alarm_sends_per_shop_per_day in forms.toml");
            metrics::SMS_RUNNING_OUT
        }
        (Alarm::UsedUp(threshold), None) => {
            tracing::error!(threshold, "the shop's SMS of today are used up; see sends_per_shop_per_day in forms.toml");
            metrics::SMS_USED_UP
        }
        (Alarm::RunningOut(threshold), Some(_)) => {
            tracing::error!(
                threshold,
                "the shop's forms of today are running out; see alarm_forms_per_shop_per_day in forms.toml"
            );
            metrics::FORMS_RUNNING_OUT
        }
        (Alarm::UsedUp(threshold), Some(FormsOf::NoInstallation)) => {
            tracing::error!(
                threshold,
                "today's forms without an installation are used up; see forms_without_installation_per_day in forms.toml"
            );
            metrics::FORMS_USED_UP
        }
        (Alarm::UsedUp(threshold), Some(FormsOf::Shop | FormsOf::Phone | FormsOf::Installation)) => {
            tracing::error!(threshold, "the shop's forms of today are used up; see forms_per_shop_per_day in forms.toml");
            metrics::FORMS_USED_UP
        }
    };
    deps.metrics.emit(&[(metric, 1)], &[(metrics::THRESHOLD, &alarm.threshold().to_string())]);
}
