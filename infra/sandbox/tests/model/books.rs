//! How a payment stands by our own store. Read as plain JSON: what is stored, not what our code makes of it.

use sandbox::functions::Story;
use serde_json::Value;
use shared::platform::secret::sha256_hex;
use testkit::Placed;

/// A stored payment. Amounts are kopecks, moments milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) item: Value,
}

impl Books {
    /// Every attempt to pay an order, oldest first.
    pub(crate) async fn of(story: &Story, order: &Placed) -> Vec<Self> {
        let attempts = story.environment.item("order-holds", &format!("order#{}", order.uuid)).await;
        let attempts = attempts.and_then(|item| item["attempts"].as_u64()).unwrap_or_default();
        let mut all = Vec::new();
        for attempt in 1..=u32::try_from(attempts).expect("few attempts") {
            let id = order.payment(attempt);
            let item = story.payment(&id).await;
            assert!(item.is_object(), "the order counts {attempts} attempts, and {id} is not there");
            all.push(Self { state: item["state"].as_str().expect("a state").to_owned(), id, item });
        }
        all
    }

    pub(crate) fn amount(&self) -> i64 {
        self.item["amount"].as_i64().expect("an amount")
    }

    /// What its lines for receipts cost; nothing if it keeps none.
    pub(crate) fn receipted(&self) -> Option<i64> {
        let lines = self.item["receipts"]["lines"].as_array()?;
        Some(lines.iter().filter_map(|line| line["amount"].as_i64()).sum())
    }

    /// An offer of which a piece can still be given back.
    pub(crate) fn sku_left(&self) -> Option<String> {
        let lines = self.item["receipts"]["lines"].as_array()?;
        let line = lines.iter().find(|line| line["quantity"].as_i64() >= Some(1000) && line["amount"].as_i64() > Some(0))?;
        Some(line["sku"].as_str()?.to_owned())
    }

    pub(crate) fn history(&self) -> &[Value] {
        self.item["history"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn moment(&self, field: &str) -> Option<i64> {
        self.item[field].as_i64()
    }

    pub(crate) fn is_leased(&self, now: i64) -> bool {
        self.moment("lease_until").is_some_and(|until| until > now)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.item["unknown"] == Value::Bool(true)
    }

    /// Given up while the customer could still pay it.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.item["withdrawn"] == Value::Bool(true)
    }

    /// The money is here, or a part of it.
    pub(crate) fn is_paid(&self) -> bool {
        matches!(self.state.as_str(), "captured" | "partially_refunded")
    }

    /// Nothing of it was captured, and nothing is about to be.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state.as_str(), "creating" | "pending" | "held")
    }

    /// In what it has gone back since it stood like `before`, if it has.
    pub(crate) fn step_back(&self, before: &Self) -> Option<String> {
        if !may_become(&before.state, &self.state) {
            return Some(format!("{}: {} became {}", self.id, before.state, self.state));
        }
        if !self.history().starts_with(before.history()) {
            return Some(format!("{}: the history was written anew", self.id));
        }
        let marks = ["version", "told_payment_status", "told_order_status"];
        let mark = marks.into_iter().find(|mark| self.moment(mark) < before.moment(mark))?;
        Some(format!("{}: {mark} went back", self.id))
    }

