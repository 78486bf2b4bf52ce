//! What a search found: one table, the best first, with what matched highlighted by the same code that found it.

use super::{
    badge::State,
    icon::{Glyph, Icon},
    name::Name,
    time::{Ago, Clock},
};
use crate::model::{
    search::{Field, Hit, Query, Whereabouts},
    shown::shown,
};
use leptos::prelude::*;

/// A text with parts of it marked. Ranges that do not fit are left out: they came over the wire.
#[component]
pub fn Marked(text: String, marks: Vec<(usize, usize)>) -> impl IntoView {
    let (mut at, mut parts) = (0, Vec::new());
    for (from, to) in marks {
        if let (Some(before), Some(marked)) = (text.get(at..from), text.get(from..to)) {
            parts.push((before.to_owned(), Some(marked.to_owned())));
            at = to;
        }
    }
    parts.push((text.get(at..).unwrap_or_default().to_owned(), None));
    parts.into_iter().map(|(before, marked)| view! { {before}{marked.map(|m| view! { <mark>{m}</mark> })} }).collect_view()
}

/// A name with what matched; the marks are of the name as it is, so one with stand-ins has none.
#[component]
fn MarkedName(text: String, marks: Vec<(usize, usize)>) -> impl IntoView {
    if shown(&text) == text {
        view! { <bdi><Marked text=text marks=marks /></bdi> }.into_any()
    } else {
        view! { <Name text=text /> }.into_any()
    }
}

fn marks(query: &Query, field: Field, text: &str) -> Vec<(usize, usize)> {
    query.marks(field, text).into_iter().map(|m| (m.start, m.end)).collect()
}

/// Where it was found, as a word.
fn word(hit: &Hit) -> &'static str {
    match hit.whereabouts {
        Whereabouts::Live => "Redis",
        Whereabouts::Archive => "Archive",
    }
}

#[component]
pub fn Hits(#[prop(into)] rows: Signal<Vec<Hit>>, query: Memo<Query>) -> impl IntoView {
    view! {
        <table class="grid-table hits">
            <caption class="sr-only">"Jobs found, the best match first"</caption>
            <thead class="stick">
                <tr>
                    <th scope="col" class="w-[28%] max-sm:w-auto">"Job"</th>
                    <th scope="col" class="max-sm:hidden">"Matched"</th>
                    <th scope="col" class="w-[150px] max-lg:hidden">"Queue"</th>
                    <th scope="col" class="w-[128px] max-sm:w-[120px] max-sm:pr-gutter!">"State"</th>
                    <th scope="col" class="w-[76px] max-md:hidden">"Found in"</th>
                    <th scope="col" class="r w-[200px] max-lg:w-[112px] max-sm:hidden">"Time"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=|hit| hit.key.clone() let(hit)><Row hit=hit query=query /></For>
            </tbody>
        </table>
    }
}

#[component]
fn Row(hit: Hit, query: Memo<Query>) -> impl IntoView {
    let query = query.get_untracked();
    let (line, line_marks) = hit.line();
    // The error as a list shows it may be shorter than the one that was searched.
    let line_marks = if hit.place.field == Field::Error || hit.place.field == Field::Payload {
        line_marks.to_vec()
    } else {
        marks(&query, Field::Error, line)
    };
    let line = line.to_owned();
    let id = hit.id.clone().unwrap_or_else(|| hit.key.chars().take(8).collect());
    let title = hit.class_name.clone().unwrap_or_else(|| "Job".into());
    let (title_marks, id_marks) = (marks(&query, Field::Class, &title), marks(&query, Field::Id, &id));
    let (queue, found, state, at) = (hit.queue.to_string(), word(&hit), hit.state, hit.at);
    let below = (line.clone(), line_marks.clone());
    view! {
        <tr data-row>
            <td>
                <a class="name" href=hit.href()>
                    <MarkedName text=title marks=title_marks /> " "
                    <span class="font-mono text-12 font-normal text-muted"><MarkedName text=id marks=id_marks /></span>
                </a>
                <p class="clip text-12 text-faint sm:hidden"><Marked text=below.0 marks=below.1 /></p>
            </td>
            <td class="text-muted max-sm:hidden" title=line.clone()><Marked text=line.clone() marks=line_marks /></td>
            <td class="max-lg:hidden" title=queue.clone()><Name text=queue.clone() /></td>
            <td class="max-sm:pr-gutter!"><State state=state /></td>
            <td class="text-muted max-md:hidden">{found}</td>
            <td class="r max-sm:hidden">
                {match at {
                    Some(at) => view! { <Ago at=at /><span class="ml-2 text-faint max-lg:hidden"><Clock at=at /></span> }.into_any(),
                    None => view! { <span class="text-zero">"—"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
}

/// What could not be understood, under the field.
#[component]
pub fn Misread(#[prop(into)] query: Signal<Query>) -> impl IntoView {
    move || {
        query
            .with(|q| q.problems.clone())
            .into_iter()
            .map(|problem| {
                view! {
                    <p class="flex items-center gap-2 px-gutter py-1 text-12 text-failed wrap-anywhere" role="status">
                        <Icon glyph=Glyph::Warning class="i s" />{problem.text}
                    </p>
                }
            })
            .collect_view()
    }
}
