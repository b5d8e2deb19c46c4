//! `site.toml`: what a site is called, where its yard lies, and how its days are compared.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::compare::{AlarmRules, HistoryRules, Rules};
use crate::{Error, Result};

/// Name of the settings' file that is looked for in a folder of images.
pub const SITE_FILE: &str = "site.toml";

/// A site's settings. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// What the site is called in all outputs.
    pub name: Option<String>,
    /// Outline of the yard: GeoJSON in WGS84.
    pub aoi: Option<PathBuf>,
    /// Centrelines of its tracks: GeoJSON in WGS84.
    pub tracks: Option<PathBuf>,
    /// Metres per pixel, for images that do not say it.
    pub gsd: Option<f64>,
    /// When a day is flagged.
    #[serde(default)]
    pub alarm: AlarmRules,
    /// What a day is compared with.
    #[serde(default)]
    pub history: HistoryRules,
}

impl Site {
    /// Reads a settings file; its relative paths are taken from where the file lies.
    ///
    /// # Errors
    /// When the file cannot be read, or a key or value is not known: the sentence names key and line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut site: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let place = line.map_or_else(String::new, |line| format!("line {line}: "));
            Error::document(path, format!("{place}{}", e.message().replace('\n', " ")))
        })?;
        site.check().map_err(|reason| Error::document(path, reason))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut site.aoi, &mut site.tracks].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        Ok(site)
    }

    /// The rules of comparing that follow from the settings.
    pub fn rules(&self, retrospective: bool) -> Rules {
        Rules { alarm: self.alarm.clone(), history: self.history.clone(), retrospective }
    }

    fn check(&self) -> Result<(), String> {
        if let Some(gsd) = self.gsd.filter(|gsd| !(*gsd > 0.0 && gsd.is_finite())) {
            return Err(format!("gsd = {gsd} is not above 0"));
        }
        self.rules(false).check().map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Site> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SITE_FILE);
        std::fs::write(&path, text).unwrap();
        Site::read(&path)
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named_with_their_line() {
        for (text, line, word) in [
            ("name = \"a\"\n\naoy = \"x\"\n", "line 3", "aoy"),
            ("[alarm]\nlevel = 0.01\nlevle = 0.02\n", "line 3", "levle"),
            ("gsd = \"half\"\n", "line 1", "half"),
            ("[histroy]\n", "line 1", "histroy"),
            ("name = \n", "line 1", "value"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(line) && error.contains(word) && !error.contains('\n'), "{text:?}: {error}");
        }
        for text in ["gsd = -0.5", "[alarm]\nlevel = 2", "[history]\nmin_coverage = nan", "[history]\nlookback_years = 0"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_taken_from_where_the_file_lies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SITE_FILE);
        std::fs::write(&path, "name = \"Hasan\"\naoi = \"geo/aoi.geojson\"\n[alarm]\nlevel = 0.05").unwrap();
        let site = Site::read(&path).unwrap();
        assert_eq!(site.aoi, Some(folder.path().join("geo/aoi.geojson")));
        assert_eq!(site.rules(false).alarm.level, 0.05);
    }
}
