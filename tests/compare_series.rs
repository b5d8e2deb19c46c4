//! Verdicts on the dated series with known truth, and what must hold of any verdict.

use std::path::PathBuf;

use serde_json::Value;
use yardwatch::compare::{DatedCount, Day, Rules, Verdict, compare_site};

/// The true counts of a series, or none where `../shared` is not there. `seen`: only what the clear part of the image shows.
fn series(name: &str, seen: bool) -> Option<Vec<DatedCount>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "shared", "series", name, "series_truth.json"].iter().collect();
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: ../shared not present");
        return None;
    };
    let truth: Value = serde_json::from_str(&text).expect("truth reads");
    let counts = truth["dates"].as_array().expect("dates").iter().map(|date| {
        let time = date["datetime"].as_str().expect("datetime").parse().expect("time");
        let number = |value: &Value| value.as_f64().expect("number");
        let mut count = DatedCount::new(name, time, number(&date["true_count"]));
        if seen {
            count.count = number(&date["visible"]["freight_cars_clear"]);
            count.coverage = number(&date["aoi_clear_fraction"]);
        }
        count
    });
    Some(counts.collect())
}

fn flagged(days: &[Day]) -> Vec<String> {
    let unusual = |v: Verdict| matches!(v, Verdict::AnomalousHigh | Verdict::HighRecurrent | Verdict::DropOut);
    days.iter().filter(|d| unusual(d.verdict)).map(|d| d.date.to_string()).collect()
}

#[test]
fn sample_series_flags_the_surge_and_nothing_else() {
    for seen in [false, true] {
        let Some(counts) = series("sample", seen) else { return };
        let days = compare_site(&counts, &Rules::default());
        days.iter().for_each(|d| println!("{} {:20} {}", d.date, d.verdict, d.explanation));
        assert_eq!(flagged(&days), ["2023-10-05"]);
    }
}

#[test]
fn dev_series_flags_the_surge_and_finds_the_shift() {
    for seen in [false, true] {
        let Some(counts) = series("dev", seen) else { return };
        let days = compare_site(&counts, &Rules::default());
        days.iter().for_each(|d| println!("{} {:20} {}", d.date, d.verdict, d.explanation));
        let before: Vec<String> = flagged(&days).into_iter().filter(|d| d.as_str() < "2024-03-25").collect();
        assert_eq!(before, ["2023-10-05"]);
        assert!(
            days.iter().all(|d| d.shift.is_none() || d.date.to_string().as_str() >= "2024-03-25"),
            "a shift before the shift"
        );
        let shift = days.last().and_then(|d| d.shift.as_ref()).expect("the shift is found by the last day");
        println!("{}", shift.text);
        assert_eq!(shift.first_after.to_string(), "2024-03-25");
        // What the generator was asked for, and what it drew (without the surge).
        for (before, after) in [(12.97, 25.94), (157.0 / 14.0, 177.0 / 6.0)] {
            assert!((shift.mean_before / before - 1.0).abs() < 0.2, "{} instead of {before}", shift.mean_before);
            assert!((shift.mean_after / after - 1.0).abs() < 0.2, "{} instead of {after}", shift.mean_after);
        }
    }
}

/// Counts on days `step` apart from 2019-01-01 on.
fn dated(counts: &[f64], step: i64) -> Vec<DatedCount> {
    let start: jiff::Timestamp = "2019-01-01T02:00:00Z".parse().expect("time");
    let time = |i: usize| start + jiff::SignedDuration::from_hours(24 * step * i as i64);
    counts.iter().enumerate().map(|(i, y)| DatedCount::new("", time(i), *y)).collect()
}

#[test]
fn at_most_20_then_73_is_flagged_from_5_observations_on() {
    let usual = [9.0, 4.0, 20.0, 6.0, 8.0, 12.0, 3.0, 10.0, 7.0, 0.0, 5.0, 11.0, 2.0, 8.0, 15.0, 6.0, 9.0];
    for length in [5, 6, 7, 8, 10, 17, 34, 46] {
        let mut counts: Vec<f64> = usual.iter().cycle().take(length).copied().collect();
        counts.push(73.0);
        let days = compare_site(&dated(&counts, 1600 / length as i64), &Rules::default());
        let last = days.last().expect("days");
        assert_eq!(last.verdict, Verdict::AnomalousHigh, "{length}: {}", last.explanation);
        assert_eq!(last.provisional, length < 8);
        assert_eq!((last.history, last.rank), (length, Some(1)));
        assert!(days[..length].iter().all(|d| !d.verdict.is_anomalous()), "{length}: an ordinary day flagged");
    }
}

#[test]
fn explanation_says_what_the_table_says() {
    let mut counts: Vec<f64> = [10.0, 13.0, 24.0, 4.0, 16.0, 11.0, 26.0, 9.0, 17.0, 14.0].to_vec();
    counts.push(73.0);
    let mut dated = dated(&counts, 60);
    let last = dated.last_mut().expect("counts");
    (last.low, last.high) = (Some(69.0), Some(77.0));
    let day = compare_site(&dated, &Rules::default()).pop().expect("days");
    let expected = format!(
        "73 cars (69 to 77); {} expected ({} to {}) from 10 images since 2019-01-01; {:.1} times the expected number; \
         a day like this is expected ",
        (day.expected.expect("expected") * 10.0).round() / 10.0,
        day.expected_low.expect("low"),
        day.expected_high.expect("high"),
        day.ratio.expect("ratio")
    );
    assert!(day.explanation.starts_with(&expected), "{}", day.explanation);
    let record = "highest of 11 since 2019-01-01, previous maximum 26 on 2019-12-27";
    assert!(day.explanation.contains(record), "{}", day.explanation);
}

