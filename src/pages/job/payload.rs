//! The payload: a tree to read and search, or the raw text. Of what is too large for a page the tree is fetched as it is opened.

use crate::{
    components::{
        copy::CopyButton,
        deep_tree::{DeepTree, Whose},
        icon::{Glyph, Icon},
        json_tree::JsonTree,
        number::bytes,
    },
    model::{
        job::{JobDetail, PAYLOAD_SHOWN},
        json::tree,
    },
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
    pub whose: Whose,
}

impl Shown {
    pub fn of(job: &JobDetail) -> Self {
        let s = &job.summary;
        let handle = s.id.clone().unwrap_or_else(|| s.fingerprint.to_string());
        let whose = Whose { queue: s.queue.clone(), handle, at: Some(s.fingerprint.to_string()), row: None };
        Self { text: job.payload.clone(), truncated: job.truncated, bytes: s.bytes, here: s.href(), whose }
    }
}

#[component]
pub fn Payload(shown: Shown, raw: Memo<bool>) -> impl IntoView {
    let Shown { text, truncated, bytes: size, here, whose } = shown;
    let download = whose.download();
    let raw_href = format!("{here}{}view=raw", if here.contains('?') { "&" } else { "?" });
    // A text that was cut is no JSON.
    let small = (!truncated).then(|| tree(&text, MOST_ROWS));
    let why = small.as_ref().and_then(|t| t.as_ref().err()).map(|e| format!("It is {e}. This is its raw text."));
    let small = StoredValue::new(small.and_then(Result::ok));
    let has_tree = truncated || small.with_value(Option::is_some);
    let search = RwSignal::new(String::new());
    let text = StoredValue::new(text);
    let tree_shown = Memo::new(move |_| has_tree && !raw.get());
    let body = move || {
        if !tree_shown.get() {
            return view! { <pre class="px-gutter pt-1 pb-4 font-mono text-12 leading-5 whitespace-pre-wrap wrap-anywhere" tabindex="0" aria-label="Raw payload"><code>{text.get_value()}</code></pre> }.into_any();
        }
        match small.get_value() {
            Some((rows, more)) => view! { <JsonTree rows=rows more=more search=search /> }.into_any(),
            None => view! { <DeepTree whose=whose.clone() search=search /> }.into_any(),
        }
    };
    let (whole, part) = (bytes(size), bytes(PAYLOAD_SHOWN as u64));
    let label = if truncated { format!("Copy the first {part}") } else { "Copy payload".into() };
    let cut = move || {
        if tree_shown.get() {
            view! { {format!("{whole}, too much to be edited here. ")}<span class="noscript:hidden">"The tree is fetched as it is opened. "</span> }.into_any()
        } else {
            format!("Showing {part} of {whole}, too much to be edited here. ").into_any()
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
                <CopyButton content=Signal::derive(move || text.get_value()) label=label />
            </div>
            {truncated.then(|| view! {
                <p class="px-gutter pb-2 text-muted">
                    {cut}
                    <a class="link" href=download rel="external" download="payload.json">"Download all of it"</a>
                </p>
            })}
            {why.map(|text| view! { <p class="px-gutter pb-2 text-muted">{text}</p> })}
            {body}
        </section>
    }
}
