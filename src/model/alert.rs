//! Alerts: the rules, what fires, what was said, and a message on its way from the rule to the channels.

pub mod channel;
pub mod firing;
pub mod message;
pub mod preview;
pub mod rule;
