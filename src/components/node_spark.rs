//! A node's history as a line without axes: 0 to 100 percent, gaps as gaps.

use super::number::Place;
use leptos::prelude::*;
use std::fmt::Write;

fn path(values: &[Option<u8>]) -> String {
    let step = 100.0 / values.len().saturating_sub(1).max(1) as f64;
    let (mut d, mut letter) = (String::new(), 'M');
    for (i, value) in values.iter().enumerate() {
        let Some(value) = value else {
            letter = 'M';
            continue;
        };
        let (x, y) = (Place(i as f64 * step), Place(18.5 - f64::from(*value) * 0.17));
        // A point that stands alone is a short stroke.
        let alone = letter == 'M' && values.get(i + 1).copied().flatten().is_none();
        let _ = if alone { write!(d, "M{x} {y}h1") } else { write!(d, "{letter}{x} {y}") };
        letter = 'L';
    }
    d
}

/// `CPU, 15 minutes: 3 to 41 %`
fn said(what: &str, values: &[Option<u8>]) -> String {
    let known = || values.iter().flatten();
    match (known().min(), known().max()) {
        (Some(low), Some(high)) if low == high => format!("{what} of the last 15 minutes: {low} %"),
        (Some(low), Some(high)) => format!("{what} of the last 15 minutes: {low} to {high} %"),
        _ => format!("{what} of the last 15 minutes: not seen"),
    }
}

#[component]
pub fn NodeSpark(what: &'static str, #[prop(into)] values: Signal<Vec<Option<u8>>>) -> impl IntoView {
    let d = Memo::new(move |_| values.with(|v| path(v)));
    let title = Memo::new(move |_| values.with(|v| said(what, v)));
    view! {
        <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label=move || title.get()>
            <path d=move || d.get()></path>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_gaps() {
        assert_eq!(path(&[Some(0), Some(100), None, None, Some(50)]), "M0 18.5L25 1.5M100 10h1");
        assert_eq!(path(&[]), "");
        assert_eq!(said("CPU", &[None, Some(3), Some(41)]), "CPU of the last 15 minutes: 3 to 41 %");
        assert_eq!(said("CPU", &[None]), "CPU of the last 15 minutes: not seen");
    }
}
