//! Sequences that once went wrong, shrunk. Each test's name says what must hold.
