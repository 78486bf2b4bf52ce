//! Who fires what is due, in which time zone, and what was missed.

use super::{Notice, When};
use crate::{
    components::{icon::Glyph, name::Name, number::count},
    model::{
        schedule::{Missed as MissedRun, ScheduleId, Ticking},
        time::span,
    },
};
use leptos::prelude::*;

#[component]
pub fn Who(ticking: Ticking, overdue: usize, other_zone: bool, timezone: String) -> impl IntoView {
    let zone = if timezone == "UTC" { " Times are UTC.".to_owned() } else { format!(" Crons are read in {timezone}, times are UTC.") };
    let both = ticking.both();
    let fired = ticking.foreign.clone().map(|f| view! { " It fired " <Name text=f.id.clone() /> " " <When at=f.at /> "." });
    let (glyph, class, said) = match (ticking.console, ticking.foreign.is_some()) {
        (true, true) => {
            (Glyph::Warning, "i s text-waiting", "The console runs due schedules, and so does another scheduler: a run may come twice.")
        }
        // Of several that may, one does.
        (true, false) if ticking.here => (Glyph::Completed, "i s text-active", "The console runs due schedules."),
        (true, false) => (Glyph::Completed, "i s text-active", "Another console runs due schedules."),
        (false, true) => (Glyph::Note, "i s", "Another scheduler runs due schedules; no console does."),
        (false, false) if ticking.here => (Glyph::Note, "i s", "No console has begun to run due schedules."),
        (false, false) => {
            (Glyph::Note, "i s", "This console was started with --no-scheduler and runs none. No other scheduler was noticed.")
        }
    };
    let advice = both.then_some(" Start the consoles with --no-scheduler, or stop the application's scheduler.");
    view! {
        <div>
            <Notice glyph=glyph class=class>{said} {fired} {advice} {zone}</Notice>
            {(overdue > 0).then(|| view! {
                <Notice glyph=Glyph::Warning class="i s text-waiting">
                    {format!("{} overdue: nobody ticks. ", count(overdue as u64, "schedule is", "schedules are"))}
                    "Start a console without --no-scheduler, or the application's scheduler. Then each is fired once; what was missed is listed."
                </Notice>
            })}
            {other_zone.then(|| view! {
                <Notice glyph=Glyph::Warning class="i s text-waiting">
                    {format!("Some next runs were written by somebody who counts in another time zone than {timezone}: the library's scheduler takes that of its own process. ")}
                    "Start the console with --schedule-timezone and the name of that zone, or these schedules move when it fires them."
                </Notice>
            })}
        </div>
    }
}

fn told(run: &MissedRun) -> String {
    let late = span(run.fired_at.0 - run.due.0);
    let more = if run.more { "≥ " } else { "" };
    match run.left_out {
        0 => format!("Fired {late} late."),
        n => format!("Fired {late} late, for {more}{} that nobody fired in time: it stands for the first.", count(n + 1, "run", "runs")),
    }
}

#[component]
pub fn Missed(
    missed: Vec<MissedRun>,
    /** Says which schedule. */
    named: bool,
) -> impl IntoView {
    (!missed.is_empty()).then(|| {
        let rows = missed
            .iter()
            .map(|run| {
                let href = ScheduleId::try_from(run.id.clone()).ok().map(|id| id.href());
                let name = named.then(|| view! { <a class="link mr-2" href=href><Name text=run.id.clone() /></a> });
                view! {
                    <li class="flex gap-x-4 flex-wrap px-gutter py-1.5">
                        <span class="min-w-0 wrap-anywhere">{name} {told(run)}</span>
                        <span class="text-muted num">"due " <When at=run.due /></span>
                    </li>
                }
            })
            .collect_view();
        view! {
            <section class="border-t border-line pb-3" aria-labelledby="missed">
                <div class="sec"><h2 id="missed">"Missed runs"</h2><span class="text-12 text-faint">"The newest hundred. Missed runs are not made up for."</span></div>
                <ul>{rows}</ul>
            </section>
        }
    })
}
