//! Which prediction is which vehicle: one to one, most pairs first, then the least sum of centre distances.

use super::assignment;
use super::truth::TruthCar;

/// A prediction may lie this far from the track axis of the car it is matched with, metres: half a track spacing.
const ACROSS_M: f64 = 2.5;

/// Cost of a pair that is not admissible, metres: more than all admissible distances of a scene together, so that no admissible pair is
/// given up for a shorter distance elsewhere.
const FORBIDDEN: f64 = 1e6;

/// Where predictions of one vehicle may lie.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Ground centre and displaced roof centre, (col, row).
    centres: [[f64; 2]; 2],
    /// Unit vectors along and across the body, in pixels' directions.
    along: [f64; 2],
    across: [f64; 2],
    half_length: f64,
    gsd: f64,
}

impl Reach {
    /// Of a vehicle in a scene of that GSD.
    pub fn new(car: &TruthCar, gsd: f64) -> Self {
        let heading = car.heading.to_radians();
        Self {
            centres: [[car.col, car.row], [car.col + car.top_shift[0], car.row + car.top_shift[1]]],
            along: [heading.sin(), -heading.cos()],
            across: [heading.cos(), heading.sin()],
            half_length: car.length / 2.0,
            gsd,
        }
    }

    /// Distance in metres from a position (col, row) if it may be matched with the vehicle: within half the body's length along its
    /// heading and 2.5 m across, seen from its ground centre or from its displaced roof centre, whichever is nearer.
    pub fn distance(&self, position: [f64; 2]) -> Option<f64> {
        let from = |centre: [f64; 2]| {
            let d = [(position[0] - centre[0]) * self.gsd, (position[1] - centre[1]) * self.gsd];
            let within = |direction: [f64; 2], limit: f64| (d[0] * direction[0] + d[1] * direction[1]).abs() <= limit;
            (within(self.along, self.half_length) && within(self.across, ACROSS_M)).then(|| d[0].hypot(d[1]))
        };
        self.centres.into_iter().filter_map(from).min_by(f64::total_cmp)
    }
}

/// Pairs (index of the position, index of the car), by position.
///
/// The admissible pairs fall into groups that share no position and no car; each is an assignment problem of its own. Together they
/// solve the whole one, at the cost of the largest group instead of that of the whole yard.
pub fn assign(positions: &[[f64; 2]], cars: &[Reach]) -> Vec<(usize, usize)> {
    let near: Vec<Vec<(usize, f64)>> =
        positions.iter().map(|&p| cars.iter().enumerate().filter_map(|(j, car)| Some((j, car.distance(p)?))).collect()).collect();
    let mut pairs: Vec<_> = groups(&near, cars.len()).into_iter().flat_map(|group| solve(&group, &near)).collect();
    pairs.sort_unstable();
    pairs
}

/// Positions and cars that are tied together by admissible pairs, both ascending.
struct Group {
    positions: Vec<usize>,
    cars: Vec<usize>,
}

fn groups(near: &[Vec<(usize, f64)>], cars: usize) -> Vec<Group> {
    let mut positions_of = vec![Vec::new(); cars];
    for (i, row) in near.iter().enumerate() {
        for &(j, _) in row {
            positions_of[j].push(i);
        }
    }
    let (mut position_seen, mut car_seen) = (vec![false; near.len()], vec![false; cars]);
    let mut groups = Vec::new();
    for start in 0..near.len() {
        if position_seen[start] || near[start].is_empty() {
            continue;
        }
        position_seen[start] = true;
        let mut group = Group { positions: vec![start], cars: Vec::new() };
        let mut at = 0;
        while at < group.positions.len() {
            for &(j, _) in &near[group.positions[at]] {
                if std::mem::replace(&mut car_seen[j], true) {
                    continue;
                }
                group.cars.push(j);
                for &i in &positions_of[j] {
                    if !std::mem::replace(&mut position_seen[i], true) {
                        group.positions.push(i);
                    }
                }
            }
            at += 1;
        }
        group.positions.sort_unstable();
        group.cars.sort_unstable();
        groups.push(group);
    }
    groups
}

