//! The verbs on a whole queue, each with its confirmation.

use crate::model::queue::QueueSample;
use leptos::prelude::*;

#[component]
pub fn QueueActions(#[prop(into)] sample: Signal<QueueSample>) -> impl IntoView {
    let _ = sample;
}
