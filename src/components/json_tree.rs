//! A payload as a tree that folds and can be searched. Numbers stand digit by digit as they were stored.

use super::{
    icon::{Glyph, Icon},
    number::{count, thousands},
};
use crate::model::{
    json::{Kind, TreeRow, decode},
    time::Millis,
};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// More levels are drawn at this depth, so that a deep value stays on the screen.
const DEEPEST_GUIDE: usize = 16;
/// Longer strings are cut until they are opened.
const LONG: usize = 160;
/// Containers with more rows below the second level start closed.
const MANY: usize = 24;
/// The most rows that a search shows.
const MOST_FOUND: usize = 400;

fn container(row: &TreeRow) -> bool {
    matches!(row.kind, Kind::Object | Kind::Array)
}

fn long(row: &TreeRow) -> bool {
    row.kind == Kind::String && row.text.len() > LONG
}

fn folds(row: &TreeRow) -> bool {
    container(row) && row.descendants > 0 || long(row)
}

fn starts_closed(row: &TreeRow) -> bool {
    long(row) || (row.depth >= 2 && row.descendants > MANY) || row.depth >= 6
}

/// `{ 11 fields }`
fn summary(row: &TreeRow) -> String {
    let n = row.children as u64;
    match (row.kind, n) {
        (Kind::Object, 0) => "{ }".into(),
        (Kind::Object, _) => format!("{{ {} }}", count(n, "field", "fields")),
        (_, 0) => "[ ]".into(),
        (..) => format!("[ {} ]", count(n, "item", "items")),
    }
}

/// A number of milliseconds under a name that says it is a time.
fn time_note(row: &TreeRow) -> Option<String> {
    let key = row.key.as_deref()?;
    let says = key.ends_with("At") || key.ends_with("_at") || matches!(key, "timestamp" | "processedOn" | "finishedOn");
    if row.kind != Kind::Number || !says {
        return None;
    }
    let ms: i64 = row.text.parse().ok().filter(|ms| *ms > 100_000_000_000)?;
    Millis::checked(ms).map(Millis::full)
}

/// Rows to show: closed containers hide what is below; a search shows what matches with its parents.
fn visible(rows: &[TreeRow], flipped: &BTreeSet<usize>, search: &str) -> Vec<usize> {
    let mut out = Vec::new();
    if search.is_empty() {
        let mut i = 0;
        while i < rows.len() {
            out.push(i);
            let closed = container(&rows[i]) && starts_closed(&rows[i]) != flipped.contains(&i);
            i += 1 + if closed { rows[i].descendants } else { 0 };
        }
        return out;
    }
    let mut parents: Vec<usize> = Vec::new();
    let mut shown = 0;
    for (i, row) in rows.iter().enumerate() {
        parents.retain(|p| p + rows[*p].descendants >= i);
        if shown < MOST_FOUND && matches(row, search) {
            out.extend(parents.iter().copied().filter(|p| out.binary_search(p).is_err()).collect::<Vec<_>>());
            out.push(i);
            shown += 1;
        }
        if container(row) {
            parents.push(i);
        }
    }
    out
}

fn matches(row: &TreeRow, search: &str) -> bool {
    row.key.as_deref().is_some_and(|k| k.to_lowercase().contains(search)) || row.text.to_lowercase().contains(search)
}

/// `1 row matches.`, `2 rows match.`
pub(super) fn matching(n: u64, one: &str, many: &str) -> String {
    format!("{} {}.", count(n, one, many), if n == 1 { "matches" } else { "match" })
}

/// Text with what was searched for marked. Lower case may have another length than the text: then nothing is marked.
fn marked(text: String, search: &str) -> AnyView {
    let lower = text.to_lowercase();
    match lower.find(search) {
        Some(at)
            if !search.is_empty() && lower.len() == text.len() && text.is_char_boundary(at) && text.is_char_boundary(at + search.len()) =>
        {
            let (before, rest) = text.split_at(at);
            let (hit, after) = rest.split_at(search.len());
            view! { {before.to_owned()}<mark>{hit.to_owned()}</mark>{after.to_owned()} }.into_any()
        }
        _ => text.into_any(),
    }
}

/// `search`: what to look for, any case.
#[component]
pub fn JsonTree(rows: Vec<TreeRow>, more: bool, #[prop(into)] search: Signal<String>) -> impl IntoView {
    let total = rows.len();
    let rows = StoredValue::new(rows);
    let flipped = RwSignal::new(BTreeSet::new());
    let needle = Memo::new(move |_| search.with(|s| s.trim().to_lowercase()));
    let shown = Memo::new(move |_| flipped.with(|f| rows.with_value(|rows| needle.with(|n| visible(rows, f, n)))));
    let hits = Memo::new(move |_| {
        needle.with(|n| if n.is_empty() { None } else { Some(rows.with_value(|rows| rows.iter().filter(|r| matches(r, n)).count())) })
    });
    let line = move |i: usize| {
        let row = rows.with_value(|rows| rows[i].clone());
        let starts = starts_closed(&row);
        let open = Memo::new(move |_| starts == flipped.with(|f| f.contains(&i)) || (!needle.with(String::is_empty) && !starts));
        let flip = Callback::new(move |()| {
            flipped.update(|f| {
                if !f.remove(&i) {
                    f.insert(i);
                }
            })
        });
        view! { <TreeLine row=row open=open needle=needle flip=flip /> }
    };
    view! {
        <p class="px-gutter text-12 text-faint" role="status">
            {move || hits.get().map(|n| match n {
                0 => "Nothing in the payload matches.".to_string(),
                _ => matching(n as u64, "row", "rows"),
            })}
        </p>
        <ul class="tree overflow-x-auto">
            <For each=move || shown.get() key=|i| *i children=line />
        </ul>
        {more.then(|| view! { <p class="px-gutter pb-4 text-12 text-faint">{format!("The tree shows the first {} rows. The raw view has more.", thousands(total as u64))}</p> })}
    }
}

