//! `/alerts/…`

pub mod channels;
