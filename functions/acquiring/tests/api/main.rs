//! Acquiring from outside: HTTP events in; answers, stored state and calls to Mokka out.

mod create;
