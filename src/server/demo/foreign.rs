//! Elements that the library did not write: other producers' fields, and everything a page must survive.

use super::job::quoted;
use crate::model::time::Millis;

/// Id, cron, queue, class, on. The application registers them and leaves the ticking to the console.
pub const SCHEDULES: &[(&str, &str, &str, &str, bool)] = &[
    ("daily-report", "0 0 * * *", "reports", "BuildReport", true),
    ("dunning:weekday", "30 9 * * 1-5", "billing:dunning", "SendDunningLetter", true),
    ("refresh-search", "*/30 * * * *", "search:index", "IndexProduct", true),
    ("rollup-metrics", "*/20 * * * * *", "analytics:events", "TrackEvent", true),
    ("month-end", "0 18 L * *", "reports", "ExportLedger", false),
    // Somebody meant midnight.
    ("legacy-sync", "0 24 * * *", "imports", "ImportCatalogue", true),
];

pub fn scheduled_job(id: &str, queue: &str, class: &str, at: Millis) -> String {
    let (id, class) = (quoted(&format!("{}-{id}", at.0)), quoted(class));
    let data = format!("{{\"class\":{class},\"properties\":{{\"queueName\":{}}}}}", quoted(queue));
    format!("{{\"id\":{id},\"type\":\"class\",\"className\":{class},\"data\":{},\"createdAt\":{},\"attempts\":0}}", quoted(&data), at.0)
}

/// Jobs with a priority that no worker reads: they wait for ever in a list of their own.
pub fn urgent(at: Millis) -> Vec<String> {
    (0..3)
        .map(|i| {
            let data = format!("{{\"class\":\"ChargeOrder\",\"properties\":{{\"queueName\":\"orders\",\"priority\":\"urgent\",\"orderId\":{}}}}}", 77_001 + i);
            let created = at.0 - 3_600_000 - i * 1000;
            format!("{{\"id\":\"{created}-urgent{i}\",\"type\":\"class\",\"data\":{},\"className\":\"ChargeOrder\",\"createdAt\":{created},\"attempts\":0}}", quoted(&data))
        })
        .collect()
}

const STACK: &str = "Error: Row 48213 has 11 columns, expected 12\n    at CsvReader.read (/srv/app/src/import/csv-reader.ts:88:15)\n    at ImportCatalogue.handle (/srv/app/src/jobs/import-catalogue.ts:41:9)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n    at async Worker.process (/srv/app/node_modules/@acme/queue/dist/worker.js:212:28)\n    at async Worker.run (/srv/app/node_modules/@acme/queue/dist/worker.js:97:7)";

const PHP_STACK: &str = "#0 /var/www/app/Jobs/ImportCsv.php(57): App\\Import\\Reader->row(48213)\n#1 /var/www/vendor/laravel/framework/src/Illuminate/Queue/Jobs/Job.php(102): App\\Jobs\\ImportCsv->handle()\n#2 {main}";