/// Where whole lines may hold no cars an interval reaches far down: that made the count as doubtful upwards.
#[test]
fn an_interval_that_reaches_far_down_speaks_against_a_high_day_and_not_against_a_low_one() {
    let counts: Vec<f64> = [10.0, 13.0, 14.0, 9.0, 16.0, 11.0, 12.0, 9.0, 17.0, 14.0, 12.0, 11.0].to_vec();
    let last = |count: f64, low: f64, high: f64| {
        let mut dated = dated(&[&counts[..], &[count]].concat(), 60);
        let last = dated.last_mut().expect("counts");
        (last.low, last.high) = (Some(low), Some(high));
        compare_site(&dated, &Rules::default()).pop().expect("days")
    };
    let (even, down) = (last(40.0, 36.0, 44.0), last(40.0, 8.0, 44.0));
    assert!(down.p_high > even.p_high && down.p_high_at_low > even.p_high_at_low, "{:?} {:?}", down.p_high, even.p_high);
    assert_eq!(down.p_low, even.p_low);
    assert!(last(40.0, 8.0, 40.0).p_high_at_low > even.p_high_at_low, "it does not reach up at all");
    let (even, down) = (last(3.0, 1.0, 5.0), last(3.0, 0.0, 5.0));
    assert_eq!(down.p_low, even.p_low);
    assert_eq!((down.expected_low, down.expected_high), (even.expected_low, even.expected_high));
}

#[test]
fn probabilities_are_floored_at_one_in_a_million() {
    let mut counts = vec![10.0; 30];
    counts.push(4000.0);
    let day = compare_site(&dated(&counts, 30), &Rules::default()).pop().expect("days");
    assert_eq!(day.p_high, Some(1e-6));
    assert!(day.explanation.contains("less than once in a million"), "{}", day.explanation);
}

#[test]
fn best_of_several_images_of_a_day_stands_for_it() {
    let mut counts = dated(&[10.0, 12.0], 30);
    let mut covered = counts[0].clone();
    covered.time += jiff::SignedDuration::from_hours(1);
    (covered.count, covered.coverage) = (14.0, 0.9);
    (counts[0].count, counts[0].coverage) = (5.0, 0.4);
    let mut precise = covered.clone();
    (precise.count, precise.low, precise.high) = (13.0, Some(12.0), Some(14.0));
    counts.extend([covered, precise]);
    let days = compare_site(&counts, &Rules::default());
    assert_eq!(days.len(), 2);
    assert_eq!((days[0].images, days[0].freight_cars, days[0].coverage), (3, Some(13.0), 0.9));
}

/// The docs left out days too near, and what equal counts have.
#[test]
fn rank_is_taken_over_near_days_too_and_equal_counts_share_the_better_one() {
    let days = compare_site(&dated(&[12.0, 15.0, 15.0, 9.0], 2), &Rules::default());
    assert_eq!(
        days.iter().map(|day| (day.rank, day.rank_of, day.history)).collect::<Vec<_>>(),
        [(Some(1), 1, 0), (Some(1), 2, 0), (Some(1), 3, 0), (Some(4), 4, 0)]
    );
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/outputs.md")).expect("docs");
    let row = docs.lines().find(|line| line.starts_with("| `rank` |")).expect("a row");
    assert!(row.contains("of the record; equal counts share"), "{row}");
}

#[test]
fn coverage_decides_on_unusable_and_drop_out() {
    let mut counts = dated(&[40.0; 30], 30);
    let verdict = |coverage: f64, count: f64, counts: &mut Vec<DatedCount>| {
        let last = counts.last_mut().expect("counts");
        (last.coverage, last.count) = (coverage, count);
        compare_site(counts, &Rules::default()).pop().expect("days").verdict
    };
    assert_eq!(verdict(1.0, 2.0, &mut counts), Verdict::DropOut);
    assert_eq!(verdict(0.7, 2.0, &mut counts), Verdict::Normal);
    assert_eq!(verdict(0.25, 2.0, &mut counts), Verdict::Unusable);
    assert_eq!(verdict(0.5, 20.0, &mut counts), Verdict::Normal);
    assert_eq!(verdict(0.5, 90.0, &mut counts), Verdict::AnomalousHigh);
}

/// 22 cars of a share of 1e-310 were more than memory holds, of 1e-12 as many as 2e13 of the whole yard.
#[test]
fn of_less_than_a_hundredth_of_the_yard_a_count_is_unusable_whatever_the_settings_say() {
    let mut counts = dated(&[20.0; 12], 30);
    let mut rules = Rules::default();
    rules.history.min_coverage = 0.0;
    counts[6].count = 22.0;
    for coverage in [0.0, 1e-310, 1e-12, 0.0099] {
        counts[6].coverage = coverage;
        let days = compare_site(&counts, &rules);
        assert_eq!(days[6].verdict, Verdict::Unusable, "{coverage}");
        assert!(days[6].reason.ends_with(" % of the yard visible, 1 % needed"), "{}", days[6].reason);
        assert_eq!((days[11].verdict, days[11].history), (Verdict::Normal, 10), "{coverage}");
    }
    counts[6].coverage = 0.01;
    assert_ne!(compare_site(&counts, &rules)[6].verdict, Verdict::Unusable);
}

