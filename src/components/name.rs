//! A name from outside.

use crate::model::shown::shown;
use leptos::prelude::*;

/// What a person can see of a name, an id or a class; its direction stays its own.
#[component]
pub fn Name(#[prop(into)] text: String) -> impl IntoView {
    view! { <bdi>{shown(&text).into_owned()}</bdi> }
}
