//! Mokka's callback and the customer's return, from outside: HTTP events in; answers, stored state and calls to Mokka out.

mod callback;
mod landing;
