//! An error as it was stored: message, then the stack with the frames of other people's code folded away.

use super::{
    copy::CopyButton,
    icon::{Glyph, Icon},
    job_table::split_error,
};
use leptos::prelude::*;

/// More lines than anybody reads; the whole stack is in the payload.
const MOST_LINES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    call: String,
    place: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Frame(Frame),
    Fold {
        label: String,
        frames: Vec<Frame>,
    },
    /// `Caused by: …`
    Text(String),
}

/// `at charge (/app/charge.ts:41:11)`, `at /app/x.js:1:2`, `#0 /app/x.php(12): Job->handle()`, `File "/app/x.py", line 3, in run`.
fn frame(line: &str) -> Option<Frame> {
    let text = line.trim();
    if let Some((file, rest)) = text.strip_prefix("File \"").and_then(|t| t.split_once("\", line ")) {
        let (line, call) = rest.split_once(", in ").unwrap_or((rest, ""));
        line.parse::<u32>().ok()?;
        return Some(Frame { call: if call.is_empty() { "in".into() } else { format!("in {call}") }, place: format!("{file}:{line}") });
    }
    if let Some(rest) = text.strip_prefix("at ") {
        let rest = rest.trim();
        return Some(match rest.strip_suffix(')').and_then(|r| r.rsplit_once(" (")) {
            Some((call, place)) => Frame { call: format!("at {call}"), place: place.into() },
            None => Frame { call: "at".into(), place: rest.into() },
        });
    }
    let (n, rest) = text.strip_prefix('#')?.split_once(' ')?;
    n.parse::<u32>().ok()?;
    Some(match rest.split_once(": ") {
        Some((place, call)) => Frame { call: call.into(), place: place.into() },
        None => Frame { call: rest.into(), place: String::new() },
    })
}

/// Message and stack: some producers write the stack into the error itself, behind its first line.
fn split(message: String, stack: Option<String>) -> (String, Option<String>) {
    // A sentence may begin with "at", and a list of reasons with "#1".
    let begins = |line: &str| {
        frame(line).is_some() && !line.starts_with("at ") && (!line.trim_start().starts_with('#') || line.trim_start().starts_with("#0 "))
    };
    match message.split_once('\n') {
        Some((first, rest)) if stack.is_none() && rest.lines().next().is_some_and(begins) => {
            (first.trim_end().to_owned(), Some(rest.to_owned()))
        }
        Some(_) | None => (message, stack),
    }
}

/// Where a frame that is not the application's comes from.
fn foreign(frame: &Frame) -> Option<String> {
    if let Some((_, rest)) = frame.place.rsplit_once("node_modules/") {
        let mut parts = rest.split('/');
        let first = parts.next().unwrap_or_default();
        let package = if first.starts_with('@') { format!("{first}/{}", parts.next().unwrap_or_default()) } else { first.to_owned() };
        return Some(format!("node_modules/{package}"));
    }
    if frame.place.starts_with("node:") {
        return Some(frame.place.split(['/', ':']).take(2).collect::<Vec<_>>().join(":"));
    }
    if let Some((_, rest)) = frame.place.rsplit_once("/vendor/") {
        return Some(format!("vendor/{}", rest.split('/').take(2).collect::<Vec<_>>().join("/")));
    }
    None
}

fn lines(stack: &str, message: &str) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut fold: Option<(Vec<String>, Vec<Frame>)> = None;
    let close = |fold: &mut Option<(Vec<String>, Vec<Frame>)>, out: &mut Vec<Line>| {
        if let Some((from, frames)) = fold.take() {
            let label = format!("{} {} in {}", frames.len(), if frames.len() == 1 { "frame" } else { "frames" }, from.join(", "));
            out.push(Line::Fold { label, frames });
        }
    };
    for line in stack.lines().take(MOST_LINES) {
        let text = line.trim();
        match frame(text) {
            Some(found) => match foreign(&found) {
                Some(origin) => {
                    let (from, frames) = fold.get_or_insert_default();
                    if !from.contains(&origin) {
                        from.push(origin);
                    }
                    frames.push(found);
                }
                None => {
                    close(&mut fold, &mut out);
                    out.push(Line::Frame(found));
                }
            },
            // The message is above already.
            None if text.is_empty() || message.contains(text) || text.ends_with(message) && !message.is_empty() => {}
            None => {
                close(&mut fold, &mut out);
                out.push(Line::Text(text.to_owned()));
            }
        }
    }
    close(&mut fold, &mut out);
    out
}

fn plain(f: Frame, class: &'static str) -> impl IntoView {
    view! { <li class=class><span class="wrap-anywhere">{f.call}</span><span class="loc wrap-anywhere">{f.place}</span></li> }
}

