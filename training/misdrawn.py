#!/usr/bin/env python3
"""Scenes with tracks drawn badly: each given line wanders to its sides, smoothly, by so many metres (standard deviation).

    python3 training/misdrawn.py SCENES OUT --sd 1.0

SCENES holds one folder a scene (image, tracks.geojson, aoi.geojson, truth.json), as the renderer writes them; OUT gets the same with other
tracks.geojson. Count them with tracks and outline, and score with ../shared/tools/score.py. A line wanders by three waves of 150 to 400 m,
vertices lie 40 m apart: lines traced by hand on another image, or a map's.
"""

import argparse
import json
import math
import random
import shutil
from pathlib import Path

VERTEX_M = 40.0
WAVES = 3
WAVE_M = (150.0, 400.0)


def wandering(points, sd_m, rng):
    """A polyline (metres) moved to its sides."""
    line = [points[0]]
    for (ax, ay), (bx, by) in zip(points, points[1:]):
        steps = max(1, round(math.hypot(bx - ax, by - ay) / VERTEX_M))
        line += [(ax + (bx - ax) * i / steps, ay + (by - ay) * i / steps) for i in range(1, steps + 1)]
    waves = [(rng.uniform(0, 6.28), rng.uniform(*WAVE_M), rng.gauss(0, 1)) for _ in range(WAVES)]
    moved, along = [], 0.0
    for i, (x, y) in enumerate(line):
        if i:
            along += math.hypot(x - line[i - 1][0], y - line[i - 1][1])
        side = sd_m * sum(a * math.sin(2 * math.pi * along / length + phase) for phase, length, a in waves) / math.sqrt(WAVES / 2)
        (ax, ay), (bx, by) = line[max(0, i - 1)], line[min(len(line) - 1, i + 1)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        moved.append((x - (by - ay) / length * side, y + (bx - ax) / length * side))
    return moved


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sd", type=float, default=1.0, help="metres")
    args = parser.parse_args()
    for scene in sorted(p.parent for p in args.scenes.glob("*/tracks.geojson")):
        out = args.out / scene.name
        shutil.copytree(scene, out, dirs_exist_ok=True)
        rng = random.Random(scene.name)
        tracks = json.loads((scene / "tracks.geojson").read_text())
        for feature in tracks["features"]:
            line = feature["geometry"]["coordinates"]
            if len(line) < 2:
                continue
            metres = (111320 * math.cos(math.radians(line[0][1])), 111132)
            points = [(p[0] * metres[0], p[1] * metres[1]) for p in line]
            feature["geometry"]["coordinates"] = [[x / metres[0], y / metres[1]] for x, y in wandering(points, args.sd, rng)]
        (out / "tracks.geojson").write_text(json.dumps(tracks))


if __name__ == "__main__":
    main()
