//! What is always there: what most images of a site show of its ground, and whether what looks like a car is a part of it.

use std::sync::Arc;

use super::Survey;
use super::frame::Affine;
use super::look::{Look, UNSEEN};
use crate::count::Vehicle;
use crate::count::usual::{Compare, Likeness};
use crate::error::Result;
use crate::raster::Scene;
use crate::series::record::Point;
use crate::track::align::Registration;

/// Images that must show a place before anything is said of it.
const LEAST_IMAGES: usize = 5;
/// Ground beyond a body's ends and on either side of its axis that is compared, metres.
const BEYOND_M: f64 = 3.0;
const BESIDE_M: f64 = 3.0;
/// Distance between the places that are compared, metres.
const STEP_M: f64 = 0.5;

/// The median look of scenes that show everything so many metres east and north of its place; none of too few scenes.
pub fn usual(looks: &[(Look, [f64; 2])]) -> Option<Look> {
    let frame = looks.first().filter(|_| looks.len() >= LEAST_IMAGES)?.0.frame.clone();
    let mut cells = vec![UNSEEN; frame.cols * frame.rows];
    let mut values = Vec::new();
    for (i, cell) in cells.iter_mut().enumerate() {
        let [x, y] = [(i % frame.cols) as f64 + 0.5, (i / frame.cols) as f64 + 0.5].map(|cells| cells * frame.cell_m);
        values.clear();
        values.extend(looks.iter().filter_map(|(look, [east, north])| look.at([x + east, y - north])));
        if values.len() >= LEAST_IMAGES {
            let middle = values.len() / 2;
            let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
            let lower = below.iter().copied().fold(f32::MIN, f32::max);
            *cell = Look::kept(if values.len() % 2 == 0 { (lower + upper) / 2.0 } else { upper });
        }
    }
    Some(Look { frame, cells })
}

impl Survey {
    /// Compares a scene that was brought onto the site with what is usual there; nothing where that is not known.
    ///
    /// # Errors
    /// When the image cannot be decoded.
    pub fn compare(self: &Arc<Self>, scene: &Scene, registration: &Registration) -> Result<Option<Compare>> {
        let (Some(own), Some(_)) = (&scene.georeference, &self.usual) else { return Ok(None) };
        let size = [scene.source.width(), scene.source.height()].map(f64::from);
        let right = registration.turn.and_then(|turn| own.put_right(&turn, size)).unwrap_or_else(|| own.clone());
        // The ground as the scene has it, and as the site has it.
        let (Some(here), Some(there)) = (self.frame.from_pixels(own), self.frame.from_pixels(&right)) else { return Ok(None) };
        let Some(now) = Look::of(scene, &self.frame)? else { return Ok(None) };
        // Of the scenes, not of the tracks that were drawn.
        let shown = self.tracks_shown_m.unwrap_or_default();
        let [east, north] = [0, 1].map(|axis| registration.shift_m[axis] - shown[axis]);
        let survey = Arc::clone(self);
        Ok(Some(Compare(Arc::new(move |vehicle: &Vehicle| {
            let on = |map: Affine, [dx, dy]: Point| ends(vehicle).map(|end| map.apply(end)).map(|[x, y]| [x + dx, y + dy]);
            likeness(&now, survey.usual.as_ref()?, [on(here, [0.0, 0.0]), on(there, [-east, north])], vehicle.length_m)
        }))))
    }
}

/// Middles of a vehicle's ends, pixels.
fn ends(vehicle: &Vehicle) -> [Point; 2] {
    let [a, b, c, d] = vehicle.corners;
    [(a, d), (b, c)].map(|(p, q)| [(p[0] + q[0]) / 2.0, (p[1] + q[1]) / 2.0])
}

