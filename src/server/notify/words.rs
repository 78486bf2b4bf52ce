//! What every channel says of a message, before it is written in the channel's own way.

use crate::model::{
    alert::message::{Kind, Message},
    time::span,
};

/// `Fired: Orders pile up (production)`
pub fn title(message: &Message) -> String {
    let kind = match message.kind {
        Kind::Fired => "Fired",
        Kind::Resolved => "Resolved",
        Kind::Test => "Test",
    };
    let place = message.environment.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    format!("{kind}: {}{place}", message.rule)
}

/// Names and values, in the order in which they are shown.
pub fn facts(message: &Message) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(subject) = &message.subject {
        facts.push(("About", subject.clone()));
    }
    facts.push(("Measured", message.value.clone()));
    facts.push(("Threshold", message.threshold.clone()));
    facts.push(("At", message.at.full()));
    if let Some(since) = message.since {
        facts.push(("Lasted", span(message.at.0 - since.0)));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// At most so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub fn example() -> Message {
    use crate::model::time::Millis;
    Message {
        id: "m-1".into(),
        kind: Kind::Resolved,
        rule_id: "r-1".into(),
        rule: "Orders <pile> up".into(),
        rule_type: "backlog".into(),
        subject: Some("or&ders <!channel> @everyone".into()),
        text: "or&ders <!channel> @everyone has 12,000 waiting jobs, more than 10,000.".into(),
        value: "12,000 jobs".into(),
        threshold: "10,000 jobs".into(),
        at: Millis(1_795_432_807_494),
        since: Some(Millis(1_795_432_687_494)),
        environment: Some("production".into()),
    }
}
