//! Well-known text of a CRS (OGC 01-009 and ESRI's dialect, and the parts of WKT2 that are alike), as `.prj` and `.aux.xml`
//! files hold it.

use super::crs::Crs;
use super::datum::{datum_of_epsg, datum_of_name, lies_known};
use super::projection::{Projection, plain};
use super::stated_crs::StatedCrs;

/// A CRS text has a few levels; more is an attack on the stack.
const MAX_DEPTH: usize = 32;

/// `KEYWORD["text", number, CHILD[...]]`.
#[derive(Debug, Default)]
struct Node {
    keyword: String,
    /// Texts and numbers, in order.
    values: Vec<String>,
    children: Vec<Node>,
}

/// How far from a degree the unit of angles may be written, radians: more than any rounding, less than any other unit.
const DEGREE_TOLERANCE: f64 = 1e-6;

/// The CRS that a well-known text describes, if it is understood.
pub fn crs_from_wkt(text: &str) -> Option<Crs> {
    stated_by_wkt(text).crs
}

/// The CRS of a well-known text: by its EPSG code where it names one, else built from its projection, if method and datum are
/// known; else its name and unit, as far as they can be read.
pub(crate) fn stated_by_wkt(text: &str) -> StatedCrs {
    let text = text.trim();
    if let Some(code) = text.strip_prefix("EPSG:").or_else(|| text.strip_prefix("epsg:")) {
        let crs = code.trim().parse().ok().and_then(Crs::from_epsg);
        return crs.map_or_else(|| StatedCrs::unknown(text, None), StatedCrs::from);
    }
    let Some(root) = (Parser { bytes: text.as_bytes(), at: 0 }).node(0).and_then(Node::horizontal) else {
        return StatedCrs::unknown("", None);
    };
    let name = root.values.first().map_or("", String::as_str);
    let crs = root.epsg().and_then(Crs::from_epsg).or_else(|| root.projection()?.crs(name));
    crs.map_or_else(|| StatedCrs { epsg: root.epsg(), ..StatedCrs::unknown(name, root.unit_m()) }, StatedCrs::from)
}

impl Node {
    /// The part that says where things lie on the ground, of a CRS that may have other parts.
    fn horizontal(self) -> Option<Node> {
        let mut root = self;
        if matches!(root.keyword.as_str(), "COMPD_CS" | "COMPOUNDCRS" | "BOUNDCRS" | "SOURCECRS") {
            root = root.children.into_iter().find(|child| child.is_crs() || child.keyword == "SOURCECRS")?;
        }
        if root.keyword == "SOURCECRS" {
            root = root.children.into_iter().find(Node::is_crs)?;
        }
        root.is_crs().then_some(root)
    }

    fn is_crs(&self) -> bool {
        matches!(
            self.keyword.as_str(),
            "PROJCS" | "GEOGCS" | "PROJCRS" | "GEOGCRS" | "GEODCRS" | "PROJECTEDCRS" | "GEOGRAPHICCRS"
        )
    }

    fn is_projected(&self) -> bool {
        self.keyword.starts_with("PROJ")
    }

    fn child(&self, keywords: &[&str]) -> Option<&Node> {
        self.children.iter().find(|child| keywords.contains(&child.keyword.as_str()))
    }

