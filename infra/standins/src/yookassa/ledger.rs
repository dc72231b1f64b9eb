//! What the receipts of a payment say in all: how much of each line was sold and given back, and what is still prepaid.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::amounts::amount;
use super::payment::{Payment, State};
use super::readings::Reading;
use super::receipt::{Content, Line};
use super::records::{Receipt, RefundState};
use super::refusal::Refusal;
use super::registration::{OwnReceipt, Registration};
use super::setting::Setting;
use super::shown;
use super::state::Books;
use crate::money::Kopecks;

/// Sums in thousandths of a kopeck.
#[derive(Default)]
struct Ledger<'a> {
    /// By the lines' descriptions, in the order of the lines.
    sold: Vec<(&'a Line, u128)>,
    given_back: BTreeMap<&'a str, u128>,
    prepaid: u128,
    settled: u128,
}

impl<'a> Ledger<'a> {
    fn sell(&mut self, lines: &'a [Line]) {
        for line in lines {
            match self.sold.iter_mut().find(|(known, _)| known.description == line.description) {
                Some((_, cost)) => *cost += line.cost,
                None => self.sold.push((line, line.cost)),
            }
            if line.is_prepaid() {
                self.prepaid += line.cost;
            }
        }
    }

    fn give_back(&mut self, lines: &'a [Line]) {
        for line in lines {
            *self.given_back.entry(&line.description).or_default() += line.cost;
            if line.is_prepaid() {
                self.settled += line.cost;
            }
        }
    }

    /// What of each line is not given back.
    fn rest(&self) -> impl Iterator<Item = (&'a Line, u128)> {
        self.sold.iter().map(|(line, cost)| {
            let back = self.given_back.get(line.description.as_str()).copied().unwrap_or_default();
            (*line, cost.saturating_sub(back))
        })
    }
}

impl Books {
    /// Keeps a receipt that was sent apart.
    pub(super) fn add_receipt(&mut self, receipt: Receipt) {
        if let Some(payment) = self.payments.find_mut(&receipt.payment_id) {
            payment.receipts.push(receipt.id.clone());
        }
        self.receipts.add(receipt.id.clone(), receipt);
    }

    /// Keeps a receipt that came with its payment or refund, which shows how it stands.
    pub(super) fn add_own_receipt(&mut self, receipt: Receipt) {
        let own = Some(OwnReceipt { id: receipt.id.clone(), registration: receipt.registration });
        match &receipt.refund_id {
            Some(refund) => {
                if let Some(refund) = self.refunds.find_mut(refund) {
                    refund.receipt = own;
                }
            }
            None => {
                if let Some(payment) = self.payments.find_mut(&receipt.payment_id) {
                    payment.receipt = own;
                }
            }
        }
        self.add_receipt(receipt);
    }

    /// The receipt that came with a payment, which that of its capture takes the place of.
    pub(super) fn replace_receipt(&mut self, payment_id: &str, content: Content) {
        let own = self.payments.find(payment_id).and_then(|payment| payment.receipt.as_ref()).map(|own| own.id.clone());
        let fresh = Receipt::of_money(payment_id, None, content);
        match own.and_then(|id| self.receipts.find_mut(&id)) {
            Some(receipt) => *receipt = Receipt { id: receipt.id.clone(), ..fresh },
            None => self.add_own_receipt(fresh),
        }
    }

    /// Whether the money that a receipt tells of has moved, and if it never will.
    fn money(&self, receipt: &Receipt) -> Registration {
        if let Some(refund) = receipt.refund_id.as_deref().and_then(|refund| self.refunds.find(refund)) {
            return match &refund.state {
                RefundState::Pending => Registration::Pending,
                RefundState::Succeeded => Registration::Succeeded,
                RefundState::Canceled(_) => Registration::Canceled,
            };
        }
        match self.payments.find(&receipt.payment_id).map(|payment| &payment.state) {
            Some(State::Succeeded) => Registration::Succeeded,
            Some(State::Canceled(_)) | None => Registration::Canceled,
            Some(State::Pending(_) | State::Held) => Registration::Pending,
        }
    }

    /// How a receipt stands: one whose money never came is no receipt.
    pub(super) fn registration(&self, receipt: &Receipt) -> Registration {
        match self.money(receipt) {
            Registration::Canceled => Registration::Canceled,
            Registration::Succeeded => receipt.registration,
            Registration::Pending => Registration::Pending,
        }
    }

    pub(super) fn shown_receipt(&self, receipt: &Receipt) -> Value {
        shown::receipt(receipt, self.registration(receipt))
    }

    /// Whether its money has not moved yet.
    pub(super) fn is_early(&self, receipt: &Receipt) -> bool {
        self.money(receipt) == Registration::Pending
    }

    /// What the register says of a receipt that it has not spoken of.
    pub(super) fn register(&mut self, id: &str, said: Registration, setting: &Setting<'_>) {
        let Some(receipt) = self.receipts.find_mut(id).filter(|receipt| receipt.registration == Registration::Pending) else {
            return;
        };
        receipt.registration = said;
        receipt.registered_at = (said == Registration::Succeeded).then_some(setting.now);
        let own = match &receipt.refund_id {
            Some(refund) => self.refunds.find_mut(refund).and_then(|refund| refund.receipt.as_mut()),
            None => self.payments.find_mut(&receipt.payment_id).and_then(|payment| payment.receipt.as_mut()),
        };
        if let Some(own) = own.filter(|own| own.id == id) {
            own.registration = said;
        }
    }

