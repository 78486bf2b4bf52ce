//! Alerts: what a rule has to say, on its way from the rule to the channels.

pub mod channel;
pub mod message;
