//! The table of error codes (Mokka, "Коды ошибок").

pub(super) const JSON: u16 = 10;
pub(super) const ORDER_ID_MISSING: u16 = 20;
pub(super) const ORDER_ID_FORMAT: u16 = 21;
pub(super) const ORDER_EXISTS: u16 = 22;
pub(super) const ORDER_EXPIRED: u16 = 23;
pub(super) const ORDER_NOT_FOUND: u16 = 24;
pub(super) const AMOUNT_FORMAT: u16 = 30;
pub(super) const PREPAYMENT_FORMAT: u16 = 31;
pub(super) const AMOUNT_DIFFERENT: u16 = 32;
pub(super) const AMOUNT_LIMITS: u16 = 33;
pub(super) const TERM: u16 = 34;
pub(super) const PREPAYMENT: u16 = 35;
pub(super) const CALLBACK_URL: u16 = 40;
pub(super) const REDIRECT_URL: u16 = 41;
pub(super) const STORE_ID_MISSING: u16 = 50;
pub(super) const STORE_NOT_FOUND: u16 = 51;
pub(super) const SIGNATURE_MISSING: u16 = 60;
pub(super) const SIGNATURE_WRONG: u16 = 61;
pub(super) const FILE: u16 = 62;
pub(super) const PHONE: u16 = 70;
pub(super) const LIMIT: u16 = 71;
pub(super) const UNABLE_TO_FINISH: u16 = 80;
pub(super) const UNABLE_TO_CANCEL: u16 = 81;
pub(super) const UNABLE_TO_CHANGE: u16 = 82;
pub(super) const CART: u16 = 90;
pub(crate) const CANNOT_PROCESS: u16 = 100;
pub(super) const TIME_FORMAT: u16 = 110;

/// The documented message of a code.
pub(super) fn message(code: u16) -> &'static str {
    match code {
        0 => "Payload valid",
        JSON => "JSON decode error",
        ORDER_ID_MISSING => "Order order_id missing",
        ORDER_ID_FORMAT => "Wrong order order_id format",
        ORDER_EXISTS => "Order exists",
        ORDER_EXPIRED => "Order expired",
        ORDER_NOT_FOUND => "Order with specified id not found",
        AMOUNT_FORMAT => "Wrong order amount format",
        PREPAYMENT_FORMAT => "Wrong order prepayment amount format",
        AMOUNT_DIFFERENT => "Order amount is different from the amount specified before",
        AMOUNT_LIMITS => "Order amount is outside of tariff_limits",
        TERM => "Order term value is wrong",
        PREPAYMENT => "Order prepayment amount is wrong",
        CALLBACK_URL => "Order callback_url missing",
        REDIRECT_URL => "Order redirect_url missing",
        STORE_ID_MISSING => "Store id is missing",
        STORE_NOT_FOUND => "Store not found",
        SIGNATURE_MISSING => "Signature missing",
        SIGNATURE_WRONG => "Signature wrong",
        FILE => "Error saving file",
        PHONE => "Phone number is different",
        LIMIT => "Client has not enough limit",
        UNABLE_TO_FINISH => "Unable to finish - order is already finished/canceled",
        UNABLE_TO_CANCEL => "Unable to cancel - order is already finished/canceled",
        UNABLE_TO_CHANGE => "Unable to change - order is already finished/canceled",
        CART => "Cart items are missing",
        TIME_FORMAT => "Invalid time format value",
        // "In all other cases", the document says of 100.
        _ => "At the moment the server cannot process your request",
    }
}
