//! Well-known text of a CRS (OGC 01-009 and ESRI's dialect, and the parts of WKT2 that are alike), as `.prj` and `.aux.xml`
//! files hold it.

use super::crs::Crs;
use super::projection::{Projection, datum_of_epsg, datum_of_name, plain};

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

/// The CRS that a well-known text describes: by its EPSG code where it names one, else built from its projection, if
/// method and datum are known.
pub fn crs_from_wkt(text: &str) -> Option<Crs> {
    let text = text.trim();
    if let Some(code) = text.strip_prefix("EPSG:").or_else(|| text.strip_prefix("epsg:")) {
        return Crs::from_epsg(code.trim().parse().ok()?);
    }
    let mut root = Parser { bytes: text.as_bytes(), at: 0 }.node(0)?;
    if matches!(root.keyword.as_str(), "COMPD_CS" | "COMPOUNDCRS" | "BOUNDCRS" | "SOURCECRS") {
        root = root.children.into_iter().find(|child| child.is_crs() || child.keyword == "SOURCECRS")?;
    }
    if root.keyword == "SOURCECRS" {
        root = root.children.into_iter().find(Node::is_crs)?;
    }
    if !root.is_crs() {
        return None;
    }
    root.epsg().and_then(Crs::from_epsg).or_else(|| root.projection()?.crs(root.values.first().map_or("", String::as_str)))
}

impl Node {
    fn is_crs(&self) -> bool {
        matches!(
            self.keyword.as_str(),
            "PROJCS" | "GEOGCS" | "PROJCRS" | "GEOGCRS" | "GEODCRS" | "PROJECTEDCRS" | "GEOGRAPHICCRS"
        )
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
        let is_projected = self.keyword.starts_with("PROJ");
        let geographic = if is_projected { self.child(&["GEOGCS", "BASEGEOGCRS", "BASEGEODCRS"])? } else { self };
        let datum = geographic.datum()?;
        if !is_projected {
            return Some(Projection { datum, unit_m: 1.0, ..Projection::default() });
        }
        let conversion = self.child(&["CONVERSION"]).unwrap_or(self);
        let method = conversion.child(&["PROJECTION", "METHOD"])?.values.first()?;
        let parameters = conversion.children.iter().filter(|child| child.keyword == "PARAMETER");
        let parameters = parameters.filter_map(|node| Some((plain(node.values.first()?), node.number(1)?))).collect();
        let unit = self.child(&["UNIT", "LENGTHUNIT"]).or_else(|| self.child(&["CS"])?.child(&["LENGTHUNIT"]));
        let unit_m = unit.and_then(|unit| unit.number(1)).filter(|&unit| unit > 0.0).unwrap_or(1.0);
        Some(Projection { method: plain(method), parameters, datum, unit_m })
    }

    /// PROJ's words for the datum of a geographic CRS: by code, by name, or by ellipsoid and shift.
    fn datum(&self) -> Option<String> {
        let datum = self.child(&["DATUM", "ENSEMBLE", "GEODETICDATUM", "TRF"])?;
        let known = self.epsg().and_then(datum_of_epsg).or_else(|| datum_of_name(datum.values.first()?));
        known.or_else(|| {
            let shift = datum.child(&["TOWGS84"])?;
            let ellipsoid = datum.child(&["SPHEROID", "ELLIPSOID"])?;
            let (a, rf) = (ellipsoid.number(1)?, ellipsoid.number(2)?);
            let shape = if rf == 0.0 { format!("+b={a}") } else { format!("+rf={rf}") };
            (0..shift.values.len()).try_for_each(|index| shift.number(index).map(|_| ()))?;
            Some(format!("+a={a} {shape} +towgs84={}", shift.values.join(",")))
        })
    }
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
    use super::crs_from_wkt;

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

    #[test]
    fn unknown_datums_and_broken_texts_give_nothing() {
        assert!(crs_from_wkt(&ESRI.replace("D_WGS_1984", "D_Atlantis")).is_none());
        assert!(crs_from_wkt(&ESRI[..ESRI.len() - 40]).is_none());
        assert!(crs_from_wkt(&"PROJCS[".repeat(100_000)).is_none());
        assert!(crs_from_wkt("").is_none());
    }
}
