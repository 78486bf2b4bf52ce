//! Figures over time, drawn by hand: SVG for what has a shape, text for what is read, a table for who cannot see either.
//! One text each for picture, values and table: they change together every few seconds, and compile once for all charts.

mod draw;
mod scale;

use super::number::{Place, millis, per_second, short};
use crate::model::time::Millis;
use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, PointerEvent},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Jobs,
    /// On a logarithmic scale: what is slow is slower by orders.
    Millis,
}

impl Unit {
    pub fn say(self, value: Option<f64>) -> String {
        match (value, self) {
            (None, _) => "—".into(),
            (Some(x), Self::PerSecond) => format!("{}/s", per_second(x)),
            (Some(x), Self::Jobs) => short(x as u64),
            (Some(x), Self::Millis) => millis(x),
        }
    }
}

impl Unit {
    /// At a grid line: as short as can be, with the unit once, at the `top`; a duration names its own.
    fn mark(self, value: f64, top: bool) -> String {
        match self {
            Self::PerSecond => {
                let figure = if value >= 1_000.0 { short(value as u64) } else { Place(value).to_string() };
                figure + if top { "/s" } else { "" }
            }
            Self::Jobs | Self::Millis => self.say(Some(value)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    /// A line with the space below it tinted.
    Area,
    Bars,
}

/// `ink` is the class of its colour; a value is `None` where nothing was heard: a gap, never a zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: &'static str,
    pub ink: &'static str,
    pub shape: Shape,
    pub values: Vec<Option<f64>>,
}

/// A scale of its own: one failure a second is invisible beside five hundred completions.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub unit: Unit,
    /// `p-tall`, `p-low` or `p-full`: how high it is.
    pub height: &'static str,
    pub series: Vec<Series>,
}

/// Buckets from left to right; the last one still fills.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    pub title: &'static str,
    /// Beside the title, instead of a legend: the lines are then named at their ends.
    pub note: Option<&'static str>,
    pub times: Vec<Millis>,
    pub step_ms: i64,
    pub lanes: Vec<Lane>,
}

impl Plot {
    fn empty(&self) -> bool {
        self.lanes.iter().flat_map(|l| &l.series).all(|s| s.values.iter().all(Option::is_none))
    }

    fn series(&self) -> impl Iterator<Item = (Unit, &Series)> {
        self.lanes.iter().flat_map(|l| l.series.iter().map(move |s| (l.unit, s)))
    }

    /// The newest bucket that is over.
    fn newest(&self) -> usize {
        self.times.len().saturating_sub(2)
    }

    fn when(&self, i: usize) -> String {
        let Some(at) = self.times.get(i) else { return String::new() };
        let clock = if self.step_ms < 60_000 { at.clock() } else { at.minute() };
        format!("{clock} UTC{}", if i + 1 == self.times.len() { ", still filling" } else { "" })
    }

    /// What a bucket holds, in words.
    fn words(&self, i: usize) -> String {
        let values: Vec<String> =
            self.series().map(|(unit, s)| format!("{} {}", s.name, unit.say(s.values.get(i).copied().flatten()))).collect();
        format!("{}: {}", self.when(i), values.join(", "))
    }

    /// What stands where nothing can be drawn.
    fn unknown(&self) -> &'static str {
        if self.lanes.iter().any(|l| l.unit == Unit::Jobs) {
            "Nothing was counted in this time yet."
        } else {
            "No events were heard in this time. The chart fills while the console listens and a consumer runs with monitor: true."
        }
    }
}

/// A block with its heading. `None`: not loaded yet.
#[component]
pub fn Chart(#[prop(into)] title: &'static str, plot: Memo<Option<Plot>>, class: &'static str) -> impl IntoView {
    let at = RwSignal::new(None::<usize>);
    let read = move |read: fn(&Plot) -> String| Memo::new(move |_| plot.with(|p| p.as_ref().map(read).unwrap_or_default()));
    let (legend, picture, table) = (read(draw::legend), read(draw::picture), read(draw::table));
    let count = Memo::new(move |_| plot.with(|p| p.as_ref().map_or(0, |p| p.times.len())));
    let here = Memo::new(move |_| at.get().map(|i| i.min(count.get().saturating_sub(1))));
    let newest = move || plot.with(|p| p.as_ref().map_or(0, Plot::newest));
    let words = Memo::new(move |_| plot.with(|p| p.as_ref().map(|p| p.words(here.get().unwrap_or(p.newest()))).unwrap_or_default()));
    let unknown = Memo::new(move |_| plot.with(|p| p.as_ref().filter(|p| p.empty()).map(Plot::unknown)));
    let step = move |event: ev::KeyboardEvent| {
        let last = count.get_untracked().saturating_sub(1);
        let now = here.get_untracked().unwrap_or_else(|| untrack(newest));
        at.set(match event.key().as_str() {
            "ArrowLeft" => Some(now.saturating_sub(1)),
            "ArrowRight" => Some((now + 1).min(last)),
            "Home" => Some(0),
            "End" => Some(last),
            "Escape" if here.get_untracked().is_some() => None,
            _ => return,
        });
        event.prevent_default();
        event.stop_propagation();
    };
    let point = move |event: PointerEvent| {
        let Some(area) = event.current_target().and_then(|t| t.dyn_into::<Element>().ok()) else { return };
        let area = area.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - area.left()) / area.width().max(1.0);
        at.set((0.0..1.0).contains(&share).then_some((share * count.get_untracked() as f64) as usize));
    };
    let cross = move || {
        here.get().map(|i| {
            let x = (i as f64 + 0.5) * 100.0 / count.get().max(1) as f64;
            // The values stand on the side where there is room.
            let side = if x > 50.0 { "tip left" } else { "tip" };
            view! {
                <i class="cross" style:left=format!("{}%", Place(x))>
                    <span class=side inner_html=move || plot.with(|p| p.as_ref().map(|p| draw::values(p, i)).unwrap_or_default())></span>
                </i>
            }
        })
    };
    let ends = move || plot.with(|p| p.as_ref().is_some_and(|p| p.note.is_some()));
    view! {
        <section class=class aria-label=title>
            <div class="sec"><h2>{title}</h2><div class="legend" inner_html=move || legend.get()></div></div>
            <Show when=move || unknown.get().is_none() fallback=move || view! { <p class="unheard">{move || unknown.get()}</p> }>
                <div class="chart">
                    <div
                        class=move || if ends() { "plots ends" } else { "plots" }
                        tabindex="0"
                        role="slider"
                        aria-label=move || format!("{title} over time, arrow keys read the values")
                        aria-orientation="horizontal"
                        aria-valuemin="0"
                        aria-valuemax=move || count.get().saturating_sub(1).to_string()
                        aria-valuenow=move || here.get().unwrap_or_else(newest).to_string()
                        aria-valuetext=move || words.get()
                        on:keydown=step
                        on:pointermove=point
                        on:pointerleave=move |_| at.set(None)
                        on:blur=move |_| at.set(None)
                    >
                        <div inner_html=move || picture.get()></div>
                        {cross}
                    </div>
                    <details class="as-table">
                        <summary>{format!("{title} as a table")}</summary>
                        <div inner_html=move || table.get()></div>
                    </details>
                </div>
            </Show>
        </section>
    }
}
