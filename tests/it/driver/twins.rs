//! Two jobs with the very same bytes: a click takes one of them, and the same click, sent again, takes nothing.

use super::{discard::restore, *};
use crate::support::{
    Payload, eventually,
    payload::{dead, payload},
};
use flux_console::model::{
    ids::Priority,
    operation::{Outcome, Verb},
};
use flux_console::server::{
    driver::redis::{
        Acted, OneByOne,
        due::Served,
        trash::{Keep, Stays},
    },
    error::DriverError,
};
use redis::AsyncCommands;
use std::time::Duration;

/// What is clicked, and the list that holds the two.
#[derive(Clone, Copy, Debug)]
enum Click {
    Retry,
    RetryEdited,
    DiscardFailed,
    DiscardWaiting,
    DiscardGrouped,
}

impl Click {
    const ALL: [Self; 5] = [Self::Retry, Self::RetryEdited, Self::DiscardFailed, Self::DiscardWaiting, Self::DiscardGrouped];
    const DISCARDS: [Self; 3] = [Self::DiscardFailed, Self::DiscardWaiting, Self::DiscardGrouped];

    fn key(self) -> &'static str {
        match self {
            Self::Retry | Self::RetryEdited | Self::DiscardFailed => "queue:mail:failed",
            Self::DiscardWaiting => "queue:mail",
            Self::DiscardGrouped => "queue:pending:g",
        }
    }

    fn raw(self) -> String {
        match self {
            Self::Retry | Self::RetryEdited | Self::DiscardFailed => dead("twin", "mail", "boom", ""),
            Self::DiscardWaiting => payload("twin", "mail", ""),
            Self::DiscardGrouped => Payload::new("twin", "mail").group("g").waiting(),
        }
    }
}

/// A list with two equal jobs, and two consoles.
struct Twins {
    redis: TestRedis,
    click: Click,
    one: RedisDriver,
    other: RedisDriver,
}

impl Twins {
    async fn of(click: Click) -> Self {
        let redis = TestRedis::start().await;
        redis.push_raw(click.key(), [click.raw(), click.raw()]).await;
        if matches!(click, Click::DiscardGrouped) {
            redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
        }
        let (one, other) = (driver(&redis), driver(&redis));
        Self { redis, click, one, other }
    }

    /// As the pages show them.
    async fn handles(&self) -> Vec<Fingerprint> {
        let page = match self.click {
            Click::Retry | Click::RetryEdited | Click::DiscardFailed => page(&self.one, "mail", JobState::Failed).await,
            Click::DiscardWaiting => page(&self.one, "mail", JobState::Waiting).await,
            Click::DiscardGrouped => {
                let query = query("mail", JobState::Grouped, 1, 50, Order::Oldest);
                self.one.grouped_jobs(&query, &["g".into()], false, NOW).await.expect("a page")
            }
        };
        page.jobs.into_iter().map(|job| job.fingerprint).collect()
    }

