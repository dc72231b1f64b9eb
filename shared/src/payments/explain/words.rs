//! What is said of a payment: to the operator in English, as the back office's other answers are, to the customer in Russian.

use super::situation::{Situation, news};
use super::view::ProviderView;
use crate::payments::payment::{Next, Payment, Refund, RefundStatus, ReportedState};
use crate::platform::clock::Timestamp;

/// For the operator.
#[expect(clippy::too_many_lines, reason = "a sentence for each situation, in one place")]
pub(super) fn text(situation: Situation, payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> String {
    let provider = payment.provider.as_str();
    let amount = payment.amount;
    let end = payment.valid_till.rfc3339();
    let reason = payment.reason.as_ref().map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
    match situation {
        Situation::SecondPayment => {
            format!(
                "{provider} has another payment with money under this number: give that one back in its cabinet, then `settle`"
            )
        }
        Situation::Mismatch => {
            let what = match news(payment, view, now) {
                Some(Next::Mismatch(what)) => what,
                _ => payment.mismatch.clone().unwrap_or_default(),
            };
            format!(
                "{provider} and our books contradict each other ({what}): compare both, put it right in its cabinet, then `settle`"
            )
        }
        Situation::HoldLost => {
            "IMSHOP was told that it is paid, and the hold has ended since: see that the goods do not ship, then `settle`"
                .to_owned()
        }
        Situation::CallUnderWay => format!("{provider} is being called just now: look again in half a minute"),
        Situation::ScheduledRefundRefused => {
            let refused = payment.refunds.iter().zip(1..).find(|(refund, _)| refund.is_refusal_unseen);
            match refused {
                Some((Refund { amount, status: RefundStatus::Refused(reason), .. }, number)) => format!(
                    "refund {number} of {amount} was scheduled and is refused ({}): give it back in another way, then `settle`",
                    reason.code
                ),
                Some(_) | None => "a scheduled refund is refused: give it back in another way, then `settle`".to_owned(),
            }
        }
        Situation::RefundAwaitsApproval => match payment.unapproved_refund() {
            Some((index, refund)) => format!(
                "refund {number} of {amount} is more than {by} gives back alone: another person with the role refund says \
                 `refunds/{number}/approve`, or `DELETE refunds/{number}` withdraws it",
                number = index + 1,
                amount = refund.amount,
                by = refund.by
            ),
            None => "a refund awaits the approval of another person".to_owned(),
        },
        Situation::RefundScheduled => match payment.next_scheduled_refund() {
            Some((index, at)) => format!(
                "refund {number} is made at {at}, as soon as {provider} takes it; until then `DELETE refunds/{number}` withdraws it",
                number = index + 1,
                at = at.rfc3339()
            ),
            None => format!("a refund is made as soon as {provider} takes it"),
        },
        Situation::RefundWaiting => {
            format!("a refund was asked for and has not reached {provider} yet; it is sent at the next look")
        }
        Situation::RefundUnclear => format!(
            "a refund was sent to {provider} and had no clear answer; what can be found out or repeated safely is. If it stays so, look it \
             up in the cabinet and say its `outcome`"
        ),
        Situation::RefundAccepted => {
            format!(
                "{provider} has accepted a refund, and the bank has not made it yet: it is asked about until it is made or refused"
            )
        }
        Situation::RefundOverdue => {
            format!(
                "{provider} accepted a refund more than four days ago, and it is not made: ask its support with the refund's id"
            )
        }
        Situation::CancelRefused => {
            format!("{provider} does not let the hold go{reason}: cancel it in its cabinet, then `settle`")
        }
        Situation::CancelUnclear => {
            format!("the hold is about to be let go, and {provider} has not confirmed it yet; it is repeated")
        }
        Situation::ChangeUnclear => {
            format!("a change of the hold is under way, and {provider} has not confirmed it yet; it is repeated")
        }
        Situation::ReceiptUnclear => {
            format!("the second receipt was asked for, and {provider} has not confirmed it yet; it is repeated")
        }
        Situation::Announced => {
            format!("{provider} has said that something happened, and its status does not show it yet; it is asked again soon")
        }
        Situation::ProviderUnavailable => {
            format!(
                "{provider} did not answer when it was asked, so that what our books say may be old; it is asked every minute"
            )
        }
        Situation::CallUnclear => {
            format!("a call to {provider} had no clear answer; what it says of the payment is asked before anything is repeated")
        }
        Situation::GivenUpHeld => format!(
            "the attempt had been given up, its customer paid it all the same, and {provider} does not let the hold go{reason}: cancel \
             it in its cabinet, then `settle`"
        ),
        Situation::GivenUpOpen => {
            format!(
                "the attempt was given up, and {provider} still does not say that it is over: cancel it in its cabinet, then `settle`"
            )
        }
        Situation::ProviderAhead => match view {
            ProviderView::Said(report) => format!(
                "{provider} says {}, and our books say {}: they take it over at the next look, or now by `settle`",
                said(&report.state),
                payment.state.name()
            ),
            ProviderView::NotAsked | ProviderView::Unavailable => format!("{provider} is ahead of our books: `settle`"),
        },
        Situation::GivenUp => {
            "the attempt was given up for another one, or by the shop; a hold that comes all the same is let go".to_owned()
        }
        Situation::ReceiptRejected => format!(
            "the money moved, and the cash register has not taken a receipt of it: see in {provider}'s cabinet which one and why, have it \
             made there, then `settle`"
        ),
        Situation::CaptureRefused => format!(
            "{amount} are held, and {provider} refuses to capture them{reason}: `cancel`, or capture it in its cabinet and `settle`"
        ),
        Situation::CaptureUnderWay => format!("{amount} are held and about to be captured; {provider} has not confirmed it yet"),
        Situation::BankDecides => {
            format!("the customer has finished, and the bank has not answered {provider} yet: do not open another attempt")
        }
        Situation::Overdue => {
            format!(
                "its time ended at {end}, and it is not known to be over at {provider}: it expires an hour later, or see the cabinet"
            )
        }
        Situation::Opening => format!("it is being opened at {provider}; nobody can have paid it yet"),
        Situation::WaitsForCustomer => format!("no money was seen of it yet; the customer can pay until {end}"),
        Situation::HoldEndsSoon => {
            format!(
                "{amount} are held and go back to the customer at {end}: ship and `finish`, hold it longer by `change`, or `cancel`"
            )
        }
        Situation::Untold => {
            format!("the payment is {}, and IMSHOP does not take what it should hear of it; it is repeated", payment.state.name())
        }
        Situation::Held => format!("{amount} are held until {end}: `finish` captures them, `cancel` lets them go"),
        Situation::Captured => format!("{amount} are captured: the order is paid"),
        Situation::PartiallyRefunded => format!("{} of {amount} are given back", payment.refunded()),
        Situation::Refunded => format!("all of {amount} is given back"),
        Situation::Declined => format!("no money came of it{reason}; the order can be paid again"),
        Situation::Canceled => "it was canceled before money was captured; the order can be paid again".to_owned(),
        Situation::Expired => "nobody paid it in time; the order can be paid again".to_owned(),
    }
}

/// What the provider says, in one word of ours or its own.
fn said(state: &ReportedState) -> &str {
    match state {
        ReportedState::Unregistered => "that it has none",
        ReportedState::Pending => "pending",
        ReportedState::Processing => "processing",
        ReportedState::Held => "held",
        ReportedState::Captured => "captured",
        ReportedState::Refunded => "refunded",
        ReportedState::Declined => "declined",
        ReportedState::Canceled => "canceled",
        ReportedState::Expired => "expired",
        ReportedState::Unrecognised(state) => state,
    }
}

/// What may be sent to the customer.
pub(super) fn customer_text(situation: Situation) -> &'static str {
    match situation {
        Situation::SecondPayment | Situation::Mismatch => {
            "Мы проверяем вашу оплату вручную. Пожалуйста, не платите ещё раз: мы напишем, когда закончим."
        }
        Situation::HoldLost => {
            "Банк снял блокировку суммы, и оплата не состоялась. Деньги не списаны; заказ можно оплатить заново."
        }
        Situation::CallUnderWay
        | Situation::Announced
        | Situation::ProviderUnavailable
        | Situation::CallUnclear
        | Situation::ProviderAhead
        | Situation::CaptureRefused
        | Situation::Overdue => "Мы уточняем состояние вашей оплаты. Пожалуйста, не платите ещё раз.",
        Situation::RefundScheduled
        | Situation::ScheduledRefundRefused
        | Situation::RefundAwaitsApproval
        | Situation::RefundWaiting
        | Situation::RefundUnclear => "Возврат оформляется. Мы следим за ним.",
        Situation::RefundAccepted | Situation::RefundOverdue => {
            "Возврат отправлен. Срок зачисления зависит от банка и обычно занимает несколько дней."
        }
        Situation::CancelRefused | Situation::CancelUnclear | Situation::GivenUpHeld => {
            "Оплата отменяется. Заблокированная сумма вернётся на ваш счёт."
        }
        Situation::ChangeUnclear => "Сумма заказа изменена, оплата обновляется.",
        Situation::GivenUpOpen | Situation::GivenUp | Situation::Canceled => "Этот платёж отменён, деньги по нему не списаны.",
        Situation::CaptureUnderWay => "Сумма заблокирована на вашем счёте, оплата завершается.",
        Situation::BankDecides => "Банк ещё подтверждает оплату. Пожалуйста, не платите ещё раз.",
        Situation::Opening | Situation::WaitsForCustomer => "Оплата пока не поступила.",
        Situation::HoldEndsSoon | Situation::Held => "Сумма заказа заблокирована на вашем счёте и ещё не списана.",
        Situation::ReceiptRejected | Situation::ReceiptUnclear => "Чек по этой оплате будет отправлен дополнительно.",
        Situation::Untold => "Состояние оплаты скоро обновится в приложении.",
        Situation::Captured => "Заказ оплачен.",
        Situation::PartiallyRefunded => "Часть суммы возвращена. Срок зачисления зависит от банка.",
        Situation::Refunded => "Деньги возвращены. Срок зачисления зависит от банка.",
        Situation::Declined => "Оплата не прошла, деньги не списаны. Попробуйте другой способ оплаты.",
        Situation::Expired => "Время на оплату истекло, деньги не списаны. Заказ можно оплатить заново.",
    }
}
