//! A lock that a panic does not close.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panicking test must not make every other one fail at the lock.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
