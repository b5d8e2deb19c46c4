//! The 95 % interval of a scene's count.
//!
//! The posterior of the segmentation alone is far too narrow, since the evidence of a whole scene errs together: light, season and
//! sensor are the same everywhere in it. So a term that grows with the count is added to the sum of the cars' own uncertainties. Where tracks were
//! found in the image, a line may be none, and all its cars with it: the lower end is that of the sum of both errors.

use std::collections::BTreeMap;
use std::f64::consts::FRAC_1_SQRT_2;

use super::Vehicle;

/// Variance of any count, cars squared: a car at the image's edge, a van on the track; more where the tracks had to be found.
const BASE: [f64; 2] = [0.6, 4.0];
/// Weight of the cars' own variances p (1 - p).
const OWN: f64 = 1.5;
/// Relative error that a whole scene has in common: with tracks given, and with tracks found in the image, where a whole track may be missed.
/// Fitted, with [`DOUBT`], on 40 rendered scenes of their own (docs/accuracy.md, "Interval").
const SCENE: [f64; 2] = [0.03, 0.08];
/// The least of it at a GSD of one metre, where couplings are not seen any more.
const COARSE: f64 = 0.06;
/// A vehicle called a locomotive or a coach may be a freight car, and a whole string of them together: share of their number.
const OTHER: f64 = 0.35;
/// Length of a car with its gap, metres, and how much the cars that doubtful columns may hide or feign count as one common error: what makes
/// one of them doubtful (soft edges, roofs like the ground) makes all of them so. Less where tracks were found in the image: lines that are none
/// are doubtful all along, and [`SCENE`] holds for missed ones.
const PITCH_M: f64 = 15.0;
const DOUBT: [f64; 2] = [0.8, 0.25];
/// Share of all this that is left, with tracks given and with tracks found: the terms were fitted with earlier weights, which erred more. Chosen
/// on 113 guided scenes and five series: 378 of 385 true numbers lie inside, with all of it 383 (docs/accuracy.md, "Interval").
const LEFT: [f64; 2] = [0.75, 1.0];
/// Share of the cars that is missed in real yards over what rendered ones show, where tracks had to be found: up to a GSD of half a metre, and at one metre.
/// The two crops of a real yard are counted 10 and 7 % too low at 0.255 m, 10 and 16 % at 0.9 m (docs/accuracy.md, "Interval"). It moves the upper
/// end only.
const UNSEEN: [f64; 2] = [0.08, 0.15];
/// Half width of a 95 % interval in standard deviations.
const Z: f64 = 1.96;
/// How often a range of some cars is halved: until it is a thousandth of one.
const HALVINGS: usize = 24;

/// Share of the cars that is missed at the edges of clouds and under thin ones, where those hide so much of the yard, or more. Eight rendered scenes under
/// cloud were counted too low, by 8 % in the mean, none too high (docs/accuracy.md, "Interval"). It moves the upper end only.
const UNDER_CLOUD: f64 = 0.10;
const CLOUDY: f64 = 0.2;

/// What makes the count of a scene uncertain besides its cars.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// Metres per pixel.
    pub gsd_m: f64,
    /// The tracks were found in the image.
    pub found: bool,
    /// Length of tracks on which it is open whether anything stands there, metres.
    pub doubtful_m: f64,
    /// Share of the yard that clouds hide, 0 to 1.
    pub cloud: f64,
}

/// Lower and upper end of the 95 % interval of the number of freight cars; `no_track` says how probable it is that the line on which a vehicle stands is no
/// track.
pub fn interval(vehicles: &[Vehicle], conditions: Conditions, no_track: impl Fn(&Vehicle) -> f64) -> (u32, u32) {
    let Conditions { gsd_m, found, doubtful_m, cloud } = conditions;
    let freight: Vec<&Vehicle> = vehicles.iter().filter(|vehicle| vehicle.class.is_freight()).collect();
    let n = freight.len() as f64;
    let others = (vehicles.len() - freight.len()) as f64;
    let own: f64 = freight.iter().map(|vehicle| vehicle.confidence * (1.0 - vehicle.confidence)).sum();
    let scene = SCENE[usize::from(found)];
    let coarse = ((gsd_m - 0.5) / 0.5).clamp(0.0, 1.2);
    let share = scene + (COARSE - scene).max(0.0) * coarse;
    let doubt = DOUBT[usize::from(found)] * doubtful_m / PITCH_M;
    let variance = BASE[usize::from(found)] + OWN * own + (share * n).powi(2) + (OTHER * others).powi(2) + doubt.powi(2);
    let sd = LEFT[usize::from(found)] * variance.sqrt();
    let mut lines: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
    for vehicle in freight {
        lines.entry(vehicle.track).or_insert((0, no_track(vehicle))).0 += 1;
    }
    let low = (n - most_feigned(sd, lines.into_values())).round().max(0.0) as u32;
    let unseen = if found { n * (UNSEEN[0] + (UNSEEN[1] - UNSEEN[0]) * coarse) } else { 0.0 };
    let under_cloud = n * UNDER_CLOUD * (cloud / CLOUDY).min(1.0);
    let high = (n + Z * sd.hypot(unseen).hypot(under_cloud)).round() as u32;
    (low, high)
}

