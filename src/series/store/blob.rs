//! Reads GeoPackage blobs (OGC 12-128r17, clause 2.1.3). Other programs and damaged disks write them too, so no number in
//! one is believed before the bytes that it speaks of are there.

use geo_types::{Coord, Geometry, LineString, MultiPolygon, Polygon};

use super::geometry::bounds;

/// Codes of well-known binary.
const LINE: u32 = 2;
const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;

/// Bytes of an empty ring and of an empty polygon: no list has more members than fit into the rest of the blob.
const LEAST_RING: usize = 4;
const LEAST_POLYGON: usize = 9;

/// The two parts of a blob.
#[derive(Debug, Clone, Copy)]
pub struct Blob<'a> {
    /// The header says that there are no points.
    empty: bool,
    /// West, south, east, north, as the header has them.
    envelope: Option<[f64; 4]>,
    /// The geometry as well-known binary.
    body: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Takes the header off; nothing where the bytes are no blob.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes, little: true };
        let [b'G', b'P', _version, flags] = reader.take()? else { return None };
        reader.little = flags & 1 != 0;
        let _reference_system = reader.number()?;
        let numbers = match (flags >> 1) & 7 {
            0 => 0,
            1 => 4,
            2 | 3 => 6,
            4 => 8,
            _ => return None,
        };
        let envelope = (0..numbers).map(|_| reader.real()).collect::<Option<Vec<f64>>>()?;
        let envelope = match envelope.as_slice() {
            &[west, east, south, north, ..] => Some([west, south, east, north]),
            _ => None,
        };
        Some(Self { empty: flags & 0b1_0000 != 0, envelope, body: reader.rest })
    }

    /// The geometry, where it is a line, a polygon or several: what the layers hold.
    pub fn geometry(&self) -> Option<Geometry<f64>> {
        let mut reader = Reader { rest: self.body, little: true };
        match reader.kind()? {
            (LINE, axes) => Some(Geometry::LineString(reader.line(axes)?)),
            (POLYGON, axes) => Some(Geometry::Polygon(reader.polygon(axes)?)),
            (MULTI_POLYGON, _) => Some(Geometry::MultiPolygon(reader.polygons()?)),
            _ => None,
        }
    }

    /// West, south, east, north: nothing where that cannot be known, and nothing in it where there are no points.
    pub fn extent(&self) -> Option<Option<[f64; 4]>> {
        let sound = |[w, s, e, n]: &[f64; 4]| w <= e && s <= n && [w, s, e, n].iter().all(|value| value.is_finite());
        if self.empty {
            return Some(None);
        }
        match self.envelope.filter(sound) {
            Some(envelope) => Some(Some(envelope)),
            None => Some(bounds(&self.geometry()?).filter(sound)),
        }
    }
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
    little: bool,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn real(&mut self) -> Option<f64> {
        let bytes = self.take()?;
        Some(if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
    }

    /// The length of a list whose members have at least so many bytes.
    fn length(&mut self, least: usize) -> Option<usize> {
        let length = self.number()? as usize;
        (length <= self.rest.len() / least).then_some(length)
    }

    /// What follows, and how many numbers each of its points has.
    fn kind(&mut self) -> Option<(u32, usize)> {
        self.little = self.take()? != [0];
        let code = self.number()?;
        let axes = match code / 1000 {
            0 => 2,
            1 | 2 => 3,
            3 => 4,
            _ => return None,
        };
        Some((code % 1000, axes))
    }

    fn line(&mut self, axes: usize) -> Option<LineString<f64>> {
        let length = self.length(axes * size_of::<f64>())?;
        let mut point = || {
            let place = Coord { x: self.real()?, y: self.real()? };
            (2..axes).try_for_each(|_| self.real().map(drop))?;
            Some(place)
        };
        (0..length).map(|_| point()).collect::<Option<Vec<_>>>().map(LineString)
    }

    fn polygon(&mut self, axes: usize) -> Option<Polygon<f64>> {
        let length = self.length(LEAST_RING)?;
        let mut rings = (0..length).map(|_| self.line(axes)).collect::<Option<Vec<_>>>()?.into_iter();
        let outer = rings.next().unwrap_or_else(|| LineString(Vec::new()));
        Some(Polygon::new(outer, rings.collect()))
    }

    fn polygons(&mut self) -> Option<MultiPolygon<f64>> {
        let length = self.length(LEAST_POLYGON)?;
        let mut part = || match self.kind()? {
            (POLYGON, axes) => self.polygon(axes),
            _ => None,
        };
        (0..length).map(|_| part()).collect::<Option<Vec<_>>>().map(MultiPolygon)
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{line, outline, polygon, to_blob};
    use super::*;

    fn blobs() -> Vec<Vec<u8>> {
        let square = |size: f64| vec![[-size, -size], [size, -size], [size, size], [-size, size], [-size, -size]];
        let mut hole = square(2.0);
        hole.reverse();
        [line(&square(1.0)), polygon(&square(1.0)), outline(&[square(3.0), hole, square(1.0)])]
            .iter()
            .map(|shape| to_blob(shape).unwrap())
            .collect()
    }

    /// The ring of a car said that it had 2147483647 points, and the program ended when it asked for the memory.
    #[test]
    fn a_blob_that_announces_more_than_it_holds_is_none() {
        let mut blob = vec![b'G', b'P', 0, 1, 0xe6, 0x10, 0, 0, 1];
        blob.extend(3u32.to_le_bytes());
        blob.extend([0xff, 0xff, 0xff, 0x7f]);
        assert!(Blob::new(&blob).unwrap().geometry().is_none());
        assert_eq!(Blob::new(&blob).unwrap().extent(), None);
    }

    #[test]
    fn damaged_blobs_are_read_as_far_as_they_go_and_never_end_the_program() {
        let read = |bytes: &[u8]| Blob::new(bytes).and_then(|blob| blob.extent().and(blob.geometry()));
        for blob in blobs() {
            assert!(read(&blob).is_some());
            (0..blob.len()).for_each(|length| assert!(read(&blob[..length]).is_none(), "cut at {length}"));
            for at in 0..blob.len() {
                for value in [0, 1, 3, 6, 7, 0x0f, 0x7f, 0x80, 0xff] {
                    let mut damaged = blob.clone();
                    damaged[at] = value;
                    read(&damaged);
                    damaged[at..].fill(value);
                    read(&damaged);
                }
            }
        }
    }

    #[test]
    fn the_extent_is_the_headers_or_else_that_of_the_points() {
        for blob in blobs() {
            let said = Blob::new(&blob).unwrap().extent().unwrap().unwrap();
            let mut without = blob[..8].to_vec();
            without[3] = 1;
            without.extend(&blob[40..]);
            assert_eq!(Blob::new(&without).unwrap().extent(), Some(Some(said)));
            // An envelope that cannot be one.
            let mut wrong = blob.clone();
            wrong[8..16].copy_from_slice(&f64::NAN.to_le_bytes());
            assert_eq!(Blob::new(&wrong).unwrap().extent(), Some(Some(said)));
            without[3] = 0b1_0001;
            assert_eq!(Blob::new(&without).unwrap().extent(), Some(None));
        }
    }
}
