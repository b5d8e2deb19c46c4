//! One site: a verdict for each of its days. Several sites: the same in parallel, with p-values adjusted for the number of looks.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rayon::prelude::*;

use super::adjust::benjamini_hochberg;
use super::baseline::{LEAST_COVERAGE, Surroundings, Usable, reach, surroundings, usable};
use super::day::{Day, LevelShift, MixChange, Verdict};
use super::explain::{FLOOR, explain};
use super::likelihood::{Likelihoods, Seen};
use super::low_run::low_run;
use super::mix;
use super::model::Model;
use super::observation::{DatedCount, one_per_day};
use super::posterior::Posterior;
use super::predictive::{Predictive, Tails};
use super::record::record;
use super::rules::Rules;
use super::scale::{Scale, to_part};
use super::shift::{ShiftSearch, stated};
use super::trend::trend;

/// Compares every day of one site with its history. Days come out in order, one per date with images; the order of `counts` does not
/// matter. The numbers of `rules` are used as they are: see [`Rules::check`].
pub fn compare_site(counts: &[DatedCount], rules: &Rules) -> Vec<Day> {
    let mut days = site_days(counts, rules, &mut Likelihoods::new(Model::default()));
    adjust(std::iter::once(&mut days));
    give_reasons(&mut days);
    days
}

/// Compares several sites, in parallel; q-values are over all of them. Sites come out in the order of their names.
pub fn compare_sites(counts: &[DatedCount], rules: &Rules) -> Vec<(String, Vec<Day>)> {
    let mut by_site: BTreeMap<&str, Vec<&DatedCount>> = BTreeMap::new();
    for count in counts {
        by_site.entry(&count.site).or_default().push(count);
    }
    let mut sites: Vec<(String, Vec<Day>)> = by_site
        .into_iter()
        .collect::<Vec<_>>()
        .into_par_iter()
        // Sites with like counts share what a thread has computed.
        .map_init(
            || Likelihoods::new(Model::default()),
            // Days made between computations lie scattered over memory that nothing else can then use; copies made at the end lie together.
            |likelihoods, (site, counts)| (site.to_string(), site_days(counts, rules, likelihoods).as_slice().to_vec()),
        )
        .collect();
    adjust(sites.iter_mut().map(|(_, days)| days));
    sites.par_iter_mut().for_each(|(_, days)| give_reasons(days));
    sites
}

fn adjust<'a>(sites: impl Iterator<Item = &'a mut Vec<Day>>) {
    let mut days: Vec<&mut Day> = sites.flatten().filter(|day| day.exact.is_some()).collect();
    let high: Vec<f64> = days.iter().filter_map(|day| day.exact.map(|p| p.0)).collect();
    let low: Vec<f64> = days.iter().filter_map(|day| day.exact.map(|p| p.1)).collect();
    let (high, low) = (benjamini_hochberg(&high), benjamini_hochberg(&low));
    for (day, (high, low)) in days.iter_mut().zip(high.into_iter().zip(low)) {
        day.q_high = Some(high.max(FLOOR));
        day.q_low = Some(low.max(FLOOR));
    }
}

/// Says of each day why. To be done when all sites are computed: texts made between computations lie scattered over memory that nothing
/// else can then use (0.4 MB a site of 100 days).
fn give_reasons(days: &mut [Day]) {
    for day in days {
        day.explanation = explain(day);
    }
}

fn site_days<'a>(counts: impl IntoIterator<Item = &'a DatedCount>, rules: &Rules, likelihoods: &mut Likelihoods) -> Vec<Day> {
    let dates = one_per_day(counts, rules.history.min_coverage.max(LEAST_COVERAGE));
    let usable = usable(&dates, rules);
    let mut shifts = shifts(&usable, rules);
    let mut mixes = mix_changes(&usable, rules);
    let surge_probabilities = surge_probabilities(&usable, rules, likelihoods);
    dates
        .iter()
        .map(|count| {
            let date = count.date();
            let mut day = bare(count, date);
            match usable.iter().find(|u| u.date == date) {
                Some(today) => {
                    compare(&mut day, today, &usable, rules, likelihoods);
                    day.shift = shifts.remove(&date);
                    day.mix = mixes.remove(&date);
                    day.surge_probability = surge_probabilities.get(&date).copied();
                }
                None => day.reason = why_unusable(count, rules),
            }
            day
        })
        .collect()
}