/// The dead letters of `imports`, oldest first. The last two are byte for byte the same.
pub fn dead_letters(at: Millis) -> Vec<Vec<u8>> {
    let ago = |minutes: i64| at.0 - minutes * 60_000;
    let mut all = vec![
        format!(
            r#"{{"uuid":"6f1c0a52-3b1e-4c53-9a3c-1f2f5f1d7a10","displayName":"App\\Jobs\\ImportCsv","job":"Illuminate\\Queue\\CallQueuedHandler@call","data":{{"commandName":"App\\Jobs\\ImportCsv","command":"O:18:\"App\\Jobs\\ImportCsv\":0:{{}}"}},"id":"lara-4711","attempts":3,"status":"failed","failedReason":"ErrorException: Undefined array key \"sku\"","stack":{},"timestamp":{}}}"#,
            quoted(PHP_STACK),
            ago(240),
        )
        .into_bytes(),
        format!(
            r#"{{"id":"import-2217","name":"ImportCatalogue","type":"json","data":"{{\"job\":\"ImportCatalogue\",\"properties\":{{\"file\":\"s3://imports/2026-11.csv\",\"rows\":90411,\"skipped\":[]}}}}","timestamp":{},"attempts":3,"maxAttempts":3,"status":"failed","failedReason":"Row 48213 has 11 columns, expected 12","stack":{},"failedAt":{}}}"#,
            ago(190),
            quoted(STACK),
            ago(180),
        )
        .into_bytes(),
        format!(
            r#"{{"id":"big-1","type":"class","className":"SyncLedger","data":"{{\"class\":\"SyncLedger\",\"properties\":{{\"queueName\":\"imports\",\"entry\":9007199254740993123,\"rate\":1.10,\"exponent\":1e400,\"negative\":-0,\"empty\":{{}},\"none\":[],\"nested\":{{\"a\":[{{\"b\":[[],[{{}}]]}}]}}}}}}","createdAt":{},"attempts":3,"error":"RangeError: 9007199254740993123 is not a safe integer","failedAt":{}}}"#,
            ago(150),
            ago(149),
        )
        .into_bytes(),
        format!(
            r#"{{"id":"<img src=x onerror=alert(1)>","type":"class","className":"<script>alert('class')</script>","data":"{{\"class\":\"<script>alert('class')</script>\",\"properties\":{{\"queueName\":\"imports\",\"html\":\"</pre><script>alert(2)</script>\"}}}}","createdAt":{},"attempts":1,"error":"<b>bold</b> & \"quoted\" </script><script>alert(3)</script>","failedAt":{}}}"#,
            ago(120),
            ago(119),
        )
        .into_bytes(),
        format!(
            r#"{{"id":"заказ-🚚-日本語-\u202egnp.exe","type":"class","className":"Łódź.Импорт","data":"{{\"class\":\"Łódź.Импорт\",\"properties\":{{\"queueName\":\"imports\",\"emoji\":\"👩‍👩‍👧‍👦\",\"nul\":\"a\\u0000b\"}}}}","createdAt":{},"attempts":3,"maxAttempts":3,"error":"ОшибкаСети: сервер не отвечает\nвторая строка","failedAt":{}}}"#,
            ago(100),
            ago(99),
        )
        .into_bytes(),
        br#"{"id":"broken-1","type":"class","data":"{\"class\":\"Half"#.to_vec(),
        b"not JSON at all: \xff\xfe\x00 bytes".to_vec(),
        br#"["a","list",1]"#.to_vec(),
        large(ago(60)),
        deep(ago(50)),
    ];
    let twin = format!(
        r#"{{"id":"twin-1","type":"class","className":"ImportImages","data":"{{\"class\":\"ImportImages\",\"properties\":{{\"queueName\":\"imports\",\"folder\":\"/uploads\"}}}}","createdAt":{},"attempts":3,"error":"EMFILE: too many open files, open '/uploads/77.jpg'","failedAt":{}}}"#,
        ago(40),
        ago(39)
    );
    all.extend([twin.clone().into_bytes(), twin.into_bytes()]);
    all
}

/// About 300 kB.
fn large(at: i64) -> Vec<u8> {
    let rows: Vec<String> =
        (0..4000).map(|i| format!("{{\\\"row\\\":{i},\\\"sku\\\":\\\"SKU-{i:06}\\\",\\\"stock\\\":{}}}", i * 7 % 500)).collect();
    format!(r#"{{"id":"large-1","type":"class","className":"ImportStock","data":"{{\"class\":\"ImportStock\",\"properties\":{{\"queueName\":\"imports\",\"rows\":[{}]}}}}","createdAt":{at},"attempts":3,"error":"PayloadTooLargeError: request entity too large","failedAt":{at}}}"#, rows.join(",")).into_bytes()
}

/// Deeper than most parsers like.
fn deep(at: i64) -> Vec<u8> {
    let (open, close) = ("[".repeat(300), "]".repeat(300));
    format!(r#"{{"id":"deep-1","type":"class","className":"ImportTree","data":"{{\"class\":\"ImportTree\",\"properties\":{{\"queueName\":\"imports\",\"tree\":{open}{close}}}}}","createdAt":{at},"attempts":3,"error":"RangeError: Maximum call stack size exceeded","failedAt":{at}}}"#).into_bytes()
}
