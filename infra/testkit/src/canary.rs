//! The customer's data used in tests; none of it may ever be in a log.

use crate::settings;

/// Phone of orders, as IMSHOP sends it (Mokka's demo prefix: approved).
pub const PHONE: &str = "+7 (888) 010-02-03";
pub const FORM_PHONE: &str = "+996 770 102 030";
/// E-mail.
pub const EMAIL: &str = "canary.customer@example.org";
pub const NAME: &str = "Канарейкина Кенарь";
/// Where orders go to.
pub const ADDRESS: &str = "ул. Канареечная, 17";
/// A wallet's cryptogram.
pub const CRYPTOGRAM: &str = "Q0FOQVJZLUNSWVBUT0dSQU0=";

pub(crate) const FORBIDDEN: [&str; 29] = [
    PHONE,
    FORM_PHONE,
    EMAIL,
    NAME,
    CRYPTOGRAM,
    "78880100203",
    "8880100203",
    "996770102030",
    "770102030",
    "Канарейкина",
    "Канареечная",
    settings::IMSHOP_KEY,
    settings::SHOP_KEY,
    settings::SHOP_ORDERS_SECRET,
    settings::SHOP_EVENTS_SECRET,
    settings::SHOP_FORMS_SECRET,
    settings::VIEWER_KEY,
    settings::OPERATOR_KEY,
    settings::CASHIER_KEY,
    settings::TRAINEE_KEY,
    settings::IMSHOP_PAYMENT_STATUS,
    settings::IMSHOP_ORDER_STATUS,
    "mokka-demo-secret",
    settings::YOOKASSA_KEY,
    "smspro-demo-key",
    settings::SMS_REPORT_SECRET,
    "smspro-demo-login",
    "smspro-demo-password",
    "internal-demo-secret",
];