    /// It has ended without money.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state.as_str(), "declined" | "canceled" | "expired")
    }

    /// It has counted as paid, whatever became of it.
    pub(crate) fn has_been_paid(&self) -> bool {
        self.history().iter().any(|step| step["word"] == "paid")
    }

    /// IMSHOP was told that it is paid, and it is not any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.item["lost"] == Value::Bool(true)
    }

    pub(crate) fn intent(&self) -> Option<&str> {
        self.item["intent"]["kind"].as_str()
    }

    pub(crate) fn has_mismatch(&self) -> bool {
        self.item["mismatch"].is_string()
    }

    /// Its history has a word that one of IMSHOP's addresses was not told.
    pub(crate) fn is_untold(&self) -> bool {
        let told = self.moment("told_payment_status").min(self.moment("told_order_status")).unwrap_or_default();
        let told = usize::try_from(told).expect("a number of steps");
        self.history().iter().skip(told).any(|step| !step["word"].is_null())
    }

    /// It has a step that the shop's channel is not done with, and a try is planned or under way.
    pub(crate) fn is_untold_to_shop(&self) -> bool {
        let channel = &self.item["channels"]["shop_events"];
        !channel["failures"].is_null() || !channel["lease_until"].is_null()
    }

    pub(crate) fn needs_attention(&self) -> bool {
        self.item["attention"] == Value::String("open".to_owned())
    }

    /// Nothing is open: the next call meets a payment about which everything is known.
    pub(crate) fn is_calm(&self, now: i64) -> bool {
        !self.is_leased(now) && !self.is_unknown() && self.intent().is_none() && !self.has_mismatch()
    }

    fn all_refunds(&self) -> &[Value] {
        self.item["refunds"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The refund that was asked for with this idempotency key.
    pub(crate) fn refund_with_key(&self, key: &str) -> Option<&Value> {
        let hash = sha256_hex(&format!("{} {key}", self.id));
        self.all_refunds().iter().find(|refund| refund["key_hash"] == hash.as_str())
    }

    /// The sum of the refunds of that status.
    pub(crate) fn refunds(&self, status: &str) -> i64 {
        self.all_refunds().iter().filter(|refund| refund["status"] == status).filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    /// The sum of the refunds that wait for their time, or for their approval.
    pub(crate) fn planned(&self) -> i64 {
        let is_planned = |refund: &&Value| refund["is_scheduled"] == true || refund["awaits_approval"] == true;
        self.all_refunds().iter().filter(is_planned).filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    /// The refunds that await approval, by their numbers, from 1.
    pub(crate) fn unapproved_refunds(&self) -> Vec<usize> {
        let numbered = self.all_refunds().iter().zip(1..);
        numbered.filter(|(refund, _)| refund["awaits_approval"] == true).map(|(_, number)| number).collect()
    }

    /// A refund awaits approval for a day.
    pub(crate) fn is_approval_overdue(&self, now: i64) -> bool {
        let is_overdue =
            |refund: &Value| refund["awaits_approval"] == true && refund["at"].as_i64() <= Some(now - 24 * 60 * 60 * 1000);
        self.all_refunds().iter().any(is_overdue)
    }

    /// The sum of what the person with that name has given back, or is giving back, without the approval of another.
    pub(crate) fn given_back_alone(&self, name: &str) -> i64 {
        let is_theirs = |refund: &&Value| {
            let is_given_back = refund["status"] != "refused" && refund["awaits_approval"] != true;
            refund["by"] == format!("back-office:{name}").as_str() && refund["approval"].is_null() && is_given_back
        };
        self.all_refunds().iter().filter(is_theirs).filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    /// A refund was approved by the person who asked for it.
    pub(crate) fn has_own_approval(&self) -> bool {
        self.all_refunds().iter().any(|refund| !refund["approval"].is_null() && refund["approval"]["by"] == refund["by"])
    }

    /// A scheduled refund was refused, and nobody has seen it.
    pub(crate) fn has_unseen_refusal(&self) -> bool {
        self.all_refunds().iter().any(|refund| refund["refusal_unseen"] == true)
    }

    /// The refund whose outcome Mokka's Status cannot tell: a part that was sent. Its number, from 1.
    pub(crate) fn undecided_refund(&self) -> Option<usize> {
        let index = usize::try_from(self.item["intent"]["index"].as_u64()?).ok()?;
        let refund = &self.item["refunds"][index];
        let is_part = self.refunds("made") + refund["amount"].as_i64()? < self.amount();
        let is_repeated = refund["repeats"].as_u64() >= Some(1);
        ((is_part || is_repeated) && refund["status"] == "pending").then_some(index + 1)
    }
}

fn may_become(before: &str, after: &str) -> bool {
    const ON_THE_WAY: [&str; 4] = ["creating", "pending", "held", "finishing"];
    if before == after {
        return true;
    }
    let place = |state: &str| ON_THE_WAY.iter().position(|one| *one == state);
    match (before, place(before), place(after)) {
        (_, Some(before), Some(after)) => before < after,
        (_, Some(_), None) => true,
        ("captured", None, None) => matches!(after, "partially_refunded" | "refunded"),
        ("partially_refunded", None, None) => after == "refunded",
        _ => false,
    }
}