/// A day about which nothing is known yet.
fn bare(count: &DatedCount, date: Date) -> Day {
    Day {
        site: count.site.clone(),
        date,
        images: count.images,
        image: count.image.clone(),
        freight_cars: None,
        low: None,
        high: None,
        coverage: count.coverage,
        history: 0,
        history_since: None,
        expected: None,
        expected_low: None,
        expected_high: None,
        ratio: None,
        p_high: None,
        p_low: None,
        low_run: None,
        p_plain: None,
        p_high_at_low: None,
        q_high: None,
        q_low: None,
        rank: None,
        rank_of: 0,
        record_excluded: 0,
        record_since: None,
        previous_max: None,
        previous_max_date: None,
        surges: Vec::new(),
        surge_probability: None,
        verdict: Verdict::Unusable,
        provisional: false,
        shift: None,
        mix: None,
        trend_per_year: None,
        explanation: String::new(),
        reason: count.reason.clone(),
        exact: None,
    }
}

fn why_unusable(count: &DatedCount, rules: &Rules) -> String {
    if !count.usable && !count.reason.is_empty() {
        count.reason.clone()
    } else if !count.usable {
        "marked unusable".into()
    } else if !count.is_count() {
        format!("{} is not a count of cars", count.count)
    } else if !(0.0..=1.0).contains(&count.coverage) {
        format!("coverage {} is not between 0 and 1", count.coverage)
    } else {
        let needed = rules.history.min_coverage.max(LEAST_COVERAGE);
        format!("only {:.0} % of the yard visible, {:.0} % needed", 100.0 * count.coverage, 100.0 * needed)
    }
}

fn compare(day: &mut Day, today: &Usable<'_>, usable: &[Usable<'_>], rules: &Rules, likelihoods: &mut Likelihoods) {
    let cars = today.count.count;
    (day.freight_cars, day.low, day.high) = (Some(cars), today.count.low, today.count.high);
    let Surroundings { baseline, record: others, excluded } = surroundings(usable, today.date, rules);
    day.history = baseline.len();
    day.history_since = baseline.first().map(|u| u.date);
    let standing = record(today.date, cars, others.iter().map(|u| (u.date, u.count.count)));
    (day.rank, day.rank_of, day.record_since) = (Some(standing.rank), standing.of, Some(standing.since));
    day.record_excluded = excluded;
    (day.previous_max, day.previous_max_date) = (standing.maximum.map(|m| m.0), standing.maximum.map(|m| m.1));
    if baseline.len() < rules.history.min_history {
        day.verdict = Verdict::InsufficientHistory;
        let visible: f64 = baseline.iter().map(|u| u.count.coverage).sum();
        let seen: f64 = baseline.iter().map(|u| u.count.count).sum();
        let mean = seen / visible * today.count.coverage;
        day.ratio = Some(cars / mean).filter(|r| r.is_finite());
        return;
    }
    day.low_run = low_run(today, usable, rules, likelihoods);
    predict(day, today, &baseline, rules, likelihoods);
}

fn predict(day: &mut Day, today: &Usable<'_>, baseline: &[Usable<'_>], rules: &Rules, likelihoods: &mut Likelihoods) {
    let scale = Scale::of(baseline);
    let unit = scale.unit;
    let whole = |cars: f64| (cars / unit).round();
    let trend = trend(baseline, today.day, &rules.history);
    day.trend_per_year = trend.map(|t| t.per_year());
    let factor = |u: &Usable<'_>| trend.map_or(1.0, |t| t.factor(u.day));
    let history: Vec<Seen> = baseline.iter().map(|u| scale.seen(u).with_factor(factor(u))).collect();
    let posterior = Posterior::new(likelihoods, &history);
    let error_sd = today.count.error_sd() / unit;
    let predictive = Predictive::of_strings(&posterior, today.count.coverage, error_sd);
    let cars = today.count.count;
    let excess_sd = today.count.excess_sd().map(|sd| sd / unit);
    let mut tails = predictive.tails(whole(cars));
    if let Some(sd) = excess_sd {
        // What may be feigned speaks against a high count, not for a low one.
        tails = Tails { low: tails.low, ..predictive.tails_with_error(whole(cars), sd) };
    }
    let expected = predictive.expected() * unit;
    day.expected = Some(expected);
    day.expected_low = Some(predictive.quantile(0.025) * unit);
    day.expected_high = Some(predictive.quantile(0.975) * unit);
    day.ratio = Some(cars / expected).filter(|r| r.is_finite());
    day.p_high = Some(tails.high.max(FLOOR));
    day.p_low = Some(tails.low.max(FLOOR));
    day.p_plain = Some(tails.plain.max(FLOOR));
    let low = day.low_run.as_ref().map_or(tails.low, |run| run.p.min(tails.low));
    day.exact = Some((tails.high, low));
    let excess_sd = excess_sd.unwrap_or(error_sd);
    if excess_sd > 0.0 {
        let low_end = (whole(cars) - 1.645 * excess_sd).max(0.0).floor();
        day.p_high_at_low = Some(predictive.tails_without_error(low_end).high.max(FLOOR));
    }
    day.surges = surges(&posterior, baseline, &history, likelihoods);
    day.verdict = verdict(tails.high, low, tails.plain, today.count.coverage, rules);
    day.provisional = baseline.len() < rules.history.provisional_below;
}

