//! What the palette offers: queues and commands by name, jobs by their words, and a search everywhere.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    keys::reveal,
    number::figure,
    palette::{Ask, Step},
    shell::Overlays,
    theme,
};
use crate::{
    api,
    live::Live,
    model::{
        ids::escaped,
        query::QueuesQuery,
        queue::QueueSample,
        search::{Hit, Whereabouts},
        shown::{in_text, shown},
    },
};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::time::Duration;

/// More would be reading, not jumping.
const SHOWN: usize = 12;

#[derive(Clone, Copy, PartialEq)]
enum Command {
    Go(&'static str),
    Theme,
    Live,
    Help,
}

/// Jobs among the choices: the rest is a page of its own.
const JOBS: usize = 6;
/// A pause in typing, before jobs are searched.
const SETTLED: Duration = Duration::from_millis(200);

const COMMANDS: [(&str, Glyph, Command); 13] = [
    ("Overview", Glyph::Overview, Command::Go("/")),
    ("Queues", Glyph::Queues, Command::Go("/queues")),
    ("Search", Glyph::Search, Command::Go("/search")),
    ("Errors", Glyph::Warning, Command::Go("/errors")),
    ("Schedules", Glyph::Schedules, Command::Go("/schedules")),
    ("Workers", Glyph::Workers, Command::Go("/workers")),
    ("Logs", Glyph::Logs, Command::Go("/logs")),
    ("Alerts", Glyph::Bell, Command::Go("/alerts")),
    ("Operations", Glyph::Operations, Command::Go("/operations")),
    ("Settings", Glyph::Settings, Command::Go("/settings")),
    ("Switch between dark and light", Glyph::Moon, Command::Theme),
    ("Pause or resume live updates", Glyph::Pause, Command::Live),
    ("Keyboard shortcuts", Glyph::Help, Command::Help),
];

#[derive(Clone, PartialEq)]
struct Choice {
    label: String,
    note: String,
    glyph: Glyph,
    act: Act,
}

#[derive(Clone, PartialEq)]
enum Act {
    Run(Command),
    Open(String),
}

fn choices(typed: &str, queues: &[QueueSample], jobs: &[Hit]) -> Vec<Choice> {
    let text = typed.to_lowercase();
    // The answer to an earlier text may still stand here: who types fast and presses Enter gets what was typed.
    let queues = queues.iter().filter(|q| q.name.as_str().to_lowercase().contains(&text)).take(SHOWN).map(|q| {
        let failed = q.failed.filter(|n| *n > 0).map(|n| format!("{} failed", figure(Some(n), false)));
        let waiting = q.waiting.filter(|n| *n > 0).map(|n| format!("{} waiting", figure(Some(n), q.grouped_partial)));
        let note = [failed, waiting].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Choice { label: shown(q.name.as_str()).into_owned(), note, glyph: Glyph::Queues, act: Act::Open(q.name.href()) }
    });
    let commands = COMMANDS.iter().filter(|(label, ..)| label.to_lowercase().contains(&text)).map(|(label, glyph, command)| Choice {
        label: (*label).to_owned(),
        note: if matches!(command, Command::Go(_)) { "Page".into() } else { "Command".into() },
        glyph: *glyph,
        act: Act::Run(*command),
    });
    if text.is_empty() {
        return commands.chain(queues).collect();
    }
    let jobs = jobs.iter().take(JOBS).map(|hit| Choice {
        label: [&hit.id, &hit.class_name].into_iter().flatten().map(|name| in_text(name)).collect::<Vec<_>>().join(" · "),
        note: format!("{} in {}", hit.state.as_str(), hit.queue.in_text()),
        glyph: Tone::of(hit.state).2,
        act: Act::Open(hit.href()),
    });
    let everywhere = Choice {
        label: format!("Search everywhere for {typed}"),
        note: "Search".into(),
        glyph: Glyph::Search,
        act: Act::Open(format!("/search?q={}", escaped(typed.trim()))),
    };
    // Jobs are found last and stand last: what Enter does must not change while one looks.
    queues.chain(commands).chain([everywhere]).chain(jobs).collect()
}

#[component]
pub fn Choices() -> impl IntoView {
    let overlays = expect_context::<Overlays>();
    let live = expect_context::<Live>();
    let open = overlays.palette;
    let Ask { text, at, steps } = overlays.ask;

    let found = RwSignal::new(Vec::<QueueSample>::new());
    let total = RwSignal::new(0_u64);
    // With the text that they answer: what was found for another one is not offered.
    let jobs = RwSignal::new((String::new(), Vec::<Hit>::new()));
    let list = Memo::new(move |_| {
        text.with(|text| found.with(|found| jobs.with(|(of, jobs)| choices(text, found, if of == text { jobs } else { &[] }))))
    });
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let look_for_jobs = move || {
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        let q = text.get_untracked();
        let ask = move || {
            spawn_local(async move {
                let still = || open.try_get_untracked() == Some(true) && text.try_with_untracked(|now| *now == q) == Some(true);
                if q.trim().is_empty() || !still() {
                    return;
                }
                let mut hits = api::search::search_live(q.clone(), None).await.map(|step| step.hits).unwrap_or_default();
                Hit::settle(&mut hits);
                if !still() {
                    return;
                }
                // The archive may be slow: what is in Redis is offered by then, and stays where it stands.
                jobs.set((q.clone(), hits.clone()));
                hits.extend(api::search::search_archive(q.clone(), None).await.map(|step| step.hits).unwrap_or_default());
                Hit::settle(&mut hits);
                hits.sort_by_key(|hit| (!hit.place.exact, hit.whereabouts == Whereabouts::Archive));
                if still() {
                    jobs.set((q, hits));
                }
            });
        };
        timer.set_value(set_timeout_with_handle(ask, SETTLED).ok());
    };

    let look = move || {
        let q = text.get_untracked();
        spawn_local(async move {
            // A console that cannot be reached still offers its commands.
            let Ok(page) = api::queues::queues(QueuesQuery { q: q.clone(), ..QueuesQuery::default() }).await else { return };
            if text.try_with_untracked(|now| *now == q) == Some(true) {
                total.set(page.total);
                found.set(page.queues);
            }
        });
    };
    Effect::new(move |_| {
        text.track();
        if open.get() {
            look();
            look_for_jobs();
        } else {
            jobs.set(Default::default());
        }
    });
    let navigate = use_navigate();
    let run = Callback::new(move |index: usize| {
        let Some(choice) = list.with_untracked(|list| list.get(index).cloned()) else { return };
        open.set(false);
        match choice.act {
            Act::Open(href) => navigate(&href, NavigateOptions::default()),
            Act::Run(Command::Go(path)) => navigate(path, NavigateOptions::default()),
            Act::Run(Command::Theme) => theme::toggle(),
            Act::Run(Command::Live) => live.paused.update(|p| *p = !*p),
            Act::Run(Command::Help) => overlays.help.set(true),
        }
    });
    // Also those from before this was here.
    Effect::new(move |_| {
        let taken = steps.get();
        if taken.is_empty() {
            return;
        }
        steps.set(Vec::new());
        for step in taken {
            let last = list.with_untracked(Vec::len).saturating_sub(1);
            match step {
                Step::Down => at.update(|i| *i = if *i >= last { 0 } else { *i + 1 }),
                Step::Up => at.update(|i| *i = if *i == 0 { last } else { *i - 1 }),
                Step::Enter => run.run(at.get_untracked()),
            }
        }
        if let Some(el) = document().get_element_by_id(&format!("choice-{}", at.get_untracked())) {
            reveal(&el);
        }
    });
    let rows = move || {
        list.get()
            .into_iter()
            .enumerate()
            .map(|(i, choice)| {
                view! {
                    <li
                        role="option"
                        id=format!("choice-{i}")
                        aria-selected=move || (at.get() == i).to_string()
                        on:mousemove=move |_| at.set(i)
                        on:click=move |_| run.run(i)
                    >
                        <Icon glyph=choice.glyph />
                        <span class="clip grow"><bdi>{choice.label}</bdi></span>
                        <span class="text-12 text-faint num clip flex-none max-w-[50%]">{choice.note}</span>
                    </li>
                }
            })
            .collect_view()
    };
    let hidden = Memo::new(move |_| total.get().saturating_sub(SHOWN as u64));
    let nothing = Memo::new(move |_| list.with(Vec::is_empty));
    view! {
        <ul id="choices" role="listbox" aria-label="Queues, jobs, pages and commands">{rows}</ul>
        <Show when=move || nothing.get()>
            <p class="px-4 py-3 text-muted">"Nothing has this in its name."</p>
        </Show>
        <p class="hint">
            <span><kbd>"↑"</kbd> " " <kbd>"↓"</kbd> " choose"</span>
            <span><kbd>"Enter"</kbd> " open"</span>
            <Show when=move || { hidden.get() > 0 }>
                <span class="ml-auto num">{move || format!("{} more queues match", figure(Some(hidden.get()), false))}</span>
            </Show>
        </p>
    }
}
