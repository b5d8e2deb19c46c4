//! What the GeoTIFF tags say about where an image lies (OGC 19-008r4).

use geotiff_core::geokeys::{
    GEODETIC_CRS_TYPE, GEOG_CITATION, GT_CITATION, GT_MODEL_TYPE, GT_RASTER_TYPE, GeoKeyDirectory, PROJ_CITATION,
    PROJ_COORD_TRANS, PROJ_LINEAR_UNITS, PROJECTED_CRS_TYPE, PROJECTION,
};
use tiff_reader::{Ifd, TagValue};

use super::crs::Crs;
use super::datum::{datum_of_epsg, datum_of_name};
use super::georeference::Georeference;
use super::projection::Projection;
use super::stated_crs::StatedCrs;
use super::wkt::stated_by_wkt;

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
/// Stands for "spelt out in other keys".
const USER_DEFINED: u16 = 32767;
/// Stands in a citation before a CRS in well-known text.
const ESRI_TEXT: &str = "ESRI PE String = ";
const KEY_ELLIPSOID: u16 = 2056;
const KEY_SEMI_MAJOR_AXIS: u16 = 2057;
const KEY_LINEAR_UNIT_SIZE: u16 = 3077;

/// How an image is tied to the ground.
#[derive(Debug, Clone)]
pub enum Tie {
    /// By a geotransform, and what is said of the CRS.
    Affine([f64; 6], Option<StatedCrs>),
    /// By ground control points only: the image must be orthorectified first.
    ControlPoints,
    /// By rational polynomial coefficients only: the image must be orthorectified first.
    Rational,
    /// Not at all; a CRS may be named all the same.
    None(Option<StatedCrs>),
}

