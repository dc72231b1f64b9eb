//! What Mokka's document leaves open, as switches: each has the reading that we assume, and the others that a real Mokka may have.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::error::{ControlError, list};
use crate::world::locked;

/// A thing that the document leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// Code 100 as the answer to a call that changes something (the fault `refused`).
    CannotProcess,
    /// Status after the customer has decided and the callback was sent.
    StatusAfterDecision,
    /// Status after everything was given back.
    StatusAfterReturn,
    /// Status of an order that nobody decided in its time.
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
}

impl Reading {
    const ALL: [Self; 11] = [
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
        }
    }

    /// What it can be: the one that we assume first.
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
        }
    }
}

/// The readings in force.
#[derive(Default)]
pub(crate) struct Readings(Mutex<BTreeMap<Reading, &'static str>>);

impl Readings {
    /// Lets one be read in another way.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<(), ControlError> {
        let reading = Reading::ALL.into_iter().find(|reading| reading.name() == name).ok_or_else(|| {
            ControlError::field("name", format!("`{name}` is none of {}", list(Reading::ALL.into_iter().map(Reading::name))))
        })?;
        let value = reading.values().into_iter().find(|known| *known == value).ok_or_else(|| {
            ControlError::field("value", format!("`{value}` is none of {}", list(reading.values().into_iter())))
        })?;
        locked(&self.0).insert(reading, value);
        Ok(())
    }

    /// Whether it is read in the other way than we assume.
    pub(crate) fn is_other(&self, reading: Reading) -> bool {
        let [assumed, _] = reading.values();
        locked(&self.0).get(&reading).is_some_and(|value| *value != assumed)
    }

    /// All of them, with what they can be and what it means.
    pub(crate) fn list(&self) -> Vec<Value> {
        let readings = Reading::ALL.into_iter().map(|reading| {
            let values = reading.values();
            let value = values[usize::from(self.is_other(reading))];
            json!({"system": "mokka", "name": reading.name(), "value": value, "values": values, "meaning": reading.meaning()})
        });
        readings.collect()
    }
}
