//! Geometries as GeoPackage blobs (OGC 12-128r17, clause 2.1.3): written by way of geozero's WKB, read by `Blob`.

use geo_types::{Coord, Geometry, LineString, MultiPolygon, Polygon};
use geozero::{CoordDimensions, ToWkb};

use super::blob::Blob;
use crate::series::record::Point;

/// EPSG code of WGS84, the reference system of all layers.
pub const WGS84: i32 = 4326;

/// A blob from a geometry; `None` for one without points.
pub fn to_blob(geometry: &Geometry<f64>) -> Option<Vec<u8>> {
    let [west, south, east, north] = bounds(geometry)?;
    geometry.to_gpkg_wkb(CoordDimensions::xy(), Some(WGS84), vec![west, east, south, north]).ok()
}

/// The geometry in a blob, if it is one.
pub fn from_blob(blob: &[u8]) -> Option<Geometry<f64>> {
    Blob::new(blob)?.geometry()
}

/// A line through points.
pub fn line(points: &[Point]) -> Geometry<f64> {
    Geometry::LineString(line_string(points))
}

/// A polygon round points; the ring is closed, counter-clockwise as layers want it.
pub fn polygon(points: &[Point]) -> Geometry<f64> {
    Geometry::Polygon(Polygon::new(line_string(&counter_clockwise(points)), Vec::new()))
}

/// The four corners of a polygon that came back from a map, if it has four; else of the smallest rectangle along its
/// longest side that holds it.
pub fn corners_of(geometry: &Geometry<f64>) -> Option<Vec<Point>> {
    let ring = match geometry {
        Geometry::Polygon(polygon) => polygon.exterior(),
        Geometry::MultiPolygon(parts) => parts.0.first()?.exterior(),
        _ => return None,
    };
    let mut points: Vec<Point> = ring.0.iter().map(|c| [c.x, c.y]).collect();
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    if points.len() < 3 || points.iter().flatten().any(|v| !v.is_finite()) {
        return None;
    }
    if points.len() == 4 { Some(points) } else { Some(rectangle_round(&points)) }
}

/// Rectangle round points (degrees) along their longest side, computed in a plane scaled to equal lengths.
fn rectangle_round(points: &[Point]) -> Vec<Point> {
    let origin = points[0];
    let scale = origin[1].to_radians().cos().max(0.01);
    let flat: Vec<Point> = points.iter().map(|p| [(p[0] - origin[0]) * scale, p[1] - origin[1]]).collect();
    let sides = flat.iter().zip(flat.iter().cycle().skip(1)).map(|(a, b)| [b[0] - a[0], b[1] - a[1]]);
    let longest = sides.max_by(|a, b| a[0].hypot(a[1]).total_cmp(&b[0].hypot(b[1]))).unwrap_or([1.0, 0.0]);
    let length = longest[0].hypot(longest[1]).max(f64::MIN_POSITIVE);
    let u = [longest[0] / length, longest[1] / length];
    let span = |direction: Point| {
        flat.iter()
            .map(|p| p[0] * direction[0] + p[1] * direction[1])
            .fold([f64::MAX, f64::MIN], |[lo, hi], v| [lo.min(v), hi.max(v)])
    };
    let (along, across) = (span(u), span([-u[1], u[0]]));
    let corner = |a: f64, c: f64| [origin[0] + (a * u[0] - c * u[1]) / scale, origin[1] + a * u[1] + c * u[0]];
    vec![corner(along[0], across[0]), corner(along[1], across[0]), corner(along[1], across[1]), corner(along[0], across[1])]
}

/// An outline given as rings, as one multipolygon: a clockwise ring is a hole in the first of the others that it lies in.
pub fn outline(rings: &[Vec<Point>]) -> Geometry<f64> {
    let (outer, mut holes): (Vec<_>, Vec<_>) = rings.iter().partition(|ring| area(ring) >= 0.0);
    let part = |outer: &Vec<Point>| {
        let lies_in = |hole: &&Vec<Point>| hole.first().is_some_and(|&start| encloses(outer, start));
        let (own, others): (Vec<_>, Vec<_>) = holes.iter().copied().partition(lies_in);
        holes = others;
        Polygon::new(line_string(outer), own.into_iter().map(|hole| line_string(hole)).collect())
    };
    Geometry::MultiPolygon(MultiPolygon(outer.into_iter().map(part).collect()))
}

/// Points in counter-clockwise order: RFC 7946 wants it of outer rings.
pub fn counter_clockwise(points: &[Point]) -> Vec<Point> {
    let mut points = points.to_vec();
    if area(&points) < 0.0 {
        points.reverse();
    }
    points
}

