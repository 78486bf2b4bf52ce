//! Nodes by service. Asked for every few seconds from memory: a node beats every ten.

use crate::{
    api,
    components::{
        empty::{Empty, Skeleton},
        name::Name,
        node::NodeCard,
        number::{count, thousands},
    },
    live::{Live, known},
    model::{
        node::{Freshness, Node, NodeList},
        shown::in_text,
    },
};
use leptos::prelude::*;

const ASK_EVERY_S: i64 = 2;

/// `4 online, 1 late`
fn facts<'a>(nodes: impl Iterator<Item = &'a Node> + Clone) -> String {
    let all = [Freshness::Fresh, Freshness::Late, Freshness::Gone];
    let said = all.map(|f| (nodes.clone().filter(|n| n.freshness == f).count() as u64, f.as_str()));
    said.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", thousands(*n))).collect::<Vec<_>>().join(", ")
}

#[component]
pub fn Nodes() -> impl IntoView {
    let live = expect_context::<Live>();
    let beat = live.beat(ASK_EVERY_S);
    let sent = RwSignal::new(0_u32);
    let list = known(move || {
        let _ = (beat.get(), sent.get());
        api::nodes::nodes()
    });
    let stale = live.stale();
    let nodes = Memo::new(move |_| list.with(|l| l.as_ref().map(|l| l.nodes.clone()).unwrap_or_default()));
    let services = Memo::new(move |_| {
        let mut names: Vec<String> = nodes.with(|all| all.iter().map(|n| n.service.clone()).collect());
        names.dedup();
        names
    });
    let any = Memo::new(move |_| !nodes.with(Vec::is_empty));
    let read = Memo::new(move |_| nodes.with(|all| facts(all.iter())));
    let looking = Memo::new(move |_| list.with(|l| l.as_ref().is_some_and(|l: &NodeList| !l.complete)));
    let more = Memo::new(move |_| list.with(|l| l.as_ref().map_or(0, |l| l.more)));
    let asked = Memo::new(move |_| list.with(Option::is_some));
    let none = move || {
        if asked.get() {
            view! { <Empty title="No node reports" text="A Quasar agent in any language appears here within seconds of its first heartbeat." /> }.into_any()
        } else {
            view! { <Skeleton rows=3 /> }.into_any()
        }
    };
    let on_sent = Callback::new(move |()| sent.update(|n| *n += 1));
    view! {
        <section class="border-t border-line mt-6" aria-labelledby="nodes">
            <div class="sec">
                <h2 id="nodes">"Nodes"</h2>
                <span class="text-muted num">{move || read.get()}</span>
                {move || looking.get().then(|| view! { <span class="text-faint">"Looking for more"</span> })}
            </div>
            <div class=move || if stale.get() { "stale" } else { "" }>
                <Show when=move || any.get() fallback=none>
                    <div class="node-head" aria-hidden="true"><span>"State"</span><span>"Node"</span><span class="figure">"CPU"</span><span class="figure">"Memory"</span><span class="rss">"Process"</span><span class="seen">"Heartbeat"</span><span></span></div>
                    <For each=move || services.get() key=|name| name.clone() let:name>
                        <Service name=name nodes=nodes on_sent=on_sent />
                    </For>
                </Show>
            </div>
            {move || (more.get() > 0).then(|| view! { <p class="px-gutter py-3 text-12 text-faint num">{format!("And {}, not listed.", count(more.get(), "more node", "more nodes"))}</p> })}
        </section>
    }
}

#[component]
fn Service(name: String, nodes: Memo<Vec<Node>>, on_sent: Callback<()>) -> impl IntoView {
    let of = name.clone();
    let mine = Memo::new(move |_| nodes.with(|all| all.iter().filter(|n| n.service == of).cloned().collect::<Vec<_>>()));
    let read = Memo::new(move |_| mine.with(|all| facts(all.iter())));
    view! {
        <div class="node-service">
            <h3><Name text=name.clone() /></h3>
            <span class="text-faint num">{move || read.get()}</span>
        </div>
        <ul aria-label=format!("Nodes of {}", in_text(&name))>
            <For each=move || mine.get() key=|n| n.id.clone() let:node>
                <li><NodeCard first=node nodes=Signal::from(mine) on_sent=on_sent /></li>
            </For>
        </ul>
    }
}