fn verdict(high: f64, low: f64, plain: f64, coverage: f64, rules: &Rules) -> Verdict {
    if high <= rules.alarm.level {
        if plain <= rules.alarm.plain_level { Verdict::AnomalousHigh } else { Verdict::HighRecurrent }
    } else if low <= rules.alarm.level && coverage >= rules.alarm.dropout_coverage {
        Verdict::DropOut
    } else {
        Verdict::Normal
    }
}

/// Days of the baseline that were probably surges themselves.
fn surges(posterior: &Posterior, baseline: &[Usable<'_>], history: &[Seen], likelihoods: &mut Likelihoods) -> Vec<Date> {
    // A surge is at least twice the ordinary level; below it the probability cannot pass one half.
    let level = posterior.mean_level();
    let mut probable: Vec<Seen> = history.iter().copied().filter(|seen| seen.count > level * seen.exposure).collect();
    probable.sort_by(|a, b| a.exposure.total_cmp(&b.exposure).then(b.count.total_cmp(&a.count)));
    probable.dedup();
    let mut surges = Vec::new();
    for alike in probable.chunk_by(|a, b| a.exposure == b.exposure) {
        // From the highest count down to the first that is no surge: those below it are none either.
        surges.extend(alike.iter().copied().take_while(|seen| posterior.surge_probability(likelihoods, *seen) > 0.5));
    }
    baseline.iter().zip(history).filter(|(_, seen)| surges.contains(seen)).map(|(u, _)| u.date).collect()
}

/// The level shifts that the days up to each day show. Each rests on those days alone.
fn shifts(usable: &[Usable<'_>], rules: &Rules) -> BTreeMap<Date, LevelShift> {
    let days: Vec<&Usable<'_>> = usable.iter().filter(|u| u.serves).collect();
    if days.len() < 2 * rules.alarm.shift_min_days {
        return BTreeMap::new();
    }
    let reach = reach(rules);
    let seen: Vec<Seen> = days.iter().map(|u| u.seen(to_part(u.count.count))).collect();
    let mut search = ShiftSearch::new(&seen, rules.alarm.shift_min_days);
    let mut at = |i: usize| {
        let from = days.partition_point(|u| u.day < days[i].day - reach);
        let change = search.last_change(from, i + 1, rules.alarm.shift_bayes_factor)?;
        Some((days[i].date, stated(&change, days[change.first_after - 1].date, days[change.first_after].date)))
    };
    (0..days.len()).filter_map(&mut at).collect()
}

/// The changes of mix that the days up to each day show; only days with known classes count.
fn mix_changes(usable: &[Usable<'_>], rules: &Rules) -> BTreeMap<Date, MixChange> {
    let days: Vec<(&Usable<'_>, [u32; 5])> =
        usable.iter().filter(|u| u.serves).filter_map(|u| Some((u, u.count.classes?))).collect();
    let classes: Vec<[u32; 5]> = days.iter().map(|d| d.1).collect();
    let reach = reach(rules);
    let at = |i: usize| {
        let from = days.partition_point(|d| d.0.day < days[i].0.day - reach);
        let (first, factor) = mix::change(&classes[from..=i], rules.alarm.shift_min_days)?;
        let (before, after) = (days[from + first - 1].0.date, days[from + first].0.date);
        (factor > rules.alarm.shift_bayes_factor)
            .then(|| mix::stated(&classes[from..=i], first, factor, before, after, rules.alarm.shift_min_days))
            .flatten()
            .map(|change| (days[i].0.date, change))
    };
    (0..days.len()).filter_map(at).collect()
}

/// For each day the probability that it was itself a surge, in the light of all days within the look-back of the last one.
fn surge_probabilities(usable: &[Usable<'_>], rules: &Rules, likelihoods: &mut Likelihoods) -> BTreeMap<Date, f64> {
    let Some(last) = usable.last() else { return BTreeMap::new() };
    let days: Vec<&Usable<'_>> = usable.iter().filter(|u| u.serves && u.day >= last.day - reach(rules)).collect();
    if days.len() < rules.history.min_history {
        return BTreeMap::new();
    }
    let scale = Scale::of(days.iter().copied());
    let seen: Vec<Seen> = days.iter().map(|u| scale.seen(u)).collect();
    let posterior = Posterior::new(likelihoods, &seen);
    let known = posterior.surge_probabilities(likelihoods);
    let of = |seen: &Seen| known.iter().find(|(alike, _)| alike == seen).map(|(_, probability)| *probability);
    days.iter().zip(&seen).filter_map(|(u, seen)| Some((u.date, of(seen)?))).collect()
}
