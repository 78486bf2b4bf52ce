//! Pages whose code is fetched when somebody goes there: all but the overview. A new page is one line below and one in `app`.

use super::{
    alerts::{AlertsPage, channels::ChannelsPage},
    errors::{ErrorPage, ErrorsPage},
    job::JobPage,
    logs::LogsPage,
    operations::OperationsPage,
    queue::QueuePage,
    queues::QueuesPage,
    schedules::{SchedulePage, SchedulesPage},
    search::SearchPage,
    settings::SettingsPage,
    workers::WorkersPage,
};
use crate::components::{
    address::load_anew,
    later::{Missing, later},
};
use leptos::prelude::*;
use leptos_router::LazyRoute;

/// `SEGMENTS => ROUTE = COMPONENT in CHUNK`: the address, what `app` calls the page, what it shows, and the file that holds it.
macro_rules! lazy_pages {
    ($($segments:pat => $route:ident = $page:ident in $chunk:ident;)*) => {
        $(
            later! { in $chunk fn $chunk() -> fn() -> AnyView { || view! { <$page /> }.into_any() } }

            pub struct $route;

            impl LazyRoute for $route {
                // What is read here would be part of the first load: a page reads in its own file.
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> AnyView {
                    match $chunk().await {
                        Ok(page) => page(),
                        Err(Missing) => load_anew().await,
                    }
                }
            }
        )*

        /// Fetches the page at `path`, so that the router has it at once and takes over what the server wrote in one go.
        pub async fn fetch(path: &str) -> Result<(), Missing> {
            match path.split('/').filter(|s| !s.is_empty()).collect::<Vec<_>>()[..] {
                $($segments => $chunk().await.map(drop),)*
                _ => Ok(()),
            }
        }
    };
}

lazy_pages! {
    ["queues"] => Queues = QueuesPage in queues;
    ["queues", _] => Queue = QueuePage in queue;
    ["queues", _, "jobs", _] => Job = JobPage in job;
    ["search"] => Search = SearchPage in search;
    ["errors"] => Errors = ErrorsPage in errors;
    ["errors", _] => Error = ErrorPage in error;
    ["schedules"] => Schedules = SchedulesPage in schedules;
    ["schedules", _] => Schedule = SchedulePage in schedule;
    ["workers"] => Workers = WorkersPage in workers;
    ["logs"] => Logs = LogsPage in logs;
    ["alerts"] => Alerts = AlertsPage in alerts;
    ["operations"] => Operations = OperationsPage in operations;
    ["alerts", "channels"] => AlertChannels = ChannelsPage in alert_channels;
    ["settings"] => Settings = SettingsPage in settings;
}
