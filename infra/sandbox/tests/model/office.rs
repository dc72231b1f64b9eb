//! What the shop's people ask the back office for, and what they are answered.

use sandbox::functions::Story;
use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use testkit::Event;
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY};

use crate::books::Books;
use crate::truth::Truth;

/// How much is to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// So many kopecks.
    Of(i64),
    /// All that is left, without naming it.
    Rest,
}

/// The back office's routes.
pub(crate) struct Office<'a>(pub(crate) &'a Story);

/// What the office answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// It will be done at its time.
    Scheduled,
    /// It will be done when another person has approved it.
    AwaitsApproval,
    /// It is being found out.
    Unknown,
    /// The state of things forbids it; nothing was done.
    Forbidden(String),
    /// The provider refused it; nothing was done.
    Refused(String),
    /// The provider could not be asked; nothing was done.
    Unavailable,
    /// There is no such payment.
    NoPayment,
    /// Our own fault.
    Failed,
}

impl Office<'_> {
    pub(crate) async fn ask(&self, payment: &str, what: &str, key: &str, body: Value, headers: &[(&str, &str)]) -> Verdict {
        let event = Event::post(&format!("/v1/back-office/payments/{payment}/{what}")).key(key).json(body);
        let event = headers.iter().fold(event, |event, (name, value)| event.header(name, value));
        self.send(what, event).await
    }

    pub(crate) async fn send(&self, what: &str, event: Event) -> Verdict {
        let answer = self.0.back_office(event.rest()).await;
        let word = |field: &str| answer.json()[field].as_str().unwrap_or_default().to_owned();
        match answer.status {
            200 => Verdict::Done,
            202 if word("outcome") == "scheduled" => Verdict::Scheduled,
            202 if word("outcome") == "awaits_approval" => Verdict::AwaitsApproval,
            202 => Verdict::Unknown,
            404 => Verdict::NoPayment,
            409 => Verdict::Forbidden(word("code")),
            502 => Verdict::Refused(word("provider_code")),
            503 => Verdict::Unavailable,
            500 => Verdict::Failed,
            status => panic!("{what} was answered {status} {}", answer.body),
        }
    }

    pub(crate) async fn finish(&self, payment: &str) -> Verdict {
        self.ask(payment, "finish", OPERATOR_KEY, json!({"check_number": "K-1"}), &[]).await
    }

    pub(crate) async fn cancel(&self, payment: &str) -> Verdict {
        self.ask(payment, "cancel", OPERATOR_KEY, json!({}), &[]).await
    }

    /// Kopecks, and milliseconds since 1970.
    pub(crate) async fn change(&self, payment: &str, amount: i64, valid_till: i64) -> Verdict {
        let amount = rubles(amount);
        let valid_till = Timestamp::from_millis(valid_till).rfc3339();
        let cart = json!([{"name": "Чайник", "price": amount, "quantity": 1}]);
        let body = json!({"amount": amount, "valid_till": valid_till, "cart": cart});
        self.ask(payment, "change", OPERATOR_KEY, body, &[]).await
    }

    pub(crate) async fn refund(&self, payment: &str, part: Part, key: &str) -> Verdict {
        self.refund_at(payment, part, key, "now").await
    }

    pub(crate) async fn refund_at(&self, payment: &str, part: Part, key: &str, when: &str) -> Verdict {
        self.refund_by(CASHIER_KEY, payment, part, key, when).await
    }

    pub(crate) async fn refund_by(&self, who: &str, payment: &str, part: Part, key: &str, when: &str) -> Verdict {
        let body = match part {
            Part::Of(amount) => json!({"amount": rubles(amount), "when": when}),
            Part::Rest => json!({"when": when}),
        };
        self.ask(payment, "refunds", who, body, &[("Idempotency-Key", key)]).await
    }

    pub(crate) async fn settle(&self, payment: &str) -> Verdict {
        self.ask(payment, "settle", OPERATOR_KEY, json!({}), &[]).await
    }

    /// Lets a person look into Mokka's cabinet for what is on the list and only a person can decide, and say what is there: of which
    /// refund, whether it was made, and what came of saying so.
    pub(crate) async fn clear_up(&self, books: &Books) -> Option<(usize, bool, Verdict)> {
        let truth = Truth::of(self.0, &books.id).filter(Truth::is_captured)?;
        let refund = books.undecided_refund().filter(|_| books.needs_attention())?;
        let made = truth.returned > books.refunds("made");
        Some((refund, made, self.outcome(&books.id, refund, made).await))
    }

    pub(crate) async fn approve(&self, payment: &str, refund: usize, who: &str) -> Verdict {
        self.ask(payment, &format!("refunds/{refund}/approve"), who, json!({}), &[]).await
    }

    /// Lets a person see on the list what was paid for IMSHOP and is not any more, a scheduled refund that was refused, and one that awaits
    /// approval, which they approve.
    pub(crate) async fn see(&self, books: &Books) {
        for refund in books.unapproved_refunds().into_iter().filter(|_| books.needs_attention()) {
            self.approve(&books.id, refund, CASHIER_KEY).await;
        }
        if books.needs_attention() && (books.is_lost() || books.has_unseen_refusal()) {
            self.settle(&books.id).await;
        }
    }

    async fn outcome(&self, payment: &str, refund: usize, made: bool) -> Verdict {
        self.ask(payment, &format!("refunds/{refund}/outcome"), CASHIER_KEY, json!({"made": made}), &[]).await
    }
}

pub(crate) fn rubles(kopecks: i64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}