#[component]
pub fn ErrorView(#[prop(into)] message: String, stack: Option<String>, #[prop(into)] after: Signal<String>) -> impl IntoView {
    let (message, stack) = split(message, stack);
    let (class, rest) = split_error(&message);
    let class = (!class.is_empty()).then(|| view! { <span class="cls">{format!("{class}:")}</span>" " });
    let rest = rest.to_owned();
    let lines = stack.as_deref().map(|s| lines(s, &message)).unwrap_or_default();
    // The first own frame is where to look.
    let top = lines.iter().position(|l| matches!(l, Line::Frame(_)));
    let all = match stack {
        Some(stack) if stack.contains(&message) => stack,
        Some(stack) => format!("{message}\n{stack}"),
        None => message.clone(),
    };
    let listed = lines
        .into_iter()
        .enumerate()
        .map(|(i, line)| match line {
            Line::Frame(f) => plain(f, if Some(i) == top { "top1" } else { "" }).into_any(),
            Line::Text(text) => view! { <li class="block! whitespace-pre-wrap wrap-anywhere">{text}</li> }.into_any(),
            Line::Fold { label, frames } => view! {
                <li class="block! p-0!">
                    <details class="group">
                        <summary class="fold py-0.5 pr-gutter"><span class="group-open:rotate-90"><Icon glyph=Glyph::ChevronRight class="i s" /></span>{label}</summary>
                        <ol>{frames.into_iter().map(|f| plain(f, "text-muted")).collect_view()}</ol>
                    </details>
                </li>
            }.into_any(),
        })
        .collect_view();
    view! {
        <section aria-labelledby="error-title">
            <div class="sec min-h-11!">
                <h2 id="error-title">"Error"</h2>
                <span class="text-12 text-faint">{move || after.get()}</span>
                <span class="flex-1"></span>
                <CopyButton content=Signal::stored(all) label="Copy error" class="btn sm" wordy=true />
            </div>
            <div class="err-h pt-1!"><p class="msg">{class}{rest}</p></div>
            {top.is_some().then_some(()).or((!listed.is_empty()).then_some(())).map(|()| view! { <ol class="frames">{listed}</ol> })}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_others_are_folded() {
        let stack = "PaymentTimeout: gateway\n    at charge (/app/src/charge.ts:41:11)\n    at run (/app/node_modules/@gravito/stream/worker.js:88:5)\n    at /app/node_modules/@gravito/stream/x.js:1:1\n    at process (node:internal/process/task_queues:95:5)\nCaused by: x";
        let got = lines(stack, "PaymentTimeout: gateway");
        assert_eq!(got.len(), 3);
        assert_eq!(got[0], Line::Frame(Frame { call: "at charge".into(), place: "/app/src/charge.ts:41:11".into() }));
        assert!(
            matches!(&got[1], Line::Fold { label, frames } if label == "3 frames in node_modules/@gravito/stream, node:internal" && frames.len() == 3),
            "{got:?}"
        );
        assert_eq!(got[2], Line::Text("Caused by: x".into()));
        let python = Frame { call: "in run".into(), place: "/app/x.py:3".into() };
        assert_eq!(frame("  File \"/app/x.py\", line 3, in run"), Some(python));
        assert_eq!(frame("File \"/app/x.py\", line of code"), None);
        assert_eq!(frame("#0 /app/x.php(12): Job->handle()").map(|f| f.call).as_deref(), Some("Job->handle()"));
    }

    #[test]
    fn a_stack_within_the_error_is_taken_out_of_it() {
        let parts = |error: &str| split(error.to_owned(), None);
        for (first, rest) in [
            ("PaymentTimeout: no answer", "    at charge (/app/charge.ts:41:11)\n    at run (/app/x.js:1:1)"),
            ("Exception: no answer", "#0 /app/x.php(12): Job->handle()\n#1 {main}"),
            ("Traceback (most recent call last):", "  File \"/app/x.py\", line 3, in run\n    pay()\nValueError: no"),
            ("java.io.IOException: no", "\tat com.shop.Pay.run(Pay.java:3)"),
        ] {
            assert_eq!(parts(&format!("{first}\n{rest}")), (first.to_owned(), Some(rest.to_owned())));
        }
        for whole in
            ["no answer", "no answer\n", "two lines\nat noon it failed", "Rejected:\n#1 too large\n#2 too old", "odd\n\n    at x (y)"]
        {
            assert_eq!(parts(whole), (whole.to_owned(), None), "{whole}");
        }
        let stack = Some("    at other (/app/o.ts:1:1)".to_owned());
        let error = "no answer\n    at charge (/app/charge.ts:41:11)".to_owned();
        assert_eq!(split(error.clone(), stack.clone()), (error, stack), "a stack of its own is told as it is");
    }
}
