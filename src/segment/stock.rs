//! Whether a body is rolling stock or something that stands in a row as cars do: containers on the ground, lorries, roofs.
//!
//! A logistic regression over the features that the strip network sees along the body, just beyond its ends, and where its line lies bare, each
//! averaged (`training/stock_head.py` fits it to what the program itself found, right and wrong). Whether a strip lies on a track is learnt column by
//! column; what a whole body stands on, what joins it to the next one and what lies between is told better together.

use super::class::inner;
use super::columns::Column;

/// Columns beyond each end of a body that are looked at, 3 m: the coupling, and what it goes over.
const BEYOND: usize = 6;
/// So many bare columns of a line, 50 m, speak with half their weight, and fewer with less.
const BARE: f64 = 100.0;

/// Log odds that the body from one column of a line to another, which is not part of it, is rolling stock; `bare` is what the line says ([`bare`]).
pub fn log_odds(columns: &[Column], from: usize, to: usize, bare: f64) -> f64 {
    let beyond = [&columns[from.saturating_sub(BEYOND)..from], &columns[to..(to + BEYOND).min(columns.len())]];
    mean(inner(&columns[from..to]).iter(), 0).0 + beyond.map(|part| mean(part.iter(), 1).0).iter().sum::<f64>() / 2.0 + bare
}

/// What the bare columns of a line say of all of its bodies.
pub fn bare(columns: &[Column]) -> f64 {
    let (mean, number) = mean(columns.iter().filter(|column| column.is_bare()), 2);
    mean * number / (number + BARE)
}

/// Mean of one of the answers, 0 without columns; and their number.
fn mean<'a>(columns: impl Iterator<Item = &'a Column>, answer: usize) -> (f64, f64) {
    let (sum, number) = columns.fold((0.0, 0.0), |(sum, number), column| (sum + f64::from(column.stock[answer]), number + 1.0));
    (sum / f64::max(number, 1.0), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(number: usize, stock: [f32; 3], occupied: bool) -> Vec<Column> {
        let state = if occupied { [-9.0, 0.0, -9.0] } else { [0.0, -9.0, -9.0] };
        let column = Column { state, class: [0.0; 7], body: [0.0; 7], stock, on_track: 1.0, offset_m: 0.0, seen: true };
        vec![column; number]
    }

    #[test]
    fn a_body_is_rolling_stock_by_its_columns_and_those_beyond_both_ends() {
        let strange = columns(14, [-50.0; 3], false);
        let before = columns(6, [-50.0, -1.0, -50.0], false);
        let end = columns(2, [-50.0; 3], true);
        let body = columns(26, [1.5, -50.0, -50.0], true);
        let after = columns(6, [-50.0, 2.0, -50.0], false);
        // Its outermost metre mixes with the gap and is left out; 3 m beyond each end are looked at.
        let line = [&strange[..], &before, &end, &body, &end, &after, &strange].concat();
        assert_eq!(log_odds(&line, 20, 50, 0.0), 1.5 + 0.5);
        assert_eq!(log_odds(&line, 20, 50, -3.0), 1.5 + 0.5 - 3.0);
        // Nothing lies beyond where the strip ends.
        assert_eq!(log_odds(&line[20..], 0, 30, 0.0), 1.5 + 1.0);
        assert_eq!(log_odds(&line[20..50], 0, 30, 0.0), 1.5);
    }

    #[test]
    fn the_bare_part_of_a_line_speaks_the_more_the_longer_it_is() {
        let line = |bare: usize| [columns(40, [-50.0; 3], true), columns(bare, [-50.0, -50.0, 2.0], false)].concat();
        assert_eq!(bare(&line(0)), 0.0);
        assert_eq!(bare(&line(100)), 1.0);
        assert_eq!(bare(&line(300)), 1.5);
        let unseen = line(100).into_iter().map(|column| Column { seen: false, ..column }).collect::<Vec<_>>();
        assert_eq!(bare(&unseen), 0.0);
    }
}
