//! What stands where a list would: empty, no match, or an error that keeps what is known.

use super::icon::{Glyph, Icon};
use crate::{live::Live, model::error::ApiError};
use leptos::prelude::*;

/// `title` says what is so, `text` what will appear and how; children are the way out.
#[component]
pub fn Empty(#[prop(into)] title: String, #[prop(into)] text: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="font-semibold">{title}</p>
            <p class="text-muted">{text}</p>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
}

/// A read that failed, with the way to try again; it tries by itself once the connection is back.
#[component]
pub fn Problem(error: ApiError, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    let live = expect_context::<Live>();
    let stale = live.stale();
    Effect::new(move |before: Option<bool>| {
        let now = stale.get();
        if !now && before == Some(true) {
            retry.run(());
        }
        now
    });
    let text = match &error {
        // What the error says about actions would be wrong about a list.
        ApiError::Unavailable { .. } => "This cannot be read now. It loads by itself when the connection is back.".into(),
        ApiError::Internal { id, detail } if !id.is_empty() => format!("{detail} The log of the console has the cause under {id}."),
        other => other.to_string(),
    };
    view! {
        <div class="banner" role="alert">
            <Icon glyph=Glyph::Failed class="i text-failed" />
            <p class="grow min-w-0 wrap-anywhere">{text}</p>
            <button type="button" class="btn sm" on:click=move |_| retry.run(())>"Try again"</button>
        </div>
    }
}

/// Only at the very first load: afterwards the old content stays.
#[component]
pub fn Skeleton(#[prop(default = 8)] rows: usize) -> impl IntoView {
    let widths = ["w-40", "w-28", "w-52", "w-36"];
    let rows = (0..rows)
        .map(|i| {
            let class = ["skel ", widths[i % widths.len()]].concat();
            view! { <div class="flex items-center h-row px-gutter border-b border-line-soft"><span class=class></span></div> }
        })
        .collect_view();
    view! { <div aria-busy="true"><span class="sr-only">"Loading"</span>{rows}</div> }
}
