//! What the GeoTIFF tags say about where an image lies (OGC 19-008r4).

use geotiff_core::geokeys::{
    GEODETIC_CRS_TYPE, GT_MODEL_TYPE, GT_RASTER_TYPE, GeoKeyDirectory, PROJ_LINEAR_UNITS, PROJECTED_CRS_TYPE,
};
use tiff_reader::{Ifd, TagValue};

use super::crs::Crs;
use super::georeference::Georeference;

const TAG_PIXEL_SCALE: u16 = 33550;
const TAG_TIEPOINTS: u16 = 33922;
const TAG_TRANSFORMATION: u16 = 34264;
const TAG_GEO_KEYS: u16 = 34735;
const TAG_GEO_DOUBLES: u16 = 34736;
const TAG_GEO_TEXT: u16 = 34737;
const TAG_RPC: u16 = 50844;

/// `GTRasterTypeGeoKey`: coordinates belong to pixel centres.
const PIXEL_IS_POINT: u16 = 2;
/// `GTModelTypeGeoKey`: projected, geographic.
const MODEL_PROJECTED: u16 = 1;
const MODEL_GEOGRAPHIC: u16 = 2;

/// How an image is tied to the ground.
#[derive(Debug, Clone)]
pub enum Tie {
    /// By a geotransform.
    Affine(Georeference),
    /// By ground control points only: the image must be orthorectified first.
    ControlPoints,
    /// By rational polynomial coefficients only: the image must be orthorectified first.
    Rational,
    /// Not at all; a CRS may be named all the same.
    None(Option<Crs>),
}

/// Reads the georeference of a TIFF directory.
pub(crate) fn tie(ifd: &Ifd) -> Tie {
    let keys = geo_keys(ifd);
    let crs = keys.as_ref().and_then(crs);
    let scale = doubles(ifd, TAG_PIXEL_SCALE);
    let points = doubles(ifd, TAG_TIEPOINTS).unwrap_or_default();
    let matrix = doubles(ifd, TAG_TRANSFORMATION).filter(|matrix| matrix.len() == 16);

    let mut transform = match (scale, matrix) {
        // As GDAL: the scale is a size, rows run southwards.
        (Some(scale), _) if scale.len() >= 2 && scale[0] != 0.0 && scale[1] != 0.0 && points.len() >= 6 => {
            let (sx, sy) = (scale[0], -scale[1].abs());
            Some([points[3] - points[0] * sx, sx, 0.0, points[4] - points[1] * sy, 0.0, sy])
        }
        (_, Some(m)) => Some([m[3], m[0], m[1], m[7], m[4], m[5]]),
        _ => None,
    };
    if let (Some(g), Some(PIXEL_IS_POINT)) = (&mut transform, keys.as_ref().and_then(|keys| keys.get_short(GT_RASTER_TYPE))) {
        g[0] -= 0.5 * (g[1] + g[2]);
        g[3] -= 0.5 * (g[4] + g[5]);
    }
    let affine = transform.map(|transform| {
        let mut georeference = Georeference::new(transform, crs.clone());
        if georeference.crs.is_none() {
            georeference.epsg = keys.as_ref().and_then(epsg);
            georeference.unit_m = keys.as_ref().and_then(linear_unit).unwrap_or(1.0);
        }
        georeference
    });
    match affine.filter(Georeference::is_sound) {
        Some(georeference) => Tie::Affine(georeference),
        None if points.len() > 6 => Tie::ControlPoints,
        None if ifd.tag(TAG_RPC).is_some() => Tie::Rational,
        None => Tie::None(crs),
    }
}

fn doubles(ifd: &Ifd, tag: u16) -> Option<Vec<f64>> {
    ifd.tag(tag)?.value.as_f64_vec()
}

fn geo_keys(ifd: &Ifd) -> Option<GeoKeyDirectory> {
    let TagValue::Short(directory) = &ifd.tag(TAG_GEO_KEYS)?.value else { return None };
    let text = ifd.tag(TAG_GEO_TEXT).and_then(|tag| tag.value.as_str()).unwrap_or_default();
    GeoKeyDirectory::parse(directory, &doubles(ifd, TAG_GEO_DOUBLES).unwrap_or_default(), text)
}

/// EPSG code of the CRS, where the keys name one (0 is undefined, 32767 user-defined).
fn epsg(keys: &GeoKeyDirectory) -> Option<u32> {
    let code = |key| keys.get_short(key).filter(|&code| code != 0 && code != 32767).map(u32::from);
    match keys.get_short(GT_MODEL_TYPE) {
        Some(MODEL_GEOGRAPHIC) => code(GEODETIC_CRS_TYPE),
        Some(MODEL_PROJECTED) => code(PROJECTED_CRS_TYPE),
        Some(_) => None,
        None => code(PROJECTED_CRS_TYPE).or_else(|| code(GEODETIC_CRS_TYPE)),
    }
}

fn crs(keys: &GeoKeyDirectory) -> Option<Crs> {
    Crs::from_epsg(epsg(keys)?)
}

/// Metres per unit of a projected system that is not known otherwise (EPSG unit codes).
fn linear_unit(keys: &GeoKeyDirectory) -> Option<f64> {
    match keys.get_short(PROJ_LINEAR_UNITS)? {
        9001 => Some(1.0),
        9002 => Some(0.3048),
        9003 => Some(1200.0 / 3937.0),
        9036 => Some(1000.0),
        _ => None,
    }
}
