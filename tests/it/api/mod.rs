//! REST: shapes, statuses, names that need care.

mod acting;
mod addresses;
mod large;
mod reading;
