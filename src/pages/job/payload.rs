//! The payload: a tree to read and search, or the raw text. What is too large for a page is a download.

use crate::{
    components::{
        copy::CopyButton,
        icon::{Glyph, Icon},
        json_tree::JsonTree,
        number::bytes,
    },
    model::{ids::segment, job::JobDetail, json::tree},
};
use leptos::prelude::*;

/// The tree stays quick to draw and to search.
const MOST_ROWS: usize = 2_000;

/// A payload as a page has it.
pub struct Shown {
    pub text: String,
    pub truncated: bool,
    /// Size of the whole.
    pub bytes: u64,
    /// The page's own address.
    pub here: String,
    pub download: String,
}

impl Shown {
    pub fn of(job: &JobDetail) -> Self {
        let s = &job.summary;
        let handle = s.id.clone().unwrap_or_else(|| s.fingerprint.to_string());
        let at = s.fingerprint.to_string();
        let download = format!("/api/v1/queues/{}/jobs/{}/payload?at={}", segment(s.queue.as_str()), segment(&handle), segment(&at));
        Self { text: job.payload.clone(), truncated: job.truncated, bytes: s.bytes, here: s.href(), download }
    }
}

#[component]
pub fn Payload(shown: Shown, raw: Memo<bool>) -> impl IntoView {
    let Shown { text, truncated, bytes: size, here, download } = shown;
    let raw_href = format!("{here}{}view=raw", if here.contains('?') { "&" } else { "?" });
    let grown = tree(&text, MOST_ROWS);
    let why =
        grown.as_ref().err().map(|e| if truncated { "A part of it cannot be drawn as a tree.".to_string() } else { format!("It is {e}.") });
    let grown = StoredValue::new(grown.ok());
    let has_tree = grown.with_value(Option::is_some);
    let search = RwSignal::new(String::new());
    let text = StoredValue::new(text);
    let tree_shown = Memo::new(move |_| has_tree && !raw.get());
    let body = move || {
        if tree_shown.get() {
            let (rows, more) = grown.get_value().unwrap_or_default();
            view! { <JsonTree rows=rows more=more search=search /> }.into_any()
        } else {
            view! { <pre class="px-gutter pt-1 pb-4 font-mono text-12 leading-5 whitespace-pre-wrap wrap-anywhere" tabindex="0" aria-label="Raw payload"><code>{text.get_value()}</code></pre> }.into_any()
        }
    };
    view! {
        <section aria-labelledby="payload-title">
            <div class="sec min-h-12! flex-wrap max-sm:py-2">
                <h2 id="payload-title">"Payload"</h2>
                <span class="text-12 text-faint num">{bytes(size)}</span>
                <span class="flex-1"></span>
                <Show when=move || tree_shown.get()>
                    <label class="input sm noscript:hidden w-[190px] max-sm:order-last max-sm:w-full">
                        <Icon glyph=Glyph::Search class="i s" />
                        <input type="search" placeholder="Search payload" aria-label="Search payload" data-filter prop:value=move || search.get() on:input=move |e| search.set(event_target_value(&e)) />
                    </label>
                </Show>
                {has_tree.then(|| view! {
                    <nav class="seg" aria-label="View of the payload">
                        <a href=here aria-current=move || (!raw.get()).then_some("true")>"Tree"</a>
                        <a href=raw_href aria-current=move || raw.get().then_some("true")>"Raw"</a>
                    </nav>
                })}
                <a class="btn icon sm" href=download.clone() download="payload.json" rel="external" aria-label="Download payload" title="Download payload"><Icon glyph=Glyph::Download class="i s" /></a>
                <CopyButton content=Signal::derive(move || text.get_value()) label=if truncated { "Copy the shown part" } else { "Copy payload" } />
            </div>
            {truncated.then(|| view! {
                <p class="px-gutter pb-2 text-muted">
                    {format!("Showing {} of {}, too much to be edited here. ", bytes(crate::model::job::PAYLOAD_SHOWN as u64), bytes(size))}
                    <a class="link" href=download rel="external" download="payload.json">"Download all of it"</a>
                </p>
            })}
            {why.filter(|_| !truncated).map(|text| view! { <p class="px-gutter pb-2 text-muted">{text}" This is its raw text."</p> })}
            {body}
        </section>
    }
}