/// Twenty ordinary days, a run, and ordinary days again.
fn with_run(run: &[f64]) -> Vec<f64> {
    let usual =
        [12.0, 9.0, 15.0, 11.0, 7.0, 13.0, 10.0, 16.0, 8.0, 12.0, 14.0, 9.0, 11.0, 6.0, 13.0, 10.0, 12.0, 17.0, 8.0, 11.0];
    [&usual[..], run, &usual[..6]].concat()
}

#[test]
fn every_day_of_a_run_of_empty_days_is_a_drop_out_and_no_other_is() {
    // Two cars counted where none stood, as in snow, do not end the run.
    for run in [&[0.0; 2][..], &[0.0; 6], &[0.0, 0.0, 2.0, 0.0, 0.0]] {
        // A fortnight apart, and so near that half of the days are no baseline of the next one.
        for step in [14, 5] {
            let days = compare_site(&dated(&with_run(run), step), &Rules::default());
            for (i, day) in days.iter().enumerate() {
                let empty = (20..20 + run.len()).contains(&i);
                assert_eq!(day.verdict == Verdict::DropOut, empty, "{} every {step} days: {}", day.date, day.explanation);
            }
        }
    }
    let days = compare_site(&dated(&with_run(&[0.0; 6]), 14), &Rules::default());
    let last = &days[25];
    let run = last.low_run.as_ref().expect("a run");
    assert_eq!((run.days, run.since, run.most), (6, days[20].date, 0.0));
    let said = format!("6 days in a row without a car since {}; a run like this is expected ", days[20].date);
    assert!(last.explanation.contains(&said), "{}", last.explanation);
}

/// The day after a drop-out the yard stood empty still, and was `normal`: it was judged by itself, and might have held three cars.
#[test]
fn a_second_look_at_a_yard_that_fell_silent_says_the_same() {
    let usual = [8.0, 17.0, 6.0, 2.0, 7.0, 7.0, 5.0, 3.0, 7.0, 9.0, 10.0, 22.0, 14.0, 5.0, 9.0, 14.0, 8.0, 13.0];
    let verdicts = |last: f64, high: f64| {
        let mut counts = dated(&[&usual[..], &[0.0, last]].concat(), 14);
        counts[19].time = counts[18].time + jiff::SignedDuration::from_hours(24);
        (counts[18].low, counts[18].high) = (Some(0.0), Some(1.0));
        (counts[19].low, counts[19].high) = (Some(last), Some(last + high));
        let days = compare_site(&counts, &Rules::default());
        println!("{}", days[19].explanation);
        [days[18].verdict, days[19].verdict]
    };
    assert_eq!(verdicts(0.0, 9.0), [Verdict::DropOut; 2]);
    assert_eq!(verdicts(4.0, 3.0), [Verdict::DropOut, Verdict::Normal], "cars have come");
}

#[test]
fn in_retrospect_every_day_of_a_run_is_a_drop_out_too() {
    let rules = Rules { retrospective: true, ..Rules::default() };
    let days = compare_site(&dated(&with_run(&[0.0; 5]), 14), &rules);
    for (i, day) in days.iter().enumerate() {
        assert_eq!(day.verdict == Verdict::DropOut, (20..25).contains(&i), "{}: {}", day.date, day.explanation);
    }
}

#[test]
fn a_low_day_with_a_boundless_interval_is_compared_in_no_time() {
    let mut counts = dated(&with_run(&[0.0; 4]), 14);
    counts[22..24].iter_mut().for_each(|count| (count.low, count.high) = (Some(0.0), Some(1e9)));
    let days = compare_site(&counts, &Rules::default());
    assert_eq!(days[21].verdict, Verdict::DropOut);
    assert!(days[23].low_run.as_ref().is_some_and(|run| (1e-6..=1.0).contains(&run.p)), "{}", days[23].explanation);
}

#[test]
fn a_yard_that_often_stands_empty_has_no_run_of_drop_outs() {
    let mut counts = with_run(&[0.0; 3]);
    (0..20).step_by(3).for_each(|i| counts[i] = 0.0);
    let days = compare_site(&dated(&counts, 14), &Rules::default());
    assert!(days.iter().skip(8).all(|day| day.verdict == Verdict::Normal), "flagged");
}

#[test]
fn hidden_days_do_not_speak_for_a_run() {
    let mut counts = dated(&with_run(&[0.0; 4]), 14);
    let p = |counts: &[DatedCount]| compare_site(counts, &Rules::default())[23].low_run.as_ref().map(|run| run.p);
    let seen = p(&counts).expect("a run");
    counts[21..23].iter_mut().for_each(|count| count.coverage = 0.5);
    let hidden = p(&counts).expect("a run");
    assert!(hidden > 2.0 * seen.max(1e-6), "{hidden} and {seen}");
}

/// The whole history was looked through, where all of it was partly seen.
#[test]
fn a_run_is_not_looked_for_over_many_hidden_days() {
    let run = |hidden: usize| {
        let mut counts = dated(&with_run(&vec![0.0; hidden + 2]), 14);
        counts[21..21 + hidden].iter_mut().for_each(|count| count.coverage = 0.5);
        compare_site(&counts, &Rules::default())[21 + hidden].low_run.clone()
    };
    assert_eq!(run(3).map(|run| run.days), Some(5));
    assert_eq!(run(8).map(|run| run.days), Some(10));
    assert_eq!(run(40), None);
}

