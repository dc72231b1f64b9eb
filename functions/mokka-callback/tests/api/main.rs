//! Mokka's callback and the customer's return, from outside: HTTP events in; answers, stored state and calls to Mokka out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callback;
mod landing;
mod registration;
