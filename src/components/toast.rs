//! Results of actions, in the corner.

use leptos::prelude::*;

pub fn provide_toasts() {}

#[component]
pub fn Toasts() -> impl IntoView {}
