//! The seam for brokers: today there is one, Redis with the layout of Gravito Stream.

pub mod redis;
