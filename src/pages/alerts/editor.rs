//! The form of one rule, with what it would have done beside it.

use super::{Draft, preview::WouldHave, rules::figure};
use crate::{
    api,
    components::toast::Toaster,
    model::{
        alert::rule::{NAME, Rule, RuleType},
        error::ApiError,
        shown::in_text,
    },
};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// What the fields say; text, as somebody types it.
#[derive(Clone, Copy)]
struct Form {
    kind: RwSignal<RuleType>,
    name: RwSignal<String>,
    queue: RwSignal<String>,
    threshold: RwSignal<String>,
    window: RwSignal<String>,
    hold: RwSignal<String>,
    cooldown: RwSignal<String>,
    enabled: RwSignal<bool>,
}

/// Without separators: a field for numbers takes none.
fn plain(n: f64) -> String {
    figure(n).replace(',', "")
}

impl Form {
    fn of(rule: &Rule) -> Self {
        Self {
            kind: RwSignal::new(rule.kind),
            name: RwSignal::new(rule.name.clone()),
            queue: RwSignal::new(rule.queue.clone().unwrap_or_default()),
            threshold: RwSignal::new(plain(rule.threshold)),
            window: RwSignal::new(rule.window_seconds.to_string()),
            hold: RwSignal::new(rule.hold_seconds.to_string()),
            cooldown: RwSignal::new(plain(rule.cooldown_minutes)),
            enabled: RwSignal::new(rule.enabled),
        }
    }

    /// What is no number is one that the rule refuses with a sentence.
    fn rule(&self, id: &str) -> Rule {
        let kind = self.kind.get();
        let number = |text: RwSignal<String>| text.with(|t| t.trim().parse::<f64>().unwrap_or(f64::NAN));
        let whole = |text: RwSignal<String>| text.with(|t| t.trim().parse::<u64>().unwrap_or(u64::MAX));
        Rule {
            id: id.into(),
            name: self.name.with(|n| n.trim().to_owned()),
            kind,
            threshold: if kind == RuleType::RedisDown { 0.0 } else { number(self.threshold) },
            queue: Some(self.queue.with(|q| q.trim().to_owned())).filter(|q| kind.by_queue() && !q.is_empty()),
            cooldown_minutes: number(self.cooldown),
            hold_seconds: whole(self.hold),
            window_seconds: if kind == RuleType::FailureSpike { whole(self.window) } else { crate::model::alert::rule::WINDOW_S },
            enabled: self.enabled.get(),
        }
    }

    /// Another type begins with its own figures.
    fn choose(&self, kind: RuleType) {
        let first = kind.first();
        self.kind.set(kind);
        self.threshold.set(plain(first.threshold));
        self.hold.set(first.hold_seconds.to_string());
        self.cooldown.set(plain(first.cooldown_minutes));
    }
}