/// Reads the georeference of a TIFF directory.
pub(crate) fn tie(ifd: &Ifd) -> Tie {
    let keys = geo_keys(ifd);
    let crs = keys.as_ref().and_then(stated);
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
    match transform.filter(|&transform| Georeference::new(transform, None).is_sound()) {
        Some(transform) => Tie::Affine(transform, crs),
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
    let code = |key| keys.get_short(key).filter(|&code| code != 0 && code != USER_DEFINED).map(u32::from);
    match keys.get_short(GT_MODEL_TYPE) {
        Some(MODEL_GEOGRAPHIC) => code(GEODETIC_CRS_TYPE),
        Some(MODEL_PROJECTED) => code(PROJECTED_CRS_TYPE),
        Some(_) => None,
        None => code(PROJECTED_CRS_TYPE).or_else(|| code(GEODETIC_CRS_TYPE)),
    }
}

/// What the keys say of the CRS; `None` where they say nothing of it.
fn stated(keys: &GeoKeyDirectory) -> Option<StatedCrs> {
    let epsg = epsg(keys);
    // ESRI's programs write the whole text where the keys cannot say all of it: web Mercator on its sphere.
    let citations = [PROJ_CITATION, GT_CITATION].into_iter().filter_map(|key| keys.get_ascii(key));
    if let (None, Some(text)) = (epsg, citations.filter_map(|text| text.trim_start().strip_prefix(ESRI_TEXT)).next()) {
        let stated = stated_by_wkt(text.trim_end_matches(['|', '\0']));
        let unit_m = if stated.crs.is_some() { stated.unit_m } else { linear_unit(keys).unwrap_or(1.0) };
        return Some(StatedCrs { unit_m, ..stated });
    }
    let crs = match epsg {
        Some(code) => Crs::from_epsg(code),
        None => user_defined(keys),
    };
    let is_stated = epsg.is_some() || keys.get_short(GT_MODEL_TYPE).is_some() || keys.get_short(PROJ_LINEAR_UNITS).is_some();
    let unknown = || StatedCrs { epsg, ..StatedCrs::unknown(citation(keys).unwrap_or_default(), linear_unit(keys)) };
    is_stated.then(|| crs.map_or_else(unknown, StatedCrs::from))
}

/// What the keys call the CRS.
fn citation(keys: &GeoKeyDirectory) -> Option<&str> {
    let text = keys.get_ascii(PROJ_CITATION).or_else(|| keys.get_ascii(GT_CITATION))?;
    Some(text.trim_end_matches(['|', '\0']))
}

/// Metres per unit of a projected system (EPSG unit codes): 1 where nothing is said, `None` where the unit is not known.
fn linear_unit(keys: &GeoKeyDirectory) -> Option<f64> {
    match keys.get_short(PROJ_LINEAR_UNITS) {
        None | Some(0 | 9001) => Some(1.0),
        Some(9002) => Some(0.3048),
        Some(9003) => Some(1200.0 / 3937.0),
        Some(9036) => Some(1000.0),
        Some(USER_DEFINED) => double(keys, KEY_LINEAR_UNIT_SIZE).filter(|&size| size > 0.0),
        Some(_) => None,
    }
}

/// PROJ's words for a datum that the keys do not name by its code, but in their citation, as GDAL writes it: `GCS Name = GGRS87|...`.
fn named_datum(keys: &GeoKeyDirectory) -> Option<String> {
    let parts = keys.get_ascii(GEOG_CITATION)?.split('|').filter_map(|part| part.split_once(" = "));
    let names = parts.filter(|(key, _)| matches!(*key, "Datum" | "GCS Name")).map(|(_, name)| name.trim());
    names.filter_map(|name| datum_of_name(name.strip_prefix("GCS_").unwrap_or(name))).next()
}

/// PROJ's words for a datum of which the keys tell only an ellipsoid with the Earth's centre: WGS84 and GRS80 are the same to a millimetre.
fn earth_centred(keys: &GeoKeyDirectory) -> Option<String> {
    match (keys.get_short(KEY_ELLIPSOID), double(keys, KEY_SEMI_MAJOR_AXIS)) {
        (Some(7030 | 7019), _) | (_, Some(6_378_137.0)) => datum_of_epsg(4326),
        _ => None,
    }
}

fn double(keys: &GeoKeyDirectory, key: u16) -> Option<f64> {
    keys.get_double(key)?.first().copied().filter(|value| value.is_finite())
}

/// A CRS that the keys spell out instead of naming it. Angles are taken as degrees, which is what everybody writes.
fn user_defined(keys: &GeoKeyDirectory) -> Option<Crs> {
    let datum = match keys.get_short(GEODETIC_CRS_TYPE).filter(|&code| code != 0 && code != USER_DEFINED) {
        Some(code) => datum_of_epsg(u32::from(code))?,
        None => named_datum(keys).or_else(|| earth_centred(keys))?,
    };
    let name = citation(keys).unwrap_or("user-defined");
    if keys.get_short(GT_MODEL_TYPE) == Some(MODEL_GEOGRAPHIC) {
        return Projection { datum, unit_m: 1.0, ..Projection::default() }.crs(name);
    }
    let mut projection = Projection { datum, unit_m: linear_unit(keys)?, ..Projection::default() };
    let set = |name: &str, value: f64| (name.to_owned(), value);
    // EPSG codes of the UTM projections.
    if let Some(code @ (16001..=16060 | 16101..=16160)) = keys.get_short(PROJECTION) {
        let south = code >= 16100;
        projection.method = "transversemercator".to_owned();
        projection.parameters = vec![
            set("centralmeridian", f64::from(code % 100) * 6.0 - 183.0),
            set("scalefactor", 0.9996),
            set("falseeasting", 500_000.0 / projection.unit_m),
            set("falsenorthing", if south { 10_000_000.0 / projection.unit_m } else { 0.0 }),
        ];
        return projection.crs(name);
    }
    projection.method = match keys.get_short(PROJ_COORD_TRANS)? {
        1 => "transversemercator",
        7 => "mercator",
        8 => "lambertconformalconic2sp",
        9 => "lambertconformalconic1sp",
        10 => "lambertazimuthalequalarea",
        11 => "albersconicequalarea",
        15 => "polarstereographic",
        16 => "obliquestereographic",
        _ => return None,
    }
    .to_owned();
    // Origin, false origin and centre are different keys for the same thing.
    let parameters: [(&str, &[u16]); 7] = [
        ("standardparallel1", &[3078]),
        ("standardparallel2", &[3079]),
        ("centralmeridian", &[3080, 3084, 3088, 3095]),
        ("latitudeoforigin", &[3081, 3085, 3089]),
        ("falseeasting", &[3082, 3086, 3090]),
        ("falsenorthing", &[3083, 3087, 3091]),
        ("scalefactor", &[3092, 3093]),
    ];
    for (parameter, candidates) in parameters {
        if let Some(value) = candidates.iter().find_map(|&key| double(keys, key)) {
            projection.parameters.push(set(parameter, value));
        }
    }
    projection.crs(name)
}

#[cfg(test)]
mod tests {
    use geotiff_core::geokeys::GeoKeyValue;

    use super::*;

    fn keys(values: &[(u16, u16)], citations: &[(u16, &str)]) -> GeoKeyDirectory {
        let mut keys = GeoKeyDirectory::new();
        values.iter().for_each(|&(key, value)| keys.set(key, GeoKeyValue::Short(value)));
        citations.iter().for_each(|&(key, text)| keys.set(key, GeoKeyValue::Ascii(text.into())));
        keys
    }

    /// Mercator of the ellipsoid was understood, which is 21 km off at 50 degrees.
    #[test]
    fn esris_web_mercator_is_on_a_sphere_as_its_text_says() {
        const TEXT: &str = r#"ESRI PE String = PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Mercator_Auxiliary_Sphere"],PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",0.0],PARAMETER["Standard_Parallel_1",0.0],PARAMETER["Auxiliary_Sphere_Type",0.0],UNIT["Meter",1.0]]"#;
        let user = [
            (GT_MODEL_TYPE, MODEL_PROJECTED),
            (GEODETIC_CRS_TYPE, 4326),
            (PROJECTED_CRS_TYPE, USER_DEFINED),
            (PROJ_COORD_TRANS, 7),
            (PROJ_LINEAR_UNITS, 9002),
        ];
        let stated =
            stated(&keys(&user, &[(PROJ_CITATION, TEXT), (GT_CITATION, "WGS_1984_Web_Mercator_Auxiliary_Sphere")])).unwrap();
        let place = stated.crs.unwrap().to_lonlat(1_113_194.907_9, 6_446_275.841).unwrap();
        assert!((place[0] - 10.0).abs() < 1e-8 && (place[1] - 50.0).abs() < 1e-7, "{place:?}");
        // A text that was cut off is not understood, and the keys still tell the unit.
        let cut = super::stated(&keys(&user, &[(PROJ_CITATION, &TEXT[..200])])).unwrap();
        assert!(cut.crs.is_none() && cut.unit_m == 0.3048, "{cut:?}");
    }

    /// Greek, Vietnamese and Israeli systems are on WGS84's ellipsoid, or nearly, and lie 80 to 320 m from it.
    #[test]
    fn a_datum_that_only_the_citation_names_brings_its_shift() {
        let user = [(GT_MODEL_TYPE, MODEL_GEOGRAPHIC), (GEODETIC_CRS_TYPE, USER_DEFINED), (KEY_ELLIPSOID, 7019)];
        let place = |citation: &str| {
            let stated = stated(&keys(&user, &[(GEOG_CITATION, citation)])).unwrap();
            stated.crs.unwrap().to_lonlat(23.7, 38.0).unwrap()
        };
        let known = Crs::from_epsg(4121).unwrap().to_lonlat(23.7, 38.0).unwrap();
        assert_eq!(place("GCS Name = GGRS87|Primem = Greenwich|"), known);
        assert_eq!(place("GCS Name = GCS_GGRS_1987|Datum = D_GGRS_1987|Primem = Greenwich|"), known);
        assert_eq!(place("GCS Name = unknown|Datum = Unknown|"), [23.7, 38.0]);
    }

    /// Yards of a kind that is not known were metres: 9 km off.
    #[test]
    fn a_unit_that_is_not_known_is_not_taken_for_metres() {
        let utm = |unit: u16| {
            let values = [
                (GT_MODEL_TYPE, MODEL_PROJECTED),
                (GEODETIC_CRS_TYPE, 4326),
                (PROJECTED_CRS_TYPE, USER_DEFINED),
                (PROJECTION, 16052),
                (PROJ_LINEAR_UNITS, unit),
            ];
            stated(&keys(&values, &[])).unwrap().crs.is_some()
        };
        assert!(utm(9001) && utm(9002) && utm(0) && !utm(9084) && !utm(9097));
    }
}