/// Of four empty days in a row the first was not flagged: on two days years before, under cloud, the few cars had stood where nothing
/// was seen, and that was taken for a yard that is empty now and then.
#[test]
fn days_without_a_car_that_show_half_the_yard_do_not_make_it_one_that_is_often_empty() {
    let mut counts = dated(&with_run(&[0.0]), 14);
    for i in [4, 9, 15] {
        (counts[i].count, counts[i].coverage) = (0.0, 0.5);
    }
    let days = compare_site(&counts, &Rules::default());
    assert_eq!(days[20].verdict, Verdict::DropOut, "{}", days[20].explanation);
    // Seen whole, they do.
    [4, 9, 15].into_iter().for_each(|i| counts[i].coverage = 1.0);
    assert_eq!(compare_site(&counts, &Rules::default())[20].verdict, Verdict::Normal);
}

/// Of ordinary days of which half or less was seen, 4 to 9 in a hundred were flagged, where one in a hundred is asked for: their one train
/// happened to stand in the visible part.
#[test]
fn all_of_the_cars_in_the_visible_part_of_the_yard_are_no_surge_but_many_times_as_many_are() {
    let mut counts = dated(&with_run(&[]), 14);
    let last = counts.len() - 1;
    counts[last].coverage = 0.35;
    let mut verdict = |cars: f64| {
        counts[last].count = cars;
        compare_site(&counts, &Rules::default()).pop().expect("days")
    };
    let (ordinary, surge) = (verdict(14.0), verdict(60.0));
    assert_eq!(ordinary.verdict, Verdict::Normal, "{}", ordinary.explanation);
    assert_eq!(surge.verdict, Verdict::AnomalousHigh, "{}", surge.explanation);
    assert_eq!(ordinary.expected.map(f64::round), Some(4.0), "the expectation is what it was");
}

#[test]
fn days_too_near_or_excluded_or_too_old_are_no_baseline() {
    let mut counts = dated(&[10.0; 12], 100);
    let near = counts[11].time - jiff::SignedDuration::from_hours(24 * 3);
    counts.push(DatedCount::new("", near, 10.0));
    let history = |rules: &Rules| compare_site(&counts, rules).pop().expect("days").history;
    assert_eq!(history(&Rules::default()), 11);
    let mut rules = Rules::default();
    rules.history.exclude.push(counts[4].date());
    assert_eq!(history(&rules), 10);
    rules.history.lookback_years = 1.0;
    assert_eq!(history(&rules), 3);
    rules.retrospective = true;
    let days = compare_site(&counts, &rules);
    assert_eq!(days[0].history, 3, "retrospectively the first day is compared with later ones");
}

/// Thirty empty days and one with 20 cars were a shift "from a mean of 0.1 to 17.8", 60 cars a day and then none one "from 60.1 to 70.1".
#[test]
fn an_odd_day_or_two_are_no_level_shift() {
    let histories: [&[f64]; 4] = [&[0.0; 30], &[60.0; 30], &[18.0, 24.0, 20.0, 17.0, 23.0, 21.0], &[3.0, 0.0, 5.0, 2.0, 4.0]];
    for history in histories {
        for odd in [&[0.0][..], &[20.0], &[200.0], &[20_000.0], &[0.0, 0.0], &[75.0, 75.0]] {
            for ordinary in [0, 1, 2] {
                let again = history.iter().take(ordinary);
                let counts: Vec<f64> = history.iter().chain(history).chain(odd).chain(again).copied().collect();
                let day = compare_site(&dated(&counts, 15), &Rules::default()).pop().expect("days");
                assert_eq!(day.shift, None, "{counts:?}");
            }
        }
    }
}

/// "From a mean of 14.6 to 39.1 cars", said when the yard had long gone back to 15.
#[test]
fn where_the_level_has_changed_again_the_last_change_is_stated() {
    let at = |level: f64, days: usize| (0..days).map(move |i| level * [1.0, 0.8, 1.2, 0.9, 1.1][i % 5]);
    let counts: Vec<f64> = at(15.0, 20).chain(at(50.0, 10)).chain(at(15.0, 6)).map(f64::round).collect();
    let days = compare_site(&dated(&counts, 15), &Rules::default());
    let means = |day: &Day| day.shift.as_ref().map(|s| (s.mean_before.round(), s.mean_after.round()));
    let (up, down) = (means(&days[29]).expect("a shift up"), means(&days[35]).expect("a shift down"));
    assert!((up.0 - 15.0).abs() <= 1.0 && (up.1 - 50.0).abs() <= 3.0, "{up:?}");
    assert!((down.0 - 50.0).abs() <= 3.0 && (down.1 - 15.0).abs() <= 2.0, "{down:?}");
}

/// Three days with 20 cars like all others, of which a third of the yard was seen, were a shift "from a mean of 19.4 to 60.6 cars", and without
/// a car one "to 1 cars", still said on a later day that was seen whole and had 21.
#[test]
fn days_that_show_a_part_of_the_yard_are_a_shift_only_where_all_of_its_cars_in_sight_do_not_explain_them() {
    let ordinary = [17.0, 24.0, 20.0, 16.0, 19.0, 22.0, 18.0, 15.0, 21.0];
    let shift = |cars: &[f64], coverage: f64, after: &[f64]| {
        let before: Vec<f64> = ordinary.iter().cycle().take(27).copied().collect();
        let mut counts = dated(&[&before[..], cars, after].concat(), 10);
        counts[27..27 + cars.len()].iter_mut().for_each(|count| count.coverage = coverage);
        compare_site(&counts, &Rules::default()).pop().and_then(|day| day.shift)
    };
    for (coverage, cars) in
        [(0.35, [21.0, 15.0, 23.0]), (0.5, [20.0, 23.0, 24.0]), (0.7, [19.0, 22.0, 24.0]), (0.35, [0.0; 3]), (0.7, [0.0; 3])]
    {
        for after in [&[][..], &[21.0]] {
            assert_eq!(shift(&cars, coverage, after), None, "{cars:?} at {coverage}, then {after:?}");
        }
    }
    // A change that shows through what is hidden is stated.
    let up = shift(&[40.0, 44.0, 38.0, 47.0, 36.0, 41.0], 0.5, &[]).expect("four times the cars");
    assert!(up.mean_after > 60.0, "{}", up.text);
    let down = shift(&[0.0, 1.0, 0.0, 0.0, 1.0], 0.9, &[]).expect("hardly a car");
    assert!(down.mean_after < 2.0, "{}", down.text);
}