    /// The register has taken what is asked for, unless that is read in the other way.
    pub(super) fn read_receipts(&mut self, ids: Vec<String>, setting: &Setting<'_>) {
        if setting.readings.is_other(Reading::Receipts) {
            return;
        }
        for id in ids {
            let moved = self.receipts.find(&id).is_some_and(|receipt| self.money(receipt) == Registration::Succeeded);
            if moved {
                self.register(&id, Registration::Succeeded, setting);
            }
        }
    }

    /// The receipts of a payment and of its refunds, but for those that are none.
    fn receipts_of<'a>(&'a self, payment: &'a Payment) -> impl Iterator<Item = &'a Receipt> {
        let receipts = payment.receipts.iter().filter_map(|id| self.receipts.find(id));
        receipts.filter(|receipt| self.registration(receipt) != Registration::Canceled)
    }

    fn ledger<'a>(&'a self, payment: &'a Payment) -> Ledger<'a> {
        let mut ledger = Ledger::default();
        for receipt in self.receipts_of(payment) {
            let lines = &receipt.content.lines;
            if receipt.refund_id.is_some() {
                ledger.give_back(lines);
            } else if receipt.is_first_of_payment() {
                ledger.sell(lines);
            } else {
                ledger.settled += receipt.settles_prepaid.thousandths();
            }
        }
        ledger
    }

    /// What the receipts of a payment have told of its money, in thousandths of a kopeck.
    pub(super) fn receipted(&self, payment: &Payment) -> u128 {
        self.ledger(payment).sold.iter().map(|(_, cost)| cost).sum()
    }

    /// The same of a refund.
    pub(super) fn receipted_back(&self, payment: &Payment, refund_id: &str) -> u128 {
        let receipts = self.receipts_of(payment).filter(|receipt| receipt.refund_id.as_deref() == Some(refund_id));
        receipts.map(|receipt| receipt.content.total().thousandths()).sum()
    }

    /// What of a payment is prepaid, and has neither been settled nor given back.
    pub(super) fn prepaid(&self, payment: &Payment) -> u128 {
        let ledger = self.ledger(payment);
        ledger.prepaid.saturating_sub(ledger.settled)
    }

    /// Whether a receipt gives back no more of any line than was sold of it.
    pub(super) fn check_back(&self, payment: &Payment, content: &Content, parameter: &str) -> Result<(), Refusal> {
        let mut ledger = self.ledger(payment);
        if ledger.sold.is_empty() {
            // The register has refused what was sold, which goes back nevertheless.
            let refused = payment.receipts.iter().filter_map(|id| self.receipts.find(id)).filter(|one| one.is_first_of_payment());
            for receipt in refused {
                ledger.sell(&receipt.content.lines);
            }
        }
        ledger.give_back(&content.lines);
        let sold = |description: &str| {
            let line = ledger.sold.iter().find(|(line, _)| line.description == description);
            line.map_or(0, |(_, cost)| *cost)
        };
        match ledger.given_back.iter().find(|(description, cost)| **cost > sold(description)) {
            Some((description, _)) => {
                Err(Refusal::at(parameter, format!("More is given back of {description} than the payment's receipt has of it")))
            }
            None => Ok(()),
        }
    }

    /// The receipt that YooKassa makes of a whole refund by itself: the payment's.
    pub(super) fn whole_content(&self, payment: &Payment) -> Option<Content> {
        let own = payment.receipt.as_ref()?;
        self.receipts.find(&own.id).map(|receipt| receipt.content.clone())
    }

    /// The receipt of a part that the shop's people give back in the cabinet: lines of the payment's, the first ones first.
    pub(super) fn part_content(&self, payment: &Payment, part: Kopecks) -> Option<Content> {
        let tax_system = self.whole_content(payment)?.tax_system;
        let mut left = part.thousandths();
        let mut lines = Vec::new();
        for (line, rest) in self.ledger(payment).rest() {
            // A receipt's prices are of whole kopecks.
            let cost = (rest / 1000 * 1000).min(left);
            if cost > 0 {
                left -= cost;
                lines.push(Line { cost, ..line.clone() });
            }
        }
        // What is left then are the parts of kopecks.
        lines.last_mut()?.cost += left;
        Some(Content { items: lines.iter().map(item).collect(), lines, tax_system })
    }
}

/// A line as one piece.
fn item(line: &Line) -> Value {
    let price = Kopecks(u64::try_from(line.cost / 1000).unwrap_or(u64::MAX));
    let mut item = json!({ "description": line.description, "quantity": 1, "amount": amount(price), "vat_code": line.vat_code });
    if let Some(mode) = &line.mode {
        item["payment_mode"] = json!(mode);
    }
    if let Some(subject) = &line.subject {
        item["payment_subject"] = json!(subject);
    }
    item
}
