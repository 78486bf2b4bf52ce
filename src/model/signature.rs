//! Errors of one kind read alike once what differs from case to case is taken out: ids, numbers, addresses, quoted text.

/// At most this much of an error's first line makes its signature.
const LINE: usize = 1_000;
const SHOWN: usize = 300;

/// `Card declined for order 17 at 10.0.0.4:443` → `Card declined for order <n> at <host>`
pub fn signature(error: &str) -> String {
    let line = error.trim_start().lines().next().unwrap_or_default().trim_end();
    let line = &line[..line.floor_char_boundary(LINE.min(line.len()))];
    let mut out = String::new();
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if out.len() > SHOWN {
            break;
        }
        if let Some(end) = quoted(rest, c, before) {
            out.push_str("\"…\"");
            rest = &rest[end..];
            before = '"';
        } else if is_part(c) {
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            // What ends a sentence is not part of its last word.
            let word = rest[..end].trim_end_matches(['.', ':', '-', '/', '+']);
            let word = if word.is_empty() { &rest[..end] } else { word };
            out.push_str(&replaced(word));
            before = word.chars().next_back().unwrap_or(' ');
            rest = &rest[word.len()..];
        } else {
            // One space for any.
            if !(c.is_whitespace() && out.ends_with(' ')) {
                out.push(if c.is_whitespace() { ' ' } else { c });
            }
            before = c;
            rest = &rest[c.len_utf8()..];
        }
    }
    // 30,000
    let mut out = out.replace("<n>,<n>", "<n>");
    out.truncate(out.floor_char_boundary(SHOWN));
    if out.trim().is_empty() { "(no message)".into() } else { out.trim().to_owned() }
}

/// What a word, an id or an address is made of.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-' | '@' | '%' | '+')
}

/// Where a quoted text that begins here ends.
fn quoted(rest: &str, open: char, before: char) -> Option<usize> {
    let close = match open {
        '"' | '`' => open,
        // Not the apostrophe of "didn't".
        '\'' if !before.is_alphanumeric() => open,
        '“' => '”',
        '«' => '»',
        _ => return None,
    };
    let inner = &rest[open.len_utf8()..];
    let end = inner.find(close)?;
    Some(open.len_utf8() + end + close.len_utf8())
}

fn replaced(word: &str) -> String {
    if is_uuid(word) {
        return "<uuid>".into();
    }
    if word.contains("://") {
        return "<url>".into();
    }
    if let Some((user, host)) = word.split_once('@')
        && !user.is_empty()
        && host.contains('.')
    {
        return "<email>".into();
    }
    if is_host(word) {
        return "<host>".into();
    }
    if is_hex(word) {
        return "<hex>".into();
    }
    if is_stamped(word) {
        return "<id>".into();
    }
    // Parts of a path or of an id one by one.
    let mut out = String::new();
    for part in word.split_inclusive(['/', ':', '-', '_', '.', '@', '%', '+']) {
        let (name, end) = match part.char_indices().next_back() {
            Some((at, c)) if !c.is_alphanumeric() => part.split_at(at),
            _ => (part, ""),
        };
        out.push_str(&if is_uuid(name) || is_hex(name) {
            "<hex>".into()
        } else if is_random(name) {
            "<id>".into()
        } else {
            numbers(name)
        });
        out.push_str(end);
    }
    // 1.5, 2026-01-02, 10:30:00: one number however many parts.
    for between in [".", "-", ":", "/"] {
        while let Some(at) = out.find(&format!("<n>{between}<n>")) {
            out.replace_range(at..at + 7, "<n>");
        }
    }
    out
}

fn numbers(name: &str) -> String {
    let mut out = String::new();
    let mut digits = false;
    for c in name.chars() {
        if c.is_ascii_digit() {
            if !digits {
                out.push_str("<n>");
            }
            digits = true;
        } else {
            digits = false;
            out.push(c);
        }
    }
    out
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.char_indices().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let all = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    all && (digits.len() < word.len()
        || digits.len() >= 8 && digits.chars().any(|c| c.is_ascii_digit()) && digits.chars().any(|c| c.is_ascii_alphabetic()))
}

