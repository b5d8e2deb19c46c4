//! Tracks put together from the ways that OpenStreetMap, or whoever drew them, cut them into.
//!
//! A car that stands across a cut would be half a car on either piece. Of all pairs of ends that meet the straightest is joined first, so that at a
//! turnout the track that goes straight on is one.

use crate::count::GivenTrack;

/// Ends that are no further apart meet, metres: pieces of one way share their node to the digit, drawn ones are snapped.
const MEETING_M: f64 = 1.0;
/// Least cosine of the angle between two pieces of a track: 15 degrees, twice the sharpest turnout of a yard and more than a curve of 180 m turns
/// in the length that says where an end points.
const STRAIGHT: f64 = 0.966;
/// Length of a line's end that says where it points, metres.
const DIRECTION_M: f64 = 10.0;
/// Metres per degree of latitude.
const DEGREE_M: f64 = 111_195.0;

/// The tracks with all pieces joined that go straight on from each other; a joined one has the name of its longest piece.
pub fn joined(tracks: Vec<GivenTrack>) -> Vec<GivenTrack> {
    let ends: Vec<[End; 2]> = tracks.iter().map(|track| ends(&track.line)).collect();
    let meeting = meetings(&ends);
    // The end of which piece each end is joined to.
    let mut next: Vec<[Option<(usize, usize)>; 2]> = vec![[None; 2]; tracks.len()];
    for (_, [a, b]) in meeting {
        if next[a.0][a.1].is_none() && next[b.0][b.1].is_none() {
            (next[a.0][a.1], next[b.0][b.1]) = (Some(b), Some(a));
        }
    }
    let mut taken = vec![false; tracks.len()];
    let mut all = Vec::new();
    for piece in 0..tracks.len() {
        if !taken[piece] {
            let chain = chain(piece, &next);
            chain.iter().for_each(|&(piece, _)| taken[piece] = true);
            all.push(one(&chain, &tracks));
        }
    }
    all
}

/// An end of a line: its place, and the direction out of the line, both in metres.
#[derive(Clone, Copy)]
struct End {
    at: [f64; 2],
    out: [f64; 2],
}

/// Metres east and north from one place to another. The difference of longitudes is taken the short way round.
fn metres([lon, lat]: [f64; 2], [to_lon, to_lat]: [f64; 2]) -> [f64; 2] {
    let east = (to_lon - lon + 180.0).rem_euclid(360.0) - 180.0;
    [east * DEGREE_M * lat.to_radians().cos(), (to_lat - lat) * DEGREE_M]
}

fn ends(line: &[[f64; 2]]) -> [End; 2] {
    let end = |points: &mut dyn Iterator<Item = &[f64; 2]>| {
        let at = points.next().copied().unwrap_or_default();
        let mut out = [0.0; 2];
        for &point in points {
            out = metres(point, at);
            if out[0].hypot(out[1]) >= DIRECTION_M {
                break;
            }
        }
        let length = out[0].hypot(out[1]).max(1e-9);
        End { at, out: out.map(|part| part / length) }
    };
    [end(&mut line.iter()), end(&mut line.iter().rev())]
}

type Place = (usize, usize);

