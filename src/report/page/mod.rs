//! `report.html`: one file that says which days are out of the ordinary, and shows why. It needs no network and no script; it
//! links the other files of its folder.

mod style;

use base64::Engine;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::compare::{Day, Rules, Verdict, current_shift, flagged, none_flagged};
use crate::count::{Count, Status};
use crate::raster::{Turn, in_words};
use crate::report::overlay::counted;
use crate::series::trains::TrainNote;

/// A scene as the page shows it.
#[derive(Debug, Clone)]
pub struct PageScene {
    /// Name of the image.
    pub image: String,
    /// Name of its files in `cars/` and `overlays/`.
    pub stem: String,
    /// When it was taken.
    pub acquired: Option<Timestamp>,
    /// Only the date of that is known.
    pub date_only: bool,
    /// Its numbers.
    pub count: Count,
    /// Its small picture, a JPEG.
    pub picture: Option<Vec<u8>>,
    /// Metres per pixel.
    pub gsd_m: Option<f64>,
    /// Shift against the given tracks, metres east and north, with its confidence; none where no tracks were given.
    pub registration: Option<([f64; 2], f64)>,
    /// How the image shows the site turned, where it does.
    pub turn: Option<Turn>,
}

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Name of the site; may be empty.
    pub site: &'a str,
    /// The days, in order.
    pub days: &'a [Day],
    /// The scenes, in the order of time.
    pub scenes: &'a [PageScene],
    /// What there is to say about trains that stayed.
    pub trains: &'a [TrainNote],
    /// Images that could not be used, with the reason.
    pub failures: &'a [(String, String)],
    /// How days were compared.
    pub rules: &'a Rules,
    /// The chart of all days, as SVG.
    pub chart: &'a str,
}

