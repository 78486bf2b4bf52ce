//! The bell of the top bar: how many alerts fire, what was said lately, and a toast when one fires or is resolved. The list is
//! fetched when it is opened for the first time.

use super::{
    bell_list::BellList,
    icon::{Glyph, Icon},
    later::{later, when},
    number::count,
    toast::{Kind, Offer, Toast, Toaster},
};
use crate::{
    live::Live,
    model::alert::{firing::AlertsNow, message},
};
use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys};

/// More at once are one toast.
const ONE_BY_ONE: usize = 3;

later! { in bell fn list() -> fn() -> AnyView { || view! { <BellList /> }.into_any() } }

/// Says what is new since `before`; what was said before the page came is not said again.
fn tell(toaster: Toaster, now: &AlertsNow, before: u64) {
    let offer = || Some(Offer::Link { label: "View".into(), href: "/alerts".into() });
    let news: Vec<_> = now.news.iter().filter(|entry| entry.seq > before).map(|entry| &entry.message).collect();
    if news.len() > ONE_BY_ONE {
        let n = news.len() as u64;
        let title = format!("{} or resolved", count(n, "alert fired", "alerts fired"));
        toaster.show(Toast { kind: Kind::Alert, title, detail: String::new(), offer: offer() });
        return;
    }
    for said in news {
        let (kind, what) = match said.kind {
            message::Kind::Resolved => (Kind::Done, "resolved: "),
            message::Kind::Fired | message::Kind::Test => (Kind::Alert, ""),
        };
        toaster.show(Toast { kind, title: [what, said.rule.as_str()].concat(), detail: said.text.clone(), offer: offer() });
    }
}

#[component]
pub fn Bell() -> impl IntoView {
    let live = expect_context::<Live>();
    let toaster = expect_context::<Toaster>();
    let open = RwSignal::new(false);
    let here = when(move || open.get(), list);
    let firing = Memo::new(move |_| live.overview.with(|o| o.as_ref().map_or(0, |o| o.alerts.firing)));
    let label = Memo::new(move |_| match firing.get() {
        0 => "Alerts".to_owned(),
        n => format!("Alerts: {n} firing"),
    });
    let seq = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.alerts.seq)));
    Effect::new(move |before: Option<Option<u64>>| {
        let now = seq.get();
        if let (Some(before), Some(_)) = (before.flatten(), now) {
            live.overview.with_untracked(|o| o.iter().for_each(|o| tell(toaster, &o.alerts, before)));
        }
        // A console that has not looked yet has nothing to say.
        now.or(before.flatten())
    });
    let toggled = move |e: leptos::ev::Event| open.set(e.unchecked_ref::<web_sys::ToggleEvent>().new_state() == "open");
    view! {
        <button type="button" class="btn icon ghost sm bell" popovertarget="bell" aria-label=move || label.get() title=move || label.get()>
            <Icon glyph=Glyph::Bell />
            <Show when=move || { firing.get() > 0 }><span class="count" aria-hidden="true">{move || firing.get().min(99)}</span></Show>
        </button>
        <section id="bell" class="bell-list" popover="auto" aria-label="Alerts" on:toggle=toggled>
            <div class="flex items-center justify-between px-3 pt-2 pb-1">
                <h2>"Alerts"</h2>
                <a class="link" href="/alerts">"All alerts"</a>
            </div>
            {move || open.get().then(|| here.get().map(|list| list()))}
        </section>
    }
}
