//! `/alerts?page=&new=&edit=`: what fires, the rules, where messages go, and what was said. `new` names a type of rule,
//! `edit` the id of one: the form stands above the list.

pub mod channels;
mod editor;
mod history;
mod preview;
mod rules;

use crate::{
    api,
    components::{
        address::use_search,
        empty::{Problem, Skeleton},
        icon::{Glyph, Icon},
        number::thousands,
        time::Ago,
    },
    live::Live,
    model::{
        alert::{
            firing::{AlertsView, Firing},
            rule::{Rule, RuleType},
        },
        error::ApiError,
        live::LiveView,
        wire::{Resource, resource},
    },
};
use editor::Editor;
use history::History;
use leptos::prelude::*;
use leptos_meta::Title;
use rules::RuleTable;

/// What the address asks for.
#[derive(Clone, Debug, PartialEq)]
struct Query {
    page: u64,
    new: Option<RuleType>,
    edit: Option<String>,
}

impl Query {
    fn read(get: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            page: get("page").and_then(|p| p.parse().ok()).filter(|p| (1..=1_000).contains(p)).unwrap_or(1),
            new: get("new").map(|text| RuleType::parse(&text).unwrap_or(RuleType::Backlog)),
            edit: get("edit").filter(|id| !id.is_empty()),
        }
    }
}

/// A rule in the form, and the version of the rules that it was taken from.
#[derive(Clone, Debug, PartialEq)]
struct Draft {
    rule: Rule,
    version: String,
}

#[component]
pub fn AlertsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    live.watch(|| LiveView::Frame);
    let query = use_search(|get| Query::read(get));
    let page = Memo::new(move |_| query.with(|q| q.page));
    let changed = RwSignal::new(0_u32);
    // Something fired or ended: read again.
    let news = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| (o.alerts.seq, o.alerts.firing))));
    let view = resource(move || (page.get(), changed.get(), news.get()), |(page, ..)| api::alerts::alerts(page));
    view! {
        <Title text="Alerts" />
        <Transition fallback=|| view! { <div class="head"><h1>"Alerts"</h1></div> <Skeleton /> }>
            <Loaded view=view query=query changed=changed />
        </Transition>
    }
}

#[component]
fn Loaded(view: Resource<Result<AlertsView, ApiError>>, query: Memo<Query>, changed: RwSignal<u32>) -> impl IntoView {
    let shown = Memo::new(move |last: Option<&Option<AlertsView>>| match view.get() {
        Some(Ok(view)) => Some(view),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| view.get().and_then(Result::err));
    let rules = Memo::new(move |_| shown.with(|v| v.as_ref().map(|v| v.rules.clone()).unwrap_or_default()));
    let firing = Memo::new(move |_| shown.with(|v| v.as_ref().map(|v| v.alerts.firing.clone()).unwrap_or_default()));
    let history = Memo::new(move |_| shown.with(|v| v.as_ref().map(|v| v.alerts.clone()).unwrap_or_default()));
    let problem = Memo::new(move |_| rules.with(|r| r.problem.clone()));
    let known = Memo::new(move |_| shown.with(Option::is_some));
    // Stands still while somebody types, whatever happens meanwhile.
    let draft = Memo::new(move |last: Option<&Option<(Query, Draft)>>| {
        let asked = Query { page: 1, ..query.get() };
        if let Some(Some(last)) = last.filter(|last| last.as_ref().is_some_and(|(of, _)| *of == asked)) {
            return Some(last.clone());
        }
        let rule = match (&asked.edit, asked.new) {
            (Some(id), _) => rules.with(|r| r.rules.iter().find(|rule| rule.id == *id).cloned()),
            (None, Some(kind)) => Some(kind.first()),
            (None, None) => None,
        }?;
        known.get().then(|| (asked, Draft { rule, version: rules.with(|r| r.version.clone()) }))
    });
    let gone = Memo::new(move |_| known.get() && query.with(|q| q.edit.is_some()) && draft.with(Option::is_none));
    view! {
        <div class="head">
            <h1>"Alerts"</h1>
            {move || firing.with(|f| (!f.is_empty()).then(|| view! { <span class="text-failed num font-medium">{format!("{} firing", thousands(f.len() as u64))}</span> }))}
            <span class="grow"></span>
            <a class="btn" href="/alerts/channels">"Channels"</a>
            <a class="btn" href="/alerts?new=backlog">"New rule"</a>
        </div>
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| view.refetch() /> })}
        {move || problem.get().map(|text| view! { <div class="banner" role="alert"><Icon glyph=Glyph::Warning class="i text-waiting" /><p class="min-w-0 wrap-anywhere">{text}</p></div> })}
        <Show when=move || gone.get()><div class="banner quiet"><p>"This rule is not there any more."</p></div></Show>
        {move || draft.get().map(|(_, draft)| view! { <Editor draft=draft changed=changed /> })}
        <Show when=move || firing.with(|f| !f.is_empty())>
            <section class="border-t border-line" aria-labelledby="firing">
                <div class="sec"><h2 id="firing">"Firing"</h2></div>
                <ul class="attn" aria-label="Firing">{move || firing.get().into_iter().map(|f| view! { <FiringLine firing=f /> }).collect_view()}</ul>
            </section>
        </Show>
        <section class="border-t border-line" aria-labelledby="rules">
            <div class="sec"><h2 id="rules">"Rules"</h2></div>
            <Show when=move || known.get()>
                <RuleTable rules=rules firing=firing changed=changed />
            </Show>
        </section>
        <section class="border-t border-line" aria-labelledby="history">
            <div class="sec"><h2 id="history">"History"</h2></div>
            <Show when=move || known.get()>
                <History history=history />
            </Show>
        </section>
    }
}

#[component]
fn FiringLine(firing: Firing) -> impl IntoView {
    let queue = firing.subject.as_ref().filter(|_| RuleType::parse(&firing.rule_type).is_some_and(RuleType::by_queue));
    let href = queue.and_then(|name| crate::model::ids::QueueName::try_from(name.as_str()).ok()).map(|name| name.href());
    let clearing = firing.clearing.then_some(" It is over, but not for long enough yet.");
    view! {
        <li>
            <Icon glyph=Glyph::Bell class="i s text-failed" />
            <span class="min-w-0 wrap-anywhere"><b>{firing.rule}</b>": "{firing.text}{clearing} <span class="text-12 text-faint ml-2 whitespace-nowrap"><Ago at=firing.since /></span></span>
            {href.map(|href| view! { <a class="link do" href=href>"Open queue"</a> })}
        </li>
    }
}
