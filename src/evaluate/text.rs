//! The scores as text for people.

use super::confusion::{MISSED, NOTHING};
use super::score::{Rates, SceneScore};
use super::summary::{ALL, Summary};
use super::{Evaluation, score};
use std::fmt::Write;

/// Tables per scene and per kind of scene, then the total in words.
pub fn text(evaluation: &Evaluation) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = scenes(&mut out, &evaluation.scenes);
    let _ = presets(&mut out, &evaluation.presets);
    if let Some((_, total)) = evaluation.presets.iter().find(|(name, _)| name == ALL) {
        let _ = overall(&mut out, total);
    }
    out.truncate(out.trim_end().len());
    out
}

fn width<'a>(title: &str, names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|n| n.chars().count()).chain([title.len()]).max().unwrap_or(0)
}

fn scenes(out: &mut String, scenes: &[SceneScore]) -> std::fmt::Result {
    let w = width("image", scenes.iter().map(|s| s.image.as_str()));
    writeln!(
        out,
        "{:<w$} {:>5} {:>6} {:>6} {:>5} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6}  95 % interval",
        "image", "GSD m", "cars", "pred.", "TP", "FP", "FN", "P", "R", "F1", "error"
    )?;
    for s in scenes {
        write!(out, "{:<w$} {:>5.2} {:>6} {:>6} ", s.image, s.gsd, s.truth, s.pred)?;
        match &s.matched {
            Some(m) => {
                let Rates { precision, recall, f1 } = m.rates;
                write!(out, "{:>5} {:>5} {:>5} {precision:>6.3} {recall:>6.3} {f1:>6.3}", m.tp, m.fp, m.missed)?;
            }
            None => write!(out, "{:^38}", "(only a number)")?,
        }
        write!(out, " {:>+6}", s.count_error)?;
        if let Some(interval) = s.interval {
            write!(out, "  {} to {}{}", interval.low, interval.high, if interval.covered { "" } else { " (missed)" })?;
        }
        writeln!(out, "{}", if s.missing { "  NO PREDICTION" } else { "" })?;
    }
    Ok(())
}

fn presets(out: &mut String, presets: &[(String, Summary)]) -> std::fmt::Result {
    let w = width("preset", presets.iter().map(|(name, _)| name.as_str()));
    writeln!(
        out,
        "\n{:<w$} {:>6} {:>6} {:>6} {:>6} {:>6} {:>11} {:>9} {:>6} {:>7} {:>8}",
        "preset", "images", "cars", "P", "R", "F1", "mean |err.|", "relative", "bias", "exact", "interval"
    )?;
    for (name, s) in presets {
        // From the sums: the summary's own rates are rounded already.
        let Rates { precision, recall, f1 } = Rates::new(s.tp, s.fp, s.missed);
        let relative = s.relative_count_error.map_or("-".into(), |r| format!("{:.1} %", 100.0 * r));
        let covered = if s.interval_coverage.total > 0 { s.interval_coverage.to_string() } else { "-".into() };
        writeln!(
            out,
            "{name:<w$} {:>6} {:>6} {precision:>6.3} {recall:>6.3} {f1:>6.3} {:>11.2} {relative:>9} {:>+6.2} {:>7} {covered:>8}",
            s.n,
            s.truth,
            s.mean_abs_count_error,
            s.bias,
            format!("{}/{}", s.exact, s.n),
        )?;
    }
    Ok(())
}

fn overall(out: &mut String, s: &Summary) -> std::fmt::Result {
    let percent = |t: score::Tally| t.share().map_or(String::new(), |p| format!(" ({:.1} %)", 100.0 * p));
    let list = |values: &[f64]| values.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(", ");
    writeln!(out, "\nall images")?;
    writeln!(out, "  found {} of {} freight cars; {} predictions are no freight car", s.tp, s.tp + s.missed, s.fp)?;
    if let Some(width) = s.mean_interval_width {
        let covered = s.interval_coverage;
        writeln!(
            out,
            "  the interval holds the true number in {covered} images{}; mean width {width:.2} cars",
            percent(covered)
        )?;
    }
    for (class, &tally) in &s.recall_by_class {
        writeln!(out, "  found of {class:<10} {:>11}{}", tally.to_string(), percent(tally))?;
    }
    if s.kind.total > 0 {
        writeln!(out, "  kind of freight car right where one is named: {}{}", s.kind, percent(s.kind))?;
    }
    let others = s.loco_coach;
    writeln!(
        out,
        "  locomotives and coaches: {} in truth, {} predicted, {} of them right",
        others.truth, others.pred, others.tp
    )?;
    writeln!(out, "  GAME 0 to 3 (count error per image over 1, 4, 16, 64 cells): {}", list(&s.game))?;
    confusion(out, s)
}

fn confusion(out: &mut String, s: &Summary) -> std::fmt::Result {
    let mut columns: Vec<&str> = s.confusion.values().flat_map(|row| row.keys().map(String::as_str)).collect();
    // Brackets sort before letters; "missed" belongs at the end.
    columns.sort_by_key(|&c| (c == MISSED, c));
    columns.dedup();
    if columns.is_empty() {
        return Ok(());
    }
    write!(out, "\ntrue class, predicted as\n{:<11}", "")?;
    for column in &columns {
        write!(out, " {column:>10}")?;
    }
    writeln!(out)?;
    let mut rows: Vec<_> = s.confusion.iter().collect();
    rows.sort_by_key(|(name, _)| (*name == NOTHING, *name));
    for (name, row) in rows {
        write!(out, "{name:<11}")?;
        for column in &columns {
            let n = row.get(*column).map_or("-".into(), u64::to_string);
            write!(out, " {n:>10}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