/// Pairs of ends of different pieces that meet, the straightest first.
fn meetings(ends: &[[End; 2]]) -> Vec<(f64, [Place; 2])> {
    let mut places: Vec<Place> = (0..ends.len()).flat_map(|piece| [(piece, 0), (piece, 1)]).collect();
    let at = |(piece, end): Place| ends[piece][end];
    places.sort_by(|&a, &b| at(a).at[1].total_cmp(&at(b).at[1]).then(a.cmp(&b)));
    let mut pairs = Vec::new();
    for (i, &a) in places.iter().enumerate() {
        // Sorted from south to north: those further on than this are too far.
        let near = places[i + 1..].iter().take_while(|&&b| metres(at(a).at, at(b).at)[1] <= MEETING_M);
        for &b in near.filter(|b| b.0 != a.0) {
            let [east, north] = metres(at(a).at, at(b).at);
            let straight = -(at(a).out[0] * at(b).out[0] + at(a).out[1] * at(b).out[1]);
            if east.hypot(north) <= MEETING_M && straight >= STRAIGHT {
                pairs.push((straight, [a.min(b), a.max(b)]));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    pairs
}

/// The pieces that hang together with one, in their order, each with whether it runs backwards. The one itself runs as it was drawn.
fn chain(piece: usize, next: &[[Option<Place>; 2]]) -> Vec<(usize, bool)> {
    // Back to the first piece; in a circle to where it began.
    let (mut first, mut from) = (piece, 0);
    while let Some((before, end)) = next[first][from].filter(|(before, _)| *before != piece) {
        (first, from) = (before, 1 - end);
    }
    let mut chain = vec![(first, from == 1)];
    let (mut last, mut to) = (first, 1 - from);
    while let Some((after, end)) = next[last][to].filter(|(after, _)| *after != first) {
        chain.push((after, end == 1));
        (last, to) = (after, 1 - end);
    }
    chain
}

fn one(chain: &[(usize, bool)], tracks: &[GivenTrack]) -> GivenTrack {
    let length = |line: &[[f64; 2]]| line.windows(2).map(|p| metres(p[0], p[1])).map(|[x, y]| x.hypot(y)).sum::<f64>();
    let mut line: Vec<[f64; 2]> = Vec::new();
    let mut name = (0.0, "");
    for &(piece, backwards) in chain {
        let GivenTrack { name: own, line: points } = &tracks[piece];
        let own_length = length(points);
        if own_length > name.0 || name.1.is_empty() {
            name = (own_length, own);
        }
        // The first point is where the last piece ended.
        let skip = usize::from(!line.is_empty());
        if backwards { line.extend(points.iter().rev().skip(skip)) } else { line.extend(points.iter().skip(skip)) }
    }
    GivenTrack { name: name.1.to_owned(), line }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in metres east and north of a place at 42 degrees north.
    fn pieces(lines: &[&[[f64; 2]]]) -> Vec<GivenTrack> {
        let (lon, lat) = (130.0, 42.0f64);
        let place = |[east, north]: &[f64; 2]| [lon + east / DEGREE_M / lat.to_radians().cos(), lat + north / DEGREE_M];
        let track = |(number, line): (usize, &&[[f64; 2]])| GivenTrack {
            name: number.to_string(),
            line: line.iter().map(place).collect(),
        };
        lines.iter().enumerate().map(track).collect()
    }

    fn names(tracks: &[GivenTrack]) -> Vec<(&str, usize)> {
        tracks.iter().map(|track| (track.name.as_str(), track.line.len())).collect()
    }

    #[test]
    fn pieces_that_go_straight_on_are_one_track_whichever_way_they_were_drawn() {
        let tracks = joined(pieces(&[
            &[[100.0, 0.0], [200.0, 0.0], [300.0, 3.0]],
            &[[100.5, 0.2], [0.0, 0.0]],
            &[[900.0, 20.0], [300.0, 3.0]],
            &[[0.0, 5.0], [900.0, 25.0]],
        ]));
        assert_eq!(names(&tracks), [("2", 5), ("3", 2)]);
        let eastwards = tracks[0].line.windows(2).all(|pair| pair[1][0] > pair[0][0]);
        assert!(eastwards, "as the first piece was drawn: {:?}", tracks[0].line);
    }

    #[test]
    fn at_a_turnout_the_straight_track_goes_on_and_the_other_ends() {
        let tracks =
            joined(pieces(&[&[[0.0, 0.0], [100.0, 0.0]], &[[100.0, 0.0], [200.0, 12.0]], &[[100.0, 0.0], [250.0, 0.0]]]));
        assert_eq!(names(&tracks), [("2", 3), ("1", 2)]);
    }

    #[test]
    fn a_buffer_stop_a_corner_and_a_gap_join_nothing_and_a_circle_is_gone_round_once() {
        let apart = pieces(&[
            &[[0.0, 0.0], [100.0, 0.0]],
            &[[100.0, 0.0], [100.0, 80.0]],
            &[[102.0, 0.0], [200.0, 0.0]],
            &[[0.0, 0.5], [90.0, 0.5]],
        ]);
        assert_eq!(joined(apart.clone()), apart);
        let turn = |from: f64, to: f64| -> Vec<[f64; 2]> {
            (0..=20).map(|i| (from + (to - from) * f64::from(i) / 20.0).sin_cos()).map(|(y, x)| [200.0 * x, 200.0 * y]).collect()
        };
        let (a, b) = (turn(0.0, 3.0), turn(std::f64::consts::TAU, 3.0));
        assert_eq!(names(&joined(pieces(&[&a, &b]))), [("1", 41)]);
    }
}
