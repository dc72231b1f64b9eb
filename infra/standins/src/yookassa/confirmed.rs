//! How a payment says where the customer confirms it.

use serde_json::{Value, json};

use super::confirmation::{Confirmation, Way};
use super::payment::Payment;
use super::setting::Setting;

/// As the API shows it while the customer may use it.
pub(super) fn shown(payment: &Payment, how: &Confirmation, setting: &Setting<'_>) -> Value {
    let mut shown = json!({ "type": how.way.name() });
    match how.way {
        Way::Embedded => shown["confirmation_token"] = json!(format!("ct-{}", payment.token)),
        Way::Qr => shown["confirmation_data"] = json!(sbp_link(payment)),
        Way::MobileApplication => shown["confirmation_url"] = json!(sberpay_link(payment)),
        Way::Redirect => {
            shown["confirmation_url"] = json!(setting.page_url(&payment.token));
            if let Some(return_url) = &how.return_url {
                shown["return_url"] = json!(return_url);
            }
            if how.enforce {
                shown["enforce"] = json!(true);
            }
        }
    }
    shown
}

/// The link that the bank's app opens, in the form of the Faster Payments System: the bank is `YooMoney`, the sum is in kopecks.
pub(super) fn sbp_link(payment: &Payment) -> String {
    let link = format!("https://qr.nspk.ru/{}?type=02&bank=100000000004&sum={}&cur=RUB", payment.token, payment.amount.0);
    format!("{link}&crc={:04X}", crc(link.as_bytes()))
}

/// The link that opens `SberPay` in the bank's app.
fn sberpay_link(payment: &Payment) -> String {
    format!("sberpay://invoicing/v2?bankInvoiceId={}&operationType=App2App", payment.token)
}

/// CRC-16 of the polynomial 0x1021, from 0xFFFF.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    })
}
