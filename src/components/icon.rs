//! Icons drawn on a 16 grid with 1.5 px lines. The states are one family of circles; the triangle is the warning.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Waiting,
    Active,
    Delayed,
    Failed,
    Completed,
    Paused,
    Lost,
    Note,
    Warning,
    Overview,
    Queues,
    Operations,
    Schedules,
    Workers,
    Logs,
    Rate,
    Brand,
    Menu,
    Search,
    Moon,
    Leave,
    Help,
    Down,
    Up,
    ChevronDown,
    ChevronLeft,
    ChevronRight,
    Close,
    Copy,
    Download,
    Edit,
    More,
    Pause,
    Play,
    Retry,
    Trash,
    Purge,
    Settings,
    Bell,
}

impl Glyph {
    fn paths(self) -> &'static str {
        match self {
            Self::Waiting => r#"<circle cx="8" cy="8" r="6"/><path d="M5.3 8h.01M8 8h.01M10.7 8h.01"/>"#,
            Self::Active => r#"<circle cx="8" cy="8" r="6"/><path d="M6.8 5.7v4.6L10.5 8Z"/>"#,
            Self::Delayed => r#"<circle cx="8" cy="8" r="6"/><path d="M8 4.7V8l2.2 1.4"/>"#,
            Self::Failed => r#"<circle cx="8" cy="8" r="6"/><path d="m6 6 4 4M10 6l-4 4"/>"#,
            Self::Completed => r#"<circle cx="8" cy="8" r="6"/><path d="m5.5 8.2 1.8 1.8 3.3-3.7"/>"#,
            Self::Paused => r#"<circle cx="8" cy="8" r="6"/><path d="M6.5 6v4M9.5 6v4"/>"#,
            Self::Lost => r#"<circle cx="8" cy="8" r="6" stroke-dasharray="2.3 2.4"/><path d="M8 5.2v3M8 10.7h.01"/>"#,
            Self::Note => r#"<circle cx="8" cy="8" r="6"/><path d="M8 7.3v3.5M8 5.1h.01"/>"#,
            Self::Warning => r#"<path d="M8 2.4 14.2 13H1.8Z"/><path d="M8 6.4v3M8 11.2h.01"/>"#,
            Self::Overview => {
                r#"<rect x="2" y="2" width="5" height="7" rx="1"/><rect x="9" y="2" width="5" height="4" rx="1"/><rect x="2" y="12" width="5" height="2" rx="1"/><rect x="9" y="9" width="5" height="5" rx="1"/>"#
            }
            Self::Queues => r#"<path d="m8 2 6 3-6 3-6-3Z"/><path d="m2 8.2 6 3 6-3"/><path d="m2 11.2 6 3 6-3"/>"#,
            Self::Operations => r#"<path d="m2 4.3 1.2 1.2 2.2-2.4M2 11.3l1.2 1.2 2.2-2.4M8 4.4h6M8 11.4h6"/>"#,
            Self::Schedules => {
                r#"<rect x="2" y="3" width="12" height="11" rx="1.5"/><path d="M2 6.5h12M5.2 1.6v2.8M10.8 1.6v2.8M8 8.6v2.2l1.5.9"/>"#
            }
            Self::Workers => {
                r#"<rect x="4" y="4" width="8" height="8" rx="1.5"/><path d="M6.4 1.6V4M9.6 1.6V4M6.4 12v2.4M9.6 12v2.4M1.6 6.4H4M1.6 9.6H4M12 6.4h2.4M12 9.6h2.4"/>"#
            }
            Self::Logs => r#"<path d="M2.5 3.5h11M2.5 8h7M2.5 12.5h9"/>"#,
            Self::Settings => {
                r#"<path d="M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6"/><circle cx="10" cy="4.5" r="2"/><circle cx="6" cy="11.5" r="2"/>"#
            }
            Self::Bell => r#"<path d="M3 11.5h10l-1.2-1.7V7a3.8 3.8 0 0 0-7.6 0v2.8Z"/><path d="M6.6 13.7a1.6 1.6 0 0 0 2.8 0"/>"#,
            Self::Rate | Self::Play => r#"<path d="M4.5 3v10L13 8Z"/>"#,
            Self::Brand => r#"<path d="M2 4h9.5M4.5 8H14M2 12h6"/>"#,
            Self::Menu => r#"<path d="M2 4.5h12M2 8h12M2 11.5h12"/>"#,
            Self::Search => r#"<circle cx="7" cy="7" r="4.5"/><path d="m10.4 10.4 3.4 3.4"/>"#,
            Self::Moon => r#"<path d="M13.5 9.3A5.7 5.7 0 0 1 6.7 2.5a5.7 5.7 0 1 0 6.8 6.8Z"/>"#,
            Self::Leave => r#"<path d="M6.5 2.5h-3a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3M10.5 11l3-3-3-3M13.2 8H6.5"/>"#,
            Self::Help => r#"<circle cx="8" cy="8" r="6"/><path d="M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.6.3-.8.6-.8 1.2M8 11.1h.01"/>"#,
            Self::Down => r#"<path d="M8 3v10M4 9l4 4 4-4"/>"#,
            Self::Up => r#"<path d="M8 13V3M4 7l4-4 4 4"/>"#,
            Self::ChevronDown => r#"<path d="m3.5 6 4.5 4.5L12.5 6"/>"#,
            Self::ChevronLeft => r#"<path d="M10 3.5 5.5 8l4.5 4.5"/>"#,
            Self::ChevronRight => r#"<path d="m6 3.5 4.5 4.5L6 12.5"/>"#,
            Self::Close => r#"<path d="m4 4 8 8M12 4l-8 8"/>"#,
            Self::Copy => {
                r#"<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5"/>"#
            }
            Self::Download => r#"<path d="M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11"/>"#,
            Self::Edit => r#"<path d="m3 13 .7-3L10.9 2.8l2.3 2.3L6 12.3Z"/>"#,
            Self::More => r#"<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2"/>"#,
            Self::Pause => r#"<path d="M5.5 3.5v9M10.5 3.5v9"/>"#,
            Self::Retry => r#"<path d="M2.5 8a5.5 5.5 0 1 0 1.8-4.1L2.5 5.5"/><path d="M2.5 2.5v3h3"/>"#,
            Self::Trash => r#"<path d="M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.8 7v3.8M9.2 7v3.8"/>"#,
            Self::Purge => {
                r#"<rect x="2" y="2.5" width="12" height="3.5" rx="1"/><path d="M3.2 6v6A1.5 1.5 0 0 0 4.7 13.5h6.6A1.5 1.5 0 0 0 12.8 12V6M6.5 9h3"/>"#
            }
        }
    }
}

/// Decoration only: the words beside it carry the meaning. `class` e.g. `"i"`, `"i s text-failed"`, `"i xs"`.
#[component]
pub fn Icon(#[prop(into)] glyph: Signal<Glyph>, #[prop(default = "i".into(), into)] class: Signal<&'static str>) -> impl IntoView {
    view! { <svg class=move || class.get() viewBox="0 0 16 16" aria-hidden="true" inner_html=move || glyph.get().paths()></svg> }
}
