//! Texts that are shown in part.

use std::borrow::Cow;

/// At most so many characters of a text, with `…` behind them where there are more.
pub fn shortened<'a>(text: impl Into<Cow<'a, str>>, most: usize) -> String {
    let text = text.into();
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("żółć", 4), "żółć");
        assert_eq!(shortened("żółć", 3), "żół…");
        assert_eq!(shortened(String::new(), 0), "");
        assert_eq!(shortened(String::from("a"), 0), "…");
    }
}
