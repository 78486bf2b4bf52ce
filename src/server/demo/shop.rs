//! The shop of the demo: some 50 jobs a second in queues that show every situation an operator meets.

use super::{
    catalogue as of,
    load::{Load, QueueLoad, WorkerLoad},
};
use std::time::Duration;

pub fn load() -> Load {
    Load {
        queues: vec![
            // A backlog that its workers do not catch up with, and a provider that times out.
            QueueLoad::new("orders", of::ORDERS, 9.0, 190, 0.18).priorities(0.01, 0.12, 0.05).at_most(24_000),
            QueueLoad::new("webhooks:stripe", of::STRIPE, 6.0, 138, 0.12),
            QueueLoad::new("emails", of::MAIL, 9.0, 45, 0.03).priorities(0.0, 0.1, 0.2).delayed(0.1, 5, 900),
            QueueLoad::new("search:index", of::SEARCH, 8.0, 25, 0.004).priorities(0.0, 0.0, 0.3),
            QueueLoad::new("payments", of::PAYMENTS, 3.0, 120, 0.05).priorities(0.02, 0.3, 0.0).groups(24).attempts(5).backoff(2.0, 3.0),
            QueueLoad::new("notifications:push", of::PUSHES, 5.0, 30, 0.01),
            QueueLoad::new("analytics:events", of::ANALYTICS, 8.0, 8, 0.0),
            QueueLoad::new("reports", of::REPORTS, 0.2, 2_500, 0.06).attempts(2),
            // Every job of it is delayed.
            QueueLoad::new("billing:dunning", of::DUNNING, 0.2, 80, 0.05).delayed(1.0, 30, 3_600),
            // Paused: it only grows.
            QueueLoad::new("images:resize", of::IMAGES, 0.2, 300, 0.05).at_most(900),
            // No worker serves it.
            QueueLoad::new("tenant:1:mail", of::MAIL, 0.4, 45, 0.02).at_most(2_600),
            QueueLoad::new("tenant:2:mail", of::MAIL, 1.0, 45, 0.02).delayed(0.1, 10, 120),
        ],
        workers: vec![
            WorkerLoad::new("shop-orders-1", &["orders"]),
            WorkerLoad::new("shop-orders-2", &["orders", "payments"]),
            WorkerLoad::new("shop-payments-1", &["payments"]),
            WorkerLoad::new("shop-hooks-1", &["webhooks:stripe"]),
            WorkerLoad::new("shop-mail-1", &["emails", "tenant:2:mail", "billing:dunning"]),
            WorkerLoad::new("shop-mail-2", &["emails", "notifications:push"]),
            WorkerLoad::new("shop-search-1", &["search:index", "analytics:events"]),
            WorkerLoad::new("shop-batch-1", &["reports", "imports"]),
            WorkerLoad::new("shop-media-1", &["images:resize"]),
        ],
        seed: 20_261_123,
        // The shop was open before the console looked.
        first_heartbeat: Duration::ZERO,
        rhythm: Duration::from_secs(240),
        kill_every: Duration::from_secs(150),
        ..Load::default()
    }
}
