//! REST: shapes, statuses, names that need care.

mod acting;
mod large;
mod markup;
mod reading;