/// How many of the cars are none, at most but for one time in forty, when their number errs by a standard deviation and those of each line (their number,
/// and the probability that it is no track) are none together. Lines are taken to err each by itself, which rows of containers side by side do not.
fn most_feigned(sd: f64, lines: impl Iterator<Item = (usize, f64)>) -> f64 {
    // The probability of each number of cars on lines that are no tracks.
    let mut feigned = vec![1.0];
    for (cars, no_track) in lines.filter(|(_, no_track)| *no_track > 0.0) {
        let before = feigned.len();
        feigned.resize(before + cars, 0.0);
        for number in (0..before).rev() {
            let p = std::mem::replace(&mut feigned[number], 0.0);
            feigned[number + cars] += p * no_track;
            feigned[number] += p * (1.0 - no_track);
        }
    }
    let beyond = |z: f64| 0.5 * libm::erfc(z * FRAC_1_SQRT_2);
    let more_than =
        |most: f64| -> f64 { feigned.iter().enumerate().map(|(number, p)| p * beyond((most - number as f64) / sd)).sum() };
    let (mut low, mut high) = (0.0, feigned.len() as f64 + Z * sd);
    for _ in 0..HALVINGS {
        let most = (low + high) / 2.0;
        if more_than(most) > beyond(Z) { low = most } else { high = most }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Class;

    const CLEAR: Conditions = Conditions { gsd_m: 0.5, found: false, doubtful_m: 0.0, cloud: 0.0 };
    const FOUND: Conditions = Conditions { found: true, ..CLEAR };

    fn cars(number: usize) -> Vec<Vehicle> {
        let car = Vehicle {
            id: 1,
            class: Class::Boxcar,
            confidence: 0.95,
            length_m: 13.0,
            width_m: 3.1,
            heading_deg: 0.0,
            track: 0,
            string: 0,
            col: 0.0,
            row: 0.0,
            corners: [[0.0; 2]; 4],
            colour: [0; 3],
        };
        vec![car; number]
    }

    #[test]
    fn doubtful_track_and_tracks_that_had_to_be_found_widen_the_interval_and_it_holds_the_count() {
        let width = |found: bool, doubtful_m: f64| {
            let (low, high) = interval(&cars(40), Conditions { found, doubtful_m, ..CLEAR }, |_| 0.0);
            assert!((low..=high).contains(&40));
            high - low
        };
        // 150 m may hold ten cars, or feign them: with tracks given most of them count.
        assert!(width(false, 150.0) >= width(false, 0.0) + 12, "{} {}", width(false, 150.0), width(false, 0.0));
        assert!(width(true, 150.0) > width(true, 0.0));
        assert!(width(true, 0.0) > width(false, 0.0));
        assert_eq!(interval(&[], CLEAR, |_| 0.0).0, 0);
        // 1.96 x 0.75 x the root of 0.6 + 1.5 x 40 x 0.95 x 0.05 + (0.03 x 40)^2 is 3.2; without the share, and found, 8.1, and
        // upwards 10.3, for 0.08 x 40 more may be missed.
        assert_eq!((interval(&cars(40), CLEAR, |_| 0.0), interval(&cars(40), FOUND, |_| 0.0)), ((37, 43), (32, 50)));
    }

    /// Twelve containers in a row between two tracks were 12 cars, 7 to 17.
    #[test]
    fn where_a_line_may_be_none_the_interval_reaches_down_to_what_is_left_without_its_cars() {
        let mut all = cars(40);
        all[..12].iter_mut().for_each(|car| car.track = 1);
        let low = |p: f64| interval(&all, FOUND, |car| if car.track == 1 { p } else { 0.0 }).0;
        assert_eq!(low(0.0), 32, "as where all stand on certain tracks");
        assert!(low(0.3) <= 23 && low(0.3) > 15, "{}: 28 stand on other tracks", low(0.3));
        assert!(low(0.05) < low(0.0) && low(0.001) + 1 >= low(0.0), "{} {} {}", low(0.05), low(0.001), low(0.0));
        assert_eq!(interval(&all[..12], FOUND, |_| 0.2).0, 0);
        // Ten lines of four: two or three of them, not all.
        all.iter_mut().enumerate().for_each(|(i, car)| car.track = i / 4);
        let low = interval(&all, FOUND, |_| 0.1).0;
        assert!((22..32).contains(&low), "{low}");
    }

    /// Of 159 and 49 cars in the clear beside clouds 130 and 39 were counted, with upper ends of 152 and 46.
    #[test]
    fn where_clouds_hide_a_part_of_the_yard_the_upper_end_leaves_room_for_what_their_edges_hide() {
        let at = |cloud: f64| interval(&cars(40), Conditions { cloud, ..CLEAR }, |_| 0.0);
        assert_eq!(at(0.0), (37, 43));
        assert_eq!(at(0.2), (37, 48));
        assert_eq!(at(0.7), at(0.2), "the rest of the yard is another matter");
        assert!(at(0.05).1 < at(0.2).1);
    }
}
