//! A plot as markup. Only figures, times and names of the code go in, so nothing needs escaping.

use super::{super::number::Place, Lane, Plot, Series, Shape, scale::Scale};
use crate::model::time::Millis;
use std::fmt::Write;

/// Grid steps by height: four lines, or two in a low lane.
fn steps(lane: &Lane) -> u32 {
    if lane.height == "p-low" { 1 } else { 3 }
}

fn scale(lane: &Lane) -> Scale {
    Scale::of(lane.unit, lane.series.iter().flat_map(|s| s.values.iter().copied().flatten()), steps(lane))
}

pub fn picture(plot: &Plot) -> String {
    let mut out = String::new();
    for lane in &plot.lanes {
        draw_lane(&mut out, lane, plot.note.is_some());
    }
    axis(&mut out, plot);
    out
}

fn draw_lane(out: &mut String, lane: &Lane, ends: bool) {
    let scale = scale(lane);
    let _ = write!(out, r#"<div class="plot {}"><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">"#, lane.height);
    for (i, line) in scale.lines.iter().enumerate() {
        let (class, y) = (if i == 0 { "base" } else { "grid" }, Place(100.0 - scale.at(*line)));
        let _ = write!(out, r#"<line class="{class}" x1="0" x2="100" y1="{y}" y2="{y}"/>"#);
    }
    for series in &lane.series {
        match series.shape {
            Shape::Bars => bars(out, series, &scale),
            Shape::Line | Shape::Area => line(out, series, &scale),
        }
    }
    out.push_str("</svg>");
    let last = scale.lines.len() - 1;
    for (i, line) in scale.lines.iter().enumerate() {
        let text = lane.unit.mark(*line, i == last);
        let _ = write!(out, r#"<span class="y" style="bottom:{}%">{text}</span>"#, Place(scale.at(*line)));
    }
    if ends {
        names(out, lane, &scale);
    }
    out.push_str("</div>");
}

/// Names at the ends of the lines, pushed apart where they would touch.
fn names(out: &mut String, lane: &Lane, scale: &Scale) {
    const APART: f64 = 15.0;
    let mut last = f64::NEG_INFINITY;
    let mut ends: Vec<(f64, &Series, f64)> = lane
        .series
        .iter()
        .filter_map(|s| s.values.iter().rev().skip(1).copied().flatten().next().map(|value| (scale.at(value), s, value)))
        .collect();
    // The lowest first, of equal ones the last series: the first stands above. There are three at most, and a sort would be more code
    // than all of this.
    while let Some(lowest) = (0..ends.len()).rev().min_by(|a, b| ends[*a].0.total_cmp(&ends[*b].0)) {
        let (y, series, value) = ends.remove(lowest);
        last = y.max(last + APART);
        let _ =
            write!(out, r#"<span class="e" style="bottom:{}%">{} <b>{}</b></span>"#, Place(last), series.name, lane.unit.say(Some(value)));
    }
}

fn bars(out: &mut String, series: &Series, scale: &Scale) {
    let width = 100.0 / series.values.len().max(1) as f64;
    for (i, value) in series.values.iter().enumerate() {
        let height = value.map_or(0.0, |v| scale.at(v));
        if height > 0.0 {
            let class = if i + 1 == series.values.len() { " pale" } else { "" };
            let x = (i as f64 + 0.12) * width;
            let _ = write!(
                out,
                r#"<rect class="{}{class}" x="{}" width="{}" y="{}" height="{}"/>"#,
                series.ink,
                Place(x),
                Place(width * 0.76),
                Place(100.0 - height),
                Place(height)
            );
        }
    }
}

/// A path for every stretch without a gap; the way into the bucket that still fills is dashed.
fn line(out: &mut String, series: &Series, scale: &Scale) {
    let n = series.values.len();
    let point = |i: usize, v: f64| format!("{} {}", Place((i as f64 + 0.5) * 100.0 / n.max(1) as f64), Place(100.0 - scale.at(v)));
    let (full, rest) = series.values.split_at(n.saturating_sub(1));
    let mut path = String::new();
    let mut area = String::new();
    let mut from = None::<usize>;
    for i in 0..=full.len() {
        let value = full.get(i).copied().flatten();
        match (value, from) {
            (Some(v), None) => {
                from = Some(i);
                let _ = write!(path, "M{}", point(i, v));
            }
            (Some(v), Some(_)) => {
                let _ = write!(path, "L{}", point(i, v));
            }
            (None, Some(start)) => {
                from = None;
                if i == start + 1 {
                    // A point alone has no length: the round cap makes it a dot.
                    path.push_str("h.01");
                } else if series.shape == Shape::Area {
                    let part = path.rfind('M').map_or("", |at| &path[at..]);
                    let x = |i: usize| (i as f64 + 0.5) * 100.0 / n as f64;
                    let _ = write!(area, "{part}L{} 100L{} 100Z", Place(x(i - 1)), Place(x(start)));
                }
            }
            (None, None) => {}
        }
    }
    if !area.is_empty() {
        let _ = write!(out, r#"<path class="area {}" d="{area}"/>"#, series.ink);
    }
    let _ = write!(out, r#"<path class="{}" d="{path}"/>"#, series.ink);
    if let Some(Some(now)) = rest.first() {
        let from = full.last().copied().flatten().map_or_else(|| point(n - 1, *now) + "h.01", |before| point(n - 2, before));
        let _ = write!(out, r#"<path class="{} run" d="M{from}L{}"/>"#, series.ink, point(n - 1, *now));
    }
}

/// Ticks at round times of UTC.
fn axis(out: &mut String, plot: &Plot) {
    let (Some(first), n) = (plot.times.first(), plot.times.len() as i64) else { return };
    let whole = (n * plot.step_ms).max(1);
    let every = match whole / 60_000 {
        ..20 => 5 * 60_000,
        20..120 => 15 * 60_000,
        _ => 6 * 3_600_000,
    };
    // Which labels there is no room for depends on the width: the stylesheet leaves them out.
    out.push_str(if whole / every > 3 { r#"<div class="xax dense">"# } else { r#"<div class="xax">"# });
    let mut at = (first.0 + every - 1).div_euclid(every) * every;
    while at < first.0 + whole {
        let x = (at - first.0) as f64 * 100.0 / whole as f64;
        let class = match x {
            ..4.0 => r#" class="first""#,
            96.0.. => r#" class="last""#,
            _ => "",
        };
        let _ = write!(out, r#"<span{class} style="left:{}%">{}</span>"#, Place(x), Millis(at).minute());
        at += every;
    }
    out.push_str("</div>");
}

/// The newest whole bucket beside the title.
pub fn legend(plot: &Plot) -> String {
    let mut out = String::new();
    if let Some(note) = plot.note {
        if !plot.empty() {
            let _ = write!(out, "<span>{note}</span>");
        }
        return out;
    }
    for (unit, s) in plot.series() {
        let value = unit.say(s.values.get(plot.newest()).copied().flatten());
        let _ = write!(out, r#"<span><i class="key {} {}"></i>{} <b>{value}</b></span>"#, s.ink, key(s), s.name);
    }
    out
}

fn key(series: &Series) -> &'static str {
    if series.shape == Shape::Bars { "blk" } else { "" }
}

/// Beside the hover line.
pub fn values(plot: &Plot, i: usize) -> String {
    let mut out = format!("<span class=\"t\">{}</span>", plot.when(i));
    for (unit, s) in plot.series() {
        let value = unit.say(s.values.get(i).copied().flatten());
        let _ = write!(out, r#"<span class="v"><i class="key {} {}"></i>{} <b>{value}</b></span>"#, s.ink, key(s), s.name);
    }
    out
}

pub fn table(plot: &Plot) -> String {
    let mut out = String::from("<table><thead><tr><th scope=\"col\">Time</th>");
    for (_, s) in plot.series() {
        let _ = write!(out, "<th scope=\"col\">{}</th>", s.name);
    }
    out.push_str("</tr></thead><tbody>");
    for i in (0..plot.times.len()).rev() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", plot.when(i));
        for (unit, s) in plot.series() {
            let _ = write!(out, "<td>{}</td>", unit.say(s.values.get(i).copied().flatten()));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    out
}

#[cfg(test)]
mod tests {
    use super::super::Unit;
    use super::*;

    fn plot(values: &[Option<f64>]) -> Plot {
        let series = Series { name: "Completed", ink: "completed", shape: Shape::Line, values: values.to_vec() };
        Plot {
            title: "Throughput",
            note: None,
            times: (0..values.len() as i64).map(|i| Millis(i * 10_000)).collect(),
            step_ms: 10_000,
            lanes: vec![Lane { unit: Unit::PerSecond, height: "p-tall", series: vec![series] }],
        }
    }

    #[test]
    fn a_gap_is_a_gap_and_what_still_fills_is_dashed() {
        let plot = plot(&[Some(1.0), Some(2.0), None, Some(3.0), Some(3.0), Some(1.0)]);
        let svg = picture(&plot);
        assert_eq!(svg.matches('M').count(), 3, "two stretches and the dashed one: {svg}");
        assert!(svg.contains(r#"<path class="completed run" d="M75 0L91.67 66.67"/>"#), "{svg}");
        assert_eq!(svg.matches("class=\"grid\"").count() + svg.matches("class=\"base\"").count(), 4);
        assert!(table(&plot).contains("<th scope=\"row\">00:00:20 UTC</th><td>—</td>"));
        assert_eq!(plot.words(3), "00:00:30 UTC: Completed 3.0/s");
        let nothing = super::tests::plot(&[None, None]);
        assert!(super::super::Plot::empty(&nothing));
        assert!(legend(&nothing).contains("Completed <b>—</b>"), "{}", legend(&nothing));
    }

    #[test]
    fn of_lines_that_end_alike_the_first_is_named_above() {
        let mut plot = plot(&[Some(5.0), Some(5.0)]);
        let line = |name| Series { name, ..plot.lanes[0].series[0].clone() };
        let lines = vec![line("p99"), line("p95"), line("p50")];
        (plot.note, plot.lanes[0].series) = (Some("log scale"), lines);
        let svg = picture(&plot);
        // Written from the lowest up.
        let at = |name: &str| svg.find(name).expect("it is named");
        assert!(at(">p50 ") < at(">p95 ") && at(">p95 ") < at(">p99 "), "{svg}");
    }

    #[test]
    fn labels_of_the_time_are_dense_where_there_are_four() {
        let quarter = picture(&plot(&[Some(1.0); 90]));
        assert!(quarter.contains(r#"<div class="xax">"#), "{quarter}");
        let hour = Plot { step_ms: 60_000, ..plot(&[Some(1.0); 60]) };
        assert!(picture(&hour).contains(r#"<div class="xax dense">"#));
    }
}
