//! Alerts that a channel did not take, with what it said.

use crate::{
    api,
    components::{
        actions::Actions,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        number::count,
        time::ClockUtc,
        toast::Toaster,
    },
    model::{
        alert::channel::{Channel, Undelivered as Entry, UndeliveredList},
        error::ApiError,
        wire::{Resource, resource},
    },
};
use leptos::{prelude::*, task::spawn_local};

type Loaded = Resource<Result<UndeliveredList, ApiError>>;

#[component]
pub fn Undelivered() -> impl IntoView {
    let actions = expect_context::<Actions>();
    let list = resource(move || actions.changed.get(), |_| api::channels::undelivered());
    view! {
        <section class="border-t border-line pb-4" aria-labelledby="undelivered">
            <div class="sec"><h2 id="undelivered">"Undelivered"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=2 /> }>
                <List list=list />
            </Transition>
        </section>
    }
}

#[component]
fn List(list: Loaded) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<UndeliveredList>>| match list.get() {
        Some(Ok(list)) => Some(list),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| list.get().and_then(Result::err));
    let alerts = Memo::new(move |_| known.with(|k| k.as_ref().map(|k| k.alerts.clone()).unwrap_or_default()));
    let empty = Memo::new(move |_| known.with(|k| k.as_ref().is_some_and(|k| k.alerts.is_empty())));
    let waiting = Memo::new(move |_| known.with(|k| k.as_ref().map_or(0, |k| k.waiting)));
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| list.refetch() /> })}
        <Show when=move || { waiting.get() > 0 }>
            <p class="px-gutter pb-2 text-muted">{move || format!("{} on the way: not tried yet, or to be tried again.", count(waiting.get(), "alert is", "alerts are"))}</p>
        </Show>
        <ul>
            <For each=move || alerts.get() key=|e| e.id.clone() let:entry>
                <Line entry=entry list=list />
            </For>
        </ul>
        <Show when=move || empty.get()>
            <Empty title="Everything was delivered" text="An alert that a channel did not take after several tries appears here with what the channel said." />
        </Show>
    }
}

#[component]
fn Line(entry: Entry, list: Loaded) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let busy = RwSignal::new(false);
    let Entry { id, channel, message, recipients, reason, tries, at } = entry;
    let text = message.as_ref().map_or_else(|| "An alert that cannot be read".to_owned(), |m| m.text.clone());
    let tried = if tries > 0 { format!(", {}", count(u64::from(tries), "try", "tries")) } else { String::new() };
    let to = channel.map_or("no channel", Channel::label);
    let to = if recipients.is_empty() { to.to_owned() } else { format!("{to} to {}", recipients.join(", ")) };
    let act = Callback::new(move |again: bool| {
        busy.set(true);
        let id = id.clone();
        spawn_local(async move {
            let (came, done, failed) = if again {
                (api::channels::send_again(id).await, "Sending the alert again", "Could not send the alert again")
            } else {
                (api::channels::dismiss(id).await, "Dismissed the alert", "Could not dismiss the alert")
            };
            match came {
                Ok(()) => toaster.done(done, "", None),
                Err(error) => toaster.failed(failed, &error),
            }
            list.refetch();
            busy.try_set(false);
        });
    });
    view! {
        <li class="flex items-start gap-3 px-gutter py-2.5 border-b border-line-soft">
            <Icon glyph=Glyph::Failed class="i text-failed mt-0.5" />
            <div class="grow min-w-0 wrap-anywhere">
                <p>{text}</p>
                <p class="font-mono text-12 text-muted">{reason}</p>
                <p class="text-12 text-faint num">{to} ", given up at " <ClockUtc at=at /> {tried}</p>
            </div>
            {message.map(|_| view! { <button type="button" class="link whitespace-nowrap" disabled=move || busy.get() on:click=move |_| act.run(true)>"Send again"</button> })}
            <button type="button" class="link" disabled=move || busy.get() on:click=move |_| act.run(false)>"Dismiss"</button>
        </li>
    }
}
