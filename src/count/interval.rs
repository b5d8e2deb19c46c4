//! The 95 % interval of a scene's count.
//!
//! The posterior of the segmentation alone is far too narrow, since the evidence of a whole scene errs together: light, season and
//! sensor are the same everywhere in it. So a term that grows with the count is added to the sum of the cars' own uncertainties.

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

/// Lower and upper end of the 95 % interval of the number of freight cars; `found` says that the tracks were found in the image;
/// `doubtful_m` is the length of tracks on which it is open whether anything stands there, metres.
pub fn interval(vehicles: &[Vehicle], gsd_m: f64, found: bool, doubtful_m: f64) -> (u32, u32) {
    let freight: Vec<f64> =
        vehicles.iter().filter(|vehicle| vehicle.class.is_freight()).map(|vehicle| vehicle.confidence).collect();
    let n = freight.len() as f64;
    let others = (vehicles.len() - freight.len()) as f64;
    let own: f64 = freight.iter().map(|p| p * (1.0 - p)).sum();
    let scene = SCENE[usize::from(found)];
    let coarse = ((gsd_m - 0.5) / 0.5).clamp(0.0, 1.2);
    let share = scene + (COARSE - scene).max(0.0) * coarse;
    let doubt = DOUBT[usize::from(found)] * doubtful_m / PITCH_M;
    let variance = BASE[usize::from(found)] + OWN * own + (share * n).powi(2) + (OTHER * others).powi(2) + doubt.powi(2);
    let sd = LEFT[usize::from(found)] * variance.sqrt();
    let low = (n - Z * sd).round().max(0.0) as u32;
    let unseen = if found { n * (UNSEEN[0] + (UNSEEN[1] - UNSEEN[0]) * coarse) } else { 0.0 };
    let high = (n + Z * sd.hypot(unseen)).round() as u32;
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Class;

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
            let (low, high) = interval(&cars(40), 0.5, found, doubtful_m);
            assert!((low..=high).contains(&40));
            high - low
        };
        // 150 m may hold ten cars, or feign them: with tracks given most of them count.
        assert!(width(false, 150.0) >= width(false, 0.0) + 12, "{} {}", width(false, 150.0), width(false, 0.0));
        assert!(width(true, 150.0) > width(true, 0.0));
        assert!(width(true, 0.0) > width(false, 0.0));
        assert_eq!(interval(&[], 0.5, false, 0.0).0, 0);
        // 1.96 x 0.75 x the root of 0.6 + 1.5 x 40 x 0.95 x 0.05 + (0.03 x 40)^2 is 3.2; without the share, and found, 8.1, and
        // upwards 10.3, for 0.08 x 40 more may be missed.
        assert_eq!((interval(&cars(40), 0.5, false, 0.0), interval(&cars(40), 0.5, true, 0.0)), ((37, 43), (32, 50)));
    }
}
