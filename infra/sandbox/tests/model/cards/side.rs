//! How a payment stands at its provider, whichever that is.

use sandbox::functions::Story;
use serde_json::Value;
use shared::platform::clock::Timestamp;
use standins::MokkaStatus;

use crate::books::Books;
use crate::truth::Truth;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Held,
    /// The money was taken, whatever of it was given back.
    Captured,
    /// There is no money, and none can come.
    Failed,
}

/// The provider's side of a payment. Amounts are kopecks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The provider's id.
    pub(crate) id: String,
    pub(crate) standing: Standing,
    /// What is to be paid, is held or was captured.
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
    /// What refunds are about to give back.
    pub(crate) under_way: i64,
    /// How many refunds there are, those that are under way too.
    pub(crate) refunds: usize,
    /// When it ends by itself, in milliseconds since 1970.
    pub(crate) ends_at: Option<i64>,
    /// Where the customer pays.
    pub(crate) page: Option<String>,
    /// What the receipts of its money and of its refunds say in all, in thousandths of a kopeck; none where none are made.
    pub(crate) receipted: Option<i64>,
    /// How many second receipts there are.
    pub(crate) second_receipts: usize,
    /// As YooKassa shows it; null for Mokka's.
    pub(crate) shown: Value,
}

impl Side {
    /// The only payment that the provider has under our number.
    pub(crate) fn of(story: &Story, books: &Books) -> Option<Self> {
        if books.item["provider"] == "mokka" {
            return Truth::of(story, &books.id).map(|truth| Self::at_mokka(&books.id, &truth));
        }
        let ours = story.environment.standins().yookassa_payments_of(&books.id);
        assert!(ours.len() <= 1, "{} is paid once: {ours:?}", books.id);
        ours.first().map(|payment| Self::at_yookassa(story, payment))
    }

    fn at_mokka(id: &str, truth: &Truth) -> Self {
        let standing = match truth.status {
            MokkaStatus::Pending => Standing::Open,
            MokkaStatus::Hold => Standing::Held,
            MokkaStatus::Finished | MokkaStatus::Refunded => Standing::Captured,
            MokkaStatus::Canceled | MokkaStatus::Declined | MokkaStatus::Expired | MokkaStatus::Other(_) => Standing::Failed,
        };
        let is_open = matches!(standing, Standing::Open | Standing::Held);
        Self {
            id: id.to_owned(),
            standing,
            amount: truth.amount,
            refunded: truth.returned,
            under_way: 0,
            refunds: usize::from(truth.returned > 0),
            ends_at: is_open.then_some(truth.valid_till),
            page: (standing == Standing::Open).then(|| truth.form_url.clone()),
            receipted: None,
            second_receipts: 0,
            shown: Value::Null,
        }
    }

    fn at_yookassa(story: &Story, payment: &Value) -> Self {
        let standing = match payment["status"].as_str() {
            Some("pending") => Standing::Open,
            Some("waiting_for_capture") => Standing::Held,
            Some("succeeded") => Standing::Captured,
            Some("canceled") => Standing::Failed,
            other => panic!("a status of YooKassa: {other:?}"),
        };
        let moment = |field: &str| Some(Timestamp::from_rfc3339(payment[field].as_str()?).expect("a moment").millis());
        let hour = || moment("created_at").map(|at| at + 60 * 60 * 1000);
        let id = payment["id"].as_str().expect("an id");
        let receipts = story.environment.standins().yookassa_receipts_of(books_id(payment));
        let refunds = story.environment.standins().yookassa_refunds_of(id);
        let under_way = refunds.iter().filter(|refund| refund["status"] == "pending");
        Self {
            id: id.to_owned(),
            standing,
            amount: kopecks(&payment["amount"]),
            refunded: if payment["refunded_amount"].is_null() { 0 } else { kopecks(&payment["refunded_amount"]) },
            under_way: under_way.map(|refund| kopecks(&refund["amount"])).sum(),
            refunds: refunds.len(),
            ends_at: moment("expires_at").or_else(|| hour().filter(|_| standing == Standing::Open)),
            page: payment["confirmation"]["confirmation_url"].as_str().map(str::to_owned),
            receipted: receipted(&receipts),
            second_receipts: receipts.iter().filter(|receipt| is_live(receipt) && is_second(receipt)).count(),
            shown: payment.clone(),
        }
    }

    pub(crate) fn is_captured(&self) -> bool {
        self.standing == Standing::Captured
    }

    /// There is money of the customer's with the shop, or held for it.
    pub(crate) fn has_money(&self) -> bool {
        match self.standing {
            Standing::Held => true,
            Standing::Captured => self.refunded < self.amount,
            Standing::Open | Standing::Failed => false,
        }
    }

    /// Whether our state says the same.
    pub(crate) fn agrees(&self, state: &str) -> bool {
        match self.standing {
            Standing::Open => state == "pending",
            Standing::Held => state == "held",
            Standing::Captured if self.refunded == self.amount => state == "refunded",
            Standing::Captured if self.refunded > 0 => state == "partially_refunded",
            Standing::Captured => state == "captured",
            Standing::Failed => matches!(state, "declined" | "canceled" | "expired"),
        }
    }

    /// What calls can change.
    pub(crate) fn effects(&self) -> (Standing, i64, i64, usize) {
        (self.standing, self.amount, self.refunded, self.refunds)
    }
}

/// Our id of a payment of YooKassa's.
fn books_id(payment: &Value) -> &str {
    payment["metadata"]["payment_id"].as_str().expect("our id")
}

/// What receipts say of money that came, less what they say of money that went back. The second receipt of what was paid in advance says
/// nothing of either.
fn receipted(receipts: &[Value]) -> Option<i64> {
    let sums = receipts.iter().filter(|receipt| is_live(receipt) && !is_second(receipt)).map(|receipt| {
        let sum: i64 = receipt["items"].as_array().expect("items").iter().map(cost).sum();
        if receipt["type"] == "refund" { -sum } else { sum }
    });
    (!receipts.is_empty()).then(|| sums.sum())
}

fn is_live(receipt: &Value) -> bool {
    receipt["status"] != "canceled"
}

/// Of goods that were paid in advance.
fn is_second(receipt: &Value) -> bool {
    receipt["settlements"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "prepayment"))
}

/// In thousandths of a kopeck.
fn cost(item: &Value) -> i64 {
    let quantity = item["quantity"].as_str().map_or_else(|| item["quantity"].to_string(), str::to_owned);
    let (whole, part) = quantity.split_once('.').unwrap_or((&quantity, ""));
    let thousandths: i64 = format!("{whole}{part:0<3}").parse().expect("a quantity with at most three decimals");
    thousandths * kopecks(&item["amount"])
}

fn kopecks(amount: &Value) -> i64 {
    amount["value"].as_str().expect("an amount").replace('.', "").parse().expect("an amount with two decimals")
}