#[component]
pub fn Editor(draft: Draft, changed: RwSignal<u32>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let Draft { rule: first, version } = draft;
    let is_new = first.id.is_empty();
    let form = Form::of(&first);
    let id = first.id.clone();
    let rule = Memo::new(move |_| form.rule(&id));
    let wrong = Memo::new(move |_| rule.with(Rule::problems));
    // Nobody is told that a name is missing before they could type one.
    let tried = RwSignal::new(!is_new);
    let (saving, refused) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let navigate = use_navigate();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if wrong.with_untracked(|w| !w.is_empty()) || saving.get_untracked() {
            return;
        }
        saving.set(true);
        let (rule, version, navigate) = (rule.get_untracked(), version.clone(), navigate.clone());
        spawn_local(async move {
            let name = in_text(&rule.name).into_owned();
            match api::alerts::save(rule, version).await {
                Ok(_) => {
                    toaster.done(format!("Saved the rule {name}"), "", None);
                    changed.update(|n| *n += 1);
                    navigate("/alerts", NavigateOptions::default());
                }
                Err(error) => {
                    refused.try_set(Some(error));
                }
            }
            saving.try_set(false);
        });
    };
    let kinds = RuleType::ALL
        .into_iter()
        .map(|kind| view! { <option value=kind.as_str() selected=kind == first.kind>{kind.label()}</option> })
        .collect_view();
    let by_queue = Memo::new(move |_| form.kind.get().by_queue());
    let spike = Memo::new(move |_| form.kind.get() == RuleType::FailureSpike);
    let counted = Memo::new(move |_| form.kind.get() != RuleType::RedisDown);
    let unit = Memo::new(move |_| form.kind.get().unit());
    let threshold_help = Memo::new(move |_| match form.kind.get() {
        RuleType::FailureSpike => "Compared with the middle of the 6 hours before; fewer than 5 failed attempts are never a spike.",
        RuleType::WorkerLost => "It fires when fewer report. Without a worker ever seen it stays quiet.",
        RuleType::NodeCpu => "Of the process that the agent reports for.",
        RuleType::NodeRam => "What the process holds of its host's memory.",
        RuleType::Backlog | RuleType::Failure | RuleType::OldestWaiting | RuleType::RedisDown => "",
    });
    view! {
        <section class="border-t border-line bg-canvas" aria-labelledby="editor">
            <div class="sec"><h2 id="editor">{if is_new { "New rule".to_owned() } else { format!("Edit {}", first.name) }}</h2></div>
            <p class="hidden noscript:block px-gutter pb-4 text-muted">"Saving a rule needs JavaScript; the REST interface does it without."</p>
            <div class="px-gutter pb-5 grid gap-6 sm:grid-cols-2">
                <form class="grid gap-3 content-start" on:submit=save novalidate>
                    <div class="grid gap-3 sm:grid-cols-2">
                        <Text id="rule-name" field="name" label="Name" text=form.name wrong=wrong shown=tried help=Signal::stored("Stands in every message.") most=NAME />
                        <div class="field">
                            <label for="rule-type">"What is watched"</label>
                            <select id="rule-type" class="select w-full" on:change=move |e| form.choose(RuleType::parse(&event_target_value(&e)).unwrap_or(RuleType::Backlog))>{kinds}</select>
                        </div>
                        <Show when=move || by_queue.get()>
                            <Text id="rule-queue" field="queue" label="Queue" text=form.queue wrong=wrong help=Signal::stored("Empty: all together. With * and ? every queue that matches, by itself.") most=1_024 />
                        </Show>
                        <Show when=move || counted.get()>
                            <Number id="rule-threshold" field="threshold" label="Threshold" text=form.threshold wrong=wrong unit=unit help=threshold_help />
                        </Show>
                        <Show when=move || spike.get()>
                            <Number id="rule-window" field="windowSeconds" label="Counted over" text=form.window wrong=wrong unit=Signal::stored("seconds") help=Signal::stored("") />
                        </Show>
                        <Number id="rule-hold" field="holdSeconds" label="Must last" text=form.hold wrong=wrong unit=Signal::stored("seconds") help=Signal::stored("And be over for as long, before it is resolved.") />
                        <Number id="rule-cooldown" field="cooldownMinutes" label="Cool-down" text=form.cooldown wrong=wrong unit=Signal::stored("minutes") help=Signal::stored("After it fired, it does not fire again for so long.") />
                    </div>
                    <label class="flex items-center gap-2">
                        <input type="checkbox" class="check" checked=first.enabled prop:checked=move || form.enabled.get() on:change=move |e| form.enabled.set(event_target_checked(&e)) />
                        "Watch for it"
                    </label>
                    <div role="alert" class="empty:hidden">{move || refused.get().map(|e| view! { <p class="text-failed wrap-anywhere">{e.to_string()}</p> })}</div>
                    <div class="flex gap-2 noscript:hidden">
                        <button type="submit" class="btn primary" disabled=move || saving.get() aria-busy=move || saving.get().to_string()>"Save rule"</button>
                        <a class="btn" href="/alerts">"Cancel"</a>
                    </div>
                </form>
                <WouldHave rule=rule />
            </div>
        </section>
    }
}

type Wrong = Memo<Vec<(&'static str, String)>>;

fn sentence(wrong: Wrong, field: &'static str) -> Memo<Option<String>> {
    Memo::new(move |_| wrong.with(|w| w.iter().find(|(name, _)| *name == field).map(|(_, sentence)| sentence.clone())))
}

#[component]
fn Text(
    id: &'static str,
    field: &'static str,
    label: &'static str,
    text: RwSignal<String>,
    wrong: Wrong,
    #[prop(optional, into)] shown: Option<Signal<bool>>,
    help: Signal<&'static str>,
    most: usize,
) -> impl IntoView {
    let problem = sentence(wrong, field);
    let problem = Memo::new(move |_| problem.get().filter(|_| shown.is_none_or(|shown| shown.get())));
    let class = move || if problem.with(Option::is_some) { "input bad w-full" } else { "input w-full" };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <span class=class>
                <input id=id type="text" autocomplete="off" spellcheck="false" maxlength=most.to_string() aria-describedby=format!("{id}-help") aria-invalid=move || problem.with(Option::is_some).to_string() value=text.get_untracked() prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) />
            </span>
            <Help id=id problem=problem help=help />
        </div>
    }
}

#[component]
fn Number(
    id: &'static str,
    field: &'static str,
    label: &'static str,
    text: RwSignal<String>,
    wrong: Wrong,
    #[prop(into)] unit: Signal<&'static str>,
    #[prop(into)] help: Signal<&'static str>,
) -> impl IntoView {
    let problem = sentence(wrong, field);
    let class = move || if problem.with(Option::is_some) { "input bad w-24" } else { "input w-24" };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <span class="flex items-center gap-2">
                <span class=class>
                    <input id=id type="number" min="0" step="any" inputmode="decimal" aria-describedby=format!("{id}-help") aria-invalid=move || problem.with(Option::is_some).to_string() value=text.get_untracked() prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) />
                </span>
                <span class="text-muted">{move || unit.get()}</span>
            </span>
            <Help id=id problem=problem help=help />
        </div>
    }
}

#[component]
fn Help(id: &'static str, problem: Memo<Option<String>>, help: Signal<&'static str>) -> impl IntoView {
    let class = move || if problem.with(Option::is_some) { "help bad" } else { "help" };
    view! { <p id=format!("{id}-help") class=class aria-live="polite">{move || problem.get().unwrap_or_else(|| help.get().to_owned())}</p> }
}
