//! The verbs on a whole queue: a button with a menu, or with the two most used ones beside it.
//! One menu serves every row of a table, so a row costs one button.

use super::{
    actions::{Actions, MenuAt},
    icon::{Glyph, Icon},
    number::{count, thousands},
    question::Question,
};
use crate::model::queue::{Paused, QueueSample};
use leptos::{
    html,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{self, HtmlElement, KeyboardEvent},
};

const MENU: &str = "queue-menu";
/// Room that the open menu needs below its button, px.
const MENU_HEIGHT: f64 = 190.0;

fn paused(q: &QueueSample) -> bool {
    q.paused != Paused::No
}

fn pause(q: &QueueSample) -> Question {
    let (queue, partly) = (q.name.clone(), q.paused == Paused::Partly);
    Question::Pause { queue, waiting: q.waiting, partial: q.grouped_partial, partly }
}

fn resume(q: &QueueSample) -> Question {
    Question::Resume { queue: q.name.clone(), waiting: q.waiting, partial: q.grouped_partial }
}

/// `inline` adds the pause and retry buttons beside the menu.
#[component]
pub fn QueueActions(#[prop(into)] sample: Signal<QueueSample>, #[prop(optional)] inline: bool) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let label = Memo::new(move |_| format!("More actions for {}", sample.with(|q| q.name.in_text().into_owned())));
    let open = Memo::new(move |_| actions.menu.with(|m| m.as_ref().is_some_and(|m| sample.with(|q| q.name == m.queue))));
    let node = NodeRef::<html::Button>::new();
    let show = move |_| {
        let Some(button) = node.get_untracked() else { return };
        let rect = button.get_bounding_client_rect();
        let queue = sample.with_untracked(|q| q.name.clone());
        actions.menu.set(Some(MenuAt { queue, sample, inline, right: rect.right(), top: rect.top(), bottom: rect.bottom() }));
    };
    view! {
        {inline.then(|| view! { <MainButtons sample=sample /> })}
        <button type="button" class=if inline { "btn icon noscript:hidden" } else { "btn icon ghost sm" } aria-label=move || label.get() title="More actions" aria-haspopup="menu" aria-expanded=move || open.get().to_string() node_ref=node on:click=show>
            <Icon glyph=Glyph::More />
        </button>
    }
}

#[component]
fn MainButtons(sample: Signal<QueueSample>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let is_paused = Memo::new(move |_| sample.with(paused));
    let failed = Memo::new(move |_| sample.with(|q| q.failed).filter(|n| *n > 0));
    let switch = move |_| {
        let q = sample.get_untracked();
        actions.ask(if paused(&q) { resume(&q) } else { pause(&q) });
    };
    let retry = move |_| {
        let q = sample.get_untracked();
        actions.ask(Question::RetryAll { queue: q.name, count: q.failed, base: false });
    };
    view! {
        <button type="button" class="btn noscript:hidden" disabled=move || actions.pending.get() on:click=switch>
            <Icon glyph=Signal::derive(move || if is_paused.get() { Glyph::Play } else { Glyph::Pause }) />
            <span>{move || if is_paused.get() { "Resume" } else { "Pause" }}<span class="max-sm:hidden">" queue"</span>"…"</span>
        </button>
        {move || failed.get().map(|n| view! {
            <button type="button" class="btn noscript:hidden" on:click=retry>
                <Icon glyph=Glyph::Retry />
                <span>{format!("Retry {} ", thousands(n))}<span class="max-sm:hidden">"failed "</span>{if n == 1 { "job…" } else { "jobs…" }}</span>
            </button>
        })}
    }
}

/// One line of the menu; what does not apply now is left out.
struct Item {
    glyph: Glyph,
    text: String,
    danger: bool,
    run: Box<dyn Fn(Actions) + Send + Sync>,
}

