use super::{walk::walk, *};

#[test]
fn edits_keep_every_other_byte() {
    let cases = [
        (r#"{"id":"a","attempts":3,"error":"x","failedAt":1}"#, r#"{"id":"a","attempts":0}"#),
        (r#"{"error":"x","id":"a"}"#, r#"{"id":"a","attempts":0}"#),
        (
            r#"{ "id" : "a" , "error" : {"n":[1,{}]} , "tags" : [] , "n" : 9007199254740993 }"#,
            r#"{ "id" : "a" , "tags" : [] , "n" : 9007199254740993,"attempts":0 }"#,
        ),
        (r#"{"error":1}"#, r#"{"attempts":0}"#),
        ("{}", r#"{"attempts":0}"#),
        (" { } ", r#" { "attempts":0} "#),
        (r#"{"attempts":1,"attempts":2,"b":1.50e3}"#, r#"{"attempts":0,"attempts":0,"b":1.50e3}"#),
        (r#"{"\u0065rror":"x","a":"\ud800"}"#, r#"{"a":"\ud800","attempts":0}"#),
        (r#"{"nested":{"error":"stays"},"delaySeconds":4}"#, r#"{"nested":{"error":"stays"},"attempts":0}"#),
    ];
    for (before, after) in cases {
        assert_eq!(edit(before, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).as_deref(), Ok(after));
    }
}

#[test]
fn refuses_what_is_not_json() {
    for bad in [
        "",
        "{",
        "[1]",
        "nope",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{"a":01}"#,
        r#"{"a":1} x"#,
        "{'a':1}",
        r#"{"a":"\x"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":1 "b":2}"#,
        "{,}",
        r#"{"a":tru}"#,
        r#""text""#,
        "[1,]",
    ] {
        assert!(members(bad).is_err(), "{bad}");
    }
}

#[test]
fn depth_has_no_limit() {
    let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(200_000), "]".repeat(200_000));
    let all = members(&deep).expect("valid");
    assert_eq!(field(&deep, &all, "b"), Some("1"));
}

#[test]
fn cut_text_shows_whole_members_only() {
    let text = r#"{"id":"a","data":"{\"x\":\"attempts\\\":9\"}","n":{"error":"no"},"attempts":3,"error":"say \"hi\" \\","failedAt":17}"#;
    let head = &text[..30];
    let names = |t: &str, m: &[Member]| m.iter().map(|m| t[m.key.clone()].to_string()).collect::<Vec<_>>();
    assert_eq!(names(head, &leading_members(head)), ["\"id\""]);
    for start in 1..text.len() - 1 {
        let tail = &text[start..];
        let all = trailing_members(tail);
        for m in &all {
            let whole = members(text).expect("valid");
            assert!(
                whole.iter().any(|w| w.key.start == m.key.start + start && w.value == (m.value.start + start..m.value.end + start)),
                "cut at {start}: {m:?}"
            );
        }
        if start < text.find("\"attempts\"").expect("there") {
            assert_eq!(field(tail, &all, "error").and_then(decode).as_deref(), Some("say \"hi\" \\"));
            assert_eq!(field(tail, &all, "failedAt"), Some("17"));
        }
    }
}

#[test]
fn tree_opens_data_and_keeps_digits() {
    let (rows, more) = tree(r#"{"data":"{\"class\":\"A\",\"list\":[1,[]]}","big":9007199254740993123}"#, 100).expect("valid");
    assert!(!more);
    let lines: Vec<_> =
        rows.iter().map(|r| (r.depth, r.key.as_deref().unwrap_or(""), r.text.as_str(), r.children, r.descendants)).collect();
    assert_eq!(
        lines,
        [
            (0, "", "", 2, 6),
            (1, "data", "", 2, 4),
            (2, "class", "\"A\"", 0, 0),
            (2, "list", "", 2, 2),
            (3, "0", "1", 0, 0),
            (3, "1", "", 0, 0),
            (1, "big", "9007199254740993123", 0, 0)
        ]
    );
    assert_eq!(rows[6].note.as_deref(), Some("exact, 19 digits"));
    assert_eq!(rows[1].note.as_deref(), Some("decoded from a JSON string"));
    assert!(tree(r#"{"a":[1,2,3]}"#, 3).expect("valid").1);
}

/// Found by `any_text_is_read`: a colon that no key stands before.
#[test]
fn the_end_of_no_json_shows_what_looks_like_members() {
    let text = r#"é,"{"} ".-,,:{-a..}"#;
    for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        for m in trailing_members(&text[start..]) {
            assert!(m.key.end <= m.value.start && m.value.start <= m.value.end, "cut at {start}: {m:?}");
        }
    }
    let tail = r#""x" , : 1, "error": "no"}"#;
    let all = trailing_members(tail);
    assert_eq!((all.len(), field(tail, &all, "error")), (1, Some("\"no\"")));
}

#[test]
fn scalars_of_a_cut_text_go_as_far_as_it_does() {
    let text = r#"{"id":"a","n":[-1.5e3,true],"data":"say \"hé\u00e9\ud800\" "}"#;
    let read = |text: &str, cut| {
        let mut found = Vec::new();
        let end = scalars(text, cut, |s| {
            found.push((s.key.map(str::to_owned), decode(s.raw).unwrap_or_else(|| s.raw.to_owned())));
            true
        });
        (found, end)
    };
    let whole = read(text, false);
    assert_eq!(whole.0.iter().map(|(k, _)| k.as_deref()).collect::<Vec<_>>(), [Some("\"id\""), None, None, Some("\"data\"")]);
    assert!(whole.1.is_ok());
    for at in (1..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (found, end) = read(&text[..at], true);
        assert!(end.is_ok(), "{}", &text[..at]);
        assert!(found.iter().zip(&whole.0).all(|(part, whole)| whole.1.starts_with(&part.1)), "{}", &text[..at]);
        assert!(read(&text[..at], false).1.is_err());
    }
    assert!(read("{nope, and much more behind it", true).1.is_err());
}

#[test]
fn lone_surrogates_decode() {
    assert_eq!(decode(r#""a\ud800b\n""#).as_deref(), Some("a\u{fffd}b\n"));
    assert_eq!(decode("17"), None);
}

proptest::proptest! {
    #[test]
    fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9a-c\\u. -]{0,24}"#) {
        let ours = walk(&text, |_| true).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        proptest::prop_assert_eq!(ours, theirs, "{}", text);
    }
}
