//! A site's history as a drawing: counts with their intervals over time, what was expected, flagged days, level shifts.
//!
//! SVG written by hand, so that it can stand inside an HTML page (tooltips included) and in a file of its own. No fonts, scripts or
//! anything else from outside.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::compare::{Day, LevelShift, Verdict, current_shift};

/// How the drawing looks.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Heading; may be empty.
    pub title: String,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
}

impl Default for Chart {
    fn default() -> Self {
        Self { title: String::new(), width: 960.0, height: 400.0 }
    }
}

/// Room for the axis and its title at the left, and for the title alone; numbers of many digits need more than the first.
const LEFT: f64 = 52.0;
const TITLE: f64 = 20.0;
/// Between the numbers and the axis.
const TICK_GAP: f64 = 8.0;
const RIGHT: f64 = 24.0;
const BOTTOM: f64 = 34.0;
/// Width of a character of the 12 px labels, generously.
const CHARACTER: f64 = 6.8;

const STYLE: &str = "\
.yw text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#44505c}\
.yw .title{font-size:15px;font-weight:600;fill:#1c2630}.yw .label{font-weight:600}\
.yw .grid{stroke:#e4e9ee;stroke-width:1}.yw .axis{stroke:#9aa7b3;stroke-width:1}\
.yw .band{fill:#5b9bd5;fill-opacity:.16}.yw .expected{fill:none;stroke:#4a86bd;stroke-width:1.5;stroke-dasharray:5 4}\
.yw .bar{stroke-width:1.5;stroke-opacity:.65}.yw .shift{stroke:#7a4fb5;stroke-width:2.2;fill:none}\
.yw .change{stroke:#7a4fb5;stroke-width:1;stroke-dasharray:2 3}.yw .shift-text{fill:#7a4fb5;font-weight:600}";

/// Draws the days of one site, in order of date. Every mark carries the day's explanation as a tooltip.
pub fn history_svg(days: &[Day], chart: &Chart) -> String {
    let frame = Frame::new(days, chart);
    let mut svg = String::with_capacity(4096 + 400 * days.len());
    let (width, height) = (chart.width, chart.height);
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"yw\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\"><title>{}</title><style>{STYLE}</style>\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#fff\"/>",
        if chart.title.is_empty() {
            "Freight cars over time".into()
        } else {
            format!("Freight cars over time: {}", escape(&chart.title))
        }
    );
    let shift = current_shift(days);
    frame.heading(&mut svg, days, chart, shift.is_some());
    frame.grid(&mut svg);
    frame.band(&mut svg, days);
    if let Some((until, shift)) = shift {
        frame.shift_lines(&mut svg, days, shift, until);
    }
    days.iter().for_each(|day| frame.day(&mut svg, day));
    frame.labels(&mut svg, days, shift.map(|(_, shift)| shift));
    svg + "</svg>"
}

/// Where things lie in the drawing.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    first: f64,
    last: f64,
    most: f64,
    step: f64,
}

