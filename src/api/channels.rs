//! Where alerts go, and what could not be delivered.

use crate::model::{
    alert::channel::{Channel, ChannelsEdit, ChannelsView, Tested, UndeliveredList},
    error::ApiError,
    wire::Json,
};
use leptos::prelude::*;

/// Without secrets.
#[server(prefix = "/api/fn", endpoint = "alerts/channels", input = Json, output = Json)]
pub async fn channels() -> Result<ChannelsView, ApiError> {
    crate::server::actions::channels::channels(&expect_context()).await
}

/// Answers the channels as they are stored afterwards.
#[server(prefix = "/api/fn", endpoint = "alerts/channels/set", input = Json, output = Json)]
pub async fn set_channels(edit: ChannelsEdit) -> Result<ChannelsView, ApiError> {
    crate::server::actions::channels::set_channels(&expect_context(), &edit).await
}

/// One message over the channel as `edit` would have it, which is not saved.
#[server(prefix = "/api/fn", endpoint = "alerts/channels/test", input = Json, output = Json)]
pub async fn test_channel(channel: Channel, edit: ChannelsEdit) -> Result<Tested, ApiError> {
    crate::server::actions::channels::test(&expect_context(), channel, Some(&edit)).await
}

#[server(prefix = "/api/fn", endpoint = "alerts/undelivered", input = Json, output = Json)]
pub async fn undelivered() -> Result<UndeliveredList, ApiError> {
    crate::server::actions::channels::undelivered(&expect_context()).await
}

#[server(prefix = "/api/fn", endpoint = "alerts/undelivered/retry", input = Json, output = Json)]
pub async fn send_again(id: String) -> Result<(), ApiError> {
    crate::server::actions::channels::send_again(&expect_context(), &id).await
}

#[server(prefix = "/api/fn", endpoint = "alerts/undelivered/dismiss", input = Json, output = Json)]
pub async fn dismiss(id: String) -> Result<(), ApiError> {
    crate::server::actions::channels::dismiss(&expect_context(), &id).await
}
