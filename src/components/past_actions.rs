//! Pushing a job again: an archived one as it was, or a copy of any job under an id of its own.

use super::{
    actions::Actions,
    dialog::{Confirm, close},
    icon::{Glyph, Icon},
    toast::Offer,
};
use crate::{
    api,
    model::{
        error::ApiError,
        ids::{Fingerprint, QueueName, segment},
        past::{PushAsk, PushDone, Pushed},
        shown::in_text,
        time::Millis,
    },
};
use leptos::{prelude::*, task::spawn_local};

/// Whether a row of the archive is offered for a retry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Retrying {
    First,
    /// Not as the first choice: what speaks against it, as a sentence.
    Against(&'static str),
    /// Its failure lies in Redis and is retried there.
    Elsewhere,
}

/// What is pushed.
#[derive(Clone, PartialEq)]
pub enum Pushable {
    /// A row of the archive, and when the server told of it.
    Row(i64, Retrying, Millis),
    /// A job in Redis, which stays where it is.
    Live(QueueName, Fingerprint),
}

impl Pushable {
    async fn push(self, ask: PushAsk) -> Result<PushDone, ApiError> {
        match self {
            Self::Row(row, _, seen_at) => api::archive::push(row, PushAsk { seen_at: Some(seen_at), ..ask }).await,
            Self::Live(queue, job) => api::archive::duplicate(queue, job, ask).await,
        }
    }
}

/// One click of one page, whatever its server makes of it.
fn request() -> String {
    format!("{:x}-{:x}", js_sys::Date::now() as u64, (js_sys::Math::random() * 1e15) as u64)
}

/// What the dialog asks.
#[derive(Clone, PartialEq)]
struct Asked {
    copy: bool,
    /// No worker reads the priority that the job names.
    base: bool,
    request: String,
}

#[component]
pub fn PushButtons(what: Pushable, queue: QueueName, name: String, #[prop(optional)] readable: Option<bool>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let readable = readable.unwrap_or(true);
    let asked = RwSignal::new(None::<Asked>);
    let done = RwSignal::new(false);
    let (pending, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let retrying = match &what {
        Pushable::Row(_, retrying, _) => *retrying,
        Pushable::Live(..) => Retrying::Elsewhere,
    };
    let class = if retrying == Retrying::First { "btn primary max-sm:flex-1" } else { "btn max-sm:flex-1" };
    let ask = move |copy: bool| {
        error.set(None);
        asked.set(Some(Asked { copy, base: false, request: request() }));
    };
    let what = StoredValue::new(what);
    let named = StoredValue::new((queue, name));
    let confirm = move || {
        let Some(Asked { copy, base, request }) = asked.get_untracked() else { return };
        pending.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = what.get_value().push(PushAsk { copy, base, request: request.clone(), seen_at: None }).await;
            pending.set(false);
            match answer {
                Ok(PushDone { pushed: Pushed::UnreadPriority, .. }) => asked.set(Some(Asked { copy, base: true, request })),
                Ok(PushDone { pushed: Pushed::Unreadable, .. }) => {
                    error.set(Some(ApiError::Conflict {
                        detail: "The payload is no JSON object, so it is no job. Nothing was pushed.".into(),
                    }));
                }
                Ok(PushDone { pushed: pushed @ (Pushed::Done | Pushed::Before | Pushed::Since), queue, id }) => {
                    close();
                    done.set(done.get_untracked() || !copy);
                    let href = format!("{}/jobs/{}", queue.href(), segment(&id));
                    let (queue, id) = (queue.in_text(), in_text(&id));
                    let (title, more) = match (copy, pushed) {
                        (true, _) => (format!("A copy is waiting in {queue}"), format!("Its id is {id}.")),
                        (false, Pushed::Before) => {
                            (format!("Job {id} was retried by this click before"), "Nothing was pushed again.".to_owned())
                        }
                        (false, Pushed::Since) => (
                            format!("Job {id} was retried since this page was loaded"),
                            "Nothing was pushed now. Reload the page to see what came of it, or to retry it all the same.".to_owned(),
                        ),
                        (false, _) => (format!("Job {id} is waiting in {queue}"), String::new()),
                    };
                    let offer = Offer::Link { label: "View".into(), href };
                    actions.toaster.done(title, more, Some(offer));
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let dialog = move || {
        let Asked { copy, base, .. } = asked.get()?;
        let (queue, name) = named.get_value();
        let (queue, name) = (queue.in_text(), in_text(&name));
        let (title, primary) = match (copy, base) {
            (_, true) => (format!("Push to the base list of {queue}?"), "Push to base list"),
            (true, _) => (format!("Duplicate {name}?"), "Duplicate job"),
            (false, _) => (format!("Retry {name} in {queue}?"), "Retry job"),
        };
        let text = match (copy, base) {
            (_, true) => "No worker reads the priority that this job names: in a list of that priority it would never run. It can go to the base list instead.".to_owned(),
            (true, _) => format!("A copy goes to the waiting list of {queue} with attempts set to 0. It gets a new id, also in data.properties.id where the job has one; everything else stays. The job itself is not touched."),
            (false, _) => {
                let against = if let Retrying::Against(why) = retrying { format!("{why} ") } else { String::new() };
                format!("{against}It is pushed to its waiting list from its payload in the archive, with attempts set to 0. If it is still running or was retried elsewhere, it runs twice.")
            }
        };
        Some(view! {
            <Confirm
                title=Signal::stored(title)
                primary=Signal::stored(primary.to_owned())
                glyph=if copy { Glyph::Copy } else { Glyph::Retry }
                ready=Signal::stored(true)
                pending=pending
                error=error
                on_confirm=Callback::new(move |()| confirm())
                on_close=Callback::new(move |()| asked.set(None))
            >
                <p class="text-muted wrap-anywhere">{text}</p>
            </Confirm>
        })
    };
    view! {
        {(retrying != Retrying::Elsewhere).then(|| view! {
            <button type="button" class=class disabled=move || done.get() || !readable on:click=move |_| ask(false)>
                <Icon glyph=Glyph::Retry />
                {move || if done.get() { "Retried" } else { "Retry job…" }}
            </button>
        })}
        <button type="button" class="btn max-sm:flex-1" disabled=!readable on:click=move |_| ask(true)>
            <Icon glyph=Glyph::Copy />
            "Duplicate…"
        </button>
        {dialog}
    }
}
