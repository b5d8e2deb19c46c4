#!/usr/bin/env python3
"""How far the cars of a rendered series stand from its tracks: as they were drawn, and as `yardwatch analyze` retraced them.

    python3 training/track_error.py SERIES:OUT ...

SERIES is what the renderer wrote, OUT the folder of a run with tracks given. Prints quantiles of the distance (metres) from the middle of every true car
to the nearest track, less what all have in common (the median): a map's shift is another matter.
"""

import glob
import json
import math
import os
import sqlite3
import sys

import numpy as np


def metres(points, origin):
    scale = np.array([111320 * math.cos(math.radians(origin[1])), 110540])
    return (np.array(points)[:, :2] - origin) * scale


def to_the_left(point, line):
    """Distance of a point from a polyline, positive on its left."""
    a, b = line[:-1], line[1:]
    way = b - a
    t = np.clip(((point - a) * way).sum(1) / np.maximum((way ** 2).sum(1), 1e-9), 0, 1)
    off = point - (a + t[:, None] * way)
    nearest = np.argmin((off ** 2).sum(1))
    cross = way[nearest][0] * off[nearest][1] - way[nearest][1] * off[nearest][0]
    return math.copysign(math.hypot(*off[nearest]), cross)


def cars(series):
    """Longitude and latitude of every true car, the image's own shift taken off."""
    with open(os.path.join(series, "series_truth.json")) as file:
        shifts = {date["image"]: date["misregistration_m"] for date in json.load(file)["dates"]}
    for path in sorted(glob.glob(os.path.join(series, "truth", "*.json"))):
        with open(path) as file:
            truth = json.load(file)
        east, north = shifts[truth["image"]]
        for car in truth["cars"]:
            lon, lat = car["lonlat"]
            yield lon - east / (111320 * math.cos(math.radians(lat))), lat - north / 110540


def main():
    for argument in sys.argv[1:]:
        series, out = argument.split(":")
        with open(os.path.join(series, "tracks.geojson")) as file:
            drawn = [feature["geometry"]["coordinates"] for feature in json.load(file)["features"]]
        store = sqlite3.connect(f"file:{os.path.join(out, 'yardwatch.gpkg')}?mode=ro", uri=True)
        survey = json.loads(store.execute("SELECT record FROM survey").fetchone()[0])
        places = list(cars(series))
        for name, lines in (("drawn", drawn), ("retraced", [track["line"] for track in survey["tracks"]])):
            if not lines:
                continue
            # All lines one way, so that left is left of each.
            lines = [line if line[0][0] <= line[-1][0] else line[::-1] for line in lines]
            lines = [metres(line, places[0]) for line in lines]
            off = [min((to_the_left(p, line) for line in lines), key=abs) for p in metres(places, places[0])]
            rest = np.abs(np.array(off) - np.median(off))
            quantiles = ", ".join(f"{q} % {np.percentile(rest, q):.2f}" for q in (50, 90, 95, 99))
            print(f"{series} {name}: in common {np.median(off):+.2f}, the rest {quantiles}")


if __name__ == "__main__":
    main()
