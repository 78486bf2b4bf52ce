//! Short answers at the lower right. They leave after 8 s, not while the pointer or the focus is on one, and errors never by themselves.

use super::{
    actions::Actions,
    icon::{Glyph, Icon},
    question::Question,
};
use crate::model::{error::ApiError, ids::QueueName};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use std::time::Duration;

/// Long enough to read two sentences.
const STAYS: Duration = Duration::from_secs(8);
/// More than fit on a phone push the oldest out.
const MOST: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Done,
    Deleted,
    /// Nothing was done, and nothing broke.
    Noted,
    Error,
    /// An alert fired.
    Alert,
}

/// What a toast lets one do.
#[derive(Clone)]
pub enum Offer {
    Link {
        label: String,
        href: String,
    },
    /// Brings back what one action deleted.
    Restore {
        trash: String,
    },
    Ask {
        label: String,
        question: Question,
    },
    Resume(QueueName),
}

#[derive(Clone)]
pub struct Toast {
    pub kind: Kind,
    pub title: String,
    pub detail: String,
    pub offer: Option<Offer>,
}

/// Where anything on the page says what became of a click.
#[derive(Clone, Copy)]
pub struct Toaster {
    shown: RwSignal<Vec<(u64, Toast)>>,
    next: StoredValue<u64>,
}

/// Called once in `App`.
pub fn provide_toasts() {
    provide_context(Toaster { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) });
}

impl Toaster {
    pub fn show(&self, toast: Toast) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.shown.update(|all| {
            all.push((id, toast));
            if all.len() > MOST {
                all.remove(0);
            }
        });
    }

    pub fn done(&self, title: impl Into<String>, detail: impl Into<String>, offer: Option<Offer>) {
        self.show(Toast { kind: Kind::Done, title: title.into(), detail: detail.into(), offer });
    }

    /// `what` begins the message: `Could not pause orders`.
    pub fn failed(&self, what: impl Into<String>, error: &ApiError) {
        let id = match error {
            ApiError::Internal { id, .. } if !id.is_empty() => format!(" The log of the console has the cause under {id}."),
            _ => String::new(),
        };
        self.show(Toast { kind: Kind::Error, title: what.into(), detail: format!("{error}{id}"), offer: None });
    }

    pub(super) fn any(&self) -> bool {
        self.shown.with(|all| !all.is_empty())
    }

    fn dismiss(&self, id: u64) {
        self.shown.update(|all| all.retain(|(other, _)| *other != id));
    }
}

/// Announced politely, where it is mounted.
#[component]
pub(super) fn ToastList() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    view! {
        <For each=move || toaster.shown.get() key=|(id, _)| *id let:item>
            <ToastCard id=item.0 toast=item.1 />
        </For>
    }
}

#[component]
fn ToastCard(id: u64, toast: Toast) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let hold = move || {
        timer.try_update_value(|t| t.take().into_iter().for_each(|t| t.clear()));
    };
    let stays = toast.kind == Kind::Error;
    let run_down = move || {
        if !stays {
            hold();
            timer.set_value(set_timeout_with_handle(move || toaster.dismiss(id), STAYS).ok());
        }
    };
    Effect::new(move |_| run_down());
    on_cleanup(hold);

    let (glyph, class) = match toast.kind {
        Kind::Done => (Glyph::Completed, "i text-active"),
        Kind::Deleted => (Glyph::Trash, "i text-muted"),
        Kind::Noted => (Glyph::Note, "i text-muted"),
        Kind::Alert => (Glyph::Bell, "i text-failed"),
        Kind::Error => (Glyph::Failed, "i text-failed"),
    };
    let detail = (!toast.detail.is_empty()).then_some(toast.detail);
    view! {
        <div
            class="toast pointer-events-auto"
            on:mouseenter=move |_| hold()
            on:mouseleave=move |_| run_down()
            on:focusin=move |_| hold()
            on:focusout=move |_| run_down()
        >
            <Icon glyph=glyph class=class />
            <div class="flex-1 min-w-0 wrap-anywhere">
                <p class="font-medium">{toast.title}</p>
                {detail.map(|text| view! { <p class="text-muted">{text}</p> })}
            </div>
            {toast.offer.map(|offer| view! { <Offered id=id offer=offer /> })}
            <button type="button" class="grid place-items-center size-5 text-muted rounded-small hover:text-text" aria-label="Dismiss" on:click=move |_| toaster.dismiss(id)>
                <Icon glyph=Glyph::Close class="i s" />
            </button>
        </div>
    }
}

#[component]
fn Offered(id: u64, offer: Offer) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let actions = expect_context::<Actions>();
    let label = match &offer {
        Offer::Link { href, label } => {
            return view! { <a class="link whitespace-nowrap" href=href.clone() on:click=move |_| toaster.dismiss(id)>{label.clone()}</a> }
                .into_any();
        }
        Offer::Restore { .. } => "Restore".to_string(),
        Offer::Ask { label, .. } => label.clone(),
        Offer::Resume(_) => "Resume".into(),
    };
    let run = move |_| {
        match &offer {
            Offer::Link { .. } => {}
            Offer::Restore { trash } => actions.restore(trash.clone()),
            Offer::Ask { question, .. } => actions.ask(question.clone()),
            Offer::Resume(queue) => actions.resume(queue.clone()),
        }
        toaster.dismiss(id);
    };
    view! { <button type="button" class="link whitespace-nowrap" on:click=run>{label}</button> }.into_any()
}
