#!/usr/bin/env python3
"""Lets the program search the training scenes without any help and keeps the lines that it took for tracks, right and wrong, beside each
scene (walked.json, pixels): the strip network learns from the places where it will be asked.

  walked.py YARDWATCH --scenes DIR [DIR ...] [--jobs 1]"""
import argparse
import glob
import json
import os
import sqlite3
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
import shapely


def lines_of(store, truth):
    """Track lines of a store, in pixels of the scene."""
    to = pyproj.Transformer.from_crs(4326, truth['epsg'], always_xy=True)
    a = truth['geotransform']
    out = []
    for (blob,) in sqlite3.connect(store).execute('select geom from tracks'):
        head = 8 + [0, 32, 48, 48, 64][blob[3] >> 1 & 7]
        g = shapely.from_wkb(blob[head:])
        for part in getattr(g, 'geoms', [g]):
            lon, lat = np.array(part.coords)[:, :2].T
            x, y = to.transform(lon, lat)
            out.append(np.stack([(x - a[0]) / a[1], (y - a[3]) / a[5]], 1).round(2).tolist())
    return out


def one(program, d):
    t = json.load(open(os.path.join(d, 'truth.json')))
    if os.path.exists(os.path.join(d, 'walked.json')):
        return
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([program, 'count', os.path.join(d, t['image']), '--out', out, '--quiet', '--jobs', '1'], check=True, stdout=subprocess.DEVNULL)
        # whole at once: a training that runs beside it may read it at any time
        new = os.path.join(d, 'walked.json.new')
        with open(new, 'w') as f:
            json.dump(lines_of(os.path.join(out, 'yardwatch.gpkg'), t), f)
        os.rename(new, os.path.join(d, 'walked.json'))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--jobs', type=int, default=1)
    o = ap.parse_args()
    folders = [os.path.dirname(p) for f in o.scenes for p in sorted(glob.glob(os.path.join(f, '*', 'truth.json')))]
    with ThreadPoolExecutor(o.jobs) as ex:
        list(ex.map(lambda d: one(o.program, d), folders))


if __name__ == '__main__':
    main()
