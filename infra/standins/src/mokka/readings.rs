//! What Mokka's document leaves open, as switches: each has the reading that we assume, and the others that a real Mokka may have.

use crate::readings::Open;
use crate::system::System;

/// A thing that the document leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// Code 100 as the answer to a call that changes something (the fault `refused`).
    CannotProcess,
    /// Status after the customer has decided and the callback was sent.
    StatusAfterDecision,
    /// Status after everything was given back.
    StatusAfterReturn,
    /// Status of an order that was not decided in its time.
    StatusPastEnd,
    /// A form that was declined, or whose time is over, and that the customer still has open.
    LateForm,
    /// The amount in Status after something was given back.
    AmountAfterReturn,
    /// A call whose caller gave up (the fault `answer_lost`).
    LostCall,
    /// Whose phone the customer confirms on the form.
    PhoneOnForm,
    /// What an answer or a callback has no need to say.
    OptionalFields,
    /// Amounts in answers.
    Amounts,
    /// The content type of answers.
    ContentType,
    /// The amount of an order that is prepaid, wherever Mokka says or takes one after Checkout.
    PrepaidAmount,
    /// The amount of Finish and Change for an order that is prepaid.
    PrepaidCommands,
    /// The form's own prepayment, as it is set up on Mokka's side.
    PrepaymentOnForm,
}

impl Open for Reading {
    const SYSTEM: System = System::Mokka;
    const ALL: &[Self] = &[
        Self::CannotProcess,
        Self::StatusAfterDecision,
        Self::StatusAfterReturn,
        Self::StatusPastEnd,
        Self::LateForm,
        Self::AmountAfterReturn,
        Self::LostCall,
        Self::PhoneOnForm,
        Self::OptionalFields,
        Self::Amounts,
        Self::ContentType,
        Self::PrepaidAmount,
        Self::PrepaidCommands,
        Self::PrepaymentOnForm,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::CannotProcess => "cannot_process",
            Self::StatusAfterDecision => "status_after_decision",
            Self::StatusAfterReturn => "status_after_return",
            Self::StatusPastEnd => "status_past_end",
            Self::LateForm => "late_form",
            Self::AmountAfterReturn => "amount_after_return",
            Self::LostCall => "lost_call",
            Self::PhoneOnForm => "phone_on_form",
            Self::OptionalFields => "optional_fields",
            Self::Amounts => "amounts",
            Self::ContentType => "content_type",
            Self::PrepaidAmount => "prepaid_amount",
            Self::PrepaidCommands => "prepaid_commands",
            Self::PrepaymentOnForm => "prepayment_on_form",
        }
    }

    fn values(self) -> [&'static str; 2] {
        match self {
            Self::CannotProcess => ["nothing_done", "done"],
            Self::StatusAfterDecision => ["at_once", "behind"],
            Self::StatusAfterReturn => ["refunded", "finished"],
            Self::StatusPastEnd => ["expired", "pending"],
            Self::LateForm => ["refused", "approved"],
            Self::AmountAfterReturn => ["whole", "rest"],
            Self::LostCall => ["at_once", "later"],
            Self::PhoneOnForm => ["same", "another"],
            Self::OptionalFields => ["given", "null"],
            Self::Amounts => ["text", "number"],
            Self::ContentType => ["application/json", "text/html"],
            Self::PrepaidAmount => ["rest", "whole"],
            Self::PrepaidCommands => ["as_status", "otherwise"],
            Self::PrepaymentOnForm => ["none", "thousand"],
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::CannotProcess => "whether a call that is answered with 100 (the fault `refused`) was carried out",
            Self::StatusAfterDecision => "whether Status shows a decision at once, or still says pending after the callback",
            Self::StatusAfterReturn => "what Status says after everything was given back",
            Self::StatusPastEnd => "what Status says of an undecided order whose time is over, beside expired: true",
            Self::LateForm => "whether a form can still be approved after it was declined or its time was over",
            Self::AmountAfterReturn => "whether Status goes on to give the whole amount after a return, or what is left",
            Self::LostCall => {
                "whether a call without an answer (the fault `answer_lost`) is carried out at once, or 20 seconds later"
            }
            Self::PhoneOnForm => {
                "whether customers confirm the phone of the Checkout on the form, or another: then a Checkout that is repeated is 70"
            }
            Self::OptionalFields => "whether answers and callbacks give what the document does not need, or null for it",
            Self::Amounts => "whether Status gives amounts as text or as JSON numbers",
            Self::ContentType => "what Mokka calls its JSON",
            Self::PrepaidAmount => {
                "whether Status and callbacks name the amount of a prepaid order without its prepayment, or with it"
            }
            Self::PrepaidCommands => {
                "whether Finish and Change name the amount of a prepaid order as Status does, or the other way"
            }
            Self::PrepaymentOnForm => {
                "whether customers choose a prepayment on the form, of a thousand roubles, to be paid afterwards"
            }
        }
    }
}
