//! The table `otp-tokens`.
