//! Props in, callbacks out. Components display; pages arrange.

pub mod address;
pub mod badge;
pub mod banner;
pub mod empty;
pub mod help;
pub mod icon;
pub mod keys;
pub mod nav;
pub mod number;
pub mod palette;
pub mod shell;
pub mod filters;
pub mod queue_table;
pub mod tile;
pub mod totals;
pub mod attention;
pub mod connection;
pub mod theme;
pub mod time;
pub mod topbar;

pub mod confirm;
pub mod toast;
pub mod actions;
pub mod copy;
pub mod job_table;
pub mod pagination;
pub mod selection;
pub mod destroy;
pub mod dialog;
pub mod operation_progress;
pub mod queue_actions;
pub mod sentences;
pub mod error_view;
pub mod json_tree;
pub mod timeline;
