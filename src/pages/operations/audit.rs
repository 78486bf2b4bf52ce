//! Who did what: one line for every write.

use crate::{
    api,
    components::{
        actions::Actions,
        address::use_search,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        name::Name,
        number::{count, thousands},
        time::Clock,
    },
    model::{
        audit::{AT_LEAST, AuditLine, AuditPage, AuditQuery, UNSURE},
        error::ApiError,
        ids::QueueName,
        time::span,
        wire::{Resource, resource},
    },
};
use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

type Loaded = Resource<Result<AuditPage, ApiError>>;

/// What the list of verbs offers, and its words.
const VERBS: &[(&str, &str)] = &[
    ("retry", "Retry"),
    ("promote", "Run now"),
    ("discard", "Delete"),
    ("put-back", "Put back"),
    ("pause", "Pause"),
    ("resume", "Resume"),
    ("purge", "Purge"),
    ("clear-failed", "Clear failed"),
    ("restore", "Restore"),
    ("cancel", "Cancel"),
    ("retention-settings", "Retention settings"),
    ("retention-run", "Delete old rows"),
    ("retry-archived", "Retry archived"),
    ("duplicate", "Duplicate"),
    ("schedule-add", "Add schedule"),
    ("schedule-edit", "Edit schedule"),
    ("schedule-enable", "Enable schedule"),
    ("schedule-disable", "Disable schedule"),
    ("schedule-run", "Run schedule now"),
    ("schedule-delete", "Delete schedule"),
    ("schedule-restore", "Restore schedule"),
    ("alert-rule-add", "Add alert rule"),
    ("alert-rule-change", "Change alert rule"),
    ("alert-rule-delete", "Delete alert rule"),
    ("alert-channels", "Alert channels"),
    ("alert-test", "Test alert"),
    ("alert-send-again", "Send alert again"),
    ("alert-dismiss", "Dismiss alert"),
    ("move-to-base", "Move to base list"),
    ("release-group", "Release group"),
    ("start-group", "Start group"),
    ("node-retry-all", "Node: retry all"),
    ("node-laravel-retry", "Node: retry (Laravel)"),
    ("node-restart", "Node: restart"),
    ("node-retry", "Node: retry"),
    ("node-delete", "Node: delete"),
];

fn verb(verb: &str) -> String {
    VERBS.iter().find(|(name, _)| *name == verb).map_or_else(|| verb.to_owned(), |(_, word)| (*word).to_owned())
}

/// `news` changes when something began or ended.
#[component]
pub fn Audit(news: Memo<Vec<(String, &'static str)>>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let query = use_search(|get| AuditQuery::read(get));
    let page = resource(move || (query.get(), news.get(), actions.changed.get()), |(query, ..)| api::audit::audit(query));
    view! {
        <section class="border-t border-line" aria-labelledby="audit">
            <div class="sec flex-wrap py-2">
                <h2 id="audit">"Audit"</h2>
                <span class="grow"></span>
                <Filters query=query />
            </div>
            <Transition fallback=|| view! { <Skeleton rows=4 /> }>
                <Lines page=page query=query />
            </Transition>
        </section>
    }
}

#[component]
fn Filters(query: Memo<AuditQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let (chosen, queue, who) = (NodeRef::<html::Select>::new(), NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let go = Callback::new(move |()| {
        let next = AuditQuery {
            page: 1,
            verb: chosen.get_untracked().map(|f| f.value()).unwrap_or_default(),
            queue: queue.get_untracked().map(|f| f.value().trim().to_owned()).unwrap_or_default(),
            who: who.get_untracked().map(|f| f.value().trim().to_owned()).unwrap_or_default(),
        };
        navigate(&format!("/operations{}", next.search()), NavigateOptions { scroll: false, ..NavigateOptions::default() });
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    let options = VERBS
        .iter()
        .map(|&(name, word)| view! { <option value=name selected=move || query.with(|q| q.verb == name)>{word}</option> })
        .collect_view();
    let field = move |node: NodeRef<html::Input>, name: &'static str, hint: &'static str, read: fn(&AuditQuery) -> String| {
        view! {
            <label class="input sm w-44 max-sm:w-auto max-sm:grow max-sm:basis-[30%]">
                <span class="sr-only">{hint}</span>
                <input type="search" name=name placeholder=hint autocomplete="off" spellcheck="false" node_ref=node value=read(&query.get_untracked()) prop:value=move || query.with(read) />
            </label>
        }
    };
    view! {
        <search class="max-sm:w-full">
            <form class="flex items-center gap-2 flex-wrap" method="get" action="/operations" on:submit=submit>
                <select class="select sm max-sm:basis-full" name="verb" aria-label="Action" node_ref=chosen on:change=move |_| go.run(())>
                    <option value="" selected=move || query.with(|q| q.verb.is_empty())>"All actions"</option>
                    {options.into_iter().collect_view()}
                </select>
                {field(queue, "queue", "Queue", |q| q.queue.clone())}
                {field(who, "who", "Who", |q| q.who.clone())}
                <button type="submit" class="btn sm">"Filter"</button>
            </form>
        </search>
    }
}

#[component]
fn Lines(page: Loaded, query: Memo<AuditQuery>) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<AuditPage>>| match page.get() {
        Some(Ok(page)) => Some(page),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| page.get().and_then(Result::err));
    let lines = Memo::new(move |_| known.with(|p| p.as_ref().map(|p| p.lines.clone()).unwrap_or_default()));
    let any = Memo::new(move |_| !lines.with(Vec::is_empty));
    // What was not read is not nothing.
    let empty = Memo::new(move |_| known.with(|p| p.as_ref().is_some_and(|p| p.lines.is_empty() && p.unavailable.is_none())));
    let nothing = move || {
        empty.get().then(|| {
            if query.with(|q| q.filters() || q.page > 1) {
                view! { <Empty title="No line matches" text="Nothing was done that fits, as far back as lines are kept."><a class="btn" href="/operations"><Icon glyph=Glyph::Close />"Clear filters"</a></Empty> }.into_any()
            } else {
                view! { <Empty title="Nothing was done yet" text="Every action of an operator appears here: who, what, on how many jobs, and what came of it." /> }.into_any()
            }
        })
    };
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| page.refetch() /> })}
        {move || known.with(|p| p.as_ref().and_then(note)).map(|text| view! { <div class="banner quiet"><Icon glyph=Glyph::Note class="i s" /><p>{text}</p></div> })}
        <Show when=move || any.get()>
            <div class="overflow-x-auto" tabindex="0" role="region" aria-label="Audit lines">
            <table class="grid-table audit">
                <caption class="sr-only">"What was done, newest first"</caption>
                <thead>
                    <tr>
                        <th class="w-40">"When"</th>
                        <th class="w-36">"Action"</th>
                        <th class="w-40">"Queue"</th>
                        <th class="w-48">"What"</th>
                        <th class="w-18 r">"Jobs"</th>
                        <th>"Result"</th>
                        <th class="w-20 r">"Took"</th>
                        <th class="w-52">"Who"</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || lines.get() key=|line| line.id.clone() let:line>
                        <Line line=line />
                    </For>
                </tbody>
            </table>
            </div>
            <Pages page=known query=query />
        </Show>
        {nothing}
    }
}

