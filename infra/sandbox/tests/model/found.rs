//! Sequences that once went wrong, shrunk. Each has the fault that it found in its name.