/// Means of several counts were rounded: of 2.5 and 3.5 cars in turn 3.5 were expected, of 0.4 every day 0.1.
#[test]
fn of_means_of_counts_their_mean_is_expected() {
    for (turn, expected) in [([2.5, 3.5], 3.0), ([0.4, 0.4], 0.4), ([12.25, 13.75], 13.0)] {
        let counts: Vec<f64> = turn.iter().cycle().take(24).copied().collect();
        let day = compare_site(&dated(&counts, 14), &Rules::default()).pop().expect("days");
        let found = day.expected.expect("expected");
        assert!((found / expected - 1.0).abs() < 0.06, "{turn:?}: {found}");
        assert_eq!(day.verdict, Verdict::Normal, "{}", day.explanation);
    }
}

/// One day with a train of tank cars, and the two days before it, were a new mix.
#[test]
fn one_day_of_another_class_is_no_change_of_mix() {
    let mut counts = dated(&[30.0; 24], 15);
    for (i, count) in counts.iter_mut().enumerate() {
        let gondolas = [16, 20, 18][i % 3];
        count.classes = Some(if i == 23 { [0, 0, 60, 0, 0] } else { [gondolas, 30 - gondolas, 0, 0, 0] });
    }
    let mix = |counts: &[DatedCount]| compare_site(counts, &Rules::default()).pop().expect("days").mix;
    assert_eq!(mix(&counts), None);
    for count in &mut counts[20..] {
        count.classes = Some([0, 0, 30, 0, 0]);
    }
    assert_eq!(mix(&counts).expect("a new mix").first_after, counts[20].date());
}

/// A count of 200,000 made 218,232 cars the expectation of a yard of twenty, for as long as it was in the history.
#[test]
fn one_impossible_count_does_not_change_what_is_expected() {
    let ordinary: Vec<f64> = (0..40).map(|i| [20.0, 14.0, 27.0, 18.0, 22.0, 11.0, 31.0, 17.0][i % 8]).collect();
    let last = |odd: f64| {
        let mut counts = ordinary.clone();
        counts[12] = odd;
        compare_site(&dated(&counts, 10), &Rules::default()).pop().expect("days")
    };
    let clean = last(20.0);
    for odd in [2_000.0, 200_000.0, 1e9, 1e12] {
        let day = last(odd);
        let near = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| (a - b).abs() <= 0.1 * b);
        assert!(near(day.expected, clean.expected) && near(day.expected_high, clean.expected_high), "{odd}: {}", day.explanation);
    }
}

/// "Highest of 29" was said of 60 cars where an excluded day had 75.
#[test]
fn the_record_says_what_it_leaves_out() {
    let mut counts = dated(&[20.0; 30], 10);
    (counts[12].count, counts[29].count) = (75.0, 60.0);
    let mut rules = Rules::default();
    rules.history.exclude.push(counts[12].date());
    let day = compare_site(&counts, &rules).pop().expect("days");
    let said = format!("highest of 29 since {} (1 excluded day left out), previous maximum 20", counts[0].date());
    assert!(day.explanation.contains(&said), "{}", day.explanation);
}

/// "Previous maximum 80" named a day that was still to come.
#[test]
fn in_retrospect_a_later_day_is_no_previous_one() {
    let mut counts = dated(&[20.0; 30], 10);
    (counts[12].count, counts[20].count) = (90.0, 80.0);
    let rules = Rules { retrospective: true, ..Rules::default() };
    let day = &compare_site(&counts, &rules)[12];
    let said = format!("the maximum of the others is 80 on {}", counts[20].date());
    assert!(day.explanation.contains(&said), "{}", day.explanation);
}

/// "0 expected; 525 times the expected number".
#[test]
fn next_to_nothing_is_no_measure() {
    let mut counts = dated(&[0.0; 31], 10);
    counts[30].count = 20.0;
    let day = compare_site(&counts, &Rules::default()).pop().expect("days");
    assert!(day.explanation.contains("under 0.1 expected (0 to 1)"), "{}", day.explanation);
    assert!(day.explanation.contains("; above the expected range;"), "{}", day.explanation);
}

#[test]
fn a_plain_trend_is_followed() {
    let counts: Vec<f64> =
        (0..60).map(|i| (10.0 + 0.5 * f64::from(i)) * (0.7 + 0.15 * f64::from(i * 7 % 5))).map(f64::round).collect();
    let day = compare_site(&dated(&counts, 28), &Rules::default()).pop().expect("days");
    assert!(day.trend_per_year.is_some_and(|t| t > 1.1), "{:?}", day.trend_per_year);
    let expected = day.expected.expect("expected");
    assert!((35.0..48.0).contains(&expected), "{expected}");
    let mut rules = Rules::default();
    rules.history.trend = false;
    let flat = compare_site(&dated(&counts, 28), &rules).pop().expect("days");
    assert!(flat.expected.expect("expected") < 30.0 && flat.trend_per_year.is_none());
}