fn items(q: &QueueSample, inline: bool) -> Vec<Item> {
    let mut list = Vec::new();
    let mut item = |glyph, text: String, danger, run: Box<dyn Fn(Actions) + Send + Sync>| list.push(Item { glyph, text, danger, run });
    let (name, failed, delayed) = (q.name.clone(), q.failed, q.delayed);
    if !inline && paused(q) {
        let question = resume(q);
        item(Glyph::Play, "Resume queue…".into(), false, Box::new(move |a| a.ask(question.clone())));
    }
    if q.paused == Paused::Partly || !inline && q.paused == Paused::No {
        let question = pause(q);
        let text = if q.paused == Paused::Partly { "Pause all four lists…" } else { "Pause queue…" };
        item(Glyph::Pause, text.into(), false, Box::new(move |a| a.ask(question.clone())));
    }
    if let (false, Some(n @ 1..)) = (inline, failed) {
        let queue = name.clone();
        item(
            Glyph::Retry,
            format!("Retry {}…", count(n, "failed job", "failed jobs")),
            false,
            Box::new(move |a| a.ask(Question::RetryAll { queue: queue.clone(), count: Some(n), base: false })),
        );
    }
    if let Some(n @ 1..) = delayed {
        let queue = name.clone();
        item(
            Glyph::Delayed,
            format!("Run {} now…", count(n, "delayed job", "delayed jobs")),
            false,
            Box::new(move |a| a.ask(Question::PromoteAll { queue: queue.clone(), count: Some(n) })),
        );
    }
    if let Some(n @ 1..) = failed {
        let queue = name.clone();
        item(
            Glyph::Trash,
            format!("Clear {}…", count(n, "failed job", "failed jobs")),
            true,
            Box::new(move |a| a.ask(Question::ClearFailed { queue: queue.clone() })),
        );
    }
    item(Glyph::Purge, "Purge queue…".into(), true, Box::new(move |a| a.ask(Question::Purge { queue: name.clone() })));
    list
}

/// Moves the focus among the items with the arrow keys, Home and End.
fn step(e: &KeyboardEvent) {
    let Some(menu) = document().get_element_by_id(MENU) else { return };
    let Ok(found) = menu.query_selector_all("[role=menuitem]") else { return };
    let all: Vec<HtmlElement> = (0..found.length()).filter_map(|i| found.item(i)?.dyn_into().ok()).collect();
    let here = document().active_element();
    let at = all.iter().position(|item| here.as_ref().is_some_and(|h| h.is_same_node(Some(item))));
    let last = all.len().saturating_sub(1);
    let to = match e.key().as_str() {
        "ArrowDown" => at.map_or(0, |i| if i == last { 0 } else { i + 1 }),
        "ArrowUp" => at.map_or(last, |i| if i == 0 { last } else { i - 1 }),
        "Home" => 0,
        "End" => last,
        "Tab" => {
            let _ = menu.unchecked_ref::<HtmlElement>().hide_popover();
            return;
        }
        _ => return,
    };
    e.prevent_default();
    if let Some(item) = all.get(to) {
        let _ = item.focus();
    }
}

/// A native popover: it closes by itself on Esc and on a click elsewhere, and gives the focus back.
#[component]
pub(super) fn QueueMenu(at: MenuAt) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(menu) = node.get()
            && menu.show_popover().is_ok()
            && let Some(first) = menu.query_selector("[role=menuitem]").ok().flatten().and_then(|i| i.dyn_into::<HtmlElement>().ok())
        {
            let _ = first.focus();
        }
    });
    let gone = move |e: leptos::ev::Event| {
        if e.unchecked_ref::<web_sys::ToggleEvent>().new_state() == "closed" {
            actions.menu.set(None);
        }
    };
    let view_width = window().inner_width().ok().and_then(|w| w.as_f64()).unwrap_or(1280.0);
    let view_height = window().inner_height().ok().and_then(|h| h.as_f64()).unwrap_or(800.0);
    let vertical = if at.bottom + MENU_HEIGHT > view_height {
        format!("bottom:{}px;top:auto", view_height - at.top + 4.0)
    } else {
        format!("top:{}px;bottom:auto", at.bottom + 4.0)
    };
    let style = format!("position:fixed;margin:0;left:auto;right:{}px;{vertical}", (view_width - at.right).max(8.0));
    let list = items(&at.sample.get_untracked(), at.inline);
    let first_red = list.iter().position(|i| i.danger);
    let lines = list
        .into_iter()
        .enumerate()
        .map(|(i, Item { glyph, text, danger, run })| {
            let choose = move |_| {
                // Closed first, so that the focus is back on the button when a dialog takes it.
                if let Some(menu) = node.get_untracked() {
                    let _ = menu.hide_popover();
                }
                run(actions);
            };
            view! {
                {(Some(i) == first_red && i > 0).then(|| view! { <hr /> })}
                <button type="button" role="menuitem" tabindex="-1" class=if danger { "danger" } else { "" } on:click=choose>
                    <Icon glyph=glyph />
                    {text}
                </button>
            }
        })
        .collect_view();
    view! {
        <section aria-label="Queue actions">
        <div id=MENU class="menu" role="menu" popover="auto" aria-label=format!("Actions for {}", at.queue.in_text()) style=style node_ref=node on:toggle=gone on:keydown=move |e| step(&e)>
            {lines}
        </div>
        </section>
    }
}
