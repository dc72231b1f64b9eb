//! Orders from outside: HTTP events in; answers, stored orders and calls to the shop out.

mod push;
mod relay;