/// After five empty days a falling trend was followed: of ten cars a day 4.2 were expected, and 15 flagged.
#[test]
fn empty_days_are_no_falling_trend() {
    let mut counts = vec![13, 5, 4, 18, 8, 14, 8, 13, 11, 7, 10, 18, 5, 7, 5, 8, 4, 8, 9, 10, 5, 14, 5, 9, 14, 8, 7, 14, 9];
    counts.extend([0, 0, 0, 0, 0, 8, 15]);
    let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
    let day = compare_site(&dated(&counts, 45), &Rules::default()).pop().expect("days");
    assert!(day.trend_per_year.is_none() && day.verdict == Verdict::Normal, "{}", day.explanation);
    assert!(day.expected.is_some_and(|e| e > 7.5), "{:?}", day.expected);
}

/// A run of days with 0.9 cars was as improbable as one of empty days.
#[test]
fn a_run_of_fractional_counts_is_taken_as_its_days_are() {
    let p = |last: f64| {
        let mut counts: Vec<f64> = (0..24).map(|i| [3.0, 6.0, 4.0, 7.0, 5.0][i % 5]).collect();
        counts.extend([last; 3]);
        let day = compare_site(&dated(&counts, 12), &Rules::default()).pop().expect("days");
        day.low_run.expect("a run").p
    };
    assert!(p(0.0) < 0.2 * p(0.9) && p(0.9) < 1.1 * p(1.0), "{} {} {}", p(0.0), p(0.9), p(1.0));
}

/// A level that doubled on the last days was taken for a trend of five years, which made the next such day ordinary.
#[test]
fn a_change_of_level_is_no_trend() {
    let before = [9, 12, 7, 11, 14, 8, 10, 13, 6, 12, 9, 11, 8, 15, 10, 7, 13, 9, 12, 10];
    let counts: Vec<f64> = before.iter().chain(&before).copied().chain([22, 25, 19, 27, 21, 29]).map(f64::from).collect();
    let day = compare_site(&dated(&counts, 30), &Rules::default()).pop().expect("days");
    assert!(day.trend_per_year.is_none(), "{}", day.explanation);
}

mod properties {
    use super::*;
    use proptest::prelude::*;
    use yardwatch::compare::{Likelihoods, Model, Posterior, Predictive, Seen, compare_sites};

    fn anything() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0u32..60).prop_map(f64::from),
            1 => 0.0..1e15f64,
            1 => prop_oneof![Just(f64::NAN), Just(-3.0), Just(f64::INFINITY), Just(2.5), Just(1e300)],
        ]
    }

    /// Mostly one of two levels, so that shifts are stated; at times so many that grids and units change.
    fn earlier() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0u32..12).prop_map(f64::from),
            6 => (40u32..90).prop_map(f64::from),
            1 => (84u32..100_000).prop_map(f64::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn order_and_threads_do_not_matter(counts in prop::collection::vec(0u32..50, 1..25), turn in 0usize..25) {
            let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
            let mut dated = dated(&counts, 9);
            for (i, count) in dated.iter_mut().enumerate() {
                count.site = ["a", "b", "c"][i % 3].into();
            }
            let rules = Rules::default();
            let in_order = compare_sites(&dated, &rules);
            let turn = turn % dated.len();
            dated.rotate_left(turn);
            dated.reverse();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("pool");
            prop_assert_eq!(in_order, pool.install(|| compare_sites(&dated, &rules)));
        }

        #[test]
        fn later_days_change_nothing_that_is_said_of_earlier_ones(
            counts in prop::collection::vec(earlier(), 8..30),
            later in prop::collection::vec(earlier(), 1..4),
        ) {
            let said = |counts: &[f64]| -> Vec<Day> {
                let mut days = compare_site(&dated(counts, 20), &Rules::default());
                // These two look back from the last day by design: adjusted for the number of looks; a surge in the light of all days.
                days.iter_mut().for_each(|day| (day.q_high, day.q_low, day.surge_probability) = (None, None, None));
                days
            };
            let before = said(&counts);
            let after = said(&[counts, later].concat());
            for (a, b) in before.iter().zip(&after) {
                prop_assert_eq!(a, b);
            }
        }

        #[test]
        fn more_cars_are_never_less_unusual(history in prop::collection::vec(0u32..40, 5..30), today in 0u32..120) {
            let history: Vec<Seen> = history.into_iter().map(|y| Seen::new(f64::from(y), 1.0)).collect();
            let mut likelihoods = Likelihoods::new(Model::default());
            let posterior = Posterior::new(&mut likelihoods, &history);
            let predictive = Predictive::new(&posterior, 1.0, 0.0);
            let (here, next) = (predictive.tails(f64::from(today)), predictive.tails(f64::from(today + 1)));
            prop_assert!(next.high <= here.high && next.plain <= here.plain && next.low >= here.low);
            // P(Y >= y + 1) + P(Y <= y) is one.
            prop_assert!((next.high + here.low - 1.0).abs() < 1e-9);
        }

        #[test]
        fn strings_hide_more_or_less_but_not_on_average(history in prop::collection::vec(0u32..90, 5..30), coverage in 0.3..1.0f64) {
            let history: Vec<Seen> = history.into_iter().map(|y| Seen::new(f64::from(y), 1.0)).collect();
            let posterior = Posterior::new(&mut Likelihoods::new(Model::default()), &history);
            let (single, strings) = (Predictive::new(&posterior, coverage, 0.0), Predictive::of_strings(&posterior, coverage, 0.0));
            prop_assert!((strings.expected() / single.expected() - 1.0).abs() < 1e-9);
            prop_assert!((strings.tails(0.0).high - 1.0).abs() < 1e-9);
            let none = [&single, &strings].map(|predictive| predictive.tails(0.0).low);
            if coverage > 0.95 {
                prop_assert_eq!(none[0], none[1]);
            } else if coverage < 0.94 {
                prop_assert!(none[1] > none[0] && strings.quantile(0.975) >= single.quantile(0.975));
            }
        }

        #[test]
        fn half_the_yard_seen_on_all_days_changes_nothing(history in prop::collection::vec(1u32..40, 8..30), today in 0u32..80) {
            let mut tails = [1.0, 0.5].map(|exposure| {
                let seen = |y: u32| Seen::new(f64::from(y), exposure);
                let history: Vec<Seen> = history.iter().map(|y| seen(*y)).collect();
                let mut likelihoods = Likelihoods::new(Model::default());
                let posterior = Posterior::new(&mut likelihoods, &history);
                Predictive::new(&posterior, exposure, 0.0).tails(f64::from(today)).high
            });
            tails.sort_by(f64::total_cmp);
            prop_assert!(tails[1] / tails[0] < 1.02, "{:?}", tails);
        }

        #[test]
        fn nothing_panics_and_probabilities_are_probabilities(
            counts in prop::collection::vec((anything(), anything(), 0.0..1.3f64), 1..20),
            step in 0i64..400,
        ) {
            let mut dated = dated(&counts.iter().map(|c| c.0).collect::<Vec<_>>(), step);
            for (count, (_, width, coverage)) in dated.iter_mut().zip(&counts) {
                (count.low, count.high) = (Some(count.count - width), Some(count.count + width));
                count.coverage = *coverage;
            }
            for day in compare_site(&dated, &Rules::default()) {
                for p in [day.p_high, day.p_low, day.p_plain, day.q_high, day.q_low].into_iter().flatten() {
                    prop_assert!((1e-6..=1.0).contains(&p), "{day:?}");
                }
                prop_assert!(!day.explanation.is_empty());
            }
        }
    }
}

