//! Failures of each of the last 24 hours as a line, or as bars where there is room.

use super::number::{Place, thousands};
use leptos::prelude::*;
use std::fmt::Write;

/// The same hours for whoever cannot see the line.
fn told(hours: &[u64]) -> String {
    format!("Failures in each of the last {} hours: {}", hours.len(), hours.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
}

#[component]
pub fn ErrorSpark(hours: Vec<u64>) -> impl IntoView {
    let max = hours.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = 100.0 / hours.len().saturating_sub(1).max(1) as f64;
    let mut d = String::new();
    for (i, n) in hours.iter().enumerate() {
        let letter = if i == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{letter}{} {}", Place(i as f64 * step), Place(18.5 - *n as f64 / max * 17.0));
    }
    view! {
        <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label=told(&hours)>
            <path d=d></path>
        </svg>
    }
}

/// Bars with the largest figure beside them; the running hour is the last.
#[component]
pub fn ErrorBars(hours: Vec<u64>) -> impl IntoView {
    let max = hours.iter().copied().max().unwrap_or(0);
    let scale = max.max(1) as f64;
    let width = 100.0 / hours.len().max(1) as f64;
    let bars = hours
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let height = if *n == 0 { 0.6 } else { (*n as f64 / scale * 38.0).max(1.5) };
            let (x, y) = (Place(i as f64 * width + width * 0.12).to_string(), Place(40.0 - height).to_string());
            let class = if *n == 0 { "fill-current text-line" } else { "fill-current text-failed" };
            view! { <rect class=class x=x y=y width=Place(width * 0.76).to_string() height=Place(height).to_string()></rect> }
        })
        .collect_view();
    view! {
        <div class="px-gutter pb-4">
            <svg class="block w-full h-24" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label=told(&hours)>{bars}</svg>
            <p class="flex justify-between text-12 text-faint num mt-1"><span>"24 h ago"</span><span>{format!("most in an hour: {}", thousands(max))}</span><span>"now"</span></p>
        </div>
    }
}
