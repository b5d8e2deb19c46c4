//! Datums: PROJ's words for how a geographic system lies to WGS84, by its code and by its name.

use std::ops::RangeInclusive;

use super::projection::plain;

/// Where the EPSG registry keeps the codes of geographic systems.
const GEOGRAPHIC_CODES: RangeInclusive<u16> = 3800..=9999;
/// Names that the registry does not have, as `short` leaves them, and the code of the geographic system on the same datum.
const OTHER_NAMES: [(&str, u32); 8] = [
    ("worldgeodeticsystem84", 4326),
    ("european50", 4230),
    ("ordnancesurveyofgreatbritain36", 4277),
    ("korea2000", 4737),
    ("koreageodeticdatum2002", 4737),
    ("etrf2000poland", 4258),
    ("lithuania94", 4669),
    ("magna", 4686),
];

/// PROJ's words for the datum of a geographic CRS, by its EPSG code.
pub(crate) fn datum_of_epsg(code: u32) -> Option<String> {
    let words = words(crs_definitions::from_code(u16::try_from(code).ok()?)?.proj4);
    (!words.is_empty()).then_some(words)
}

/// PROJ's words for a datum by its name in WKT; `None` if the registry does not have it. It has most names of the dialects as those of
/// its datums or of the geographic systems on them; of two of a name the one is taken of which it is known how it lies to WGS84.
pub(crate) fn datum_of_name(name: &str) -> Option<String> {
    let name = short(name.strip_prefix("D_").unwrap_or(name));
    let name = name.strip_suffix("ensemble").unwrap_or(&name);
    if let Some((_, code)) = OTHER_NAMES.iter().find(|(known, _)| *known == name) {
        return datum_of_epsg(*code);
    }
    // "Not specified, based on the GRS 1980 ellipsoid" is no datum.
    if name.starts_with("notspecified") {
        return None;
    }
    let named = |wkt: &str| {
        let quoted = |after: &str| Some(short(wkt.split_once(after)?.1.split_once('"')?.0));
        wkt.starts_with("GEOGCS[") && [quoted("DATUM[\""), quoted("[\"")].iter().flatten().any(|known| known == name)
    };
    let all = GEOGRAPHIC_CODES.filter_map(crs_definitions::from_code);
    let own: Vec<String> = all.filter(|def| !def.proj4.contains("+pm=") && named(def.wkt)).map(|def| words(def.proj4)).collect();
    own.iter().find(|words| lies_known(words)).or(own.first()).cloned()
}

/// Whether PROJ's words say how a datum lies to WGS84: by its name, by a shift, or by the ellipsoid with the Earth's centre that
/// datums have which lie as WGS84 does, within two metres; those on it that lie otherwise come with their shift.
pub(crate) fn lies_known(words: &str) -> bool {
    const KNOWN: [&str; 5] = ["+datum=", "+towgs84=", "+ellps=GRS80", "+ellps=WGS84", "+a=6378137"];
    words.split_whitespace().any(|word| KNOWN.iter().any(|known| word.starts_with(known)))
}

/// What a PROJ string says of the datum.
fn words(proj: &str) -> String {
    const KEEP: [&str; 7] = ["+datum=", "+ellps=", "+towgs84=", "+a=", "+b=", "+rf=", "+pm="];
    let words = proj.split_whitespace().filter(|word| KEEP.iter().any(|prefix| word.starts_with(prefix)));
    words.collect::<Vec<_>>().join(" ")
}

/// A name without what the dialects write in different ways: `North_American_1983_HARN`, `NAD_1983_HARN` and `NAD83(HARN)`.
fn short(name: &str) -> String {
    let name = plain(name);
    let mut short = String::new();
    let mut rest = name.as_str();
    while let Some((before, after)) = rest.split_once("19") {
        short.push_str(before);
        let is_year =
            !before.ends_with(|c: char| c.is_ascii_digit()) && after.bytes().take(2).filter(u8::is_ascii_digit).count() == 2;
        short.push_str(if is_year { "" } else { "19" });
        rest = after;
    }
    short.push_str(rest);
    short.strip_prefix("northamerican").filter(|rest| rest.starts_with("83")).map_or(short.clone(), |rest| format!("nad{rest}"))
}

#[cfg(test)]
mod tests {
    use super::{datum_of_epsg, datum_of_name, lies_known};

    /// ESRI's and OGC's names of realisations were not known, and with the datum the whole CRS was dropped.
    #[test]
    fn realisations_that_lie_as_wgs84_does_are_known_by_the_names_of_all_dialects() {
        for name in [
            "D_NAD_1983_HARN",
            "D_North_American_1983_HARN",
            "NAD83_High_Accuracy_Reference_Network",
            "D_NAD_1983_CORS96",
            "D_NAD_1983_NSRS2007",
            "D_NAD_1983_2011",
            "NAD83_National_Spatial_Reference_System_2011",
            "D_North_American_1983_CSRS",
            "D_North_American_1983",
            "D_GDA_1994",
            "GDA2020",
            "D_NZGD_2000",
            "New_Zealand_Geodetic_Datum_2000",
            "D_SWEREF99",
            "D_ETRS_1989",
            "European Terrestrial Reference System 1989 ensemble",
            "D_SIRGAS_2000",
            "D_TWD_1997",
            "D_Korea_2000",
            "D_Hartebeesthoek_1994",
            "D_JGD_2000",
            "D_JGD_2011",
            "D_China_2000",
            "D_WGS_1984",
            "World Geodetic System 1984 ensemble",
        ] {
            let words = datum_of_name(name).unwrap_or_else(|| panic!("{name}"));
            let is_shifted = words.split_once("+towgs84=").is_some_and(|(_, by)| by.bytes().any(|b| (b'1'..=b'9').contains(&b)));
            assert!(lies_known(&words) && !is_shifted, "{name}: {words}");
        }
    }

    #[test]
    fn a_datum_with_a_shift_brings_it_and_one_whose_shift_is_not_known_says_so() {
        for (name, shift) in [("D_VN_2000", "-191.9"), ("Vietnam_2000", "-191.9"), ("D_GGRS_1987", "GGRS87")] {
            assert!(datum_of_name(name).unwrap().contains(shift), "{name}");
        }
        for name in ["D_Xian_1980", "D_New_Beijing", "Mount_Dillon"] {
            assert!(!lies_known(&datum_of_name(name).unwrap()), "{name}");
        }
        for name in ["D_Atlantis", "Not_specified_based_on_GRS_1980_ellipsoid", "D_", ""] {
            assert_eq!(datum_of_name(name), None, "{name}");
        }
        assert!(!lies_known(&datum_of_epsg(4555).unwrap()));
    }
}