mod csv_input {
    use assert_cmd::Command;

    /// Exit code, standard output and standard error of `yardwatch compare` on a file with this content.
    fn compare(content: &[u8], more: &[&str]) -> (i32, String, String) {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("counts.csv");
        std::fs::write(&file, content).expect("file");
        let mut command = Command::cargo_bin("yardwatch").expect("binary");
        command.arg("compare").arg(&file).arg("--out").arg(folder.path().join("out")).args(more);
        let output = command.output().expect("runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn trouble_is_a_sentence_and_never_a_panic() {
        let cases: [(&[u8], i32, &str); 16] = [
            (b"date,count\n2020-01-02,1,5\n2020-01-01,4,\n", 3, "line 2: 3 fields where the header names 2"),
            (
                b"date,count\n2020-01-02T01:00[Atlantis/City],1\n2020-01-01,4\n",
                3,
                "line 2: `2020-01-02T01:00[Atlantis/City]` is not a time",
            ),
            (b"", 1, "the file is empty"),
            (b"date,count\n", 1, "no rows"),
            (b"when,how many\n2020-01-01,3\n", 1, "no column with a date found among `when`, `how many`"),
            (b"date,model\n2020-01-01,3\n", 1, "no column with a count"),
            (b"date,count\n05/10/2023,3\n", 1, "--date-format"),
            (b"date,count\n,3\n2020-01-01,4\n", 3, "line 2: no date"),
            (b"date,count\n2020-13-45,3\n2020-01-01,4\n", 3, "line 2: `2020-13-45` is not a date"),
            (b"date,count\n2020-01-02,-3\n2020-01-01,4\n", 3, "line 2: -3 is not a count"),
            (b"date,count\n2020-01-02,NaN\n2020-01-01,4\n", 3, "`NaN` is not a number"),
            (b"date,count,coverage\n2020-01-02,5,85\n2020-01-01,4,1\n", 3, "coverage 85 is not between 0 and 1"),
            (b"date,count,low,high\n2020-01-02,5,9,3\n2020-01-01,4,1,6\n", 3, "9 to 3 is not an interval"),
            (b"\xff\xfe\x00,\x01\n\x02", 1, "no column with a date"),
            (b"date,count\n\"2020-01-01,3\n", 1, "no row can be used"),
            (b"date,count\n2020-01-01\n2020-01-02,5\n", 0, ""),
        ];
        for (content, code, message) in cases {
            let shown = String::from_utf8_lossy(content);
            let (got, _, stderr) = compare(content, &[]);
            assert_eq!(got, code, "{shown:?}: {stderr}");
            assert!(stderr.contains(message) && !stderr.contains("panicked"), "{shown:?}: {stderr}");
        }
    }

    #[test]
    fn other_peoples_tables_are_understood() {
        let tables = [
            ("\u{feff}Date;Railcars;Yard\n2020-01-01;12,5;A\n2021/01/01;9;A\n", vec![]),
            ("day\tn\n2020-01-01T23:30:00-05:00\t12\n2020-03-01 10:00\t9\n", vec![]),
            (
                "when,a,b\n31.12.2019,1,12\n05.02.2020,2,9\n",
                vec!["--time-column", "When", "--count-column", "b", "--date-format", "%d.%m.%Y"],
            ),
        ];
        for (table, arguments) in tables {
            let (code, stdout, stderr) = compare(table.as_bytes(), &[&arguments[..], &["--format", "json"]].concat());
            assert_eq!(code, 0, "{stderr}");
            let sites: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
            let days = sites[0]["days"].as_array().expect("days");
            assert_eq!((days.len(), days[1]["freight_cars"].as_f64()), (2, Some(9.0)), "{stdout}");
        }
    }

    /// `"1,234"` was taken for 1.234 cars, and the day was a drop-out.
    #[test]
    fn a_comma_that_may_part_thousands_is_refused_where_commas_part_the_fields() {
        let line = "line 3: `1,234` may be thousands or decimals; write 1234, or a decimal point";
        for (table, message) in [
            ("date,count\n2020-01-01,980\n2020-01-02,\"1,234\"\n", line),
            ("date,count\n2020-01-01,980\n2020-01-02,\" 1,234 \"\n", line),
            ("date,count\n2020-01-01,980\n2020-01-02,\"1,234,567\"\n", "write 1234567, or"),
            ("date,count,low,high\n2020-01-01,980,,\n2020-01-02,1234,1200,\"1,260\"\n", "line 3: `1,260` may be"),
            ("date,count,tank\n2020-01-01,980,\n2020-01-02,1234,\"1,200\"\n", "line 3: `1,200` may be"),
        ] {
            let (code, _, stderr) = compare(table.as_bytes(), &[]);
            assert_eq!(code, 3, "{table}: {stderr}");
            assert!(stderr.contains(message), "{table}: {stderr}");
        }
        // Decimals beyond doubt, and a file whose commas are decimal ones.
        for table in [
            "date,count,coverage\n2020-01-01,\"12,5\",\"0,950\"\n2020-01-02,\"1234,5\",\"1,000\"\n",
            "date;count\n2020-01-01;12,5\n2020-01-02;1,234\n",
        ] {
            let (code, _, stderr) = compare(table.as_bytes(), &[]);
            assert_eq!(code, 0, "{table}: {stderr}");
        }
    }

    /// `1,234` between tabs was taken for 1.234 cars.
    #[test]
    fn a_comma_that_may_part_thousands_is_refused_where_tabs_part_the_fields() {
        let (code, _, stderr) = compare(b"date\tcount\n2020-01-01\t980\n2020-01-02\t1,234\n", &[]);
        assert!(code == 3 && stderr.contains("line 3: `1,234` may be thousands or decimals; write 1234, or"), "{stderr}");
        let (code, _, stderr) = compare(b"date\tcount\tcoverage\n2020-01-01\t12,5\t0,950\n2020-01-02\t9\t1,000\n", &[]);
        assert_eq!(code, 0, "{stderr}");
    }

    /// The interval was used as it was.
    #[test]
    fn an_interval_that_does_not_hold_its_count_is_refused() {
        for (row, message) in [
            ("5,9,12", "line 3: the interval begins at 9, above the count 5; put it right, or leave low and high empty"),
            ("50,9,12", "line 3: the interval ends at 12, below the count 50"),
            ("5,9,", "line 3: the interval begins at 9, above the count 5; put it right"),
            ("50,,12", "line 3: the interval ends at 12, below the count 50; put it right"),
        ] {
            let (code, _, stderr) = compare(format!("date,count,low,high\n2020-01-01,7,6,8\n2020-01-02,{row}\n").as_bytes(), &[]);
            assert!(code == 3 && stderr.contains(message), "{row}: {stderr}");
        }
        // As the program writes them: looked at by hand, partly seen, without a count.
        let written = "acquired,freight_cars,low,high,status\n2020-01-01T00:00:00Z,7,7,7,ok\n2020-01-02T00:00:00Z,0,0,3,partial\n\
                       2020-01-03T00:00:00Z,,,,unusable\n";
        assert_eq!(compare(written.as_bytes(), &[]).0, 0);
    }

    #[test]
    fn a_time_with_another_zone_belongs_to_its_utc_day() {
        let (_, stdout, _) =
            compare(b"time,count\n2020-01-01T23:30:00-05:00,12\n2020-01-02T01:00:00Z,12\n", &["--format", "json"]);
        let sites: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(sites[0]["days"].as_array().map(Vec::len), Some(1));
        assert_eq!((sites[0]["days"][0]["date"].as_str(), sites[0]["days"][0]["images"].as_u64()), (Some("2020-01-02"), Some(2)));
        let (_, stdout, _) = compare(b"time,count\n2020-01-02T00:30[Europe/Berlin],12\n", &["--format", "json"]);
        let sites: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(sites[0]["days"][0]["date"].as_str(), Some("2020-01-01"), "{stdout}");
    }

    #[test]
    fn a_flagged_day_can_set_the_exit_code() {
        let mut table = String::from("date,count\n");
        (10..30).for_each(|i| table += &format!("20{}-0{}-15,{}\n", 17 + i / 9, 1 + i % 9, 10 + i % 4));
        let flagged = table + "2021-06-01,90\n";
        assert_eq!(compare(flagged.as_bytes(), &["--fail-on-anomaly"]).0, 4);
        assert_eq!(compare(flagged.as_bytes(), &[]).0, 0);
        assert_eq!(compare(flagged.as_bytes(), &["--level", "7"]).0, 2);
    }
}
