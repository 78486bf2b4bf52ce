//! The rules: when they fire, whether they do now, and what can be done with them.

use crate::{
    api,
    components::{
        badge::Tone,
        dialog::Confirm,
        empty::Empty,
        icon::{Glyph, Icon},
        name::Name,
        number::{count, decimal, thousands},
        toast::Toaster,
    },
    model::{
        alert::{
            firing::Firing,
            rule::{AT_ONCE, Rule, RuleType, Rules},
        },
        error::ApiError,
        ids::escaped,
        shown::in_text,
        time::span,
    },
};
use leptos::{prelude::*, task::spawn_local};

/// `1,000`, `1.5`
pub fn figure(n: f64) -> String {
    let whole = n.round();
    if (n - whole).abs() < 0.05 { thousands(whole.max(0.0) as u64) } else { decimal(n) }
}

/// `1,000 waiting jobs or more, for 1 min`
fn when(rule: &Rule) -> String {
    let n = figure(rule.threshold);
    let what = match rule.kind {
        RuleType::Backlog | RuleType::Failure | RuleType::NodeCpu | RuleType::NodeRam => format!("{n} {}", rule.kind.unit()),
        RuleType::FailureSpike => {
            format!("{n} times the usual failed attempts a minute, over {}", span(rule.window_seconds.cast_signed() * 1_000))
        }
        RuleType::OldestWaiting => format!("older than {}", span((rule.threshold * 1_000.0) as i64)),
        RuleType::WorkerLost => format!("fewer than {}", count(rule.threshold.max(0.0) as u64, "worker", "workers")),
        RuleType::RedisDown => "no answer".into(),
    };
    if rule.hold_seconds > 0 { format!("{what}, for {}", span(rule.hold_ms())) } else { what }
}

/// `mail*, each by itself`
fn where_of(rule: &Rule) -> String {
    match (&rule.queue, rule.kind) {
        (Some(pattern), _) if rule.is_pattern() => format!("{}, each by itself", in_text(pattern)),
        (Some(queue), _) => in_text(queue).into_owned(),
        (None, RuleType::NodeCpu | RuleType::NodeRam) => "every node by itself".into(),
        (None, RuleType::RedisDown) => "Redis".into(),
        (None, RuleType::WorkerLost) => "all workers".into(),
        (None, _) => "all queues together".into(),
    }
}

