//! REST: shapes, statuses, names that need care.

mod acting;
mod reading;