    async fn try_click(&self, console: &RedisDriver, f: &Fingerprint) -> Result<Outcome, DriverError> {
        let (mail, jobs) = (queue("mail"), std::slice::from_ref(f));
        match self.click {
            Click::Retry => console.retry(&mail, jobs, false).await,
            Click::RetryEdited => console.retry_edited(&mail, f, r#"{"id":"edited"}"#, false).await,
            Click::DiscardFailed | Click::DiscardWaiting | Click::DiscardGrouped => console.discard(&mail, jobs, false, NOW).await,
        }
    }

    /// How many were taken, and how many were gone.
    async fn click(&self, console: &RedisDriver, f: &Fingerprint) -> (u64, u64) {
        let outcome = self.try_click(console, f).await.expect("an outcome");
        (outcome.done, outcome.gone)
    }

    async fn left(&self) -> usize {
        self.redis.list(self.click.key()).await.len()
    }

    fn note(&self, f: &Fingerprint) -> String {
        self.one.keys().acted(&f.hash)
    }
}

#[tokio::test]
async fn the_same_click_sent_again_takes_none_of_two() {
    for click in Click::ALL {
        let twins = Twins::of(click).await;
        let handles = twins.handles().await;
        assert_eq!(twins.click(&twins.one, &handles[0]).await, (1, 0), "{click:?}");
        let before = twins.redis.all_elements().await;
        for console in [&twins.one, &twins.other] {
            assert_eq!(twins.click(console, &handles[0]).await, (0, 1), "{click:?}, again");
        }
        assert_eq!(twins.redis.all_elements().await, before, "{click:?}: nothing moved");
        assert_eq!(twins.left().await, 1, "{click:?}");
        // The other one has a handle of its own.
        assert_eq!(twins.click(&twins.other, &handles[1]).await, (1, 0), "{click:?}, the other");
        assert_eq!(twins.left().await, 0, "{click:?}");
    }
}

#[tokio::test]
async fn of_two_clicks_at_the_same_time_one_is_gone() {
    for click in Click::ALL {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.remove(1);
        let (one, other) = tokio::join!(twins.click(&twins.one, &f), twins.click(&twins.other, &f));
        assert_eq!((one.0 + other.0, one.1 + other.1), (1, 1), "{click:?}");
        assert_eq!(twins.left().await, 1, "{click:?}");
    }
}

#[tokio::test]
async fn a_click_is_noted_for_a_moment() {
    for click in Click::ALL {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.remove(0);
        let note = twins.note(&f);
        assert_eq!(twins.click(&twins.one, &f).await, (1, 0), "{click:?}");
        let ttl: i64 = redis::cmd("PTTL").arg(&note).query_async(&mut twins.redis.con.clone()).await.expect("PTTL");
        assert!((1..=5_000).contains(&ttl), "{click:?}: {ttl} ms");
        redis::cmd("PEXPIRE").arg(&note).arg(1).exec_async(&mut twins.redis.con.clone()).await.expect("PEXPIRE");
        let forgotten = async || !twins.redis.con.clone().exists::<_, bool>(&note).await.expect("EXISTS");
        eventually("the note is gone", Duration::from_secs(5), forgotten).await;
        assert_eq!(twins.click(&twins.one, &f).await, (1, 0), "{click:?}, later");
        assert_eq!(twins.left().await, 0, "{click:?}");
    }
}

#[tokio::test]
async fn what_was_restored_can_be_deleted_again_at_once() {
    for click in Click::DISCARDS {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.remove(0);
        let outcome = twins.try_click(&twins.one, &f).await.expect("an outcome");
        assert_eq!(twins.click(&twins.one, &f).await, (0, 1), "{click:?}");
        restore(&twins.other, "mail", &outcome.trash.expect("an id")).await;
        assert_eq!(twins.left().await, 2, "{click:?}");
        assert_eq!(twins.click(&twins.one, &f).await, (1, 0), "{click:?}, after the restore");
        assert_eq!(twins.click(&twins.one, &f).await, (0, 1), "{click:?}, and again");
        assert_eq!(twins.left().await, 1, "{click:?}");
    }
}

#[tokio::test]
async fn a_note_that_is_none_is_refused_before_anything_is_written() {
    for click in Click::ALL {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.remove(0);
        let note = twins.note(&f);
        let other_type = async || twins.redis.con.clone().set::<_, _, ()>(&note, "no hash").await.expect("SET");
        other_type().await;
        let before = twins.redis.all_elements().await;
        let error = twins.try_click(&twins.one, &f).await.expect_err("refused").to_string();
        assert!(error.contains(&format!("{note} holds a string")), "{click:?}: {error}");
        assert_eq!(twins.redis.all_elements().await, before, "{click:?}");

        twins.redis.con.clone().del::<_, ()>(&note).await.expect("DEL");
        let outcome = twins.try_click(&twins.one, &f).await.expect("an outcome");
        assert_eq!(outcome.done, 1, "{click:?}");
        let Some(trash) = outcome.trash else { continue };
        other_type().await;
        let before = twins.redis.all_elements().await;
        let error = twins.one.restore_step(&queue("mail"), &trash, &mut Stays::default()).await.expect_err("refused").to_string();
        assert!(error.contains(&format!("{note} holds a string")), "{click:?}: {error}");
        assert_eq!(twins.redis.all_elements().await, before, "{click:?}");
    }
}

/// Whoever goes over a list reads each job just now, and means each of them: also the one that stands where a click found another.
#[tokio::test]
async fn a_walk_takes_what_stands_where_another_was_clicked() {
    let mail = queue("mail");
    for click in Click::ALL {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.into_iter().min_by_key(|f| f.hint).expect("two");
        assert_eq!(twins.click(&twins.one, &f).await, (1, 0), "{click:?}");
        assert_eq!(twins.handles().await, std::slice::from_ref(&f), "{click:?}: the other one stands there now");
        assert_eq!(twins.click(&twins.one, &f).await, (0, 1), "{click:?}");
        if matches!(click, Click::Retry | Click::RetryEdited) {
            let mut acted = Acted::walking();
            twins.one.retry_telling(&mail, std::slice::from_ref(&f), false, &mut acted).await.expect("retry");
            assert_eq!((acted.outcome.done, twins.left().await), (1, 0), "{click:?}");
            continue;
        }
        let trash = twins.one.open_trash(&mail, Verb::Discard, NOW).await.expect("an entry");
        let mut outcome = Outcome::default();
        twins.one.discard_into(&mail, &trash, &f, &mut Served::default(), || NOW, &mut outcome).await.expect("discard");
        assert_eq!((outcome.done, twins.left().await), (1, 0), "{click:?}");
        // It left no note either: the first click's is all there is.
        let fields: u64 = twins.redis.con.clone().hlen(twins.note(&f)).await.expect("HLEN");
        assert_eq!(fields, 1, "{click:?}");
    }
}

#[tokio::test]
async fn what_empties_a_list_takes_what_stands_where_another_was_clicked() {
    let mail = queue("mail");
    for click in [Click::DiscardWaiting, Click::DiscardGrouped] {
        let twins = Twins::of(click).await;
        let f = twins.handles().await.into_iter().min_by_key(|f| f.hint).expect("two");
        assert_eq!(twins.click(&twins.one, &f).await, (1, 0), "{click:?}");
        let trash = twins.one.open_trash(&mail, Verb::Purge, NOW).await.expect("an entry");
        let mut outcome = Outcome::default();
        if matches!(click, Click::DiscardWaiting) {
            let mut list = OneByOne::new(Priority::Base, 1, newest_waiting(&twins.one, "mail").await, NOW);
            twins.one.discard_step(&mail, &mut list, &trash, &mut outcome).await.expect("a step");
        } else {
            twins.one.discard_grouped(&mail, "g", 0, NOW, &trash, &mut outcome).await.expect("a step");
        }
        assert_eq!((outcome.done, twins.left().await), (1, 0), "{click:?}");
        assert_eq!(twins.one.finish_trash(&trash, Keep::AnHour).await.expect("closed"), Some(trash), "{click:?}");
    }
}
