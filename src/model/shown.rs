//! Names as a person can see them. A name from outside is any text: it may be nothing but spaces, have no width at all, or turn
//! the direction of what stands beside it.

use std::{borrow::Cow, fmt::Write as _};

/// So many different characters tell one blank name from another.
const MOST_SAID: usize = 16;

/// A name for an element of its own. What cannot be seen in it is told by a stand-in: `[space]mail`, `[U+202E]exe`, and a name of nothing
/// that can be seen is `(blank: U+0020 ×2)`.
pub fn shown(name: &str) -> Cow<'_, str> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()) {
        return Cow::Borrowed(name);
    }
    let text = spelt(name).unwrap_or_else(|| blank(name));
    if text == name { Cow::Borrowed(name) } else { Cow::Owned(text) }
}

/// The same for the middle of a sentence that is plain text: one that is written from right to left is isolated, or it would draw
/// a count beside it to its other end.
pub fn in_text(name: &str) -> Cow<'_, str> {
    let name = shown(name);
    if name.chars().any(right_to_left) { Cow::Owned(format!("\u{2068}{name}\u{2069}")) } else { name }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Visible,
    /// Stands on what is before it.
    Mark,
    /// Seen only between two that are visible.
    Space,
    /// Binds emoji, and letters of scripts that join.
    Joiner,
    /// Chooses a form of what is before it.
    Selector,
    /// Spells the region behind a black flag.
    Tag,
    Unseen,
}

fn kind(c: char) -> Kind {
    match c {
        ' ' | '\u{3000}' => Kind::Space,
        '\u{200c}' | '\u{200d}' => Kind::Joiner,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Kind::Selector,
        '\u{e0020}'..='\u{e007f}' => Kind::Tag,
        '\u{300}'..='\u{34e}'
        | '\u{350}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => Kind::Mark,
        // Soft hyphen, fillers, zero widths, directions, annotations, notes without a head.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e001f}'
        | '\u{e0080}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => Kind::Unseen,
        _ if c.is_control() || c.is_whitespace() => Kind::Unseen,
        _ => Kind::Visible,
    }
}

/// The name with its stand-ins; `None` where nothing of it can be seen.
fn spelt(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut seen = false;
    // What stands directly before, as it is.
    let mut last = None::<char>;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let visible = next.is_some_and(|c| kind(c) == Kind::Visible);
        let joins = last.is_some_and(|c| !c.is_ascii());
        let kept = match kind(c) {
            Kind::Visible => true,
            Kind::Mark => {
                if last.is_none() {
                    out.push('◌');
                }
                true
            }
            Kind::Space => last.is_some() && visible,
            Kind::Joiner => joins && visible && next.is_some_and(|c| !c.is_ascii()),
            // A digit on a key is a plain digit with a selector.
            Kind::Selector => joins || (last.is_some() && next == Some('\u{20e3}')),
            Kind::Tag => last.is_some_and(|c| c == '\u{1f3f4}' || kind(c) == Kind::Tag),
            Kind::Unseen => false,
        };
        if kept {
            out.push(c);
            seen |= matches!(kind(c), Kind::Visible | Kind::Mark);
            last = Some(c).filter(|c| kind(*c) != Kind::Space);
        } else {
            stand_in(&mut out, c);
            last = None;
        }
    }
    seen.then_some(out)
}

/// In letters: few fonts have the pictures of control characters.
fn stand_in(out: &mut String, c: char) {
    match c {
        ' ' => out.push_str("[space]"),
        '\t' => out.push_str("[tab]"),
        _ => {
            let _ = write!(out, "[U+{:04X}]", u32::from(c));
        }
    }
}

/// `(blank: U+0020 ×2 U+200B)`
fn blank(name: &str) -> String {
    if name.is_empty() {
        return "(empty)".into();
    }
    let mut out = String::from("(blank:");
    let mut rest = name.chars().peekable();
    for _ in 0..MOST_SAID {
        let Some(c) = rest.next() else { break };
        let _ = write!(out, " U+{:04X}", u32::from(c));
        let mut times = 1_u32;
        while rest.next_if_eq(&c).is_some() {
            times += 1;
        }
        if times > 1 {
            let _ = write!(out, " ×{times}");
        }
    }
    out.push_str(if rest.peek().is_some() { " …)" } else { ")" });
    out
}