impl Frame {
    fn new(days: &[Day], chart: &Chart) -> Self {
        let numbers = days.iter().map(|day| number(day.date));
        let (first, last) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), n| (a.min(n), b.max(n)));
        let (first, last) = if first <= last { (first, last) } else { (0.0, 1.0) };
        let margin = ((last - first) * 0.02).max(2.0);
        let counts = days.iter().flat_map(|d| [d.freight_cars, d.high]).flatten().fold(5.0, f64::max);
        // The band is part of the picture, but a wide one (a short history) must not flatten the counts.
        let band = days.iter().filter_map(|d| d.expected_high).fold(0.0, f64::max).min(1.6 * counts);
        let most = counts.max(band) * 1.08;
        let step = nice_step(most / 5.0);
        let most = (most / step).ceil() * step;
        Self {
            left: LEFT.max(TITLE + CHARACTER * most.to_string().len() as f64 + TICK_GAP),
            right: chart.width - RIGHT,
            top: if chart.title.is_empty() { 40.0 } else { 66.0 },
            bottom: chart.height - BOTTOM,
            first: first - margin,
            last: last + margin,
            most,
            step,
        }
    }

    fn x(&self, date: Date) -> f64 {
        self.left + (number(date) - self.first) / (self.last - self.first) * (self.right - self.left)
    }

    fn y(&self, cars: f64) -> f64 {
        self.bottom - (cars / self.most).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    fn heading(&self, svg: &mut String, days: &[Day], chart: &Chart, shifted: bool) {
        let mut y = 18.0;
        if !chart.title.is_empty() {
            let _ = write!(svg, "<text class=\"title\" x=\"{:.1}\" y=\"24\">{}</text>", self.left, escape(&chart.title));
            y = 46.0;
        }
        let mut x = self.left;
        let mut entry = |svg: &mut String, mark: &dyn Fn(&mut String, f64), text: &str| {
            mark(svg, x + 6.0);
            let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{text}</text>", x + 18.0, y + 4.0);
            x += 18.0 + text.chars().count() as f64 * CHARACTER + 14.0;
        };
        for look in LOOKS {
            if days.iter().any(|day| Look::of(day).name == look.name) {
                entry(svg, &|svg, x| look.mark(svg, x, y, "", false), look.name);
            }
        }
        if days.iter().any(|day| day.expected.is_some()) {
            let band = |svg: &mut String, x: f64| {
                let _ =
                    write!(svg, "<rect class=\"band\" x=\"{:.1}\" y=\"{:.1}\" width=\"14\" height=\"12\"/>", x - 7.0, y - 6.0);
                let _ = write!(svg, "<path class=\"expected\" d=\"M{:.1} {y:.1}h14\"/>", x - 7.0);
            };
            entry(svg, &band, "expected, with 95 % range");
        }
        if shifted {
            let line = |svg: &mut String, x: f64| {
                let _ = write!(svg, "<path class=\"shift\" d=\"M{:.1} {y:.1}h14\"/>", x - 7.0);
            };
            entry(svg, &line, "level");
        }
    }

    fn grid(&self, svg: &mut String) {
        let mut cars = 0.0;
        while cars <= self.most + self.step / 2.0 {
            let y = self.y(cars);
            let class = if cars == 0.0 { "axis" } else { "grid" };
            let _ = write!(svg, "<path class=\"{class}\" d=\"M{:.1} {y:.1}H{:.1}\"/>", self.left, self.right);
            let _ = write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{cars}</text>", self.left - TICK_GAP, y + 4.0);
            cars += self.step;
        }
        let _ = write!(
            svg,
            "<text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">freight cars</text>",
            (self.top + self.bottom) / 2.0
        );
        for (date, text) in self.dates() {
            let x = self.x(date);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{x:.1} {:.1}V{:.1}\"/>", self.top, self.bottom);
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>", self.bottom + 18.0);
        }
    }

    /// Dates to name on the axis: years, or months, or days, whatever gives a handful.
    fn dates(&self) -> Vec<(Date, String)> {
        let span = self.last - self.first;
        let inside = |date: &Date| (self.first..=self.last).contains(&number(*date));
        let (from, to) = (year_of(self.first), year_of(self.last));
        if span > 1200.0 {
            let every = ((f64::from(to - from)) / 10.0).ceil().max(1.0) as i16;
            let years = (from..=to).filter(|year| year % every == 0).filter_map(|year| Date::new(year, 1, 1).ok());
            return years.filter(inside).map(|date| (date, date.year().to_string())).collect();
        }
        if span > 75.0 {
            let every = if span > 700.0 {
                3
            } else if span > 300.0 {
                2
            } else {
                1
            };
            let months = (from..=to).flat_map(|year| (1..=12).map(move |month| (year, month)));
            let dates = months.filter(|(_, month)| (month - 1) % every == 0).filter_map(|(y, m)| Date::new(y, m, 1).ok());
            return dates.filter(inside).map(|d| (d, d.strftime("%Y-%m").to_string())).collect();
        }
        let every = (span / 6.0).ceil().max(1.0);
        let start = self.first.ceil() as i64;
        let days = (0..=6).map(|i| start + (f64::from(i) * every) as i64);
        days.filter_map(date_of).filter(inside).map(|d| (d, d.to_string())).collect()
    }

    fn band(&self, svg: &mut String, days: &[Day]) {
        let known: Vec<(f64, f64, f64, f64)> = days
            .iter()
            .filter_map(|d| Some((self.x(d.date), self.y(d.expected?), self.y(d.expected_low?), self.y(d.expected_high?))))
            .collect();
        let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L")
        };
        if known.len() > 1 {
            let upper = path(&mut known.iter().map(|k| (k.0, k.3)));
            let lower = path(&mut known.iter().rev().map(|k| (k.0, k.2)));
            let _ = write!(svg, "<path class=\"band\" d=\"M{upper}L{lower}Z\"/>");
            let _ = write!(svg, "<path class=\"expected\" d=\"M{}\"/>", path(&mut known.iter().map(|k| (k.0, k.1))));
        }
    }

    /// Both levels; the new one up to the day that states it.
    fn shift_lines(&self, svg: &mut String, days: &[Day], shift: &LevelShift, until: Date) {
        let Some(first) = days.first() else { return };
        let (before, after) = (self.y(shift.mean_before), self.y(shift.mean_after));
        let (a, b) = (self.x(shift.last_before), self.x(shift.first_after));
        let _ = write!(
            svg,
            "<path class=\"shift\" d=\"M{:.1} {before:.1}H{a:.1}M{b:.1} {after:.1}H{:.1}\"/>",
            self.x(first.date),
            self.x(until)
        );
        let _ = write!(svg, "<path class=\"change\" d=\"M{0:.1} {1:.1}V{2:.1}\"/>", (a + b) / 2.0, self.top, self.bottom);
    }

    fn day(&self, svg: &mut String, day: &Day) {
        let look = Look::of(day);
        let x = self.x(day.date);
        let tooltip = format!("{}: {}. {}", day.date, day.verdict, day.explanation);
        let Some(cars) = day.freight_cars else {
            look.mark(svg, x, self.bottom, &tooltip, false);
            return;
        };
        if let (Some(low), Some(high)) = (day.low, day.high)
            && high > low
        {
            let (bottom, top, left, colour) = (self.y(low), self.y(high), x - 2.5, look.colour);
            let _ = write!(
                svg,
                "<path class=\"bar\" fill=\"none\" stroke=\"{colour}\" \
                 d=\"M{x:.1} {bottom:.1}V{top:.1}M{left:.1} {bottom:.1}h5M{left:.1} {top:.1}h5\"/>"
            );
        }
        look.mark(svg, x, self.y(cars), &tooltip, day.coverage < 0.8);
    }

    /// Names flagged days, the highest first, where there is room.
    fn labels(&self, svg: &mut String, days: &[Day], shift: Option<&LevelShift>) {
        // No label over a mark.
        let mark = |day: &Day| {
            let (x, y) = (self.x(day.date), self.y(day.freight_cars?));
            Some([x - 6.0, y - 6.0, x + 6.0, y + 6.0])
        };
        let mut taken: Vec<[f64; 4]> = days.iter().filter_map(mark).collect();
        let mut place = |svg: &mut String, x: f64, y: f64, class: &str, text: &str, fill: &str| {
            let width = text.chars().count() as f64 * CHARACTER;
            let x = x.min(self.right - width / 2.0).max(self.left + width / 2.0);
            let new = [x - width / 2.0, y - 10.0, x + width / 2.0, y + 2.0];
            let free = |t: &[f64; 4]| new[2] < t[0] || new[0] > t[2] || new[3] < t[1] || new[1] > t[3];
            if taken.iter().all(free) {
                taken.push(new);
                let _ = write!(
                    svg,
                    "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" {fill} \
                     paint-order=\"stroke\" stroke=\"#fff\" stroke-width=\"3\">{text}</text>"
                );
            }
        };
        let mut flagged: Vec<(&Day, f64)> = days
            .iter()
            .filter(|d| matches!(d.verdict, Verdict::AnomalousHigh | Verdict::DropOut | Verdict::HighRecurrent))
            .filter_map(|d| Some((d, d.freight_cars?)))
            .collect();
        flagged.sort_by(|a, b| b.0.verdict.is_anomalous().cmp(&a.0.verdict.is_anomalous()).then(b.1.total_cmp(&a.1)));
        for (day, cars) in flagged.into_iter().take(40) {
            let top = self.y(day.high.unwrap_or(cars).max(cars)).min(self.y(cars) - 6.0) - 5.0;
            let fill = format!("fill=\"{0}\" style=\"fill:{0}\"", Look::of(day).colour);
            place(svg, self.x(day.date), top.max(self.top - 2.0), "label", &format!("{cars:.0} on {}", day.date), &fill);
        }
        if let Some(shift) = shift {
            let x = (self.x(shift.last_before) + self.x(shift.first_after)) / 2.0;
            let text = format!("{:.1} to {:.1} cars", shift.mean_before, shift.mean_after);
            place(svg, x, self.top - 5.0, "shift-text", &text, "");
        }
    }
}

