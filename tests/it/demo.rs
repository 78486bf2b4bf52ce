//! The demo: the simulated application keeps the protocol, its ledger is true, and nothing is left behind.

mod behaviour;
mod remains;
