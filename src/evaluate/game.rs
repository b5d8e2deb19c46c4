//! GAME, the grid average mean absolute error: a count may be right by chance, two wrong places cancelling; counted per cell of ever
//! finer grids they no longer do.
//!
//! R. Guerrero-Gómez-Olmedo et al., "Extremely overlapping vehicle counting", IbPRIA 2015: level L divides the image into 4^L equal
//! cells and adds up the absolute errors of all cells; level 0 is the absolute count error.

/// Levels 0 to 3: 1, 4, 16 and 64 cells.
pub const LEVELS: usize = 4;

/// Sum of the absolute count errors over the cells of each level. Positions are (col, row) in an image of `size` (columns, rows); those
/// outside count in the nearest cell.
pub fn errors(size: [f64; 2], predicted: impl Iterator<Item = [f64; 2]>, truth: impl Iterator<Item = [f64; 2]>) -> [u64; LEVELS] {
    const FINEST: usize = 1 << (LEVELS - 1);
    let cell = |position: f64, size: f64| ((position / size * FINEST as f64) as usize).min(FINEST - 1);
    let mut difference = [[0i64; FINEST]; FINEST];
    for (position, sign) in predicted.map(|p| (p, 1)).chain(truth.map(|p| (p, -1))) {
        difference[cell(position[1], size[1])][cell(position[0], size[0])] += sign;
    }
    std::array::from_fn(|level| {
        let side = FINEST >> level;
        let sum = |r: usize, c: usize| -> i64 {
            difference[r * side..(r + 1) * side].iter().flat_map(|row| &row[c * side..(c + 1) * side]).sum()
        };
        (0..1 << level).flat_map(|r| (0..1 << level).map(move |c| (r, c))).map(|(r, c)| sum(r, c).unsigned_abs()).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_in_different_places_cancel_only_in_coarse_cells() {
        // One car too many at the left end of the upper left quarter, one missing at its right end.
        let game = errors([800.0, 400.0], [[10.0, 10.0]].into_iter(), [[390.0, 10.0]].into_iter());
        assert_eq!(game, [0, 0, 2, 2]);
        assert_eq!(errors([800.0, 400.0], [[-5.0, 500.0]].into_iter(), [[10.0, 390.0]].into_iter()), [0; 4]);
    }

    proptest! {
        #[test]
        fn never_falls_with_the_level_and_starts_at_the_count_error(
            a in proptest::collection::vec((0.0..100.0f64, 0.0..60.0f64), 0..40),
            b in proptest::collection::vec((0.0..100.0f64, 0.0..60.0f64), 0..40),
        ) {
            let game = errors([100.0, 60.0], a.iter().map(|p| [p.0, p.1]), b.iter().map(|p| [p.0, p.1]));
            prop_assert_eq!(game[0], a.len().abs_diff(b.len()) as u64);
            prop_assert!(game.is_sorted());
            prop_assert!(game[3] <= (a.len() + b.len()) as u64);
        }
    }
}
