//! Slack's incoming webhooks, and what takes the same (Mattermost, Rocket.Chat): Block Kit with the text beside it, which
//! notifications show; text alone where blocks are refused or not wanted.

use super::{
    Answer, Failure, Outside,
    config::Slack,
    post::post,
    words::{facts, title},
};
use crate::model::alert::message::Message;
use serde_json::{Value, json};

/// Slack's limits, characters: of a section, and of one of its fields.
const SECTION: usize = 3_000;
const FIELD: usize = 2_000;

pub async fn send(outside: &Outside, to: &Slack, message: &Message) -> Result<Answer, Failure> {
    if to.plain {
        return post(outside, &to.url, &[], plain(message).to_string()).await;
    }
    match post(outside, &to.url, &[], blocks(message).to_string()).await {
        // `invalid_blocks`, and what other programs call it.
        Err(refused) if refused.code == 400 => post(outside, &to.url, &[], plain(message).to_string()).await,
        came => came,
    }
}

/// Slack reads these three in any text: `<!channel>` would call everybody, `<https://…|click>` lead elsewhere. At most so many
/// characters come out.
fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        let part = match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        };
        // In bytes, which are never fewer than characters.
        if escaped.len() + part.len() > most - 4 {
            return escaped + "…";
        }
        escaped += &part;
    }
    escaped
}

fn text(message: &Message) -> String {
    format!("*{}*\n{}", escape(&title(message), 300), escape(&message.text, SECTION - 400))
}

fn plain(message: &Message) -> Value {
    let facts: Vec<String> = facts(message).iter().map(|(name, value)| format!("\n{name}: {}", escape(value, 500))).collect();
    json!({ "text": format!("{}{}", text(message), facts.concat()) })
}

fn blocks(message: &Message) -> Value {
    let fields: Vec<Value> = facts(message)
        .iter()
        .map(|(name, value)| json!({ "type": "mrkdwn", "text": format!("*{name}*\n{}", escape(value, FIELD - 100)) }))
        .collect();
    json!({
        "text": text(message),
        "blocks": [
            { "type": "section", "text": { "type": "mrkdwn", "text": text(message) } },
            { "type": "section", "fields": fields },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::{super::words::example, *};

    #[test]
    fn names_cannot_call_or_link() {
        let message = example();
        for body in [plain(&message), blocks(&message)] {
            let body = body.to_string();
            assert!(body.contains("or&amp;ders &lt;!channel&gt;") && !body.contains("<!channel>") && !body.contains("<pile>"), "{body}");
        }
        assert_eq!(
            blocks(&message)["text"],
            "*Resolved: Orders &lt;pile&gt; up (production)*\nor&amp;ders &lt;!channel&gt; @everyone has 12,000 waiting jobs, more than 10,000."
        );
        assert_eq!(blocks(&message)["blocks"][1]["fields"].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn long_names_stay_within_the_limits() {
        let long = Message { text: "<".repeat(9_000), rule: "&".repeat(9_000), subject: Some(">".repeat(9_000)), ..example() };
        let body = blocks(&long);
        assert!(body["blocks"][0]["text"]["text"].as_str().is_some_and(|t| t.chars().count() <= SECTION));
        assert!(body["blocks"][1]["fields"][0]["text"].as_str().is_some_and(|t| t.chars().count() <= FIELD));
    }
}
