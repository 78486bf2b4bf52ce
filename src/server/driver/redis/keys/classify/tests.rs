use super::*;

#[test]
fn names_are_whole_and_reserved_words_are_not_queues() {
    let keys = Keys::new("queue:", &["flux_console:".into()]);
    let queue = |name: &str| Key::Of(QueueName::try_from(name).expect("valid"));
    let cases = [
        ("queue:mail", queue("mail")),
        ("queue:mail:high", queue("mail")),
        ("queue:mail:high:delayed", queue("mail")),
        ("queue:mail:low:paused", queue("mail")),
        ("queue:mail:failed", queue("mail")),
        ("queue:mail:high:failed", Key::Unlisted(Unlisted::DeadOfPriority)),
        ("queue:mail:ratelimit:29923880", queue("mail")),
        ("queue:mail:5", queue("mail:5")),
        ("queue:mail:urgent", queue("mail:urgent")),
        ("queue:mail:default", queue("mail:default")),
        ("queue:tenant:1:mail", queue("tenant:1:mail")),
        ("queue:tenant:1:mail:delayed", queue("tenant:1:mail")),
        ("queue:active-jobs", queue("active-jobs")),
        ("queue:high", queue("high")),
        ("queue:failed", queue("failed")),
        ("queue:кириллица queue", queue("кириллица queue")),
        ("queue:active", Key::Other),
        ("queue:schedules", Key::Other),
        ("queue:schedule:id:with:colons", Key::Other),
        ("queue:lock:schedule:x:1", Key::Other),
        ("queue:logs:history", Key::Other),
        ("queue:worker:w-1", Key::Heartbeat),
        ("queue:pending:customer-1", Key::Pending("customer-1".into())),
        ("queue:pending:a:b", Key::Pending("a:b".into())),
        ("queue:", Key::Other),
        ("other:mail", Key::Other),
    ];
    for (key, expected) in cases {
        assert_eq!(keys.classify(key), expected, "{key}");
    }
    let long = |bytes: usize| format!("queue:{}:high:delayed", "x".repeat(bytes));
    assert_eq!(keys.classify(&long(1_025)), Key::Unlisted(Unlisted::TooLong));
    assert_eq!(keys.classify(&long(1_024)), queue(&"x".repeat(1_024)));
    assert!(keys.is_heartbeat("flux_console:worker:w-1"));
    for (name, is) in [
        ("mail", true),
        ("mail:5", true),
        ("high", true),
        ("active-jobs", true),
        ("mail:high", false),
        ("mail:failed", false),
        ("active", false),
        ("pending:x", false),
    ] {
        assert_eq!(keys.is_queue(&QueueName::try_from(name).expect("valid")), is, "{name}");
    }
}