/// How much two looks are alike about an axis of so many metres, whose ends lie at these places of each; none where less than half of that was seen in both.
fn likeness(now: &Look, usual: &Look, [here, there]: [[Point; 2]; 2], length_m: f64) -> Option<Likeness> {
    let half = length_m / 2.0 + BEYOND_M;
    let [along, across] = [half, BESIDE_M].map(|metres| (2.0 * metres / STEP_M).round() as i32);
    let mut pairs: Vec<[f64; 2]> = Vec::new();
    for (i, j) in (0..=along).flat_map(|i| (0..=across).map(move |j| (i, j))) {
        let (ahead, right) = (f64::from(i) * STEP_M - half, f64::from(j) * STEP_M - BESIDE_M);
        if let (Some(now), Some(usual)) = (now.at(beside(here, ahead, right)), usual.at(beside(there, ahead, right))) {
            pairs.push([now, usual].map(f64::from));
        }
    }
    if 2 * pairs.len() < ((along + 1) * (across + 1)) as usize {
        return None;
    }
    let n = pairs.len() as f64;
    let mean = [0, 1].map(|k| pairs.iter().map(|pair| pair[k]).sum::<f64>() / n);
    let product = |a: usize, b: usize| pairs.iter().map(|pair| (pair[a] - mean[a]) * (pair[b] - mean[b])).sum::<f64>();
    let spread = (product(0, 0) * product(1, 1)).sqrt();
    Some(Likeness {
        correlation: if spread > 0.0 { product(0, 1) / spread } else { 0.0 },
        difference: pairs.iter().map(|[now, usual]| (now - usual).abs()).sum::<f64>() / n,
    })
}

/// A place so many metres ahead of the middle between two others and to the right of the way from the first to the second.
fn beside([a, b]: [Point; 2], ahead: f64, right: f64) -> Point {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx.hypot(dy).max(1e-9);
    let (tx, ty) = (dx / length, dy / length);
    [(a[0] + b[0]) / 2.0 + ahead * tx - right * ty, (a[1] + b[1]) / 2.0 + ahead * ty + right * tx]
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::{ground, look_of};
    use super::*;

    const SIDE_M: usize = 60;
    /// Middles of the ends of a car of 14 m.
    const CAR: [Point; 2] = [[23.0, 30.0], [37.0, 30.0]];

    /// The ground with a light car on it, shown so many metres east and north of its place.
    fn scene(stands: bool, [east, north]: [f64; 2]) -> (Look, [f64; 2]) {
        let picture = move |x: f32, y: f32| {
            let (x, y) = (x - east as f32, y + north as f32);
            if stands && (23.0..37.0).contains(&x) && (28.5..31.5).contains(&y) { 3.0 } else { 0.3 * ground(x, y) }
        };
        (look_of(SIDE_M, picture, |_, _| true), [east, north])
    }

    fn here([east, north]: [f64; 2]) -> [Point; 2] {
        CAR.map(|[x, y]| [x + east, y - north])
    }

    #[test]
    fn what_stands_on_few_scenes_is_not_usual_and_what_stands_on_most_is() {
        let shifts = [[0.0, 0.0], [2.3, -1.2], [-0.7, 3.1], [1.0, 1.0], [-2.0, -0.4]];
        let scenes = |standing: usize| -> Vec<_> { shifts.iter().enumerate().map(|(i, &s)| scene(i < standing, s)).collect() };
        let alike = |usual: &Look, stands: bool| {
            let (now, shift) = scene(stands, [-1.4, 0.9]);
            likeness(&now, usual, [here(shift), CAR], 14.0).unwrap()
        };
        let bare = usual(&scenes(1)).unwrap();
        let (ground, car) = (alike(&bare, false), alike(&bare, true));
        assert!(ground.correlation > 0.9 && ground.difference < 0.4, "{ground:?}");
        assert!(car.correlation < 0.7 && car.difference > 1.0, "{car:?}");
        let occupied = alike(&usual(&scenes(4)).unwrap(), true);
        assert!(occupied.correlation > 0.9 && occupied.difference < 0.4, "{occupied:?}");
    }

    #[test]
    fn too_few_scenes_say_nothing() {
        let scenes: Vec<_> = (0..LEAST_IMAGES - 1).map(|_| scene(false, [0.0; 2])).collect();
        assert_eq!(usual(&scenes), None);
        // One of five that shows only the other half.
        let half = look_of(SIDE_M, ground, |x, _| x > 45.0);
        let five: Vec<_> = scenes.into_iter().chain([(half, [0.0; 2])]).collect();
        let seen = usual(&five).unwrap();
        assert_eq!(likeness(&five[0].0, &seen, [CAR, CAR], 14.0), None);
    }
}