/// What a row shows after the levels above it.
pub fn guides(depth: usize) -> impl IntoView {
    (0..depth.min(DEEPEST_GUIDE)).map(|_| view! { <i></i> }).collect_view()
}

/// One row. `needle`: what is marked in it, in lower case; `flip` opens and closes it.
#[component]
pub fn TreeLine(row: TreeRow, #[prop(into)] open: Signal<bool>, needle: Memo<String>, flip: Callback<()>) -> impl IntoView {
    let foldable = folds(&row);
    let long = long(&row);
    let is_container = container(&row);
    let deeper =
        (row.depth > DEEPEST_GUIDE).then(|| view! { <span class="note">{format!("level {}", thousands(row.depth as u64))}</span> });
    let note = row.note.clone().or_else(|| time_note(&row));
    let name = row.key.clone().unwrap_or_else(|| "payload".into());
    let key = row.key.clone();
    let in_array = key.as_deref().is_some_and(|k| k.bytes().all(|b| b.is_ascii_digit()));
    let text = row.text.clone();
    let brackets = summary(&row);
    let value = move || {
        if is_container {
            return view! { <span class="p">{brackets.clone()}</span> }.into_any();
        }
        if long && open.get() {
            let whole = decode(&text).unwrap_or_else(|| text.clone());
            return view! { <span class="block whitespace-pre-wrap wrap-anywhere">{whole}</span> }.into_any();
        }
        let short = if long { text.chars().take(LONG).chain("…".chars()).collect() } else { text.clone() };
        needle.with(|n| marked(short, n))
    };
    let size = long.then(|| format!("string, {}", count(row.text.chars().count() as u64 - 2, "character", "characters")));
    let toggle = foldable.then(|| {
        view! {
            <button type="button" class="grid place-items-center size-4 rounded-small" aria-expanded=move || open.get().to_string() aria-label=name on:click=move |e| {
                e.stop_propagation();
                flip.run(());
            }>
                <Icon glyph=Signal::derive(move || if open.get() { Glyph::ChevronDown } else { Glyph::ChevronRight }) />
            </button>
        }
    });
    let press = move |_| {
        if is_container && foldable {
            flip.run(());
        }
    };
    let class = move || match (long && open.get(), is_container && foldable) {
        (true, _) => "h-auto! items-start! pl-[calc(var(--gutter)-8px)]",
        (false, true) => "cursor-pointer pl-[calc(var(--gutter)-8px)]",
        (false, false) => "pl-[calc(var(--gutter)-8px)]",
    };
    view! {
        <li class=class on:click=press>
            <span class="in">{guides(row.depth)}</span>
            <span class="tw">{toggle}</span>
            {deeper}
            <span class=move || match (long, open.get()) {
                (true, true) => "min-w-0",
                (true, false) => "clip flex-initial",
                (false, _) => "clip",
            }>
                {key.map(|k| view! { <span class=if in_array { "p" } else { "k" }>{move || needle.with(|n| marked(k.clone(), n))}</span><span class="p">": "</span> })}
                {value}
            </span>
            {note.or(size).map(|text| view! { <span class=if long { "note flex-none" } else { "note" }>{text}</span> })}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::tree;

    #[test]
    fn closing_hides_and_searching_shows_the_way() {
        let (rows, _) = tree(r#"{"a":{"b":[1,2]},"c":"needle"}"#, 100).expect("valid");
        assert_eq!(visible(&rows, &BTreeSet::new(), ""), [0, 1, 2, 3, 4, 5]);
        assert_eq!(visible(&rows, &BTreeSet::from([1]), ""), [0, 1, 5]);
        assert_eq!(visible(&rows, &BTreeSet::new(), "needle"), [0, 5]);
        assert_eq!(visible(&rows, &BTreeSet::new(), "2"), [0, 1, 2, 4]);
    }

    #[test]
    fn one_matches_and_more_match() {
        assert_eq!(matching(1, "value", "values"), "1 value matches.");
        assert_eq!(matching(1_200, "row", "rows"), "1,200 rows match.");
    }

    #[test]
    fn times_are_said() {
        let (rows, _) = tree(r#"{"createdAt":1763899084212,"n":1763899084212}"#, 100).expect("valid");
        assert_eq!(time_note(&rows[1]).as_deref(), Some("2025-11-23 11:58:04 UTC"));
        assert_eq!(time_note(&rows[2]), None);
    }
}
