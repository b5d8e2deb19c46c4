#!/usr/bin/env python3
"""Copies of rendered scenes in a randomised look (scenes.py), as images that the program can count.

  restyled.py DIR [DIR ...] --out DIR [--seed 1] [--jobs 2]"""
import argparse
import glob
import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
import cv2
import numpy as np
import rasterio

import scenes as S

LEVELS = 40000          # of a stretched image's white


def copy(job):
    folder, out, seed = job
    if os.path.exists(os.path.join(out, 'truth.json')):
        return
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    sc = S.Scene(folder)
    img, _ = S.randomise(S.restyle(sc.image(), sc, np.zeros(2), rng, None), sc.valid, sc.colour, sc.gsd, rng)
    img = np.where(sc.valid[..., None], np.maximum(np.round(img * LEVELS), 1), 0).astype(np.uint16)
    os.makedirs(out, exist_ok=True)
    truth = dict(sc.t, image=os.path.splitext(sc.t['image'])[0] + '.tif')
    with rasterio.open(os.path.join(out, truth['image']), 'w', driver='GTiff', width=img.shape[1], height=img.shape[0], count=3, dtype='uint16', photometric='RGB',
                       nodata=0, crs=truth['epsg'], transform=rasterio.Affine.from_gdal(*truth['geotransform']), compress='deflate') as f:
        f.write(img.transpose(2, 0, 1))
    for name in ('aoi.geojson', 'tracks.geojson'):
        if os.path.exists(os.path.join(folder, name)):
            shutil.copy(os.path.join(folder, name), out)
    with open(os.path.join(out, 'truth.json'), 'w') as f:
        json.dump(truth, f)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('scenes', nargs='+')
    ap.add_argument('--out', required=True)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    folders = [os.path.dirname(p) for d in o.scenes for p in sorted(glob.glob(os.path.join(d, '*', 'truth.json')))]
    jobs = [(folder, os.path.join(o.out, os.path.basename(folder)), [o.seed, i]) for i, folder in enumerate(folders)]
    with ProcessPoolExecutor(o.jobs) as pool:
        list(pool.map(copy, jobs))


if __name__ == '__main__':
    main()
