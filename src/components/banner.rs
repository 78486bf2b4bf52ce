//! Under the top bar, and only when it matters: the console or Redis cannot be reached, queues are still being looked for, or there are too many of
//! them; and beside any of these that the archive is not what it should be.

use super::{
    icon::{Glyph, Icon},
    number::{short, thousands},
};
use crate::{
    live::{Live, Stream, sign_in},
    model::{
        archive::{ArchiveTrouble, TroubleKind},
        live::Link,
        queue::QUEUES_FOLLOWED,
        time::Millis,
    },
};
use leptos::prelude::*;

/// What began before is told with its date.
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, PartialEq)]
enum Message {
    /// The browser does not reach the console.
    Console {
        from: Option<String>,
    },
    SignedOut,
    Redis {
        since: String,
        problem: Option<String>,
        never: bool,
    },
    Looking {
        scanned: String,
    },
    TooMany,
}

/// `the connection is refused` as a sentence of its own. These are our own words, so ASCII is enough.
fn sentence(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_ascii_uppercase(), chars.as_str()))
}

#[component]
pub fn Banner() -> impl IntoView {
    let live = expect_context::<Live>();
    let message = Memo::new(move |_| {
        if live.stream.get() == Stream::SignedOut {
            return Some(Message::SignedOut);
        }
        if live.stream.get() == Stream::Lost {
            return Some(Message::Console { from: live.overview.with(|o| o.as_ref().and_then(|o| o.sampled_at)).map(|at| at.clock()) });
        }
        live.overview.with(|o| {
            let o = o.as_ref()?;
            match o.connection.status {
                Link::Down => Some(Message::Redis {
                    since: o.connection.since.minute(),
                    problem: o.connection.problem.as_deref().map(sentence),
                    never: o.sampled_at.is_none(),
                }),
                Link::Connected if !o.discovery.complete => {
                    let of = o.discovery.keys.map(|keys| format!(" of {}", short(keys.max(o.discovery.scanned))));
                    Some(Message::Looking { scanned: format!("{}{} keys scanned", short(o.discovery.scanned), of.unwrap_or_default()) })
                }
                Link::Connected if o.discovery.truncated => Some(Message::TooMany),
                Link::Connected | Link::Connecting => None,
            }
        })
    });
    let said = move || {
        message.get().map(|message| match message {
            Message::Console { from } => view! {
                <div class="banner" role="status">
                    <Icon glyph=Glyph::Failed class="i text-failed" />
                    <p class="grow"><b>"Console unreachable, reconnecting."</b> {from.map(|at| format!(" Numbers are from {at} UTC."))}</p>
                </div>
            }
            .into_any(),
            Message::SignedOut => view! {
                <div class="banner" role="status">
                    <Icon glyph=Glyph::Warning class="i text-failed" />
                    <p class="grow"><b>"Your session has ended."</b> " Nothing on this page changes until you sign in again."</p>
                    <a class="btn sm" href=sign_in() rel="external">"Sign in"</a>
                </div>
            }
            .into_any(),
            Message::Redis { since, problem, never } => {
                let rest = if never { " No number was measured yet. Retrying every 2 s. " } else { " Numbers are from then. Retrying every 2 s. " };
                view! {
                    <div class="banner" role="status">
                        <Icon glyph=Glyph::Failed class="i text-failed" />
                        <p class="grow"><b>"Redis cannot be reached since " {since} " UTC."</b> {rest} <span class="text-muted">{problem}</span></p>
                    </div>
                }
                .into_any()
            }
            Message::Looking { scanned } => view! {
                <div class="banner quiet num">
                    <Icon glyph=Glyph::Search class="i s" />
                    <p>"Looking for queues: " {scanned} "."</p>
                </div>
            }
            .into_any(),
            Message::TooMany => view! {
                <div class="banner quiet num">
                    <Icon glyph=Glyph::Note class="i s" />
                    <p>{format!("Redis holds more queues than the {} that the console follows: sums over all queues are lower bounds.", thousands(QUEUES_FOLLOWED as u64))}</p>
                </div>
            }
            .into_any(),
        })
    };
    view! {
        {said}
        <OfArchive />
    }
}

/// `now`: when the sample was taken that says it.
fn of_archive(trouble: &ArchiveTrouble, now: Millis) -> String {
    let at = trouble.since;
    let since = if now.0 - at.0 < DAY_MS { format!("{} UTC", at.minute()) } else { at.full() };
    match trouble.kind {
        TroubleKind::Opening => format!(
            "The archive is being opened since {since}: history and search of the past are missing until it is, live pages are not affected."
        ),
        TroubleKind::Unavailable => {
            format!("Archive unavailable since {since}: history and search of the past are missing, live pages are not affected.")
        }
        TroubleKind::Refusing => format!(
            "The archive takes nothing since {since}: {}. What fails or ends now is missing there until it does, live pages are not affected.",
            trouble.problem.as_deref().unwrap_or("it does not say why").trim_end_matches('.')
        ),
    }
}

/// Quiet: what is live is right all the same.
#[component]
fn OfArchive() -> impl IntoView {
    let live = expect_context::<Live>();
    let text = Memo::new(move |_| {
        // Of then, when the console is not reached; and the message above says so.
        if live.stream.get().is_off() {
            return None;
        }
        live.overview.with(|o| {
            let o = o.as_ref()?;
            o.archive.as_ref().map(|trouble| of_archive(trouble, o.sampled_at.unwrap_or(trouble.since)))
        })
    });
    move || {
        text.get().map(|text| {
            view! {
                <div class="banner quiet">
                    <Icon glyph=Glyph::Warning class="i s text-waiting" />
                    <p class="grow min-w-0 wrap-anywhere">{text}</p>
                    <a class="link shrink-0" href="/settings#archive">"Open Settings"</a>
                </div>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archives_trouble_is_told_with_its_time() {
        let at = Millis(1_795_433_700_000);
        let said = |kind, problem: Option<&str>, later_ms| {
            of_archive(&ArchiveTrouble { kind, since: at, problem: problem.map(str::to_owned) }, Millis(at.0 + later_ms))
        };
        let away = said(TroubleKind::Unavailable, None, 60_000);
        assert!(away.starts_with(&format!("Archive unavailable since {} UTC: history", at.minute())), "{away}");
        let long = said(TroubleKind::Unavailable, None, DAY_MS);
        assert!(long.starts_with(&format!("Archive unavailable since {}: history", at.full())), "{long}");
        let full = said(TroubleKind::Refusing, Some("it is full."), 0);
        assert!(full.contains(" UTC: it is full. What fails"), "{full}");
    }
}
