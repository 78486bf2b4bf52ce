//! A schedule as it lies in Redis, read: what it would do, and why it cannot.

use super::{
    cron::Cron,
    job::{self, Pushed},
};
use crate::model::{
    ids::QueueName,
    schedule::{Missed, RUNS, Schedule, ScheduleId},
    time::Millis,
};
use crate::server::{
    driver::redis::schedules::{Fields, Fire, Found, Held, Who},
    reading::Reading,
};
use chrono_tz::Tz;
use sha1::{Digest, Sha1};

/// A library's ticker may look every minute only: before this nobody is called absent.
const GRACE_MS: i64 = 120_000;
/// A run that comes later than this is listed, also when none was left out.
const LATE_MS: i64 = 60_000;
/// Runs that were left out are counted up to this.
const COUNTED: usize = 1_000;

/// One that can be fired.
#[derive(Clone, Debug)]
pub struct Sound {
    pub cron: Cron,
    pub queue: QueueName,
    pub pushed: Pushed,
}

#[derive(Clone, Debug)]
pub struct Stored {
    id: Vec<u8>,
    /// As far as it is text.
    pub name: String,
    score: Option<String>,
    pub cron: Option<String>,
    queue: Option<String>,
    pub job: Option<String>,
    pub enabled: bool,
    last_run: Option<String>,
    fields: Fields,
    /// Or why it is broken, as a sentence.
    pub sound: Result<Sound, String>,
}

fn text(bytes: Option<&Vec<u8>>) -> Option<String> {
    bytes.and_then(|b| String::from_utf8(b.clone()).ok())
}

impl Stored {
    pub fn of(found: Found) -> Self {
        let Found { id, score, held } = found;
        let name = String::from_utf8_lossy(&id).into_owned();
        let (fields, problem) = match held {
            Held::Fields(fields) => (fields, None),
            Held::Missing => (Fields::default(), Some("Its hash is missing: nothing says what it runs, and when.".to_owned())),
            Held::TooLarge => (Fields::default(), Some("A field of its hash is larger than 256 kB.".into())),
            Held::OfType(kind) => (Fields::default(), Some(format!("Under the key of its hash lies a {kind}."))),
        };
        let (cron, queue, job) = (text(fields.cron.as_ref()), text(fields.queue.as_ref()), text(fields.job.as_ref()));
        let checked = || {
            if fields.id.as_ref().is_none_or(Vec::is_empty) {
                return Err("Its hash has no id, and the library passes over such a schedule.".into());
            }
            let cron = cron.as_deref().ok_or("It has no cron.")?;
            let cron = Cron::parse(cron).map_err(|why| format!("Its cron {cron:?} cannot be read: {why}"))?;
            let queue = queue.clone().ok_or("It names no queue.")?;
            let queue = QueueName::try_from(queue).map_err(|why| format!("It names no queue: {why}"))?;
            let pushed = job::pushed(job.as_deref().ok_or("It has no job.")?)?;
            Ok(Sound { cron, queue, pushed })
        };
        let known = std::str::from_utf8(&id).map(drop).map_err(|_| "Its id is no text.".to_owned());
        let sound = known.and_then(|()| problem.map_or(Ok(()), Err)).and_then(|()| checked());
        Self {
            enabled: fields.enabled.as_deref() == Some(b"true"),
            last_run: text(fields.last_run.as_ref()),
            id,
            name,
            score,
            cron,
            queue,
            job,
            fields,
            sound,
        }
    }

    /// Its next run as it is stored.
    pub fn next_run(&self) -> Option<Millis> {
        let score: f64 = self.score.as_deref()?.parse().ok()?;
        score.is_finite().then(|| Millis::checked(score as i64)).flatten()
    }

    /// Cron, queue and job as they were read.
    pub fn seen(&self) -> [&[u8]; 3] {
        let Fields { cron, queue, job, .. } = &self.fields;
        [cron, queue, job].map(|field| field.as_deref().unwrap_or_default())
    }

    /// Changes with every change of cron, queue or job.
    pub fn version(&self) -> String {
        let mut sha = Sha1::new();
        for part in self.seen() {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        sha.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// Somebody who is no console fired it last, while consoles ticked.
    pub fn fired_by_another(&self, who: &Who) -> Option<Millis> {
        let last = self.last_run.as_deref()?;
        let at = Millis::checked(last.parse().ok()?)?;
        let ours = who.fired.get(&self.id).is_some_and(|fired| fired == last);
        (!ours && who.since.is_none_or(|since| at > since)).then_some(at)
    }

    /// Its run that is due, ready to be fired; `Err`: why it is passed over. `None` of a cron that never comes again is broken too.
    pub fn fire(&self, now: Millis, zone: Tz) -> Result<Fire<'_>, String> {
        let sound = self.sound.as_ref().map_err(Clone::clone)?;
        let (Some(score), Some(cron), Some(queue), Some(job)) = (&self.score, &self.cron, &self.queue, &self.job) else {
            return Err("It is not in the list of schedules.".into());
        };
        let next = sound.cron.next(now, zone).ok_or("Its cron never comes again.")?;
        Ok(Fire {
            id: &self.name,
            score,
            cron,
            queue,
            job,
            payload: &sound.pushed.payload,
            delayed_until: sound.pushed.delay_ms.map(|ms| Millis(now.0.saturating_add(ms))),
            next,
            missed: self.missed(&sound.cron, now, zone),
        })
    }

    /// The runs that were left out since the one that is fired now.
    fn missed(&self, cron: &Cron, now: Millis, zone: Tz) -> Option<String> {
        let due = self.next_run()?;
        let left_out = cron.between(due, now, zone, COUNTED + 1);
        if left_out == 0 && now.0 - due.0 < LATE_MS {
            return None;
        }
        let missed = Missed { id: self.name.clone(), due, fired_at: now, left_out: left_out.min(COUNTED) as u64, more: left_out > COUNTED };
        serde_json::to_string(&missed).ok()
    }

    pub fn overdue(&self, now: Millis) -> bool {
        self.enabled && self.sound.is_ok() && self.next_run().is_some_and(|next| now.0 - next.0 > GRACE_MS)
    }

    /// As a list shows it.
    pub fn shown(&self, now: Millis, zone: Tz) -> Schedule {
        let cron = self.cron.as_deref().and_then(|text| Cron::parse(text).ok());
        let reading = self.job.as_deref().map(Reading::of);
        let next_run = self.next_run();
        let runs = cron.as_ref().filter(|_| self.enabled && self.sound.is_ok()).map(|cron| cron.runs_said(now, zone, RUNS));
        // A next run in the past says nothing any more: the zone's rules, or the cron, may have been others then.
        let other_zone = next_run.filter(|at| *at > now).zip(cron.as_ref()).is_some_and(|(at, cron)| !cron.runs_at(at, zone));
        Schedule {
            id: String::from_utf8(self.id.clone()).ok().and_then(|id| ScheduleId::try_from(id).ok()),
            name: self.name.clone(),
            cron: self.cron.clone(),
            words: cron.as_ref().map(Cron::words),
            queue: self.queue.clone().and_then(|queue| QueueName::try_from(queue).ok()),
            class_name: reading.as_ref().and_then(|r| r.class_name.clone()),
            job_id: reading.and_then(|r| r.id),
            enabled: self.enabled,
            next_run,
            runs: runs.unwrap_or_default(),
            last_run: self.last_run.as_deref().and_then(|at| at.parse().ok()).and_then(Millis::checked),
            problem: self.sound.as_ref().err().cloned(),
            overdue: self.overdue(now),
            other_zone,
            version: self.version(),
        }
    }
}
