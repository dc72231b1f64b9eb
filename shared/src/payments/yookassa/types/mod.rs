//! What goes over the wire.

mod answers;
mod requests;

pub use answers::{
    Amount, CancellationDetails, Confirmed, List, Me, Moment, Payment, PaymentMethod, PaymentStatus, Recipient, Refund,
    RefundStatus,
};
pub use requests::{AmountRequest, CaptureRequest, ConfirmationRequest, PaymentMethodRequest, PaymentRequest, RefundRequest};
