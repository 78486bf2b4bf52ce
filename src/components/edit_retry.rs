//! Edit and retry: the payload in a text field, what a retry does to it besides, and what would go wrong. What was typed stays
//! until the job was really pushed.

use super::{
    actions::Actions,
    acts::Edited,
    confirm::Answer,
    dialog::{Confirm, close},
    icon::{Glyph, Icon},
};
use crate::model::{
    edited::{Draft, Misplaced},
    ids::{Fingerprint, QueueName},
    job::queue_named,
    shown::in_text,
};
use leptos::{prelude::*, task::spawn_local};

/// Why the job will not stay with its queue, as a sentence.
fn elsewhere(payload: &str, queue: &QueueName) -> Option<String> {
    let named = queue_named(payload);
    if named.as_deref() == Some(queue.as_str()) {
        return None;
    }
    let queue = queue.in_text();
    Some(match named.as_deref().map(in_text) {
        Some(named) => format!(
            "data.properties.queueName is {named}, not {queue}. The job goes to {queue} now, but when it fails or holds a group, the library goes on with it in {named}."
        ),
        None => format!(
            "The payload has no data.properties.queueName. The job goes to {queue} now, but when it fails or holds a group, the library goes on with it in the queue default."
        ),
    })
}

#[component]
pub fn EditRetry(queue: QueueName, job: Fingerprint, name: String, payload: String) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let answer = Answer::new(actions);
    let draft = StoredValue::new(Draft::of(&payload));
    let text = RwSignal::new(draft.with_value(|d| d.text.clone()));
    let base = RwSignal::new(false);
    let edited = Memo::new(move |_| text.with(|text| draft.with_value(|d| d.payload(text))));
    let problem = Memo::new(move |_| edited.with(|e: &Result<String, Misplaced>| e.as_ref().err().map(ToString::to_string)));
    let changed = Memo::new(move |_| edited.with(|e| e.as_ref().ok() != Some(&payload)));
    let warning = Memo::new({
        let queue = queue.clone();
        move |_| edited.with(|e| e.as_ref().ok().and_then(|payload| elsewhere(payload, &queue)))
    });
    let typed = move |event| {
        text.set(event_target_value(&event));
        answer.error.set(None);
        // Another payload may name another priority.
        base.set(false);
    };
    let title = format!("Edit and retry {}?", in_text(&name));
    let primary = move || if base.get() { "Retry to base list".to_owned() } else { "Retry job".into() };
    let note = {
        let kept = if draft.with_value(|d| d.unfolded) {
            " The field data is a string: it is shown as the object that it holds, and written as a string again."
        } else {
            ""
        };
        format!(
            "It goes to the end of its waiting list in {}. A retry sets attempts to 0 and cuts error, failedAt and delaySeconds; every byte that you do not change stays as it is.{kept}",
            queue.in_text()
        )
    };
    let confirm = move |()| {
        let Ok(payload) = edited.get_untracked() else { return };
        let (queue, job, name, base_list) = (queue.clone(), job.clone(), name.clone(), base.get_untracked());
        answer.pending.set(true);
        answer.error.set(None);
        spawn_local(async move {
            let done = actions.retry_edited(queue, job, &name, payload, base_list).await;
            answer.pending.set(false);
            match done {
                Ok(Edited::Pushed) => close(),
                Ok(Edited::UnreadPriority) => base.set(true),
                Err(error) => answer.error.set(Some(error)),
            }
        });
    };
    let class = move || if problem.with(Option::is_some) { "input bad h-auto! p-0!" } else { "input h-auto! p-0!" };
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::derive(primary)
            glyph=Glyph::Retry
            ready=Signal::derive(move || problem.with(Option::is_none))
            pending=answer.pending
            error=answer.error
            held=Signal::derive(move || changed.get())
            on_confirm=Callback::new(confirm)
            on_close=Callback::new(move |()| actions.question.set(None))
        >
            <p class="text-muted wrap-anywhere">{note}</p>
            <div class="field">
                <label for="edited">"Payload"</label>
                <span class=class>
                    <textarea
                        id="edited"
                        class="editor"
                        autofocus=true
                        spellcheck="false"
                        autocomplete="off"
                        autocapitalize="off"
                        aria-describedby="edited-help"
                        aria-invalid=move || problem.with(Option::is_some).to_string()
                        prop:value=text.get_untracked()
                        on:input=typed
                    ></textarea>
                </span>
                <p id="edited-help" class=move || if problem.with(Option::is_some) { "help bad" } else { "help" } role="status">
                    {move || problem.get().unwrap_or_else(|| if changed.get() { "Changed. It is a JSON object.".into() } else { "As it stands in Redis.".into() })}
                </p>
            </div>
            {move || warning.get().map(|text| view! {
                <p class="flex gap-2"><Icon glyph=Glyph::Warning class="i s mt-[3px] text-waiting" /><span class="min-w-0 wrap-anywhere">{text}</span></p>
            })}
            <div role="status" class="empty:hidden">
                {move || base.get().then(|| view! {
                    <p class="flex gap-2"><Icon glyph=Glyph::Warning class="i s mt-[3px] text-waiting" /><span class="min-w-0">"No worker reads the priority that this payload names: in a list of that priority it would never run. Nothing was pushed yet. Send it to the base list instead, or change the priority."</span></p>
                })}
            </div>
        </Confirm>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_queue_is_said() {
        let orders = QueueName::try_from("orders").expect("a name");
        let says = |payload: &str| elsewhere(payload, &orders);
        assert_eq!(says(r#"{"data":"{\"properties\":{\"queueName\":\"orders\"}}"}"#), None);
        assert!(says(r#"{"data":"{\"properties\":{\"queueName\":\"mail\"}}"}"#).is_some_and(|s| s.contains("is mail, not orders")));
        assert!(says(r#"{"data":{"properties":{}}}"#).is_some_and(|s| s.contains("queue default")));
    }
}
