//! SMSPRO.
