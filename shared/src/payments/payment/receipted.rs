//! A payment whose gateway makes fiscal receipts: which one belongs to what is asked of the provider, and what became of it.

use std::time::Duration;

use super::command::CommandRefusal;
use super::data::{Intent, Payment};
use super::order::Order;
use super::receipt::{
    AskedLine, LinesRefusal, Part, RECEIPT_TAKES, ReceiptLines, ReceiptPart, ReceiptRejection, ReceiptStatus, SecondReceipt,
    Wanted,
};
use super::state::Trigger;
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;
use crate::platform::secret::sha256_hex;

/// How often the provider is asked again of a receipt that takes longer.
const BETWEEN_LOOKS: Duration = Duration::from_hours(6);

/// The same for the same lines in the same order.
fn lines_hash(asked: &[AskedLine]) -> String {
    let lines: Vec<_> = asked.iter().map(|AskedLine { sku, quantity }| format!("{} {quantity}", sku.as_str())).collect();
    sha256_hex(&lines.join("\n"))
}

impl Payment {
    /// The lines of the receipt that belongs to what is about to be asked of the provider; nothing if none does: what is whole needs none.
    #[must_use]
    pub fn receipt_due(&self) -> Option<ReceiptLines> {
        let lines = &self.receipts.as_ref()?.lines;
        match self.intent {
            None => (self.registered() != self.amount).then(|| lines.clone()),
            Some(Intent::Refund(index)) => {
                let refund = self.refunds.get(index).filter(|refund| refund.amount != self.amount)?;
                Some(lines.of_part(&refund.part))
            }
            Some(Intent::Receipt) => Some(lines.clone()),
            Some(Intent::Cancel | Intent::Change(_)) => None,
        }
    }

    /// A receipt was not taken by the cash register, and nobody has seen it yet.
    #[must_use]
    pub fn has_new_receipt_rejection(&self) -> bool {
        self.receipts.as_ref().is_some_and(|receipts| receipts.rejection == Some(ReceiptRejection::New))
    }

    /// This payment after the provider has taken the second receipt, which it calls by this id.
    #[must_use]
    pub fn receipt_accepted(mut self, provider_id: &str, by: Trigger<'_>, now: Timestamp) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.second = Some(SecondReceipt { provider_id: provider_id.to_owned(), status: ReceiptStatus::Pending });
            receipts.look_at = Some(now.plus(RECEIPT_TAKES));
        }
        self.intent_done(by, now)
    }

    /// Whether it is time to ask what became of the newest receipt.
    #[must_use]
    pub fn is_receipt_look_due(&self, now: Timestamp) -> bool {
        self.receipts.as_ref().and_then(|receipts| receipts.look_at).is_some_and(|at| at <= now)
    }

    /// This payment after the provider was asked what became of its receipts; as long as the cash register has one to do it is asked again.
    #[must_use]
    pub(super) fn receipts_looked_at(mut self, now: Timestamp) -> Self {
        if let Some(receipts) = self.receipts.as_mut().filter(|receipts| receipts.look_at.is_none_or(|at| at <= now)) {
            let is_open =
                receipts.is_pending || receipts.second.as_ref().is_some_and(|second| second.status == ReceiptStatus::Pending);
            receipts.look_at = is_open.then(|| now.plus(BETWEEN_LOOKS));
        }
        self
    }

    /// This payment without a second receipt that the cash register has not taken: another one is asked for.
    #[must_use]
    pub fn second_receipt_again(mut self) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.second = None;
        }
        self
    }

    /// This payment, held, of which only a part is to be captured: the rest of the hold goes back to the customer.
    pub fn to_be_captured(mut self, part: &Part) -> Result<Self, CommandRefusal> {
        let (amount, lines) = self.captured_part(part)?;
        self.registered = Some(self.registered());
        self.amount = amount;
        if let (Some(receipts), Some(lines)) = (&mut self.receipts, lines) {
            receipts.lines = lines;
        }
        Ok(self)
    }

    /// This payment with its order's lines for what it costs now, if its gateway makes receipts.
    #[must_use]
    pub fn with_lines_of(mut self, order: &Order, amount: Money) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.lines = ReceiptLines::of(order, amount).unwrap_or_else(|_| receipts.lines.for_amount(amount));
        }
        self
    }

    /// How much `part` of what can still be given back is, and which lines it is for.
    pub fn wanted(&self, part: Option<&Part>) -> Result<Wanted, CommandRefusal> {
        let lines = self.free_lines();
        let share = |amount| lines.as_ref().map(|lines| lines.share(amount)).unwrap_or_default();
        match part {
            None => Ok(Wanted { amount: self.rest(), part: share(self.rest()), lines_hash: None }),
            Some(Part::Amount(amount)) => Ok(Wanted { amount: *amount, part: share(*amount), lines_hash: None }),
            Some(Part::Lines(asked)) => {
                let (amount, part) = self.part_by_lines(asked)?;
                Ok(Wanted { amount, part, lines_hash: Some(lines_hash(asked)) })
            }
        }
    }

    /// How much `part` is of what is to be captured, and its lines.
    pub(super) fn captured_part(&self, part: &Part) -> Result<(Money, Option<ReceiptLines>), CommandRefusal> {
        let lines = self.receipts.as_ref().map(|receipts| &receipts.lines);
        match part {
            Part::Amount(amount) => Ok((*amount, lines.map(|lines| lines.for_amount(*amount)))),
            Part::Lines(asked) => {
                let (amount, part) = self.part_by_lines(asked)?;
                Ok((amount, lines.map(|lines| lines.of_part(&part))))
            }
        }
    }

    /// What so many of these offers cost, of what is left of the lines.
    fn part_by_lines(&self, asked: &[AskedLine]) -> Result<(Money, ReceiptPart), CommandRefusal> {
        let lines = self.free_lines().ok_or(LinesRefusal::NotKept);
        let part = lines.and_then(|lines| lines.part(asked)).map_err(CommandRefusal::Lines)?;
        Ok((Money::from_minor(part.minor(), self.amount.currency()).unwrap_or(self.amount), part))
    }

    /// Whether the refund `index` is what `part` asks for.
    #[must_use]
    pub fn is_asked_as(&self, index: usize, part: Option<&Part>) -> bool {
        let Some(refund) = self.refunds.get(index) else { return false };
        match part {
            Some(Part::Lines(asked)) => refund.lines_hash == Some(lines_hash(asked)),
            Some(Part::Amount(amount)) => refund.lines_hash.is_none() && refund.amount == *amount,
            None => refund.lines_hash.is_none() && refund.amount == self.rest_before(index),
        }
    }
}