/// How a day is marked.
struct Look {
    name: &'static str,
    colour: &'static str,
    shape: Shape,
    radius: f64,
}

enum Shape {
    Circle,
    Up,
    Down,
    Cross,
}

const LOOKS: [Look; 6] = [
    Look { name: "normal", colour: "#2f4254", shape: Shape::Circle, radius: 3.6 },
    Look { name: "anomalous high", colour: "#c8102e", shape: Shape::Up, radius: 6.5 },
    Look { name: "high, recurrent", colour: "#d9822b", shape: Shape::Up, radius: 5.5 },
    Look { name: "drop-out", colour: "#0b7285", shape: Shape::Down, radius: 6.0 },
    Look { name: "too little history", colour: "#a3adb7", shape: Shape::Circle, radius: 3.6 },
    Look { name: "unusable", colour: "#a3adb7", shape: Shape::Cross, radius: 3.6 },
];

impl Look {
    fn of(day: &Day) -> &'static Self {
        match day.verdict {
            Verdict::Normal => &LOOKS[0],
            Verdict::AnomalousHigh => &LOOKS[1],
            Verdict::HighRecurrent => &LOOKS[2],
            Verdict::DropOut => &LOOKS[3],
            Verdict::InsufficientHistory => &LOOKS[4],
            Verdict::Unusable => &LOOKS[5],
        }
    }

    /// The mark, hollow where only a part of the yard was seen.
    fn mark(&self, svg: &mut String, x: f64, y: f64, tooltip: &str, hollow: bool) {
        let (r, colour) = (self.radius, self.colour);
        let fill = if hollow { "#fff" } else { colour };
        let title = if tooltip.is_empty() { String::new() } else { format!("<title>{}</title>", escape(tooltip)) };
        let half = 0.9 * r;
        let shape = match self.shape {
            Shape::Circle => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" "),
            Shape::Up => format!("<path d=\"M{:.1} {:.1}h{:.1}L{x:.1} {:.1}Z\" ", x - r, y + half, 2.0 * r, y - half),
            Shape::Down => format!("<path d=\"M{:.1} {:.1}h{:.1}L{x:.1} {:.1}Z\" ", x - r, y - half, 2.0 * r, y + half),
            Shape::Cross => {
                let d = 2.0 * r;
                format!("<path d=\"M{:.1} {:.1}l{d:.1} {d:.1}m0 -{d:.1}l-{d:.1} {d:.1}\" ", x - r, y - r)
            }
        };
        let _ = write!(svg, "{shape}fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.4\">{title}");
        let _ = write!(svg, "{}", if matches!(self.shape, Shape::Circle) { "</circle>" } else { "</path>" });
    }
}

/// Days since 1970-01-01.
fn number(date: Date) -> f64 {
    date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).map_or(0.0, |span| f64::from(span.get_days()))
}

fn date_of(number: i64) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(number).ok()?).ok()
}

fn year_of(number: f64) -> i16 {
    date_of(number as i64).map_or(1970, Date::year)
}

/// 1, 2 or 5 times a power of ten, at least 1.
fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power)
}

/// Text that comes from outside, made harmless in XML and HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML knows no other control characters, not even escaped.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
