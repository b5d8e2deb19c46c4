//! Where the sun stands, from time and place.
//!
//! The formulas are those of NOAA's solar calculator (gml.noaa.gov/grad/solcalc/solareqns and calcdetails), which
//! follow J. Meeus, *Astronomical Algorithms*, 1991, low accuracy: about 0.01 degrees between 1950 and 2050.

use jiff::Timestamp;
use serde::Serialize;

/// The sun's position as seen from the scene.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sun {
    /// Degrees clockwise from north.
    pub azimuth_deg: f64,
    /// Degrees above the horizon (refraction not included).
    pub elevation_deg: f64,
}

impl Sun {
    /// The sun over a WGS84 longitude and latitude (degrees) at a time.
    pub fn at(time: Timestamp, lon: f64, lat: f64) -> Self {
        let days = time.as_second() as f64 / 86_400.0;
        // Julian centuries since J2000.0; 1970-01-01 is Julian day 2440587.5.
        let century = (days + 2_440_587.5 - 2_451_545.0) / 36_525.0;

        let mean_longitude = (280.46646 + century * (36000.76983 + century * 0.0003032)).rem_euclid(360.0);
        let mean_anomaly = (357.52911 + century * (35999.05029 - 0.0001537 * century)).to_radians();
        let eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century);
        let centre = mean_anomaly.sin() * (1.914602 - century * (0.004817 + 0.000014 * century))
            + (2.0 * mean_anomaly).sin() * (0.019993 - 0.000101 * century)
            + (3.0 * mean_anomaly).sin() * 0.000289;
        let node = (125.04 - 1934.136 * century).to_radians();
        let apparent_longitude = (mean_longitude + centre - 0.00569 - 0.00478 * node.sin()).to_radians();
        let mean_obliquity =
            23.0 + (26.0 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60.0) / 60.0;
        let obliquity = (mean_obliquity + 0.00256 * node.cos()).to_radians();
        let declination = (obliquity.sin() * apparent_longitude.sin()).asin();

        let y = (obliquity / 2.0).tan().powi(2);
        let l = mean_longitude.to_radians();
        let equation_of_time_min = 4.0
            * (y * (2.0 * l).sin() - 2.0 * eccentricity * mean_anomaly.sin()
                + 4.0 * eccentricity * y * mean_anomaly.sin() * (2.0 * l).cos()
                - 0.5 * y * y * (4.0 * l).sin()
                - 1.25 * eccentricity * eccentricity * (2.0 * mean_anomaly).sin())
            .to_degrees();

        let minutes = days.rem_euclid(1.0) * 1440.0;
        let solar_time_min = (minutes + equation_of_time_min + 4.0 * lon).rem_euclid(1440.0);
        let hour_angle = (solar_time_min / 4.0 - 180.0).to_radians();
        let phi = lat.to_radians();
        let elevation =
            (phi.sin() * declination.sin() + phi.cos() * declination.cos() * hour_angle.cos()).clamp(-1.0, 1.0).asin();
        let azimuth = hour_angle.sin().atan2(hour_angle.cos() * phi.sin() - declination.tan() * phi.cos()).to_degrees() + 180.0;
        Self { azimuth_deg: azimuth.rem_euclid(360.0), elevation_deg: elevation.to_degrees() }
    }
}
