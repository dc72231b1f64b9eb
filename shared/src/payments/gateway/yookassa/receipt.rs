//! Fiscal receipts as YooKassa takes them (reference "Card gateways", 1.6).

use crate::payments::methods::{LineCodes, ReceiptSection};
use crate::payments::payment::{Order, ReceiptLines, ReceiptProblem};
use crate::payments::yookassa::types::{
    ReceiptCustomer, ReceiptItemRequest, ReceiptRequest, SecondReceiptRequest, SettlementRequest,
};
use crate::platform::money::Money;

/// The longest description of an item, in characters.
const LONGEST_ITEM: usize = 128;
/// How a line is paid that was paid before, once it is handed over.
const HANDED_OVER: &str = "full_payment";
/// How a second receipt names the money that was paid before.
pub(super) const PREPAYMENT: &str = "prepayment";

/// A receipt of these lines for the customer of `order`.
pub(super) fn request(section: &ReceiptSection, lines: &ReceiptLines, order: &Order) -> Result<ReceiptRequest, ReceiptProblem> {
    let most = section.cash_register.most_items();
    let items = lines.items(most, LONGEST_ITEM)?.into_iter().map(|item| {
        let LineCodes { vat, subject, mode } = section.codes(item.line)?;
        Ok(ReceiptItemRequest {
            description: item.name,
            quantity: item.quantity.to_string(),
            amount: item.price.into(),
            vat_code: vat,
            payment_subject: subject,
            payment_mode: mode,
        })
    });
    Ok(ReceiptRequest {
        customer: customer(section, order)?,
        items: items.collect::<Result<_, ReceiptProblem>>()?,
        tax_system_code: section.tax_system,
        internet: true,
    })
}

/// The second receipt of what of these lines was paid in advance, for YooKassa's payment of this id.
pub(super) fn second(
    section: &ReceiptSection,
    lines: &ReceiptLines,
    order: &Order,
    payment_id: &str,
) -> Result<SecondReceiptRequest, ReceiptProblem> {
    let codes: Vec<LineCodes> = lines.lines().iter().map(|line| section.codes(line)).collect::<Result<_, _>>()?;
    let mut codes = codes.into_iter();
    let in_advance = lines.those(|_| codes.next().is_some_and(|codes| codes.is_in_advance()));
    if in_advance.minor() == 0 {
        return Err(ReceiptProblem::NoSecondReceipt);
    }
    let mut receipt = request(section, &in_advance, order)?;
    for item in &mut receipt.items {
        item.payment_mode = HANDED_OVER;
    }
    let amount = Money::from_minor(in_advance.minor(), lines.currency()).map_err(|_| ReceiptProblem::NoLines)?;
    Ok(SecondReceiptRequest {
        kind: "payment",
        payment_id: payment_id.to_owned(),
        receipt,
        settlements: vec![SettlementRequest { kind: PREPAYMENT, amount: amount.into() }],
        send: true,
    })
}

fn customer(section: &ReceiptSection, order: &Order) -> Result<ReceiptCustomer, ReceiptProblem> {
    let email = order.email.as_deref().map(str::trim).filter(|email| email.contains('@'));
    match (email, &order.phone) {
        (Some(email), _) => Ok(ReceiptCustomer::Email(email.to_owned())),
        (None, _) if section.cash_register.needs_email() => Err(ReceiptProblem::NoEmail),
        (None, Some(phone)) => Ok(ReceiptCustomer::Phone(phone.digits().to_owned())),
        (None, None) => Err(ReceiptProblem::NoContact),
    }
}