    fn number(&self, index: usize) -> Option<f64> {
        self.values.get(index)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// Its own EPSG code, not that of a part.
    fn epsg(&self) -> Option<u32> {
        let authority = self.child(&["AUTHORITY", "ID"])?;
        let is_epsg = authority.values.first()?.eq_ignore_ascii_case("EPSG");
        is_epsg.then(|| authority.values.get(1)?.parse().ok()).flatten()
    }

    fn projection(&self) -> Option<Projection> {
        let geographic = if self.is_projected() { self.child(&["GEOGCS", "BASEGEOGCRS", "BASEGEODCRS"])? } else { self };
        let datum = geographic.datum()?;
        if !self.is_projected() {
            return Some(Projection { datum, unit_m: 1.0, ..Projection::default() });
        }
        let conversion = self.child(&["CONVERSION"]).unwrap_or(self);
        let method = conversion.child(&["PROJECTION", "METHOD"])?.values.first()?;
        let unit_m = self.unit_m().filter(|&unit| unit > 0.0).unwrap_or(1.0);
        let parameters = conversion.children.iter().filter(|child| child.keyword == "PARAMETER");
        let parameters =
            parameters.map(|node| Some((plain(node.values.first()?), node.parameter(unit_m)?))).collect::<Option<_>>()?;
        Some(Projection { method: plain(method), parameters, datum, unit_m })
    }

    /// Value of a parameter in degrees or in units of so many metres; it may have a unit of its own.
    fn parameter(&self, unit_m: f64) -> Option<f64> {
        let value = self.number(1)?;
        let size = |keyword: &str| self.child(&[keyword])?.number(1);
        Some(match (size("LENGTHUNIT"), size("ANGLEUNIT")) {
            (Some(metres), _) if metres != unit_m => value * metres / unit_m,
            (_, Some(radians)) if !is_degree(radians) => (value * radians).to_degrees(),
            _ => value,
        })
    }

    /// Metres per unit of a projected CRS, if they are stated: beside the axes, or for each of them.
    fn unit_m(&self) -> Option<f64> {
        let inside = |keyword: &str| self.child(&[keyword])?.child(&["LENGTHUNIT", "UNIT"]);
        let unit = self.child(&["UNIT", "LENGTHUNIT"]).or_else(|| inside("AXIS")).or_else(|| inside("CS"))?;
        self.is_projected().then(|| unit.number(1)).flatten()
    }

    /// PROJ's words for the datum of a geographic CRS: by code, by name, or by ellipsoid and shift; the first that tells how it lies to WGS84.
    fn datum(&self) -> Option<String> {
        if !self.is_in_degrees() {
            return None;
        }
        let by_code = self.epsg().and_then(datum_of_epsg);
        if by_code.as_deref().is_some_and(lies_known) {
            return by_code;
        }
        // Names and shifts do not say from where longitudes are counted.
        let meridian = self.child(&["PRIMEM", "PRIMEMERIDIAN"]);
        let from_greenwich = meridian.is_none_or(|meridian| meridian.number(1) == Some(0.0));
        let datum = self.child(&["DATUM", "ENSEMBLE", "GEODETICDATUM", "TRF"]).filter(|_| from_greenwich)?;
        let by_name = datum_of_name(datum.values.first()?);
        if by_name.as_deref().is_some_and(lies_known) {
            return by_name;
        }
        datum.shifted().or(by_code).or(by_name)
    }

    /// PROJ's words for a datum that its ellipsoid and its shift describe.
    fn shifted(&self) -> Option<String> {
        let shift = self.child(&["TOWGS84"])?;
        let ellipsoid = self.child(&["SPHEROID", "ELLIPSOID"])?;
        let (a, rf) = (ellipsoid.number(1)?, ellipsoid.number(2)?);
        let shape = if rf == 0.0 { format!("+b={a}") } else { format!("+rf={rf}") };
        (0..shift.values.len()).try_for_each(|index| shift.number(index).map(|_| ()))?;
        Some(format!("+a={a} {shape} +towgs84={}", shift.values.join(",")))
    }

    /// Whether its angles are in degrees; grads are the other unit that there is.
    fn is_in_degrees(&self) -> bool {
        let unit = self.child(&["UNIT", "ANGLEUNIT"]).or_else(|| self.child(&["AXIS"])?.child(&["ANGLEUNIT"]));
        unit.and_then(|unit| unit.number(1)).is_none_or(is_degree)
    }
}

fn is_degree(radians: f64) -> bool {
    (radians - 1f64.to_radians()).abs() < DEGREE_TOLERANCE
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn skip_spaces(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self
            .bytes
            .get(self.at)
            .is_some_and(|&byte| !matches!(byte, b'[' | b']' | b'(' | b')' | b',' | b'"') && !byte.is_ascii_whitespace())
        {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned()
    }

    /// A quoted text; two quotes inside stand for one.
    fn quoted(&mut self) -> Option<String> {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' if self.bytes.get(self.at + 1) == Some(&b'"') => {
                    text.push(b'"');
                    self.at += 2;
                }
                b'"' => {
                    self.at += 1;
                    return Some(String::from_utf8_lossy(&text).into_owned());
                }
                byte => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        self.skip_spaces();
        let keyword = self.word().to_ascii_uppercase();
        let mut node = Node { keyword, ..Node::default() };
        self.skip_spaces();
        if !matches!(self.bytes.get(self.at), Some(b'[' | b'(')) || depth > MAX_DEPTH {
            return None;
        }
        self.at += 1;
        loop {
            self.skip_spaces();
            match *self.bytes.get(self.at)? {
                b']' | b')' => {
                    self.at += 1;
                    return Some(node);
                }
                b',' => self.at += 1,
                b'"' => node.values.push(self.quoted()?),
                b'[' | b'(' => return None,
                _ => {
                    let start = self.at;
                    let word = self.word();
                    self.skip_spaces();
                    if matches!(self.bytes.get(self.at), Some(b'[' | b'(')) {
                        self.at = start;
                        node.children.push(self.node(depth + 1)?);
                    } else {
                        node.values.push(word);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{crs_from_wkt, stated_by_wkt};

    /// ESRI's `.prj` has no codes at all.
    const ESRI: &str = r#"PROJCS["WGS_1984_UTM_Zone_52N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",129.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;

    #[test]
    fn esri_text_without_codes_gives_the_same_positions_as_the_code() {
        let (text, code) = (crs_from_wkt(ESRI).unwrap(), super::Crs::from_epsg(32652).unwrap());
        assert_eq!(text.epsg, None);
        let (a, b) = (text.to_lonlat(512_345.0, 4_698_765.0).unwrap(), code.to_lonlat(512_345.0, 4_698_765.0).unwrap());
        assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
    }

    #[test]
    fn the_code_of_the_whole_counts_not_that_of_a_part() {
        let text = ESRI
            .replace("UNIT[\"Degree\",0.0174532925199433]", "UNIT[\"Degree\",0.0174532925199433],AUTHORITY[\"EPSG\",\"4326\"]");
        assert_eq!(crs_from_wkt(&text).unwrap().epsg, None);
        let text = format!("{},AUTHORITY[\"EPSG\",\"32652\"]]", ESRI.strip_suffix(']').unwrap());
        assert_eq!(crs_from_wkt(&text).unwrap().epsg, Some(32652));
    }

    /// With the datum, the unit was dropped as well: pixels of a foot were pixels of a metre.
    #[test]
    fn a_text_whose_datum_is_unknown_still_tells_its_unit_and_name() {
        let feet = ESRI.replace("UNIT[\"Meter\",1.0]", "UNIT[\"Foot_US\",0.3048006096012192]");
        let stated = stated_by_wkt(&feet.replace("D_WGS_1984", "D_Atlantis"));
        assert!(stated.crs.is_none() && (stated.unit_m - 0.3048006).abs() < 1e-7 && stated.name.contains("UTM"), "{stated:?}");
        assert_eq!(stated_by_wkt("PROJCS[").unit_m, 1.0);
        assert_eq!(stated_by_wkt(&feet.replace("0.3048006096012192", "-1").replace("D_WGS_1984", "D_Atlantis")).unit_m, 1.0);
    }

    const WKT2: &str = r#"PROJCRS["Arizona East",BASEGEODCRS["NAD83",DATUM["North American Datum 1983",ELLIPSOID["GRS 1980",6378137,298.257222101,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]]],CONVERSION["SPCS83",METHOD["Transverse Mercator"],PARAMETER["Latitude of natural origin",31,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["Longitude of natural origin",-110.166666666667,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["Scale factor at natural origin",0.9999,SCALEUNIT["unity",1]],PARAMETER["False easting",213360,LENGTHUNIT["metre",1]],PARAMETER["False northing",0,LENGTHUNIT["foot",0.3048]]],CS[Cartesian,2],AXIS["easting (X)",east,ORDER[1],LENGTHUNIT["foot",0.3048]],AXIS["northing (Y)",north,ORDER[2],LENGTHUNIT["foot",0.3048]]]"#;

    /// The unit inside an axis was not seen, false origins were not known and taken as zero: 800 to 12,000 km off.
    #[test]
    fn wkt2_without_codes_gives_the_same_positions_as_the_code() {
        let (text, code) = (crs_from_wkt(WKT2).unwrap(), super::Crs::from_epsg(2222).unwrap());
        assert_eq!((text.epsg, text.unit_m()), (None, 0.3048));
        let (a, b) = (text.to_lonlat(712_345.0, 698_765.0).unwrap(), code.to_lonlat(712_345.0, 698_765.0).unwrap());
        assert!((a[0] - b[0]).abs() < 1e-8 && (a[1] - b[1]).abs() < 1e-8, "{a:?} {b:?}");

        let conversion = |method: &str, names: [&str; 4], parallels: [f64; 2]| {
            format!(
                "PROJCRS[\"\",BASEGEOGCRS[\"GDA94\",DATUM[\"Geocentric Datum of Australia 1994\",ELLIPSOID[\"GRS 1980\",6378137,298.257222101]]],CONVERSION[\"\",METHOD[\"{method}\"],PARAMETER[\"{}\",0],PARAMETER[\"{}\",132],PARAMETER[\"Latitude of 1st standard parallel\",{}],PARAMETER[\"Latitude of 2nd standard parallel\",{}],PARAMETER[\"{}\",0],PARAMETER[\"{}\",0]],CS[Cartesian,2],LENGTHUNIT[\"metre\",1]]",
                names[0], names[1], parallels[0], parallels[1], names[2], names[3]
            )
        };
        let names =
            ["Latitude of false origin", "Longitude of false origin", "Easting at false origin", "Northing at false origin"];
        let albers = conversion("Albers Equal Area", names, [-18.0, -36.0]);
        let (text, code) = (crs_from_wkt(&albers).unwrap(), super::Crs::from_epsg(3577).unwrap());
        let (a, b) = (text.to_lonlat(1_512_345.0, -3_698_765.0).unwrap(), code.to_lonlat(1_512_345.0, -3_698_765.0).unwrap());
        assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
        assert!(crs_from_wkt(&conversion("Lambert Conic Conformal (2SP)", names, [-18.0, -36.0])).is_some());
    }

    #[test]
    fn a_parameter_that_is_not_understood_or_not_used_is_not_passed_over() {
        assert!(crs_from_wkt(&ESRI.replace("Central_Meridian", "Meridian_Of_Nowhere")).is_none());
        let with = |parameter: &str| {
            crs_from_wkt(&ESRI.replace("UNIT[\"Meter\"", &format!("PARAMETER[\"{parameter}],UNIT[\"Meter\""))).is_some()
        };
        assert!(with("Standard_Parallel_1\",0") && !with("Standard_Parallel_1\",30") && !with("Azimuth\",x"));
    }

    #[test]
    fn longitudes_from_paris_or_in_grads_are_not_taken_for_degrees_from_greenwich() {
        assert!(crs_from_wkt(&ESRI.replace("\"Greenwich\",0.0", "\"Paris\",2.337229166666667")).is_none());
        assert!(crs_from_wkt(&ESRI.replace("\"Degree\",0.0174532925199433", "\"Grad\",0.01570796326794897")).is_none());
        let paris = r#"GEOGCS["NTF (Paris)",DATUM["Nouvelle_Triangulation_Francaise_Paris",SPHEROID["Clarke 1880 (IGN)",6378249.2,293.4660212936269]],PRIMEM["Paris",2.33722917],UNIT["grad",0.01570796326794897],AUTHORITY["EPSG","4807"]]"#;
        assert!(crs_from_wkt(paris).is_none());
    }

    #[test]
    fn unknown_datums_and_broken_texts_give_nothing() {
        assert!(crs_from_wkt(&ESRI.replace("D_WGS_1984", "D_Atlantis")).is_none());
        assert!(crs_from_wkt(&ESRI[..ESRI.len() - 40]).is_none());
        assert!(crs_from_wkt(&"PROJCS[".repeat(100_000)).is_none());
        assert!(crs_from_wkt("").is_none());
    }
}
