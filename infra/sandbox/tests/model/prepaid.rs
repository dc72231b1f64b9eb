//! What of an order is paid beside the instalments, in the two ways of Mokka's document, and how Mokka names the amounts then.

use sandbox::functions::Story;
use serde_json::{Value, json};

/// What is prepaid, in kopecks: by the shop's word, and by what customers choose on the simulated Mokka's form.
pub(crate) const PREPAID: i64 = 100_000;
/// The readings of prepaid orders.
pub(crate) const PREPAID_READINGS: [(&str, [&str; 2]); 3] =
    [("prepaid_amount", ["rest", "whole"]), ("prepaid_commands", ["as_status", "otherwise"]), (ON_FORM, ["none", "thousand"])];
/// The one that the customer sees.
pub(crate) const ON_FORM: &str = "prepayment_on_form";

/// How an order is prepaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    #[default]
    None,
    /// Before, as the shop says with the order.
    Before,
    /// After the form, on the shop's page.
    After,
}

impl Way {
    /// Lets the shop say so of the orders that it accepts from now on.
    pub(crate) fn said_by_the_shop(self, story: &Story) {
        let standins = story.environment.standins();
        standins.clear_shop_answers();
        let answer: Option<Value> = match self {
            Self::None => None,
            Self::Before => Some(json!({"prepayment": "1000.00"})),
            Self::After => Some(json!({"prepaymentUrl": "https://shop.example/prepay?order=1"})),
        };
        if let Some(answer) = answer {
            standins.shop_answers(answer).expect("an answer of the shop");
        }
    }
}

/// How the order of a life is prepaid, and how Mokka is read then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prepaying {
    pub(crate) way: Way,
    /// Status and callbacks name the whole order.
    pub(crate) whole: bool,
    /// Finish and Change name it the other way than Status.
    pub(crate) otherwise: bool,
    /// The customer chooses a prepayment on the form.
    pub(crate) on_form: bool,
}

impl Prepaying {
    /// Lets the simulated Mokka and the shop be so.
    pub(crate) fn begins(self, story: &Story) {
        for ((name, values), other) in PREPAID_READINGS.into_iter().zip([self.whole, self.otherwise, self.on_form]) {
            story.environment.standins().set_reading(name, values[usize::from(other)]).expect("a reading of the stand-in");
        }
        self.way.said_by_the_shop(story);
    }

    /// The customer prepays on the form.
    pub(crate) fn is_chosen(self) -> bool {
        self.way == Way::After && self.on_form
    }

    /// Only Mokka's callback tells what of the amount in Status is prepaid.
    pub(crate) fn needs_callback(self) -> bool {
        self.whole && (self.way == Way::Before || self.is_chosen())
    }

    /// A prepayment may have been chosen on the form of this stored payment, of which only Mokka's callback can tell, and has not told.
    pub(crate) fn is_unheard(self, stored: &Value) -> bool {
        let prepaid = &stored["prepaid"];
        self.whole && self.on_form && prepaid["page"].is_string() && prepaid["amount"].is_null()
    }

    /// Mokka's callback is still to say what of this stored payment is prepaid; until then an amount that contains it is one that nobody
    /// can tell, and so is one that is first heard of when it was captured in the cabinet.
    pub(crate) fn is_unsaid(self, stored: &Value) -> bool {
        let prepaid = &stored["prepaid"];
        let is_open = !matches!(stored["state"].as_str(), Some("declined" | "canceled" | "expired"));
        let is_chosen = self.on_form && prepaid["page"].is_string();
        let is_whole = self.whole && (is_chosen || !prepaid["page"].is_string()) && prepaid["confirmed"] != true;
        let is_strange = is_chosen && prepaid["amount"].is_null() && stored["mismatch"].is_string();
        is_open && prepaid.is_object() && (is_whole || is_strange)
    }

    /// What is held waits for the shop, whatever the policy, and is paid once it is captured.
    pub(crate) fn waits(self) -> bool {
        self.way == Way::After
    }
}