#[component]
pub fn RuleTable(rules: Memo<Rules>, firing: Memo<Vec<Firing>>, changed: RwSignal<u32>) -> impl IntoView {
    let asking = RwSignal::new(None::<Rule>);
    let notes = move || {
        rules.with(|r| {
            let begin = (!r.stored).then(|| "These are the default rules. Changing one saves them all.".to_owned());
            let foreign = r.foreign.iter().map(|f| format!("{}: this rule {}. It is left as it is and not followed.", in_text(&f.name), f.problem));
            begin.into_iter().chain(foreign).map(|text| view! { <div class="banner quiet"><Icon glyph=Glyph::Note class="i s" /><p class="min-w-0 wrap-anywhere">{text}</p></div> }).collect_view()
        })
    };
    let table = move || {
        let list = rules.with(|r| r.rules.clone());
        if list.is_empty() {
            return view! { <Empty title="No rules" text="A rule says what is too much, for how long, and of which queue. Then it is said here and on the channels."><a class="btn" href="/alerts?new=backlog">"New rule"</a></Empty> }.into_any();
        }
        let rows =
            list.into_iter().map(|rule| view! { <Row rule=rule rules=rules firing=firing changed=changed asking=asking /> }).collect_view();
        view! {
            <table class="grid-table border-t border-line">
                <caption class="sr-only">"Rules"</caption>
                <thead><tr>
                    <th scope="col" class="w-60 max-sm:w-auto">"Rule"</th>
                    <th scope="col" class="w-45 max-md:hidden">"Of"</th>
                    <th scope="col" class="max-sm:hidden">"Fires at"</th>
                    <th scope="col" class="r w-28 max-md:hidden">"Cool-down"</th>
                    <th scope="col" class="w-28">"State"</th>
                    <th scope="col" class="w-55 max-sm:w-24"><span class="sr-only">"Actions"</span></th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        {notes}
        {table}
        {move || asking.get().map(|rule| view! { <DeleteDialog rule=rule rules=rules changed=changed on_close=Callback::new(move |()| asking.set(None)) /> })}
    }
}

#[component]
fn Row(rule: Rule, rules: Memo<Rules>, firing: Memo<Vec<Firing>>, changed: RwSignal<u32>, asking: RwSignal<Option<Rule>>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let id = rule.id.clone();
    let fires = Memo::new(move |_| firing.with(|all| all.iter().filter(|f| f.rule_id == id).count() as u64));
    let enabled = rule.enabled;
    let state = move || match (enabled, fires.get()) {
        (false, _) => {
            view! { <span class="state text-muted"><Icon glyph=Glyph::Paused class=Tone::Paused.icon() />"Off"</span> }.into_any()
        }
        (true, 0) => view! { <span class="state"><Icon glyph=Glyph::Completed class=Tone::Active.icon() />"Quiet"</span> }.into_any(),
        (true, n) => {
            // More may be too much: they wait until one of these is over.
            let partial = n >= AT_ONCE as u64;
            let title = partial.then(|| format!("At most {AT_ONCE} alerts of one rule fire at once; others wait."));
            let text = if n == 1 { "Firing".to_owned() } else { format!("{} firing", crate::components::number::figure(Some(n), partial)) };
            view! { <span class="state text-failed font-medium" title=title><Icon glyph=Glyph::Bell class=Tone::Failed.icon() />{text}</span> }
                .into_any()
        }
    };
    let saving = RwSignal::new(false);
    let switch = {
        let rule = rule.clone();
        move |_| {
            let next = Rule { enabled: !enabled, ..rule.clone() };
            saving.set(true);
            spawn_local(async move {
                let (name, on) = (in_text(&next.name).into_owned(), next.enabled);
                match api::alerts::save(next, rules.with_untracked(|r| r.version.clone())).await {
                    Ok(_) => toaster.done(
                        format!("{name} is {}", if on { "on" } else { "off" }),
                        if on { "" } else { "What it fired is closed." },
                        None,
                    ),
                    Err(error) => toaster.failed(format!("Could not change {name}"), &error),
                }
                saving.try_set(false);
                changed.update(|n| *n += 1);
            });
        }
    };
    let (edit, name) = (format!("/alerts?edit={}", escaped(&rule.id)), rule.name.clone());
    let minutes = span((rule.cooldown_minutes * 60_000.0) as i64);
    let (of, at) = (where_of(&rule), when(&rule));
    let kind = rule.kind.label();
    let both = format!("{of}: {at}");
    view! {
        <tr data-row>
            <td class="py-1.5!" title=name.clone()>
                <a class="name" href=edit><Name text=name.clone() /></a>
                <span class="block text-12 text-faint clip">{kind}<span class="sm:hidden">" · "{both}</span></span>
            </td>
            <td class="max-md:hidden" title=of.clone()>{of.clone()}</td>
            <td class="max-sm:hidden" title=at.clone()>{at.clone()}</td>
            <td class="r max-md:hidden">{if rule.cooldown_minutes > 0.0 { minutes } else { "none".into() }}</td>
            <td>{state}</td>
            <td class="r">
                <span class="inline-flex gap-3 noscript:hidden max-sm:flex-col max-sm:items-end max-sm:gap-0">
                    <button type="button" class="link max-sm:py-1" aria-label=format!("Turn {} {}", if enabled { "off" } else { "on" }, in_text(&name)) disabled=move || saving.get() on:click=switch>{if enabled { "Turn off" } else { "Turn on" }}</button>
                    <button type="button" class="link text-failed max-sm:py-1" aria-label=format!("Delete {}", in_text(&name)) on:click=move |_| asking.set(Some(rule.clone()))>"Delete"</button>
                </span>
            </td>
        </tr>
    }
}

#[component]
fn DeleteDialog(rule: Rule, rules: Memo<Rules>, changed: RwSignal<u32>, on_close: Callback<()>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let (pending, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let (id, name) = (rule.id, in_text(&rule.name).into_owned());
    let title = format!("Delete the rule {name}?");
    let confirm = Callback::new(move |()| {
        let (id, name) = (id.clone(), name.clone());
        pending.set(true);
        spawn_local(async move {
            match api::alerts::delete(id, rules.with_untracked(|r| r.version.clone())).await {
                Ok(_) => {
                    crate::components::dialog::close();
                    toaster.done(format!("Deleted the rule {name}"), "", None);
                }
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
            pending.try_set(false);
            changed.update(|n| *n += 1);
        });
    });
    view! {
        <Confirm title=title primary="Delete rule" glyph=Glyph::Trash danger=true ready=true pending=pending error=error on_confirm=confirm on_close=on_close>
            <p class="text-muted">"What it fired is closed. What was said stays in the history."</p>
        </Confirm>
    }
}
