//! One try of one alert on one channel, and the note of what came of it.

use super::given_up;
use crate::model::{alert::channel::Undelivered, time::Millis};
use crate::server::{
    actions::now,
    config::Delivery,
    driver::redis::{
        RedisDriver,
        channels::{Delivering, Progress, Step},
    },
    notify::{self, Again, Answer, Failure, Outside, config::Channels},
};
use std::time::Duration;
use tokio::time::Instant;

/// An answer that cannot be noted is tried to be noted for so long.
const NOTE_FOR: Duration = Duration::from_secs(60);

/// What a try came to.
pub(super) enum After {
    /// The channel has it, or it is given up.
    Settled,
    Later(Progress),
    /// What stands in Redis is to be read again.
    Unsure,
}

/// A mail that some took and others did not is as good as not taken by these: they alone are tried again.
fn left_out(answer: &Answer) -> Option<(Failure, Vec<String>)> {
    let refused = &answer.refused;
    let again = if refused.iter().any(|one| one.again != Again::Never) { Again::Later } else { Again::Never };
    let said = refused.iter().map(|one| one.said.as_str()).collect::<Vec<_>>().join("; ");
    let recipients = refused.iter().map(|one| one.recipient.clone()).collect();
    (!refused.is_empty()).then_some((Failure { said, again, code: answer.code }, recipients))
}

/// One try, and the note of what came of it.
pub(super) async fn attempt(driver: &RedisDriver, delivery: &Delivery, outside: &Outside, channels: &Channels, one: &Delivering) -> After {
    let came = if channels.is_on(one.channel) {
        notify::send(outside, &channels.to_recipients(&one.progress.recipients), one.channel, &one.message).await
    } else {
        Err(Failure { said: "The channel was turned off before the alert was delivered.".into(), again: Again::Never, code: 0 })
    };
    let channel = one.channel.as_str();
    let (came, recipients) = match came {
        Ok(answer) => {
            tracing::info!(channel, alert.id = one.message.id, answer = answer.said, "alert delivered");
            match left_out(&answer) {
                Some((failure, recipients)) => (Err(failure), recipients),
                None => (Ok(()), Vec::new()),
            }
        }
        Err(failure) => (Err(failure), one.progress.recipients.clone()),
    };
    match came {
        Ok(()) => settled(noted(driver, one, Note::Settled(None)).await),
        Err(failure) => match wait(delivery, one.progress.tries, failure.again) {
            Some(wait) => {
                tracing::warn!(
                    channel,
                    alert.id = one.message.id,
                    tries = one.progress.tries,
                    reason = failure.said,
                    "alert not delivered, trying again"
                );
                let next = Millis(now().0 + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 4));
                let next = Progress { next, said: Some(failure.said), recipients, ..one.progress.clone() };
                if noted(driver, one, Note::Later(&next)).await { After::Later(next) } else { After::Unsure }
            }
            None => {
                tracing::error!(channel, alert.id = one.message.id, tries = one.progress.tries, reason = failure.said, "alert given up");
                let entry = given_up(Some(one.channel), Some(one.message.clone()), recipients, failure.said, one.progress.tries);
                settled(noted(driver, one, Note::Settled(Some(&entry))).await)
            }
        },
    }
}

/// Until the next try; `None`: there is none.
fn wait(delivery: &Delivery, tries: u32, again: Again) -> Option<Duration> {
    let usual = delivery.waits.get(tries.saturating_sub(1) as usize).copied();
    match again {
        Again::Never => None,
        Again::Later => usual.map(jittered),
        // Never earlier than the receiver said.
        Again::After(asked) => usual.map(|usual| jittered(usual).max(asked)),
    }
}

/// Consoles that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let chance = (uuid::Uuid::new_v4().as_u128() % 1_000) as f64 / 1_000.0;
    wait.mul_f64(1.0 + chance / 4.0)
}

fn settled(noted: bool) -> After {
    if noted { After::Settled } else { After::Unsure }
}

enum Note<'a> {
    /// Delivered, or given up.
    Settled(Option<&'a Undelivered>),
    Later(&'a Progress),
}

/// Redis may be away for a moment just when something is to be noted. Whether it stands there now.
async fn noted(driver: &RedisDriver, one: &Delivering, note: Note<'_>) -> bool {
    let until = Instant::now() + NOTE_FOR;
    loop {
        let came = match &note {
            Note::Settled(given_up) => driver.settle_alert(one, *given_up).await.map(|()| true),
            Note::Later(next) => driver.note_alert(None, one, next).await.map(|step| step == Step::Done),
        };
        match came {
            Ok(stands) => return stands,
            Err(error) if Instant::now() >= until => {
                tracing::error!(%error, "what became of an alert cannot be noted: it may be sent again");
                return false;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_end_and_honour_the_receiver() {
        let delivery = Delivery::default();
        let all: Vec<Option<Duration>> = (1..=5).map(|tries| wait(&delivery, tries, Again::Later)).collect();
        for (wait, seconds) in all.iter().zip([2.0, 10.0, 40.0, 180.0]) {
            let wait = wait.expect("another try").as_secs_f64();
            assert!((seconds..=seconds * 1.25).contains(&wait), "{wait}");
        }
        assert_eq!(all[4], None, "five tries");
        assert_eq!(wait(&delivery, 1, Again::Never), None);
        assert_eq!(wait(&delivery, 1, Again::After(Duration::from_secs(30))), Some(Duration::from_secs(30)));
        assert!(wait(&delivery, 1, Again::After(Duration::ZERO)).is_some_and(|w| w >= Duration::from_secs(2)));
    }
}