/// `a8Xk29dQ71`: letters and digits by turns, longer than a name with a number.
fn is_random(word: &str) -> bool {
    let kinds: Vec<bool> = word.chars().map(|c| c.is_ascii_digit()).collect();
    word.len() >= 10 && kinds.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 3
}

/// `1795475186087-hbijxy5`: a time and something random, as the queue library names its jobs.
fn is_stamped(word: &str) -> bool {
    word.split_once('-').is_some_and(|(time, rest)| {
        time.len() >= 12 && time.chars().all(|c| c.is_ascii_digit()) && rest.len() >= 4 && rest.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn is_host(word: &str) -> bool {
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => (host, true),
        _ => (word, false),
    };
    let labels: Vec<&str> = host.split('.').collect();
    let plain = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if labels.len() == 4 && labels.iter().all(|l| l.parse::<u8>().is_ok()) {
        return true;
    }
    let colons = host.matches(':').count();
    if colons >= 2 && host.contains("::") && host.chars().all(|c| c.is_ascii_hexdigit() || c == ':') {
        return true;
    }
    let known = ["com", "net", "org", "io", "internal", "local", "localhost", "svc", "cloud", "dev", "app", "eu", "lan", "example", "test"];
    let last = labels.last().copied().unwrap_or_default();
    labels.iter().all(plain)
        && (port && (labels.len() > 1 || host == "localhost")
            || labels.len() > 1 && known.contains(&last) && last.chars().all(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::signature;
    use proptest::prelude::*;

    #[test]
    fn what_differs_from_case_to_case_is_taken_out() {
        for (error, kind) in [
            ("PaymentTimeout: gateway did not answer within 30000 ms", "PaymentTimeout: gateway did not answer within <n> ms"),
            ("Card declined for order 1 — 100% \"sûr\" 日本", "Card declined for order <n> — <n>% \"…\" 日本"),
            ("Error: connect ECONNREFUSED 10.0.0.4:5432", "Error: connect ECONNREFUSED <host>"),
            ("getaddrinfo ENOTFOUND db-3.internal", "getaddrinfo ENOTFOUND <host>"),
            ("user 3f2504e0-4f89-11d3-9a0c-0305e82c3301 not found", "user <uuid> not found"),
            ("pointer 0x7ffdeadbeef at deadbeef01", "pointer <hex> at <hex>"),
            ("Didn't find 'ORD-17' in \"orders\".", "Didn't find \"…\" in \"…\"."),
            ("no route to https://api.example.com/v1/orders/9?x=1", "no route to <url>?x=<n>"),
            ("mail to a.b+c@example.com bounced", "mail to <email> bounced"),
            ("job ORD-1001 failed at 2026-01-02T03:04:05.678Z", "job ORD-<n> failed at <n>T<n>Z"),
            ("java.lang.NullPointerException: x is null", "java.lang.NullPointerException: x is null"),
            ("/app/src/jobs/charge.ts:41:11", "/app/src/jobs/charge.ts:<n>"),
            ("handled by job 1795475186087-hbijxy5", "handled by job <id>"),
            ("no answer within 30,000 ms", "no answer within <n> ms"),
            ("token a8Xk29dQ71 expired", "token <id> expired"),
            ("  first line\n  at second", "first line"),
            ("", "(no message)"),
        ] {
            assert_eq!(signature(error), kind, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_one_and_numbers_do_not_matter(text in "\\PC{0,80}", a in 0u32.., b in 0u32..) {
            prop_assert!(!signature(&text).is_empty() && signature(&text).len() <= 303);
            prop_assert_eq!(signature(&format!("order {a} is late")), signature(&format!("order {b} is late")));
        }
    }
}