fn solve(group: &Group, near: &[Vec<(usize, f64)>]) -> Vec<(usize, usize)> {
    let columns = group.cars.len();
    let mut cost = vec![FORBIDDEN; group.positions.len() * columns];
    for (row, &i) in group.positions.iter().enumerate() {
        for &(j, d) in &near[i] {
            // Every car near a position of the group is in the group.
            if let Ok(column) = group.cars.binary_search(&j) {
                cost[row * columns + column] = d;
            }
        }
    }
    assignment::assign(&cost, group.positions.len(), columns)
        .into_iter()
        .filter(|&(row, column)| cost[row * columns + column] < FORBIDDEN)
        .map(|(row, column)| (group.positions[row], group.cars[column]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn car(col: f64, row: f64) -> TruthCar {
        TruthCar { class: "tank".into(), freight: true, col, row, heading: 90.0, length: 12.0, top_shift: [0.0, 0.0], clear: 1.0 }
    }

    #[test]
    fn reaches_half_a_body_along_and_two_and_a_half_metres_across() {
        let c = car(100.0, 100.0);
        let c = Reach::new(&c, 0.5);
        assert_eq!(c.distance([112.0, 100.0]), Some(6.0));
        assert_eq!(c.distance([112.1, 100.0]), None);
        assert_eq!(c.distance([100.0, 105.0]), Some(2.5));
        assert_eq!(c.distance([100.0, 105.1]), None);
        assert_eq!(c.distance([f64::NAN, 100.0]), None);
    }

    #[test]
    fn roof_counts_as_well_as_ground() {
        let c = TruthCar { top_shift: [0.0, -8.0], ..car(100.0, 100.0) };
        let c = Reach::new(&c, 0.5);
        assert_eq!(c.distance([100.0, 92.0]), Some(0.0));
        assert_eq!(c.distance([100.0, 100.0]), Some(0.0));
        assert_eq!(c.distance([100.0, 96.0]), Some(2.0));
    }

    #[test]
    fn two_pairs_are_better_than_one_short_one() {
        // The position between both cars must leave the near one to the position that reaches no other.
        let cars = [car(100.0, 100.0), car(120.0, 100.0)].map(|c| Reach::new(&c, 0.5));
        assert_eq!(assign(&[[109.0, 100.0], [95.0, 100.0]], &cars), [(0, 1), (1, 0)]);
    }

    proptest! {
        /// Solving group by group is solving the whole matrix.
        #[test]
        fn groups_add_up_to_the_whole(
            positions in proptest::collection::vec((0.0..200.0f64, 0.0..30.0f64), 0..25),
            cars in proptest::collection::vec((0.0..200.0f64, 0.0..30.0f64), 0..25),
        ) {
            let positions: Vec<[f64; 2]> = positions.into_iter().map(|(x, y)| [x, y]).collect();
            let cars: Vec<_> = cars.into_iter().map(|(x, y)| Reach::new(&car(x, y), 0.5)).collect();
            let cost: Vec<f64> = positions
                .iter()
                .flat_map(|&p| cars.iter().map(move |c| c.distance(p).unwrap_or(FORBIDDEN)))
                .collect();
            let whole: Vec<_> = assignment::assign(&cost, positions.len(), cars.len())
                .into_iter()
                .filter(|&(i, j)| cost[i * cars.len() + j] < FORBIDDEN)
                .collect();
            let parts = assign(&positions, &cars);
            prop_assert_eq!(parts.len(), whole.len());
            let sum = |pairs: &[(usize, usize)]| pairs.iter().map(|&(i, j)| cost[i * cars.len() + j]).sum::<f64>();
            prop_assert!((sum(&parts) - sum(&whole)).abs() < 1e-6);
        }
    }
}
