//! The linear assignment problem by shortest augmenting paths.
//!
//! D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions on Aerospace and Electronic Systems
//! 52(4), 2016: the Jonker-Volgenant method without its initialisation, for rectangular matrices. Columns are visited and ties are
//! broken as in SciPy's `linear_sum_assignment`, so that both choose alike.

/// Assigns rows to columns at the least total cost.
///
/// `cost` is row-major, `rows x columns`, and finite. The answer holds `min(rows, columns)` pairs (row, column), by row.
/// Time O(min² · max).
pub fn assign(cost: &[f64], rows: usize, columns: usize) -> Vec<(usize, usize)> {
    debug_assert_eq!(cost.len(), rows * columns);
    if columns < rows {
        let turned: Vec<f64> = (0..columns).flat_map(|j| (0..rows).map(move |i| cost[i * columns + j])).collect();
        let mut pairs: Vec<_> = Solver::new(&turned, columns, rows).solve().into_iter().map(|(a, b)| (b, a)).collect();
        pairs.sort_unstable();
        return pairs;
    }
    Solver::new(cost, rows, columns).solve()
}

const NONE: usize = usize::MAX;

/// The state of the search; names as in the paper (`u`, `v`: dual variables of rows and columns).
struct Solver<'a> {
    cost: &'a [f64],
    rows: usize,
    columns: usize,
    u: Vec<f64>,
    v: Vec<f64>,
    shortest: Vec<f64>,
    path: Vec<usize>,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    row_seen: Vec<bool>,
    column_seen: Vec<bool>,
    remaining: Vec<usize>,
}

impl<'a> Solver<'a> {
    /// Needs `rows <= columns`.
    fn new(cost: &'a [f64], rows: usize, columns: usize) -> Self {
        Self {
            cost,
            rows,
            columns,
            u: vec![0.0; rows],
            v: vec![0.0; columns],
            shortest: vec![f64::INFINITY; columns],
            path: vec![NONE; columns],
            column_of: vec![NONE; rows],
            row_of: vec![NONE; columns],
            row_seen: vec![false; rows],
            column_seen: vec![false; columns],
            remaining: Vec::with_capacity(columns),
        }
    }

    fn solve(mut self) -> Vec<(usize, usize)> {
        for row in 0..self.rows {
            let (sink, least) = self.augmenting_path(row);
            self.update_duals(row, least);
            let mut column = sink;
            loop {
                let i = self.path[column];
                self.row_of[column] = i;
                std::mem::swap(&mut self.column_of[i], &mut column);
                if i == row {
                    break;
                }
            }
        }
        self.column_of.into_iter().enumerate().collect()
    }

    /// Dijkstra from `row` to the nearest free column: that column, and the length of the path.
    fn augmenting_path(&mut self, row: usize) -> (usize, f64) {
        self.remaining.clear();
        // From the back, so that a constant matrix is solved by the identity.
        self.remaining.extend((0..self.columns).rev());
        self.row_seen.fill(false);
        self.column_seen.fill(false);
        self.shortest.fill(f64::INFINITY);
        let (mut i, mut least) = (row, 0.0);
        loop {
            self.row_seen[i] = true;
            // There are at least as many columns as rows, so one always remains.
            let (mut chosen, mut lowest) = (0, f64::INFINITY);
            for (at, &j) in self.remaining.iter().enumerate() {
                let reduced = least + self.cost[i * self.columns + j] - self.u[i] - self.v[j];
                if reduced < self.shortest[j] {
                    self.path[j] = i;
                    self.shortest[j] = reduced;
                }
                // Among equals a free column ends the search.
                if self.shortest[j] < lowest || (self.shortest[j] == lowest && self.row_of[j] == NONE) {
                    lowest = self.shortest[j];
                    chosen = at;
                }
            }
            least = lowest;
            let column = self.remaining.swap_remove(chosen);
            self.column_seen[column] = true;
            if self.row_of[column] == NONE {
                return (column, least);
            }
            i = self.row_of[column];
        }
    }

    fn update_duals(&mut self, row: usize, least: f64) {
        self.u[row] += least;
        for i in (0..self.rows).filter(|&i| i != row) {
            if self.row_seen[i] {
                self.u[i] += least - self.shortest[self.column_of[i]];
            }
        }
        for j in 0..self.columns {
            if self.column_seen[j] {
                self.v[j] -= least - self.shortest[j];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Least cost over all assignments of every row to a column of its own, by trying them.
    fn exhaustive(cost: &[f64], columns: usize, used: u32) -> f64 {
        let Some((row, rest)) = cost.split_at_checked(columns).filter(|(row, _)| !row.is_empty()) else { return 0.0 };
        (0..columns)
            .filter(|j| used & (1 << j) == 0)
            .map(|j| row[j] + exhaustive(rest, columns, used | 1 << j))
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn is_as_cheap_as_the_best_of_all_assignments(
            (rows, columns, cost) in (1usize..6, 1usize..6).prop_flat_map(|(r, c)| {
                (Just(r), Just(c), proptest::collection::vec((0u32..40).prop_map(|k| f64::from(k) / 4.0), r * c))
            })
        ) {
            let pairs = assign(&cost, rows, columns);
            prop_assert_eq!(pairs.len(), rows.min(columns));
            let mut columns_used: Vec<_> = pairs.iter().map(|p| p.1).collect();
            columns_used.sort_unstable();
            columns_used.dedup();
            prop_assert_eq!(columns_used.len(), pairs.len());
            let total: f64 = pairs.iter().map(|&(i, j)| cost[i * columns + j]).sum();
            let wide: Vec<f64> = if rows <= columns {
                cost
            } else {
                (0..columns).flat_map(|j| (0..rows).map(|i| cost[i * columns + j]).collect::<Vec<_>>()).collect()
            };
            prop_assert_eq!(total, exhaustive(&wide, rows.max(columns), 0));
        }
    }

    #[test]
    fn constant_matrix_gives_the_identity() {
        assert_eq!(assign(&[1.0; 12], 3, 4), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(assign(&[1.0; 12], 4, 3), [(0, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn example_of_scipy() {
        assert_eq!(assign(&[4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0], 3, 3), [(0, 1), (1, 0), (2, 2)]);
        assert!(assign(&[], 0, 3).is_empty() && assign(&[], 3, 0).is_empty());
    }
}
