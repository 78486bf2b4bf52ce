//! What the address bar says: filter, sort and page of the two tables. Browser and server read it with the same code.

use super::{
    board::needs_attention,
    ids::QueueName,
    job::{JobState, Order},
    queue::{Paused, QueueSample},
};
use serde::{Deserialize, Serialize};

pub const PER_PAGE: [u64; 4] = [20, 50, 100, 200];
pub const PER_PAGE_DEFAULT: u64 = 50;
/// The queue table is one sheet until there are more queues than a browser lays out quickly.
pub const QUEUES_PER_PAGE: u64 = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueFilter {
    #[default]
    All,
    Failing,
    Paused,
    NoWorkers,
    Idle,
    /// What the overview's list is about.
    Attention,
}

impl QueueFilter {
    pub const ALL: [Self; 6] = [Self::All, Self::Failing, Self::Paused, Self::NoWorkers, Self::Idle, Self::Attention];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::NoWorkers => "no-workers",
            Self::Idle => "idle",
            Self::Attention => "attention",
        }
    }

    pub fn holds(self, q: &QueueSample) -> bool {
        match self {
            Self::All => true,
            Self::Failing => q.failing(),
            Self::Paused => q.paused != Paused::No,
            Self::NoWorkers => q.unserved(),
            Self::Idle => q.idle(),
            Self::Attention => needs_attention(q),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueSort {
    Name,
    #[default]
    Waiting,
    Delayed,
    Failed,
    Oldest,
    Workers,
    Active,
    /// Jobs that come in per second.
    In,
    Out,
}

impl QueueSort {
    pub const ALL: [Self; 9] =
        [Self::Name, Self::Waiting, Self::Delayed, Self::Failed, Self::Oldest, Self::Workers, Self::Active, Self::In, Self::Out];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Failed => "failed",
            Self::Oldest => "oldest",
            Self::Workers => "workers",
            Self::Active => "active",
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// Figures start with the largest, names with A.
    pub fn descends_first(self) -> bool {
        self != Self::Name
    }
}

/// `/queues?q=&filter=&sort=&dir=&page=`
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueuesQuery {
    pub q: String,
    pub filter: QueueFilter,
    pub sort: QueueSort,
    pub descending: bool,
    pub page: u64,
}

impl Default for QueuesQuery {
    fn default() -> Self {
        Self { q: String::new(), filter: QueueFilter::All, sort: QueueSort::Waiting, descending: true, page: 1 }
    }
}

impl QueuesQuery {
    /// Reads the URL; what it cannot read is the default (a link is never an error page).
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let sort = get("sort").and_then(|s| QueueSort::ALL.into_iter().find(|x| x.as_str() == s)).unwrap_or_default();
        Self {
            q: get("q").unwrap_or_default(),
            filter: get("filter").and_then(|s| QueueFilter::ALL.into_iter().find(|x| x.as_str() == s)).unwrap_or_default(),
            sort,
            descending: get("dir").map_or(sort.descends_first(), |d| d == "desc"),
            page: page_number(get("page")),
        }
    }

    /// The part behind `/queues`: empty when everything is as by default.
    pub fn search(&self) -> String {
        let d = Self::default();
        let mut parts = Vec::new();
        if !self.q.is_empty() {
            parts.push(format!("q={}", super::ids::escaped(&self.q)));
        }
        if self.filter != d.filter {
            parts.push(format!("filter={}", self.filter.as_str()));
        }
        if self.sort != d.sort {
            parts.push(format!("sort={}", self.sort.as_str()));
        }
        if self.descending != self.sort.descends_first() {
            parts.push(format!("dir={}", if self.descending { "desc" } else { "asc" }));
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        join(&parts)
    }

    pub fn matches(&self, sample: &QueueSample) -> bool {
        self.filter.holds(sample) && (self.q.is_empty() || sample.name.as_str().to_lowercase().contains(&self.q.to_lowercase()))
    }

    /// Total order: the figure (unknown last), then the name, so that equal rows never swap.
    pub fn order(&self, a: &QueueSample, b: &QueueSample) -> std::cmp::Ordering {
        let figure = |q: &QueueSample| match self.sort {
            QueueSort::Name => None,
            QueueSort::Waiting => q.waiting.map(i128::from),
            QueueSort::Delayed => q.delayed.map(i128::from),
            QueueSort::Failed => q.failed.map(i128::from),
            QueueSort::Oldest => q.oldest_waiting_ms.map(i128::from),
            QueueSort::Workers => q.workers.map(i128::from),
            QueueSort::Active => q.active.map(i128::from),
            QueueSort::In => thousandths(q.flow.in_per_second),
            QueueSort::Out => thousandths(q.flow.out_per_second),
        };
        let names = a.name.cmp(&b.name);
        if self.sort == QueueSort::Name {
            return if self.descending { names.reverse() } else { names };
        }
        match (figure(a), figure(b)) {
            (Some(x), Some(y)) if self.descending => y.cmp(&x).then(names),
            (Some(x), Some(y)) => x.cmp(&y).then(names),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => names,
        }
    }
}

/// `/queues/{queue}?state=&page=&perPage=&order=`
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobsQuery {
    pub queue: QueueName,
    pub state: JobState,
    pub page: u64,
    pub per_page: u64,
    pub order: Order,
}

impl JobsQuery {
    /// Waiting shows what runs next first (the oldest), delayed the soonest, failed the newest.
    pub fn first_order(state: JobState) -> Order {
        match state {
            JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Delayed => Order::Oldest,
            JobState::Failed | JobState::Completed => Order::Newest,
        }
    }

    pub fn read(queue: QueueName, get: impl Fn(&str) -> Option<String>) -> Self {
        let state = get("state").and_then(|s| JobState::parse(&s)).unwrap_or(JobState::Waiting);
        let order = match get("order").as_deref() {
            Some("newest") => Order::Newest,
            Some("oldest") => Order::Oldest,
            _ => Self::first_order(state),
        };
        let per_page = get("perPage").and_then(|n| n.parse().ok()).filter(|n| PER_PAGE.contains(n)).unwrap_or(PER_PAGE_DEFAULT);
        Self { queue, state, page: page_number(get("page")), per_page, order }
    }

    /// The whole link, `/queues/{queue}?…`.
    pub fn href(&self) -> String {
        let mut parts = Vec::new();
        if self.state != JobState::Waiting {
            parts.push(format!("state={}", self.state.as_str()));
        }
        if self.order != Self::first_order(self.state) {
            parts.push(format!("order={}", if self.order == Order::Newest { "newest" } else { "oldest" }));
        }
        if self.per_page != PER_PAGE_DEFAULT {
            parts.push(format!("perPage={}", self.per_page));
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        format!("{}{}", self.queue.href(), join(&parts))
    }
}

/// Rates in whole numbers, which have a total order; finer than the screen shows them.
fn thousandths(rate: Option<f64>) -> Option<i128> {
    rate.map(|n| (n * 1_000.0).round() as i128)
}

fn page_number(text: Option<String>) -> u64 {
    // 2^40 pages are beyond any list and still safe to multiply by 200.
    text.and_then(|n| n.parse().ok()).unwrap_or(1).clamp(1, 1 << 40)
}

fn join(parts: &[String]) -> String {
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// What of the archive is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveQuery {
    pub queue: Option<QueueName>,
    pub status: Option<super::archive::Status>,
    pub page: u64,
    pub per_page: u64,
}
