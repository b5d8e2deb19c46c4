//! Well-known text of a CRS, as `.prj` files hold it.

use super::crs::Crs;

/// The CRS that a well-known text describes, if it is understood: by its EPSG code.
pub fn crs_from_wkt(text: &str) -> Option<Crs> {
    // The authority of the whole stands last, just before the closing bracket.
    let at = text.rfind("AUTHORITY[\"EPSG\",").filter(|_| text.trim_end().ends_with("]]"))?;
    let code: String = text[at..].chars().skip("AUTHORITY[\"EPSG\",".len()).filter(char::is_ascii_digit).collect();
    Crs::from_epsg(code.parse().ok()?)
}
