//! Schedules: the list, one of them, and the verbs on it.

use crate::model::{
    error::ApiError,
    schedule::{self, Draft, ScheduleDetail, ScheduleId, SchedulesPage},
    wire::Json,
};
use leptos::prelude::*;

/// What runs next first. A few Redis commands and scripts, whatever their number.
#[server(prefix = "/api/fn", endpoint = "schedules", input = Json, output = Json)]
pub async fn schedules(page: u64) -> Result<SchedulesPage, ApiError> {
    crate::server::actions::schedules::page(&expect_context(), page).await
}

/// One schedule with its job and what the archive knows of its runs.
#[server(prefix = "/api/fn", endpoint = "schedule", input = Json, output = Json)]
pub async fn schedule(id: ScheduleId) -> Result<ScheduleDetail, ApiError> {
    crate::server::actions::schedules::one(&expect_context(), &id).await
}

/// What a draft would do; costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "schedules/preview", input = Json, output = Json)]
pub async fn preview(draft: Draft, fresh: bool) -> Result<schedule::Preview, ApiError> {
    Ok(crate::server::actions::schedules::preview(&expect_context(), &draft, fresh))
}

#[server(prefix = "/api/fn", endpoint = "schedules/add", input = Json, output = Json)]
pub async fn add(draft: Draft, enabled: bool) -> Result<ScheduleDetail, ApiError> {
    crate::server::actions::schedules::add(&expect_context(), &draft, enabled).await
}

/// `version`: of the schedule as the form was filled with it.
#[server(prefix = "/api/fn", endpoint = "schedules/edit", input = Json, output = Json)]
pub async fn edit(id: ScheduleId, draft: Draft, version: String) -> Result<ScheduleDetail, ApiError> {
    crate::server::actions::schedules::edit(&expect_context(), &id, &draft, &version).await
}

#[server(prefix = "/api/fn", endpoint = "schedules/enable", input = Json, output = Json)]
pub async fn set_enabled(id: ScheduleId, on: bool) -> Result<ScheduleDetail, ApiError> {
    crate::server::actions::schedules::set_enabled(&expect_context(), &id, on).await
}

/// Pushes its job now, once for a `request`.
#[server(prefix = "/api/fn", endpoint = "schedules/run", input = Json, output = Json)]
pub async fn run(id: ScheduleId, request: String) -> Result<(), ApiError> {
    crate::server::actions::schedules::run(&expect_context(), &id, &request).await
}

#[server(prefix = "/api/fn", endpoint = "schedules/delete", input = Json, output = Json)]
pub async fn delete(id: ScheduleId) -> Result<(), ApiError> {
    crate::server::actions::schedules::delete(&expect_context(), &id).await
}

/// Within an hour of its deletion.
#[server(prefix = "/api/fn", endpoint = "schedules/restore", input = Json, output = Json)]
pub async fn restore(id: ScheduleId) -> Result<ScheduleDetail, ApiError> {
    crate::server::actions::schedules::restore(&expect_context(), &id).await
}