/// Hebrew, Arabic and their neighbours.
fn right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_is_shown_as_it_is() {
        let flag = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for name in [
            "orders",
            "mail:5",
            "name with \"quotes\"",
            "очередь",
            "注文\u{3000}処理",
            "cafe\u{301}",
            "\u{1f680}:naïve",
            // A family, a heart on fire, an eye in a bubble, a waving hand of a colour, a digit on a key, a flag.
            "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f441}\u{fe0f}\u{200d}\u{1f5e8}\u{fe0f}",
            "\u{1f44b}\u{1f3fd}",
            "1\u{fe0f}\u{20e3}",
            flag,
            // Persian with a non-joiner, Sinhala and Hindi with a joiner, Arabic and Hebrew with points.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{645}\u{64e}\u{631}\u{62d}\u{628}\u{627}",
            "\u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd}",
        ] {
            assert!(matches!(shown(name), Cow::Borrowed(same) if same == name), "{name:?} is shown as {}", shown(name));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_told() {
        for (name, text) in [
            (" mail", "[space]mail"),
            ("mail ", "mail[space]"),
            ("a  b", "a[space][space]b"),
            ("a\u{a0}b", "a[U+00A0]b"),
            ("mail\u{200b}", "mail[U+200B]"),
            ("m\u{ad}ail", "m[U+00AD]ail"),
            ("\u{202e}gnp.exe", "[U+202E]gnp.exe"),
            ("a\u{2066}b\u{2069}", "a[U+2066]b[U+2069]"),
            ("a\0b\n\t\u{7f}", "a[U+0000]b[U+000A][tab][U+007F]"),
            ("a\u{85}b", "a[U+0085]b"),
            // Joiners and selectors of nothing.
            ("ma\u{200d}il", "ma[U+200D]il"),
            ("\u{1f469}\u{200d}", "\u{1f469}[U+200D]"),
            ("mail\u{fe0f}", "mail[U+FE0F]"),
            ("a\u{e0067}", "a[U+E0067]"),
            // A mark of nothing.
            ("\u{301}", "◌\u{301}"),
            ("a \u{301}", "a[space]◌\u{301}"),
        ] {
            assert_eq!(shown(name), text, "{name:?}");
        }
    }

    #[test]
    fn a_name_of_nothing_visible_is_its_code_points() {
        for (name, text) in [
            ("", "(empty)"),
            (" ", "(blank: U+0020)"),
            ("  \u{200b}", "(blank: U+0020 ×2 U+200B)"),
            ("\0", "(blank: U+0000)"),
            ("\u{2060}\u{feff}\u{ad}\u{200e}", "(blank: U+2060 U+FEFF U+00AD U+200E)"),
            ("\u{202a}\u{2066}", "(blank: U+202A U+2066)"),
            ("\u{3164}\u{115f}\u{2800}\u{3000}", "(blank: U+3164 U+115F U+2800 U+3000)"),
            ("\u{200d}\u{fe0f}\u{e0067}", "(blank: U+200D U+FE0F U+E0067)"),
        ] {
            assert_eq!(shown(name), text, "{name:?}");
        }
        assert_eq!(shown(&" ".repeat(1_024)), "(blank: U+0020 ×1024)");
        let long = shown(&" \u{200b}".repeat(500)).into_owned();
        assert!(long.ends_with(" …)") && long.len() < 200, "{long}");
    }

    #[test]
    fn in_a_sentence_what_is_written_from_the_right_is_isolated() {
        assert_eq!(in_text("orders"), "orders");
        assert_eq!(in_text("mail "), "mail[space]");
        assert_eq!(in_text("\u{5e2}\u{5d1} 3"), "\u{2068}\u{5e2}\u{5d1} 3\u{2069}");
        assert_eq!(in_text("\u{202e}\u{5e2}"), "\u{2068}[U+202E]\u{5e2}\u{2069}");
    }
}
