//! Discord's webhooks: an embed, and a line of content, which notifications show.

use super::{
    Answer, Failure, Outside,
    config::Discord,
    post::post,
    words::{cut, facts, title},
};
use crate::model::alert::message::{Kind, Message};
use serde_json::{Value, json};

/// Discord's limits, characters: content, and of an embed title, description, name and value of a field; an embed as a whole has 6,000.
const CONTENT: usize = 2_000;
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const VALUE: usize = 250;

pub async fn send(outside: &Outside, to: &Discord, message: &Message) -> Result<Answer, Failure> {
    post(outside, &to.url, &[], body(message).to_string()).await
}

/// A backslash takes the meaning from whatever Markdown reads, mentions and links too.
fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        let marks = matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | '@' | ':');
        length += 1 + usize::from(marks);
        if length > most - 1 {
            escaped.push('…');
            break;
        }
        escaped.extend(marks.then_some('\\'));
        escaped.push(c);
    }
    escaped
}

fn body(message: &Message) -> Value {
    let colour = match message.kind {
        Kind::Fired => 0x00dc_2626,
        Kind::Resolved => 0x0016_a34a,
        Kind::Test => 0x006b_7280,
    };
    let fields: Vec<Value> =
        facts(message).iter().map(|(name, value)| json!({ "name": name, "value": escape(value, VALUE), "inline": true })).collect();
    json!({
        "content": escape(&title(message), CONTENT),
        "embeds": [{
            "title": escape(&cut(&title(message), TITLE), TITLE),
            "description": escape(&message.text, DESCRIPTION),
            "color": colour,
            "fields": fields,
            "timestamp": message.at.iso(),
        }],
        // Whatever a queue is called, nobody is called by it.
        "allowed_mentions": { "parse": [] },
    })
}

#[cfg(test)]
mod tests {
    use super::{super::words::example, *};

    #[test]
    fn names_are_text_and_nobody_is_mentioned() {
        let body = body(&example());
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
        assert_eq!(body["embeds"][0]["description"], r"or&ders \<!channel\> \@everyone has 12,000 waiting jobs, more than 10,000.");
        assert_eq!(body["content"], r"Resolved\: Orders \<pile\> up \(production\)");
        assert_eq!(body["embeds"][0]["timestamp"], "2026-11-23T11:20:07.494Z");
    }

    #[test]
    fn long_names_stay_within_the_limits() {
        let long = Message { text: "*a".repeat(9_000), rule: "_".repeat(9_000), subject: Some("`".repeat(9_000)), ..example() };
        let body = body(&long);
        let count = |v: &Value| v.as_str().expect("text").chars().count();
        assert!(count(&body["content"]) <= CONTENT && count(&body["embeds"][0]["title"]) <= TITLE);
        assert!(count(&body["embeds"][0]["description"]) <= DESCRIPTION && count(&body["embeds"][0]["fields"][0]["value"]) <= 1_024);
        let embed = &body["embeds"][0];
        let whole = count(&embed["title"])
            + count(&embed["description"])
            + embed["fields"].as_array().expect("fields").iter().map(|f| count(&f["name"]) + count(&f["value"])).sum::<usize>();
        assert!(whole <= 6_000, "{whole}");
    }
}
