//! The classes of the simulated shop: what their jobs carry and how they fail.

use super::chance::Chance;

/// A job class.
pub struct Kind {
    pub class: &'static str,
    /// Ids that a person can say (`ORD-48213`); without it the library makes one up.
    pub id: Option<&'static str>,
    /// Raw JSON members.
    pub own: fn(&mut Chance) -> String,
    pub error: fn(&mut Chance) -> String,
}

const fn kind(class: &'static str, own: fn(&mut Chance) -> String, error: fn(&mut Chance) -> String) -> Kind {
    Kind { class, id: None, own, error }
}

pub const ORDERS: &[Kind] = &[
    Kind { class: "ChargeOrder", id: Some("ORD"), own: order, error: payment_error },
    Kind { class: "ShipOrder", id: Some("SHP"), own: order, error: carrier_error },
    Kind { class: "ConfirmOrder", id: None, own: order, error: smtp_error },
];
pub const STRIPE: &[Kind] = &[
    kind("HandleStripeEvent", event, stripe_error),
    kind("RelayWebhook", event, stripe_error),
    kind("SyncSubscription", event, stripe_error),
];
pub const MAIL: &[Kind] = &[kind("SendEmail", mail, smtp_error), kind("SendReceipt", mail, smtp_error)];
pub const SEARCH: &[Kind] = &[kind("IndexProduct", product, search_error), kind("DropFromIndex", product, search_error)];
pub const PAYMENTS: &[Kind] = &[
    Kind { class: "CapturePayment", id: Some("PAY"), own: payment, error: payment_error },
    Kind { class: "RefundPayment", id: Some("RFD"), own: payment, error: payment_error },
];
pub const REPORTS: &[Kind] = &[kind("BuildReport", report, report_error), kind("ExportLedger", report, report_error)];
pub const IMAGES: &[Kind] = &[kind("ResizeImage", image, image_error)];
pub const DUNNING: &[Kind] = &[kind("SendDunningLetter", dunning, smtp_error)];
pub const PUSHES: &[Kind] = &[kind("PushNotification", notification, push_error)];
pub const ANALYTICS: &[Kind] = &[kind("TrackEvent", track, type_error)];

fn order(c: &mut Chance) -> String {
    let (order, value, cents) = (c.between(40_000, 99_999), c.between(5, 480), c.between(0, 99));
    let note = c.one_of(&["", "", "", "Bitte im Treppenhaus abstellen 🚚", "日本語のメモ", "ring \\\"twice\\\""]);
    format!(
        "\"orderId\":{order},\"amount\":{{\"value\":{value}.{cents:02},\"currency\":\"EUR\"}},\"items\":[{{\"sku\":\"SKU-{}\",\"quantity\":{}}}],\"coupons\":[],\"note\":\"{note}\"",
        c.between(100, 999),
        c.between(1, 4)
    )
}

fn event(c: &mut Chance) -> String {
    let kind = c.one_of(&["invoice.paid", "charge.failed", "customer.subscription.updated", "payment_intent.succeeded"]);
    format!("\"event\":\"evt_{}\",\"kind\":\"{kind}\",\"account\":\"acct_{}\",\"livemode\":true", c.hex(14), c.hex(6))
}

fn mail(c: &mut Chance) -> String {
    let subject = c.one_of(&["Your order is on its way", "Welcome", "Passwort zurücksetzen", "Łódź — nowa oferta", "Receipt"]);
    format!("\"to\":\"user{}@example.com\",\"subject\":\"{subject}\"", c.between(1, 90_000))
}

fn product(c: &mut Chance) -> String {
    format!("\"productId\":{},\"locale\":\"{}\",\"fields\":[]", c.between(1, 60_000), c.one_of(&["de", "en", "ja", "pl"]))
}

fn payment(c: &mut Chance) -> String {
    format!(
        "\"paymentId\":{},\"amount\":{},\"currency\":\"EUR\",\"meta\":{{}}",
        9_007_199_254_740_993_u64 * 1000 + c.between(1, 999),
        c.between(100, 90_000)
    )
}