/// Points in clockwise order, as RFC 7946 wants it of holes.
pub fn clockwise(points: &[Point]) -> Vec<Point> {
    let mut points = counter_clockwise(points);
    points.reverse();
    points
}

/// Twice the signed area, positive when counter-clockwise. The first point is the origin, to keep digits.
fn area(points: &[Point]) -> f64 {
    let Some(&[x, y]) = points.first() else { return 0.0 };
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| (a[0] - x) * (b[1] - y) - (b[0] - x) * (a[1] - y)).sum()
}

/// Whether a point lies inside a ring.
pub fn encloses(ring: &[Point], [x, y]: Point) -> bool {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .filter(|(a, b)| (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0])
        .count()
        % 2
        == 1
}

fn line_string(points: &[Point]) -> LineString<f64> {
    LineString(points.iter().map(|&[x, y]| Coord { x, y }).collect())
}

/// West, south, east, north.
pub fn bounds(geometry: &Geometry<f64>) -> Option<[f64; 4]> {
    let lines: Vec<&LineString<f64>> = match geometry {
        Geometry::LineString(line) => vec![line],
        Geometry::Polygon(polygon) => vec![polygon.exterior()],
        Geometry::MultiPolygon(parts) => parts.0.iter().map(Polygon::exterior).collect(),
        _ => Vec::new(),
    };
    let mut coordinates = lines.into_iter().flat_map(|line| line.0.iter());
    let first = coordinates.next()?;
    Some(
        coordinates
            .fold([first.x, first.y, first.x, first.y], |[w, s, e, n], c| [w.min(c.x), s.min(c.y), e.max(c.x), n.max(c.y)]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_starts_as_the_standard_says_and_comes_back_the_same() {
        let shape = polygon(&[[130.0, 42.0], [130.2, 42.0], [130.2, 42.1], [130.0, 42.1]]);
        let blob = to_blob(&shape).unwrap();
        // "GP", version 0, little-endian with an envelope of four, EPSG 4326.
        assert_eq!(blob[..8], [b'G', b'P', 0, 0b11, 0xe6, 0x10, 0, 0]);
        let envelope: Vec<f64> = blob[8..40].chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(envelope, [130.0, 130.2, 42.0, 42.1]);
        assert_eq!(from_blob(&blob), Some(shape));
    }

    #[test]
    fn a_ring_inside_a_ring_is_a_hole_and_one_inside_that_is_a_yard_again() {
        let square = |size: f64| vec![[-size, -size], [size, -size], [size, size], [-size, size], [-size, -size]];
        let Geometry::MultiPolygon(shape) = outline(&[square(3.0), clockwise(&square(2.0)), square(1.0)]) else { panic!() };
        assert_eq!(shape.0.len(), 2);
        assert_eq!(shape.0[0].interiors().len(), 1);
        assert_eq!(shape.0[1].interiors().len(), 0);
    }

    #[test]
    fn a_car_drawn_with_too_many_corners_becomes_the_rectangle_round_it() {
        let drawn = polygon(&[[0.0, 0.0], [10.0, 0.0], [10.0, 3.0], [5.0, 3.0], [0.0, 3.0]]);
        let mut corners = corners_of(&drawn).unwrap();
        corners.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let expected = [[0.0, 0.0], [0.0, 3.0], [10.0, 0.0], [10.0, 3.0]];
        for (a, b) in corners.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "{corners:?}");
        }
        assert_eq!(corners_of(&line(&[[0.0, 0.0], [1.0, 1.0]])), None);
    }

    /// Digitised in QGIS on a layer with heights: ISO well-known binary, with an envelope of four or of six.
    #[test]
    fn a_car_drawn_with_heights_has_corners() {
        let ring = [[130.0, 42.0], [130.2, 42.0], [130.2, 42.1], [130.0, 42.1], [130.0, 42.0]];
        for (flags, envelope) in [(0b11u8, 4usize), (0b101, 6), (0b1, 0)] {
            let mut blob = vec![b'G', b'P', 0, flags, 0xe6, 0x10, 0, 0];
            let bounds = [130.0f64, 130.2, 42.0, 42.1, 5.0, 5.0];
            bounds[..envelope].iter().for_each(|v| blob.extend(v.to_le_bytes()));
            blob.push(1);
            [1003u32, 1, 5].iter().for_each(|v| blob.extend(v.to_le_bytes()));
            ring.iter().for_each(|[x, y]| [*x, *y, 5.0f64].iter().for_each(|v| blob.extend(v.to_le_bytes())));
            assert_eq!(
                from_blob(&blob).as_ref().and_then(corners_of).map(|corners| corners.len()),
                Some(4),
                "envelope of {envelope}"
            );
        }
    }
}
