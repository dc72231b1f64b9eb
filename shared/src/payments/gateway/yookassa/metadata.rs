//! What our payments and refunds are known by in YooKassa's `metadata`.

pub(super) const PAYMENT_ID: &str = "payment_id";
pub(super) const ORDER_ID: &str = "order_id";
pub(super) const INSTALLATION: &str = "installation";
pub(super) const REFUND: &str = "refund";
