//! When the failed lists were read that a page of errors shows, and whether they hold something else by now.

use crate::{
    live::Live,
    model::{live::Overview, search::Coverage, time::Millis},
};
use leptos::prelude::*;

/// How what was read stands to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known to have changed.
    Current,
    /// There are more failed jobs by now, or fewer.
    Changed,
    /// Redis or the console is not reached.
    Unknown,
}

/// Only what was counted after the reading says anything about it; `failed`: of all queues, `of`: what the reading found in them.
fn changed(counted_at: Option<Millis>, failed: Option<u64>, read_at: Millis, of: Option<u64>) -> bool {
    counted_at > Some(read_at) && failed.zip(of).is_some_and(|(now, then)| now != then)
}

pub fn standing(read_at: Millis, coverage: Coverage) -> Memo<Standing> {
    let live = expect_context::<Live>();
    let stale = live.stale();
    let counted = move |o: &Overview| changed(o.totals.counted_from.or(o.sampled_at), o.totals.failed, read_at, coverage.of);
    // As many as before need not be the same ones: what was read stays old until it is read again, and buttons stay where they are.
    let moved = Memo::new(move |was: Option<&bool>| was == Some(&true) || live.overview.with(|o| o.as_ref().is_some_and(counted)));
    Memo::new(move |_| match (stale.get(), moved.get()) {
        (true, _) => Standing::Unknown,
        (false, true) => Standing::Changed,
        (false, false) => Standing::Current,
    })
}

/// `Failed lists in Redis read at 12:03:05 UTC.`, and the way to read them again.
#[component]
pub fn AsOf(at: Millis, standing: Memo<Standing>, #[prop(into)] again: Callback<()>) -> impl IntoView {
    let since = move || match standing.get() {
        Standing::Current => None,
        Standing::Changed => Some(" They have changed since."),
        Standing::Unknown => Some(" What they hold now is not known."),
    };
    let offer = move || {
        (standing.get() == Standing::Changed).then(|| {
            view! { <button type="button" class="link noscript:hidden" on:click=move |_| again.run(())>"Read again"</button> }
        })
    };
    view! {
        <p class="flex flex-wrap gap-x-2 px-gutter pb-2 text-12 text-muted num [.banner+&]:pt-2">
            <span title=at.full()>{format!("Failed lists in Redis read at {} UTC.", at.clock())}{since}</span>
            {offer}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_says_that_something_changed() {
        let read_at = Millis(5_000);
        assert!(changed(Some(Millis(5_001)), Some(8), read_at, Some(7)));
        assert!(!changed(Some(Millis(5_001)), Some(7), read_at, Some(7)));
        assert!(!changed(Some(Millis(5_000)), Some(8), read_at, Some(7)), "counted before it was read");
        assert!(!changed(None, Some(8), read_at, Some(7)) && !changed(Some(Millis(6_000)), None, read_at, Some(7)));
    }
}
