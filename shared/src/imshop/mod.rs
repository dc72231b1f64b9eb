//! IMSHOP's webhooks: what it sends and what it expects (documents "IMSHOP payments", "acquiring", "form OTP"; reference
//! "IMSHOP"). Everything optional is optional on input and left out on output; ids may come as numbers and go out as text;
//! unknown fields are ignored.

pub mod acquiring;
pub mod forms;
pub mod orders;
pub mod payments;
pub mod status;
