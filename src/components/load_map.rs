//! One cell for each queue: the more waits the wider it is, the longer the backlog lasts the stronger its colour.

use super::{
    name::Name,
    number::{Place, count, figure, short},
};
use crate::model::{
    board::{FOREVER, Load, LoadMap},
    time::span,
};
use leptos::prelude::*;

const LEGEND: [(&str, &str); 6] = [
    ("l0", "nothing waits"),
    ("l1", "under 1 min"),
    ("l2", "under 10 min"),
    ("l3", "under 1 h"),
    ("l4", "longer, or none leaves"),
    ("lx", "pace unknown"),
];

fn level(cell: &Load) -> &'static str {
    match (cell.waiting, cell.lasts) {
        (0, _) => "l0",
        (_, None) => "lx",
        (_, Some(..60)) => "l1",
        (_, Some(60..600)) => "l2",
        (_, Some(600..3_600)) => "l3",
        (_, Some(_)) => "l4",
    }
}

fn words(cell: &Load) -> String {
    let waiting = count(cell.waiting, "job waits", "jobs wait");
    let pace = match cell.lasts {
        _ if cell.waiting == 0 => String::new(),
        None => ", and how fast they leave is unknown".into(),
        Some(FOREVER) => ", and none left in the last minute".into(),
        Some(s) => format!(", worked off in {} at the pace of the last minute", span(s.saturating_mul(1_000) as i64)),
    };
    format!("{}: {waiting}{pace}", cell.name.in_text())
}

#[component]
pub fn QueueLoad(map: Memo<LoadMap>) -> impl IntoView {
    let cells = move || {
        map.get()
            .cells
            .iter()
            .map(|cell| {
                // Ten times the backlog is one step wider, so that a small queue beside a huge one is still there.
                let grow = format!("flex-grow:{}", Place(1.0 + (cell.waiting as f64 + 1.0).log10()));
                let class = ["cell ", level(cell)].concat();
                view! {
                    <a class=class style=grow href=cell.name.href() title=words(cell)>
                        <span class="clip"><Name text=cell.name.clone() /></span>
                        <b>{short(cell.waiting)}</b>
                    </a>
                }
            })
            .collect_view()
    };
    let others = Memo::new(move |_| {
        map.with(|m| {
            (m.others > 0)
                .then(|| format!("And {} with {} waiting.", count(m.others, "more queue", "more queues"), figure(m.waiting, false)))
        })
    });
    let legend = LEGEND.iter().map(|(class, text)| view! { <span><i class=["key blk ", class].concat()></i>{*text}</span> }).collect_view();
    view! {
        <div class="load">{cells}</div>
        <p class="load-legend"><span>"Backlog lasts"</span>{legend}</p>
        {move || others.get().map(|text| view! { <p class="px-gutter pb-3 text-12 text-faint num">{text} " " <a class="link" href="/queues">"All queues"</a></p> })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::QueueName;

    #[test]
    fn a_backlog_that_stands_still_is_the_worst_and_an_unknown_pace_is_no_pace() {
        let cell = |waiting, lasts| Load { name: QueueName::try_from("q").expect("valid"), waiting, lasts };
        let levels = [(0, Some(0)), (0, None), (5, None), (5, Some(20)), (5, Some(4_000)), (5, Some(FOREVER))];
        assert_eq!(levels.map(|(w, l)| level(&cell(w, l))), ["l0", "l0", "lx", "l1", "l4", "l4"]);
        assert_eq!(words(&cell(1, Some(FOREVER))), "q: 1 job waits, and none left in the last minute");
    }
}
