//! What a dialog says of delayed jobs that are due already: where workers serve the queue, they are left to them.

use crate::{api, model::ids::QueueName};
use leptos::prelude::*;

/// Asked when a dialog opens, once it is `wanted`; `None` until that is answered, and when it cannot be told.
pub(super) fn served(queue: &QueueName, wanted: Signal<bool>) -> Memo<Option<bool>> {
    let queue = queue.clone();
    let asked = LocalResource::new(move || {
        let queue = wanted.get().then(|| queue.clone());
        async move { api::queues::served(queue?).await.ok().flatten() }
    });
    Memo::new(move |_| asked.get().flatten())
}

/// The sentence that is true for `served`.
pub(super) fn due_ones(queue: &QueueName, served: Option<bool>) -> String {
    match served {
        Some(true) => "What is due already, or in a moment, is left to the workers.".into(),
        Some(false) => format!("No worker serves {}, so what is due already is included.", queue.in_text()),
        None => "What is due already is left to the workers, if one serves the queue.".into(),
    }
}
