#!/usr/bin/env python3
"""Copies images of a rendered series, spread over its time, every third with a georeference that is turned and scaled about the image's middle:
what the registration of `yardwatch analyze` must find.

  turned_series.py SERIES OUT [--images 30]

OUT/series_truth.json says of each image `turn`: how it shows the ground turned (clockwise, degrees) and enlarged; null where it does not."""
import argparse
import json
import os
import shutil

import numpy as np
import rasterio
from rasterio.transform import Affine


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('series')
    ap.add_argument('out')
    ap.add_argument('--images', type=int, default=30)
    o = ap.parse_args()
    os.makedirs(o.out, exist_ok=True)
    truth = json.load(open(os.path.join(o.series, 'series_truth.json')))
    dates = truth['dates'][::max(1, len(truth['dates']) // o.images)]
    for name in ('aoi.geojson', 'tracks.geojson', 'site.toml'):
        if os.path.exists(os.path.join(o.series, name)):
            shutil.copy(os.path.join(o.series, name), o.out)
    rng = np.random.default_rng(5)
    for i, date in enumerate(dates):
        path = os.path.join(o.out, date['image'])
        shutil.copy(os.path.join(o.series, date['image']), path)
        date['turn'] = None
        if i % 3 == 2:
            degrees, scale = float(rng.uniform(.1, .8) * rng.choice([-1, 1])), 1 + float(rng.uniform(-.006, .006))
            with rasterio.open(path, 'r+', IGNORE_COG_LAYOUT_BREAK='YES') as a:
                x, y = a.transform * (a.width / 2, a.height / 2)
                a.transform = Affine.translation(x, y) * Affine.rotation(degrees) * Affine.scale(scale) * Affine.translation(-x, -y) * a.transform
            date['turn'] = [-degrees, scale]
    truth['dates'] = dates
    json.dump(truth, open(os.path.join(o.out, 'series_truth.json'), 'w'), indent=1)


if __name__ == '__main__':
    main()