fn report(c: &mut Chance) -> String {
    format!(
        "\"report\":\"{}\",\"month\":\"2026-{:02}\",\"rows\":{}",
        c.one_of(&["revenue", "stock", "refunds"]),
        c.between(1, 12),
        c.between(1_000, 90_000)
    )
}

fn image(c: &mut Chance) -> String {
    format!("\"path\":\"/uploads/{}.jpg\",\"widths\":[320,640,1280]", c.hex(12))
}

fn dunning(c: &mut Chance) -> String {
    format!("\"invoice\":\"INV-{}\",\"level\":{}", c.between(10_000, 99_999), c.between(1, 3))
}

fn notification(c: &mut Chance) -> String {
    format!("\"device\":\"{}\",\"title\":\"{}\"", c.hex(16), c.one_of(&["Delivered", "Back in stock", "Price drop"]))
}

fn track(c: &mut Chance) -> String {
    format!("\"event\":\"{}\",\"session\":\"{}\"", c.one_of(&["view", "cart.add", "checkout"]), c.hex(20))
}

fn payment_error(c: &mut Chance) -> String {
    match c.between(0, 9) {
        0..=5 => format!(
            "PaymentTimeoutError: gateway did not answer within 30,000 ms (order {}, provider adyen)",
            9_007_199_254_740_000_000 + c.between(0, 999_999)
        ),
        6..=7 => format!("CardDeclinedError: Card declined for order {}", c.between(40_000, 99_999)),
        8 => format!("ConflictError: payment pay_{} was already captured", c.hex(12)),
        _ => type_error(c),
    }
}

fn carrier_error(c: &mut Chance) -> String {
    format!("CarrierError: https://api.carrier-{}.example/v2/labels answered 503 after {} ms", c.between(1, 3), c.between(900, 30_000))
}

fn stripe_error(c: &mut Chance) -> String {
    match c.between(0, 9) {
        0..=4 => "StripeSignatureError: No signature matches the payload; was the body parsed?".into(),
        5..=6 => format!(
            "ConnectTimeout: POST https://hooks-{}.example.com/hooks timed out after {} ms",
            c.between(1, 9),
            c.between(9_000, 30_000)
        ),
        7..=8 => format!(
            "DuplicateEventError: Event evt_{} was already handled by job {}-{}",
            c.hex(14),
            c.between(1_795_432_000_000, 1_795_432_999_999),
            c.base36(7)
        ),
        _ => type_error(c),
    }
}

fn smtp_error(c: &mut Chance) -> String {
    match c.between(0, 2) {
        0 => format!("SMTP 550 mailbox unavailable: user{}@example.com", c.between(1, 90_000)),
        1 => format!("SMTP 451 greylisted, try again in {} s", c.between(30, 300)),
        _ => format!("Error: connect ECONNREFUSED 10.0.{}.{}:587", c.between(0, 9), c.between(1, 254)),
    }
}

fn search_error(c: &mut Chance) -> String {
    format!("ResponseError: version_conflict_engine_exception: [product][{}]", c.between(1, 60_000))
}

fn report_error(c: &mut Chance) -> String {
    format!(
        "QueryFailedError: canceling statement due to statement timeout\n    at PostgresQueryRunner.query (/app/node_modules/typeorm/driver/postgres.js:{}:11)\n    at BuildReport.handle (/app/src/jobs/build-report.ts:58:22)",
        c.between(100, 400)
    )
}

fn image_error(c: &mut Chance) -> String {
    format!("Error: Input file /uploads/{}.jpg contains unsupported image format", c.hex(12))
}

fn push_error(c: &mut Chance) -> String {
    format!("UnregisteredError: device {} is not registered", c.hex(16))
}

fn type_error(c: &mut Chance) -> String {
    format!("TypeError: Cannot read properties of undefined (reading '{}')", c.one_of(&["customer", "id", "items"]))
}