impl Page<'_> {
    /// The page. It says nothing of when it was made: the same results give the same bytes.
    pub fn html(&self) -> String {
        let title = if self.site.is_empty() { "Rail yard".to_owned() } else { self.site.to_owned() };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Whatever a file name holds, the page loads nothing and runs nothing.
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self' file:";
                    title { (title) " - freight cars by day" }
                    style { (PreEscaped(style::CSS)) }
                }
                body {
                    header {
                        h1 { (title) }
                        p.lead { (self.lead()) }
                        (self.flagged())
                    }
                    main {
                        @if !self.days.is_empty() {
                            section aria-labelledby="chart" {
                                h2 #chart { "All days" }
                                div.chart { (PreEscaped(self.chart)) }
                            }
                            section aria-labelledby="days" {
                                h2 #days { "Days" }
                                (self.table())
                            }
                        }
                        @if !self.scenes.is_empty() {
                            section aria-labelledby="images" {
                                h2 #images { "Images" }
                                @for scene in self.scenes { (self.scene(scene)) }
                            }
                        }
                        (self.unused())
                        (self.method())
                    }
                    footer {
                        p {
                            "yardwatch " (env!("CARGO_PKG_VERSION")) ". The same in numbers: "
                            a href="days.csv" { "days.csv" } ", " a href="counts.csv" { "counts.csv" } ", "
                            a href="yardwatch.gpkg" { "yardwatch.gpkg" } " (for QGIS)."
                        }
                    }
                }
            }
        }
        .into_string()
    }

    fn lead(&self) -> String {
        let plural = |number: usize, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
        let span = match (self.days.first(), self.days.last()) {
            (Some(first), Some(last)) if first.date != last.date => format!(", {} to {}", first.date, last.date),
            (Some(first), _) => format!(", {}", first.date),
            _ => String::new(),
        };
        let usable = self.days.iter().filter(|day| day.verdict != Verdict::Unusable).count();
        format!("{} on {} ({usable} usable){span}", plural(self.scenes.len(), "image"), plural(self.days.len(), "day"))
    }

    fn flagged(&self) -> Markup {
        html! {
            @if let Some(sentence) = none_flagged(self.days) {
                p.calm { (sentence) }
            } @else {
                ul.alarms {
                    @for day in flagged(self.days) {
                        li {
                            (badge(day)) " " strong { (day.date) } " " (day.explanation)
                        }
                    }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll {
                table {
                    caption { "Freight cars seen, with 95 % intervals, against what the history lets expect" }
                    thead {
                        tr {
                            th scope="col" { "Date" }
                            th scope="col" { "Cars" }
                            th scope="col" { "Expected" }
                            th scope="col" { "Ratio" }
                            th scope="col" { "Seen of yard" }
                            th scope="col" { "History" }
                            th scope="col" { "Verdict" }
                            th scope="col" { "Why" }
                        }
                    }
                    tbody {
                        @for day in self.days {
                            tr class=(if day.verdict.is_anomalous() { "flag" } else { "" }) {
                                th scope="row" { a href=(format!("#d{}", day.date)) { (day.date) } }
                                td { (range(day.freight_cars, day.low, day.high, 0)) }
                                td { (range(day.expected, day.expected_low, day.expected_high, 1)) }
                                td { (day.ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}"))) }
                                td { (percent(day.coverage)) }
                                td { (day.history) }
                                td { (badge(day)) }
                                td.why { (day.explanation) }
                            }
                        }
                    }
                }
            }
            @if let Some((_, shift)) = current_shift(self.days) {
                p.shift { (sentence(&shift.text)) }
            }
        }
    }

    fn scene(&self, scene: &PageScene) -> Markup {
        let date = |scene: &PageScene| scene.acquired.map(|time| time.strftime("%Y-%m-%d").to_string());
        // The first image of a day carries the day's anchor.
        let first = self.scenes.iter().find(|other| date(other) == date(scene));
        let anchor = date(scene).filter(|_| first.is_some_and(|first| first.image == scene.image));
        let when = scene.acquired.map_or_else(|| "without a date".to_owned(), |time| in_words(time, scene.date_only));
        let seen = scene.count.status != Status::Unusable;
        let said = if seen { counted(&scene.count) } else { "not counted".to_owned() };
        let overlay = format!("overlays/{}.jpg", encode(&scene.stem));
        html! {
            article id=[anchor.map(|date| format!("d{date}"))] {
                h3 { (when) ": " (said) }
                @if let Some(picture) = &scene.picture {
                    a href=(overlay) {
                        img alt=(format!("{}: {said}", scene.image)) loading="lazy"
                            src=(format!("data:image/jpeg;base64,{}", base64::engine::general_purpose::STANDARD.encode(picture)));
                    }
                }
                p.facts {
                    code { (scene.image) } ". " (percent(scene.count.coverage)) " of the yard seen"
                    @if let Some(gsd) = scene.gsd_m { ", " (format!("{gsd:.2}")) " m per pixel" }
                    @if let Some(([east, north], confidence)) = scene.registration {
                        ", image shifted by " (format!("{:.1}", east)) " m east, " (format!("{:.1}", north)) " m north"
                        @if let Some(turn) = scene.turn { ", " (turn.sentence()) }
                        " (confidence " (format!("{confidence:.2}")) ")"
                    }
                    ". " a href=(overlay) { "Picture" } ", "
                    a href=(format!("cars/{}.geojson", encode(&scene.stem))) { "cars (GeoJSON)" } "."
                }
                @if !scene.count.reason.is_empty() { p.note { (sentence(&scene.count.reason)) } }
                @if let Some(note) = self.trains.iter().find(|note| note.image == scene.image) {
                    p.trains { strong { "Same train again: " } (sentence(&note.sentence())) }
                }
            }
        }
    }

    fn unused(&self) -> Markup {
        html! {
            @if !self.failures.is_empty() {
                section aria-labelledby="unused" {
                    h2 #unused { "Images that could not be used" }
                    dl {
                        @for (image, reason) in self.failures {
                            dt { code { (image) } }
                            dd { (reason) }
                        }
                    }
                }
            }
        }
    }

    fn method(&self) -> Markup {
        let (alarm, history) = (&self.rules.alarm, &self.rules.history);
        html! {
            section aria-labelledby="method" {
                h2 #method { "How to read this" }
                p {
                    "A count is what was seen, not what the yard holds: where cloud or the image's edge hides a part, the comparison allows
                    for it. The number in brackets is the 95 % interval of the count; the expected range is where 95 % of counts would lie
                    if the day were like its history."
                }
                dl.verdicts {
                    dt { "anomalous-high" } dd { "more cars than the history explains" }
                    dt { "high-recurrent" } dd { "more than on ordinary days, but similar days exist in the history" }
                    dt { "drop-out" } dd { "fewer cars than the history explains" }
                    dt { "insufficient-history" } dd { "too few earlier observations for a probability" }
                    dt { "unusable" } dd { "too little of the yard was seen" }
                }
                p {
                    "Settings: a day is flagged at a probability of at most " (alarm.level) "; history of " (history.lookback_years)
                    " years" @if self.rules.retrospective { ", later days included" }
                    "; days within " (history.exclusion_days) " days before are left out; at least " (percent(history.min_coverage))
                    " of the yard must be seen."
                }
            }
        }
    }
}

fn badge(day: &Day) -> Markup {
    let (class, mark) = match day.verdict {
        Verdict::AnomalousHigh => ("high", "\u{25b2}"),
        Verdict::HighRecurrent => ("recurrent", "\u{25b3}"),
        Verdict::DropOut => ("low", "\u{25bc}"),
        Verdict::Normal => ("normal", "\u{25cf}"),
        Verdict::InsufficientHistory => ("few", "\u{25cb}"),
        Verdict::Unusable => ("unusable", "\u{2715}"),
    };
    html! {
        span class={ "badge " (class) } {
            span aria-hidden="true" { (mark) " " }
            (day.verdict.name()) @if day.provisional { " (provisional)" }
        }
    }
}

/// `73 (69 to 77)`.
fn range(value: Option<f64>, low: Option<f64>, high: Option<f64>, digits: usize) -> String {
    let Some(value) = value else { return String::new() };
    match (low, high) {
        (Some(low), Some(high)) => format!("{value:.digits$} ({low:.0} to {high:.0})"),
        _ => format!("{value:.digits$}"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A text as a sentence: a capital first letter, a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let text = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    if text.ends_with('.') { text } else { text + "." }
}

/// A file name as a part of a relative link (RFC 3986: everything but the unreserved characters is escaped).
fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(image: &str) -> PageScene {
        PageScene {
            image: image.to_owned(),
            stem: image.to_owned(),
            acquired: Some("2023-10-05T01:58:01Z".parse().unwrap()),
            date_only: false,
            count: Count {
                freight_cars: 1,
                low: 1,
                high: 2,
                locomotives: 0,
                coaches: 0,
                coverage: 1.0,
                status: Status::Ok,
                reason: "<b>reason</b>".into(),
            },
            picture: Some(vec![1, 2, 3]),
            gsd_m: Some(0.5),
            registration: None,
            turn: None,
        }
    }

    #[test]
    fn names_are_data_in_text_and_in_links() {
        let scenes = [scene("<img src=x onerror=alert(1)>#?%.tif"), scene("\"><script>.tif")];
        let failures = [("<i>.tif".to_owned(), "<u>".to_owned())];
        let page = Page {
            site: "</title><script>alert(1)</script>",
            days: &[],
            scenes: &scenes,
            trains: &[],
            failures: &failures,
            rules: &Rules::default(),
            chart: "",
        };
        let html = page.html();
        for bad in ["<img src=x", "<script", "<i>", "<u>", "<b>"] {
            assert!(!html.contains(bad), "{bad}");
        }
        assert!(html.contains("overlays/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%23%3F%25.tif.jpg"), "{html}");
        assert!(!html.contains("http://") && !html.contains("https://"), "nothing is fetched");
    }
}
