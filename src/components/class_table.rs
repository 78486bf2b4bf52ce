//! What jobs of each class take and how often they fail, over a window of time.

use super::{
    name::Name,
    number::{millis, thousands},
    trends::WindowSwitch,
};
use crate::model::metrics::{ClassFigures, Quantiles, Summary, Window};
use leptos::prelude::*;

/// `0`, `< 1 %`, `12 %`; `—` when none has ended.
fn failure_rate(s: &Summary) -> String {
    match s.failure_rate {
        None => "—".into(),
        Some(rate) if rate > 0.0 && rate < 0.01 => "< 1 %".into(),
        Some(rate) => format!("{} %", (rate * 100.0).round() as u64),
    }
}

fn time(of: Option<&Quantiles>, read: fn(&Quantiles) -> f64) -> String {
    of.map_or_else(|| "—".into(), |q| millis(read(q)))
}

fn row(c: &ClassFigures) -> impl IntoView + use<> {
    let s = &c.summary;
    let (run, wait) = (s.run.as_ref(), s.wait.as_ref());
    let figures = [
        ("r", thousands(s.started)),
        ("r", failure_rate(s)),
        ("r max-sm:hidden", time(run, |q| q.p50)),
        ("r max-sm:pr-gutter!", time(run, |q| q.p95)),
        ("r max-md:pr-gutter! max-sm:hidden", time(run, |q| q.p99)),
        ("r max-md:hidden", time(wait, |q| q.p50)),
        ("r max-md:hidden", time(wait, |q| q.p95)),
    ];
    view! {
        <tr>
            <td class="clip font-medium"><Name text=c.class_name.clone() /></td>
            {figures.map(|(class, text)| view! { <td class=class>{text}</td> }).collect_view()}
        </tr>
    }
}

#[component]
pub fn ClassTable(classes: RwSignal<Option<Vec<ClassFigures>>>, window: Memo<Window>) -> impl IntoView {
    let any = Memo::new(move |_| classes.with(|c| c.as_ref().is_some_and(|c| !c.is_empty())));
    view! {
        <section class="border-t border-line mt-6" aria-labelledby="classes">
            <div class="sec">
                <h2 id="classes">"Job classes"</h2>
                <span class="flex-1"></span>
                <WindowSwitch window=window />
            </div>
            <Show
                when=move || any.get()
                fallback=|| view! { <p class="px-gutter pb-4 text-muted">"Nothing was heard in this time. A class is known when a job was seen waiting before it ran."</p> }
            >
                <table class="grid-table">
                    <caption class="sr-only">"Job classes"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Class"</th>
                            <th scope="col" class="r w-24 max-sm:w-16">"Started"</th>
                            <th scope="col" class="r w-24 max-sm:w-16">"Failed"</th>
                            <th scope="col" class="r w-24 max-sm:hidden">"Run p50"</th>
                            <th scope="col" class="r w-24 max-sm:w-20 max-sm:pr-gutter!">"Run p95"</th>
                            <th scope="col" class="r w-24 max-md:pr-gutter! max-sm:hidden">"Run p99"</th>
                            <th scope="col" class="r w-30 max-md:hidden">"Waited p50"</th>
                            <th scope="col" class="r w-30 max-md:hidden">"Waited p95"</th>
                        </tr>
                    </thead>
                    <tbody>{move || classes.with(|c| c.iter().flatten().map(row).collect_view())}</tbody>
                </table>
                <p class="px-gutter py-3 text-12 text-faint">"Of jobs that were seen waiting before they ran; percentiles are within 2.5 %."</p>
            </Show>
        </section>
    }
}
