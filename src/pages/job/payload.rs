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
        job::{JobDetail, PAYLOAD_SHOWN, TREE_MOST},
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

/// Where browsers read HTML they cut a text of 64 KiB in two, which the half that takes over does not expect.
const PIECE: usize = 32 * 1024;

fn pieces(mut text: &str) -> Vec<String> {
    let mut all = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
        all.push(piece.to_owned());
        text = rest;
    }
    all
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
    let has_tree = truncated && size <= TREE_MOST as u64 || small.with_value(Option::is_some);
    let search = RwSignal::new(String::new());
    let text = StoredValue::new(text);
    let tree_shown = Memo::new(move |_| has_tree && !raw.get());
    // Of what is too large for the page, where the first level says so.
    let unreadable = RwSignal::new(false);
    let readable = Memo::new(move |_| tree_shown.get() && !unreadable.get());
    // Beside a tree that is fetched it stands for readers without JavaScript.
    let raw_text = move || {
        let class = move || {
            if readable.get() {
                "hidden noscript:block px-gutter pt-1 pb-4 font-mono text-12 leading-5 whitespace-pre-wrap wrap-anywhere"
            } else {
                "px-gutter pt-1 pb-4 font-mono text-12 leading-5 whitespace-pre-wrap wrap-anywhere"
            }
        };
        let pieces = text.with_value(|text| pieces(text)).into_iter().map(|piece| view! { <span>{piece}</span> }).collect_view();
        view! { <pre class=class tabindex="0" aria-label="Raw payload"><code>{pieces}</code></pre> }
    };
    let body = move || {
        if !tree_shown.get() {
            return raw_text().into_any();
        }
        match small.get_value() {
            Some((rows, more)) => view! { <JsonTree rows=rows more=more search=search /> }.into_any(),
            None => view! { <DeepTree whose=whose.clone() search=search unreadable=unreadable /> {raw_text()} }.into_any(),
        }
    };
    let (whole, part) = (bytes(size), bytes(PAYLOAD_SHOWN as u64));
    let label = if truncated { format!("Copy the first {part}") } else { "Copy payload".into() };
    let cut = move || {
        if readable.get() {
            view! {
                {format!("{whole}, too much to be edited here. ")}
                <span class="noscript:hidden">"The tree is fetched as it is opened. "</span>
                <span class="hidden noscript:inline">{format!("These are its first {part}. ")}</span>
            }
            .into_any()
        } else if has_tree {
            format!("Showing {part} of {whole}, too much to be edited here. ").into_any()
        } else {
            format!("Showing {part} of {whole}, too much to be edited here or shown as a tree. ").into_any()
        }
    };
    view! {
        <section aria-labelledby="payload-title">
            <div class="sec min-h-12! flex-wrap max-sm:py-2">
                <h2 id="payload-title">"Payload"</h2>
                <span class="text-12 text-faint num">{bytes(size)}</span>
                <span class="flex-1"></span>
                <Show when=move || readable.get()>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_in_pieces() {
        for text in [String::new(), "a".into(), "é".repeat(40_000), format!("a{}", "🚚".repeat(20_000))] {
            let all = pieces(&text);
            assert_eq!(all.concat(), text);
            assert!(all.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE));
        }
    }
}
