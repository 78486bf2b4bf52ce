//! What only the archive remembers of a group of failures: counted while the dialog is open, and retried as well if that is asked for.

use super::number::{count, jobs, thousands};
use crate::{
    api,
    model::{
        error::ApiError,
        errors::{Archived, ArchivedStep},
    },
};
use leptos::{prelude::*, task::spawn_local};

/// The count, and whether they are to be retried as well.
#[derive(Clone, Copy)]
pub struct FromArchive {
    step: RwSignal<Option<ArchivedStep>>,
    problem: RwSignal<Option<ApiError>>,
    also: RwSignal<bool>,
}

impl FromArchive {
    /// Begins to count; closing the dialog ends that.
    pub fn count(text: String) -> Self {
        let counting = Self { step: RwSignal::new(None), problem: RwSignal::new(None), also: RwSignal::new(false) };
        let open = StoredValue::new(true);
        on_cleanup(move || open.set_value(false));
        spawn_local(async move {
            let mut at = None;
            while open.try_get_value() == Some(true) {
                match api::errors::count_archived(text.clone(), at).await {
                    Ok(step) => {
                        at = step.next.clone();
                        counting.step.try_set(Some(step));
                        if at.is_none() {
                            return;
                        }
                    }
                    Err(error) => {
                        counting.problem.try_set(Some(error));
                        return;
                    }
                }
            }
        });
        counting
    }

    /// The whole count, once it is through and there is any.
    fn whole(self) -> Option<ArchivedStep> {
        self.step.get().filter(|step| step.next.is_none() && step.archived.count() > 0)
    }

    fn asked_for(self) -> Option<Archived> {
        self.whole().filter(|_| self.also.get()).map(|step| step.archived)
    }

    /// How many are retried as well.
    pub fn asked(self) -> u64 {
        self.asked_for().map_or(0, |archived| archived.count())
    }

    /// Their queues.
    pub fn queues(self) -> Vec<String> {
        self.asked_for().map(|archived| archived.parts.iter().map(|part| part.queue.to_string()).collect()).unwrap_or_default()
    }

    /// What is sent.
    pub fn chosen(self) -> Option<Archived> {
        untrack(move || self.asked_for())
    }
}

/// `Also 5 jobs that only the archive remembers (oldest: 2026-01-02 03:04:05 UTC)`
fn label(step: &ArchivedStep) -> String {
    let oldest = step.oldest_at.map_or_else(|| "—".into(), |at| at.full());
    let n = step.archived.count();
    if step.at_least {
        return format!(
            "Also the newest {} of ≥ {} jobs that only the archive remembers (oldest of them: {oldest})",
            thousands(n),
            thousands(n)
        );
    }
    format!("Also {} that only the archive remembers (oldest: {oldest})", jobs(n))
}

/// Said when the count is through and found none; empty when there are some.
fn none(step: &ArchivedStep) -> String {
    if step.archived.count() > 0 {
        return String::new();
    }
    if step.at_least {
        let looked_at = count(step.scanned, "row", "rows");
        return format!("Of the newest {looked_at} of this kind in the archive none is left to retry; older ones were not looked at.");
    }
    "The archive remembers no others that are left to retry.".into()
}

#[component]
pub fn AlsoArchived(archive: FromArchive) -> impl IntoView {
    let says = move || match (archive.problem.get(), archive.step.get()) {
        (Some(error), _) => format!("What only the archive remembers could not be counted. {error}"),
        (None, None) => "Counting what only the archive remembers.".into(),
        (None, Some(step)) if step.next.is_some() => format!(
            "Counting what only the archive remembers: {} so far, {} looked at.",
            jobs(step.archived.count()),
            count(step.scanned, "row", "rows")
        ),
        (None, Some(step)) => step.unavailable.clone().unwrap_or_else(|| none(&step)),
    };
    let offer = move || {
        archive.whole().map(|step| view! {
            <label class="flex items-start gap-2">
                <input type="checkbox" class="check mt-[3px]" prop:checked=move || archive.also.get() on:change=move |e| archive.also.set(event_target_checked(&e)) />
                <span class="min-w-0 wrap-anywhere num">{label(&step)}</span>
            </label>
            <p class="text-muted wrap-anywhere">
                "Each of these is pushed again from its payload in the archive, once, with attempts set to 0. Jobs that completed, failed anew, were retried or deleted since, or are still in Redis are not among them. That holds for what was done through a console: what another program deleted in Redis is not known. Where it cannot be told, or a retry of many may have taken the job, it is not among them either: it can be retried from its page. Of a long waiting list only the 1,000 jobs that run next are looked at, and of what runs just now only what this console heard begin: another such job would run twice."
            </p>
        })
    };
    view! {
        <p class="text-12 text-muted wrap-anywhere num empty:hidden" role="status">{says}</p>
        {offer}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{errors::ArchivedPart, ids::QueueName, time::Millis};

    #[test]
    fn the_offer_says_how_many_and_how_old() {
        let part = |count| ArchivedPart { queue: QueueName::try_from("mail").expect("a name"), count, bottom: 3 };
        let step = |count, at_least| ArchivedStep {
            archived: Archived { parts: vec![part(count)], top: 9 },
            oldest_at: Some(Millis(1_767_323_045_000)),
            scanned: 7,
            at_least,
            next: None,
            unavailable: None,
        };
        assert_eq!(label(&step(5, false)), "Also 5 jobs that only the archive remembers (oldest: 2026-01-02 03:04:05 UTC)");
        assert_eq!(label(&step(1, false)), "Also 1 job that only the archive remembers (oldest: 2026-01-02 03:04:05 UTC)");
        assert!(label(&step(100_000, true)).starts_with("Also the newest 100,000 of ≥ 100,000 jobs"));
        assert_eq!(none(&step(5, false)), "");
        assert_eq!(none(&step(0, false)), "The archive remembers no others that are left to retry.");
        assert!(none(&step(0, true)).starts_with("Of the newest 7 rows of this kind in the archive none"));
    }
}
