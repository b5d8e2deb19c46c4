//! A folder of another yard: its days are not to be judged together with those of the record.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Workplace, one_image};
use crate::cli::request::Request;
use crate::raster::{Scene, turns_towards};
use crate::series::corrections::metres_per_degree;
use crate::series::record::Point;
use crate::series::store::Stored;
use crate::{Error, Result};

/// No yard is longer (the longest, in Nebraska, has 13 km): images further apart than this do not show the same one.
const APART_M: f64 = 15_000.0;

/// West, south, east, north.
type Bounds = [f64; 4];

/// Refuses images of which none lies near any image of the record. Single ones that lie elsewhere are counted, and say so.
///
/// # Errors
/// When all images that say where they lie are far from the record; the sentence says what to do.
pub fn refuse(request: &Request, place: &Workplace, known: &BTreeMap<String, Stored>, named: &[(String, PathBuf)]) -> Result<()> {
    let recorded: Vec<Bounds> = known.values().filter_map(|stored| bounds(&stored.record.footprint)).collect();
    let Some(&there) = recorded.first() else { return Ok(()) };
    let site = place.store.site()?.unwrap_or_default();
    // The same images of the same site: their place was put right.
    if site == request.site && named.iter().any(|(image, _)| known.contains_key(image)) {
        return Ok(());
    }
    let mut here = None;
    for (_, path) in named {
        let Some(own) = Scene::open(path, &request.scene).ok().and_then(|scene| bounds(&one_image::footprint(&scene))) else {
            continue;
        };
        if recorded.iter().any(|recorded| apart_m(*recorded, own) <= APART_M) {
            return Ok(());
        }
        here = here.or(Some(own));
    }
    let Some(here) = here else { return Ok(()) };
    Err(Error::document(
        &place.out,
        format!(
            "holds the record of {site:?} at {}, and no image of {:?} lies within {:.0} km of it (the first is at {}); give each yard a folder \
             of its own (--out), or, if the record is wrong about its place, delete its rows in the table scenes",
            position(there),
            request.site,
            APART_M / 1000.0,
            position(here)
        ),
    ))
}

fn bounds(outline: &[Point]) -> Option<Bounds> {
    let first = *outline.first()?;
    Some(
        outline.iter().fold([first[0], first[1], first[0], first[1]], |[w, s, e, n], p| {
            [w.min(p[0]), s.min(p[1]), e.max(p[0]), n.max(p[1])]
        }),
    )
}

/// Metres between two outlines, seen as rectangles.
fn apart_m(a: Bounds, b: Bounds) -> f64 {
    let turn = turns_towards(b[0], a[0]);
    let gap = |low: f64, high: f64, other_low: f64, other_high: f64| (other_low - high).max(low - other_high).max(0.0);
    let metres = metres_per_degree((a[1] + a[3] + b[1] + b[3]) / 4.0);
    let (east, north) = (gap(a[0], a[2], b[0] + turn, b[2] + turn), gap(a[1], a[3], b[1], b[3]));
    (east * metres[0]).hypot(north * metres[1])
}

fn position([west, south, east, north]: Bounds) -> String {
    let [lon, lat] = [(west + east) / 2.0, (south + north) / 2.0];
    let side = |value: f64, sides: [char; 2]| sides[usize::from(value < 0.0)];
    format!("{:.3} {} {:.3} {}", lat.abs(), side(lat, ['N', 'S']), lon.abs(), side(lon, ['E', 'W']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_that_touch_are_not_apart_and_others_by_their_gap_also_across_the_180th_meridian() {
        let here = [130.0, 42.0, 130.1, 42.1];
        assert_eq!(apart_m(here, [130.05, 42.05, 131.0, 43.0]), 0.0);
        let north = apart_m(here, [130.0, 43.1, 130.1, 43.2]);
        assert!((north - 111_100.0).abs() < 200.0, "{north}");
        let across = apart_m([179.9, 0.0, 179.95, 0.1], [-179.95, 0.0, -179.9, 0.1]);
        assert!((across - 11_132.0).abs() < 20.0, "{across}");
    }
}
