"""Holds a run of `yardwatch analyze` against the truth of a rendered series: registration, counts, coverage, verdicts, trains.

    yardwatch analyze SERIES --out OUT
    python training/series_accuracy.py SERIES:OUT [SERIES:OUT ...] [--images | --trains]

SERIES holds `series_truth.json` (of the renderer), OUT what the run wrote. Standard library only.
"""
import argparse
import csv
import json
import math
import os
import sqlite3
import statistics
from collections import Counter


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
    east, north = direction(series)
    for r in records:
        x, y = r["shift"]
        r["along_across"] = (x * east + y * north, y * east - x * north)
        r["off"] = math.hypot(*r["shift"])
        r["off_relative"] = math.hypot(r["shift"][0] - own[0], r["shift"][1] - own[1])
    return records


def direction(series):
    """Of the longest track, from its first point to its last: a unit vector east and north."""
    with open(os.path.join(series, "tracks.geojson")) as file:
        lines = [feature["geometry"]["coordinates"] for feature in json.load(file)["features"]]
    ends = [((b[0] - a[0]) * math.cos(math.radians(a[1])), b[1] - a[1]) for a, b in ((line[0], line[-1]) for line in lines)]
    east, north = max(ends, key=lambda end: math.hypot(*end))
    return east / math.hypot(east, north), north / math.hypot(east, north)


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
    along, across = zip(*(r["along_across"] for r in usable))
    print(f"{name}: standard deviation along the longest track {statistics.pstdev(along):.2f} m, across it {statistics.pstdev(across):.2f} m")
    print(f"{name}: count error, {len(errors)} of {len(usable)} usable images: mean |error| "
          f"{statistics.mean(map(abs, errors)):.2f}, bias {statistics.mean(errors):+.2f}")
    print(f"{name}: coverage against aoi_clear_fraction, {len(coverage)} images: mean |difference| "
          f"{statistics.mean(map(abs, coverage)):.3f}, largest {max(map(abs, coverage)):.2f}")


def truth_strings(series, store, image):
    """Number of freight cars in the clear by string of the truth; and for each string of the program the string of the truth whose cars are most of it."""
    with open(os.path.join(series, "truth", os.path.splitext(image)[0] + ".json")) as file:
        truth = json.load(file)
    cars = [car for car in truth["cars"] if car["freight"] and car["clear"] >= .5]
    sizes, owners = Counter(car["string"] for car in cars), {}
    for string, col, row in store.execute('SELECT string, col, "row" FROM cars WHERE scene = ?', (image,)):
        near = min(truth["cars"], key=lambda car: math.hypot(car["col"] - col, car["row"] - row), default=None)
        if near and math.hypot(near["col"] - col, near["row"] - row) * truth["gsd"] < near["length"] / 2:
            owners.setdefault(string, Counter())[near["string"]] += 1
    return sizes, {string: owner.most_common(1)[0][0] for string, owner in owners.items()}


def trains(series, out):
    """Strings longer than three cars that two images of one day show, and how many of them are recognised; cars of different days' trains (no train
    of the renderer's stays) that are taken for one another, of how many."""
    store = sqlite3.connect(f"file:{os.path.join(out, 'yardwatch.gpkg')}?mode=ro", uri=True)
    shown = recognised = mistaken = strangers = 0
    with open(os.path.join(out, "counts.csv")) as file:
        images = [row["image"] for row in csv.DictReader(file) if row["status"] != "unusable"]
    order = sorted(images, key=lambda image: image.rsplit("_", 1)[-1])
    for before, now in zip(order, order[1:]):
        found = store.execute("SELECT string, cars, matched, same_as FROM strings WHERE scene = ?", (now,)).fetchall()
        if before.rsplit("_", 1)[-1][:8] != now.rsplit("_", 1)[-1][:8]:
            mistaken += sum(row[2] for row in found)
            strangers += sum(row[1] for row in found)
            continue
        (sizes, old), (sizes_now, new) = (truth_strings(series, store, image) for image in (before, now))
        same = {new[string] for string, _, matched, same_as in found
                if matched and string in new and old.get(int(same_as.rsplit(" ", 1)[-1])) == new[string]}
        long = [string for string, size in sizes_now.items() if size > 3 and sizes[string] > 3]
        shown, recognised = shown + len(long), recognised + sum(string in same for string in long)
    return shown, recognised, strangers, mistaken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="SERIES:OUT")
    parser.add_argument("--images", action="store_true", help="a line per image")
    parser.add_argument("--trains", action="store_true", help="how many trains are recognised, and nothing else")
    arguments = parser.parse_args()
    everything = []
    for run in arguments.runs:
        series, out = run.rsplit(":", 1)
        if arguments.trains:
            everything.append(trains(series, out))
            print(series, "%d strings in two images of a day, %d recognised; %d cars of other trains, %d mistaken" % everything[-1])
            continue
        records = read(series, out)
        everything += records
        if arguments.images:
            for r in records:
                print(f"{r['image']} off {r['off']:.2f} ({r['off_relative']:.2f}) confidence {r['confidence']:.2f} count {r['count']} of "
                      f"{r['clear']} coverage {r['coverage']:.2f} of {r['clear_fraction']:.2f} {r['status']} {r['event']} {r['verdict']}")
        summary(os.path.basename(series.rstrip("/")), records)
    if arguments.trains:
        print("all", *map(sum, zip(*everything)))
    elif len(arguments.runs) > 1:
        summary("all", everything)


if __name__ == "__main__":
    main()
