#!/usr/bin/env python3
"""How sure a car on a given track must be where hardly anything surely stands in the yard: fits `LONE` of src/count/elsewhere.rs.

  lone_cars.py YARDWATCH --scenes DIR [DIR ...] [--series DIR [DIR ...]] [--restyled DIR [DIR ...]] --work DIR

Every scene, and every image of a series, is counted with tracks and outline given (`--debug-dir` writes how sure every car is, before any is dropped). The
regression is logistic over all cars, one of a scene in a randomised look (restyled.py) a third of it. Prints how many true and false cars of yards with fewer
than two sure ones it drops, with a tenth of the scenes left out at a time."""
import argparse
import csv
import glob
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import belief

SUREST = .998           # no car is taken to be surer
SURE = 2                # a car is sure, and all cars are believed where two others are


def images(folder, series):
    """Of a folder of scenes or of a series: image, truth, where tracks and outline are."""
    if series:
        for truth in sorted(glob.glob(os.path.join(folder, 'truth', '*.json'))):
            yield os.path.join(folder, json.load(open(truth))['image']), truth, folder
    else:
        for truth in sorted(glob.glob(os.path.join(folder, '*', 'truth.json'))):
            own = os.path.dirname(truth)
            if os.path.exists(os.path.join(own, 'tracks.geojson')):
                yield os.path.join(own, json.load(open(truth))['image']), truth, own


def cars(program, image, truth, yard, out):
    """Confidence (log odds), stock, elsewhere of every car, and whether it is one."""
    given = ['--tracks', os.path.join(yard, 'tracks.geojson')]
    if os.path.exists(os.path.join(yard, 'aoi.geojson')):
        given += ['--aoi', os.path.join(yard, 'aoi.geojson')]
    if not os.path.exists(os.path.join(out, 'counts.csv')):
        subprocess.run([program, 'count', image, *given, '--out', out, '--debug-dir', os.path.join(out, 'debug'), '--quiet', '--jobs', '1'],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    truth = json.load(open(truth))
    for path in glob.glob(os.path.join(out, 'debug', '**', 'cars.csv'), recursive=True):
        with open(path) as f:
            for row in csv.DictReader(f):
                col, row, p, stock, elsewhere = (float(row[k]) for k in ('col', 'row', 'confidence', 'stock', 'elsewhere'))
                p = min(max(p, 1 - SUREST), SUREST)
                yield np.log(p / (1 - p)), stock, elsewhere, belief.right([(col, row)], truth)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--series', nargs='*', default=[])
    ap.add_argument('--restyled', nargs='*', default=[])
    ap.add_argument('--work', required=True)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    jobs = [(*job, os.path.basename(os.path.normpath(folder)), weight)
            for folders, series, weight in ((o.scenes, False, 1), (o.series, True, 1), (o.restyled, False, belief.RESTYLED))
            for folder in folders for job in images(folder, series)]

    def found(job):
        image, truth, yard, name, _ = job
        own = os.path.splitext(os.path.basename(image))[0]
        return list(cars(o.program, image, truth, yard, os.path.join(o.work, name + '_' + os.path.basename(yard) + '_' + own)))
    with ThreadPoolExecutor(o.jobs) as pool:
        parts = list(pool.map(found, jobs))
    x, y = (np.array([value for part in parts for value in part], float)[:, k] for k in (slice(3), 3))
    weight = np.concatenate([np.full(len(part), job[-1]) for job, part in zip(jobs, parts)])
    # A scene and its restyled copies have one name, and are left out together.
    name = np.array([os.path.basename(job[0]) for job, part in zip(jobs, parts) for _ in part])
    odds, names = np.zeros(len(x)), sorted(set(name))
    for k in range(10):
        out = np.isin(name, names[k::10])
        odds[out] = np.column_stack([np.ones(out.sum()), x[out]]) @ belief.fit(x[~out], y[~out], weight[~out])
    lone = x[:, 1:].max(1) < SURE
    print(f'{len(jobs)} images, {int(y.sum())} true and {int((1 - y).sum())} false cars; doubtful ones where hardly anything stands {int(y[lone].sum())} and {int((1 - y)[lone].sum())},'
          f' of which left out {int((y * lone)[odds < 0].sum())} and {int(((1 - y) * lone)[odds < 0].sum())} are dropped')
    print('LONE', belief.fit(x, y, weight).round(2))


if __name__ == '__main__':
    main()
