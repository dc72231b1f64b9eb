//! What goes over the wire.

mod answers;
mod requests;

pub use answers::{
    Amount, CancellationDetails, Confirmed, List, Me, Moment, Payment, PaymentMethod, PaymentStatus, Receipt,
    ReceiptRegistration, Recipient, Refund, RefundStatus, Settlement,
};
pub use requests::{
    AmountRequest, CaptureRequest, ConfirmationRequest, PaymentMethodRequest, PaymentRequest, ReceiptCustomer,
    ReceiptItemRequest, ReceiptRequest, RefundRequest, SecondReceiptRequest, SettlementRequest,
};
