//! Pages for the customer's browser: small, readable on a phone, without anything from elsewhere.
