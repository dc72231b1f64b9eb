//! Mokka's messages (document "Методы API").

mod answers;
mod callbacks;
mod requests;
mod values;

pub use answers::{Changed, Checkout, Limit, LimitStatus, OrderStatus, Registration, Status, StatusOrder, Tariff};
pub use callbacks::{CallbackClient, CheckoutCallback, RegistrationCallback};
pub use requests::{
    AdditionalData, CartItem, ChangeRequest, Channel, CheckoutOrder, CheckoutRequest, DeliveryInfo, FinishRequest, OrderRef,
    Person, RegistrationOrder, RegistrationRequest, ReturnRequest,
};
pub use values::{Amount, Decision, MoscowTime, Price, ScheduledPayment};

pub(super) use answers::{ChangeAnswer, LimitAnswer, NestedVerdict, ScheduleAnswer, Verdict};
pub(super) use requests::{LimitClient, LimitRequest, ScheduleRequest};
