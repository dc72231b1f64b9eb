//! The sandbox from outside: over HTTP, as people and IMSHOP's servers use it.

mod events;
mod gateway;
mod program;
