"""Holds a run of `yardwatch analyze` against the truth of a rendered series: registration, counts, coverage, verdicts.

    yardwatch analyze SERIES --out OUT
    python training/series_accuracy.py SERIES:OUT [SERIES:OUT ...] [--images]

SERIES holds `series_truth.json` (of the renderer), OUT what the run wrote. Standard library only.
"""
import argparse
import csv
import json
import math
import os
import sqlite3
import statistics


def read(series, out):
    """One record per image."""
    with open(os.path.join(series, "series_truth.json")) as file:
        truth = json.load(file)["dates"]
    store = sqlite3.connect(f"file:{os.path.join(out, 'yardwatch.gpkg')}?mode=ro", uri=True)
    query = "SELECT image, registration_east_m, registration_north_m, registration_confidence FROM scenes"
    shifts = {image: row for image, *row in store.execute(query)}
    with open(os.path.join(out, "counts.csv")) as file:
        counts = {row["image"]: row for row in csv.DictReader(file)}
    with open(os.path.join(out, "days.csv")) as file:
        days = {row["date"]: row for row in csv.DictReader(file)}
    records = []
    for date in truth:
        east, north, confidence = shifts[date["image"]]
        row = counts[date["image"]]
        records.append(dict(
            image=date["image"], usable=date["usable"], event=date["event"], verdict=days[date["date"]]["verdict"],
            shift=(east - date["misregistration_m"][0], north - date["misregistration_m"][1]), confidence=confidence,
            count=int(row["freight_cars"]) if row["freight_cars"] else None, clear=date["visible"]["freight_cars_clear"],
            coverage=float(row["coverage"] or 0), clear_fraction=date["aoi_clear_fraction"], status=row["status"]))
    # Given tracks have an error of their own, the same in every image.
    own = [statistics.median(r["shift"][axis] for r in records if r["usable"]) for axis in (0, 1)]
    for r in records:
        r["off"] = math.hypot(*r["shift"])
        r["off_relative"] = math.hypot(r["shift"][0] - own[0], r["shift"][1] - own[1])
    return records


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def summary(name, records):
    usable = [r for r in records if r["usable"]]
    counted = [r for r in usable if r["count"] is not None]
    errors = [r["count"] - r["clear"] for r in counted]
    coverage = [r["coverage"] - r["clear_fraction"] for r in records]
    for key in ("off", "off_relative"):
        off = [r[key] for r in usable]
        print(f"{name}: {key} of {len(off)} usable images: median {quantile(off, .5):.2f} m, 95 % {quantile(off, .95):.2f} m, "
              f"largest {max(off):.2f} m, under 0.7 m {sum(v < .7 for v in off) / len(off):.3f}")
    print(f"{name}: count error, {len(errors)} of {len(usable)} usable images: mean |error| "
          f"{statistics.mean(map(abs, errors)):.2f}, bias {statistics.mean(errors):+.2f}")
    print(f"{name}: coverage against aoi_clear_fraction, {len(coverage)} images: mean |difference| "
          f"{statistics.mean(map(abs, coverage)):.3f}, largest {max(map(abs, coverage)):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="SERIES:OUT")
    parser.add_argument("--images", action="store_true", help="a line per image")
    arguments = parser.parse_args()
    everything = []
    for run in arguments.runs:
        series, out = run.rsplit(":", 1)
        records = read(series, out)
        everything += records
        if arguments.images:
            for r in records:
                print(f"{r['image']} off {r['off']:.2f} ({r['off_relative']:.2f}) confidence {r['confidence']:.2f} count {r['count']} of "
                      f"{r['clear']} coverage {r['coverage']:.2f} of {r['clear_fraction']:.2f} {r['status']} {r['event']} {r['verdict']}")
        summary(os.path.basename(series.rstrip("/")), records)
    if len(arguments.runs) > 1:
        summary("all", everything)


if __name__ == "__main__":
    main()