/// Where the lines are, unless all is well.
fn note(page: &AuditPage) -> Option<String> {
    let lost =
        (page.lost > 0).then(|| format!("{} could be written nowhere; the console's log has them.", count(page.lost, "line", "lines")));
    let place = match (page.archived, page.waiting) {
        (false, n) => (n > 0).then(|| {
            "These lines are in Redis, which keeps the newest 10,000. They move to the archive when there is one that answers.".to_owned()
        }),
        (true, 0) => None,
        (true, n) => Some(format!(
            "{} from the time without the archive {} being moved.",
            count(n, "line", "lines"),
            if n == 1 { "is" } else { "are" }
        )),
    };
    let said: Vec<String> = [page.unavailable.clone(), place, lost].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

#[component]
fn Line(line: AuditLine) -> impl IntoView {
    let refused = ["refused", "failed", "stopped", UNSURE, AT_LEAST].into_iter().any(|begins| line.result.starts_with(begins));
    let queue = line.queue.clone().map(|name| match QueueName::try_from(name.clone()) {
        Ok(queue) => view! { <a class="hover:underline" href=queue.href()><Name text=name /></a> }.into_any(),
        Err(_) => view! { <Name text=name /> }.into_any(),
    });
    let filter = line.filter.clone().unwrap_or_default();
    view! {
        <tr>
            <td><Clock at=line.at /></td>
            <td class="font-medium">{verb(&line.verb)}</td>
            <td>{queue}</td>
            <td title=filter.clone()>{filter.clone()}</td>
            <td class="r">{line.jobs.map_or_else(|| "—".to_owned(), thousands)}</td>
            <td class=if refused { "text-failed" } else { "" } title=line.result.clone()>{line.result.clone()}</td>
            <td class="r">{if line.took_ms < 1_000 { format!("{} ms", line.took_ms) } else { span(line.took_ms) }}</td>
            <td title=line.who.clone()>{line.who.clone()}</td>
        </tr>
    }
}

#[component]
fn Pages(page: Memo<Option<AuditPage>>, query: Memo<AuditQuery>) -> impl IntoView {
    let part = Memo::new(move |_| page.with(|p| p.as_ref().filter(|p| p.total > p.per_page).map(|p| (p.page, p.per_page, p.total))));
    let link = move |to: u64, on: bool, label: &'static str, glyph: Glyph| {
        let href = format!("/operations{}", query.with(|q| AuditQuery { page: to, ..q.clone() }.search()));
        if on {
            view! { <a href=href aria-label=label attr:data-noscroll=""><Icon glyph=glyph class="i s" /></a> }.into_any()
        } else {
            view! { <span class="off"><Icon glyph=glyph class="i s" /></span> }.into_any()
        }
    };
    move || {
        part.get().map(|(page, per_page, total)| {
            let last = total.div_ceil(per_page);
            let (from, to) = ((page - 1) * per_page + 1, (page * per_page).min(total));
            view! {
                <nav class="pager" aria-label="Pages of the audit">
                    <span>{format!("{} to {} of {} lines", thousands(from), thousands(to), thousands(total))}</span>
                    <span class="grow"></span>
                    <div class="pages">
                        {link(page.saturating_sub(1).max(1), page > 1, "Previous page", Glyph::ChevronLeft)}
                        <span aria-current="page">{format!("{page} of {last}")}</span>
                        {link(page + 1, page < last, "Next page", Glyph::ChevronRight)}
                    </div>
                </nav>
            }
        })
    }
}
