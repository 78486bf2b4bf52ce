//! A line without axes: how busy a queue was, minute by minute.

use super::number::Place;
use crate::model::queue::QueueSample;
use leptos::prelude::*;
use std::fmt::Write;

fn path(values: &[Option<u32>]) -> String {
    let max = f64::from(values.iter().flatten().copied().max().unwrap_or(0)).max(1.0);
    let step = 100.0 / values.len().saturating_sub(1).max(1) as f64;
    let mut d = String::new();
    let mut letter = 'M';
    for (i, value) in values.iter().enumerate() {
        // A gap, never a zero.
        let Some(value) = value else {
            letter = 'M';
            continue;
        };
        let _ = write!(d, "{letter}{} {}", Place(i as f64 * step), Place(18.5 - f64::from(*value) / max * 17.0));
        letter = 'L';
    }
    d
}

/// Ended runs of the last 15 minutes. Nothing is drawn where nothing was heard.
#[component]
pub fn Spark(#[prop(into)] sample: Signal<QueueSample>) -> impl IntoView {
    let d = Memo::new(move |_| sample.with(|q| path(&q.flow.spark)));
    let title = Memo::new(move |_| {
        sample.with(|q| match q.flow.spark.as_slice() {
            [] => "Ended jobs by minute: unknown, no events were heard".into(),
            all => format!(
                "Ended jobs in each of the last {} minutes: {}",
                all.len(),
                all.iter().map(|n| n.map_or_else(|| "unknown".into(), |n| n.to_string())).collect::<Vec<_>>().join(", ")
            ),
        })
    });
    view! {
        <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label=move || title.get()>
            <path d=move || d.get()></path>
        </svg>
    }
}