/// What lies under the queue prefix and is named after another one: (prefix, monitor prefix, schedule prefix), key, what it is.
#[test]
fn prefixes_under_the_queue_prefix_make_no_queues() {
    let queue = |name: &str| Key::Of(QueueName::try_from(name).expect("valid"));
    let (app, empty, ours) =
        (("app:", "app:monitor:", "app:cron:"), ("", "flux_console:", "queue:"), ("flux_console:", "flux_console:", "queue:"));
    let default = ("queue:", "flux_console:", "queue:");
    let cases = [
        (app, "app:monitor:worker:w-1", Key::Heartbeat),
        (app, "app:monitor:logs:history", Key::Other),
        (app, "app:monitor:logs", Key::Other),
        (app, "app:monitor:mail", queue("monitor:mail")),
        (app, "app:monitor:logs-old", queue("monitor:logs-old")),
        (app, "app:monitor:workers", queue("monitor:workers")),
        (app, "app:monitor", queue("monitor")),
        (app, "app:worker:w-2", Key::Heartbeat),
        (app, "app:cron:schedules", Key::Other),
        (app, "app:cron:schedule:nightly", Key::Other),
        (app, "app:cron:lock:schedule:nightly:17", Key::Other),
        (app, "app:cron:mail:failed", queue("cron:mail")),
        (app, "app:mail:high", queue("mail")),
        (app, "app:flux_console:throughput:29923880", queue("flux_console:throughput:29923880")),
        (empty, "mail", queue("mail")),
        (empty, "mail:failed", queue("mail")),
        (empty, "worker:w-1", Key::Heartbeat),
        (empty, "flux_console:worker:w-1", Key::Heartbeat),
        (empty, "flux_console:logs:history", Key::Other),
        (empty, "queue:schedules", Key::Other),
        (empty, "queue:schedule:nightly", Key::Other),
        (empty, "queue:lock:schedule:nightly:17", Key::Other),
        (empty, "queue:mail", queue("queue:mail")),
        (empty, "gravito:quasar:node:shop:api-1", Key::Other),
        (empty, "gravito:zenith:alerts:rules", Key::Other),
        (empty, "gravito:zenith:maintenance:config", Key::Other),
        (empty, "gravito:mail", queue("gravito:mail")),
        (empty, "flux_console:throughput:29923880", Key::Other),
        (empty, "flux_console:metrics:waiting:29923880", Key::Other),
        (empty, "flux_console:metrics:0a1b2c3d:60:1795432800", Key::Other),
        (empty, "flux_console:metrics:0a1b2c3d:mark", Key::Other),
        (empty, "flux_console:0a1b2c3d:trash", Key::Other),
        (empty, "flux_console:0a1b2c3d:trash:9f:items", Key::Other),
        (empty, "flux_console:0a1b2c3d:operation:9f", Key::Other),
        (empty, "flux_console:0a1b2c3d:alerts:states", Key::Other),
        (empty, "flux_console:0a1b2c3d:scheduler:lease", Key::Other),
        (empty, "flux_console:0a1b2c3d:scheduler:turn", Key::Other),
        (empty, "flux_console:0a1b2c3d:schedules:ticking", Key::Other),
        (empty, "flux_console:mail", queue("flux_console:mail")),
        (empty, "flux_console:throughput", queue("flux_console:throughput")),
        (ours, "flux_console:mail", queue("mail")),
        (ours, "flux_console:metrics", queue("metrics")),
        (ours, "flux_console:metrics:mail", queue("metrics:mail")),
        (ours, "flux_console:12345678:mail", queue("12345678:mail")),
        (ours, "flux_console:worker:w-1", Key::Heartbeat),
        (ours, "flux_console:throughput:29923880", Key::Other),
        (ours, "flux_console:metrics:failed:29923880", Key::Other),
        (ours, "flux_console:0a1b2c3d:lost", Key::Other),
        (default, "queue:flux_console:throughput:29923880", queue("flux_console:throughput:29923880")),
        (default, "queue:monitor:worker:x", queue("monitor:worker:x")),
        (default, "queue:gravito:zenith:alerts:rules", queue("gravito:zenith:alerts:rules")),
        (default, "flux_console:worker:w-1", Key::Other),
        // A prefix that ends where a queue's name goes on.
        (("worker:", "", "queue:"), "worker:mail", queue("mail")),
        (("queue:", "que", "q"), "queue:worker:mail", Key::Heartbeat),
    ];
    for ((prefix, monitor, schedules), key, expected) in cases {
        let keys = Keys::new(prefix, &[monitor.into()]).with_schedules(schedules);
        assert_eq!(keys.classify(key), expected, "{key} under {prefix:?}, {monitor:?} and {schedules:?}");
    }
    // Every key that this console writes.
    for prefix in ["", "flux_console:"] {
        let keys = Keys::new(prefix, &[]);
        let own = [
            keys.operations(),
            keys.operation("9f"),
            keys.audit(),
            keys.alerts("states"),
            keys.retention(),
            keys.trash(),
            keys.trash_list("9f", 1),
            keys.trash_items("9f"),
            keys.request("9f"),
            keys.acted("9f"),
            keys.lost(),
            keys.lease("metrics"),
            keys.turn("metrics"),
            keys.report("archiver"),
            keys.mark(),
            keys.frame(60, 1_795_432_800),
            keys.schedules.fired(),
            keys.schedules.ticking(),
            keys.schedules.missed(),
            keys.schedules.kept("nightly"),
        ];
        for key in own {
            assert_eq!(keys.classify(&key), Key::Other, "{key} under {prefix:?}");
            // The same of a console on another prefix.
            assert_eq!(Keys::new("", &["m:".into()]).with_schedules("s:").classify(&key), Key::Other, "{key}");
        }
    }
}

#[test]
fn a_flag_is_told_from_a_queue_of_that_name() {
    let keys = Keys::new("queue:", &[]);
    for (key, expected) in [
        ("queue:mail:paused", Some(Priority::Base)),
        ("queue:mail:low:paused", Some(Priority::Low)),
        ("queue:mail", None),
        ("queue:paused", None),
        ("queue:mail:high", None),
    ] {
        let Key::Of(queue) = keys.classify(key) else { panic!("{key} is a queue's") };
        assert_eq!(keys.flag_of(key, &queue), expected, "{key}");
    }
}

#[test]
fn a_prefix_is_literal() {
    assert_eq!(Keys::new("{a}*[b]:", &[]).patterns(), ["{a}\\*\\[b\\]:*"]);
}
