#!/usr/bin/env python3
"""Real labelled crops, degraded as images on offer are: how much of what is found depends on the pixels being as they are?

  degraded.py YARDWATCH CROP [CROP ...] --work DIR [--gsd M] [--stated TIMES] [--tracks]

A crop is a folder with an image, its world file and .prj, and truth.json. Nothing is given but those (the mode "nothing given"). Every degradation
keeps the pixel grid, so the truth stays as it is; with --gsd the crops are averaged to pixels of so many metres before;
with --stated their georeference says that pixels are so many times as large as they are; with --tracks the lines through the
labelled vehicles are given. One line a degradation, and their mean: a steadier figure than that of the crops as they are."""
import argparse
import json
import os
import shutil
import subprocess

import cv2
import numpy as np
import pyproj


def sharpened(a, by, sigma):
    return a + (a - cv2.GaussianBlur(a, (0, 0), sigma)) * by


def jpeg(a, quality):
    return cv2.imdecode(cv2.imencode('.jpg', a.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1).astype(float)


def enlarged(a, times):
    """As if of coarser pixels, enlarged again: a screenshot, or a product sold finer than it was taken."""
    small = cv2.resize(a, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(small, a.shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 255)


def grey(a):
    return np.repeat(a.mean(2, keepdims=True), 3, 2)


def noisy(a, grey_levels):
    return a + np.random.default_rng(1).normal(0, grey_levels, a.shape)


DEGRADED = {
    'as it is': lambda a: a,
    'JPEG 50': lambda a: jpeg(a, 50),
    'JPEG 25': lambda a: jpeg(a, 25),
    'enlarged 1.5 times': lambda a: enlarged(a, 1.5),
    'enlarged twice': lambda a: enlarged(a, 2),
    'enlarged three times': lambda a: enlarged(a, 3),
    'enlarged twice, sharpened': lambda a: sharpened(enlarged(a, 2), 1.5, 2),
    'enlarged twice, JPEG 25': lambda a: jpeg(enlarged(a, 2), 25),
    'sharpened': lambda a: sharpened(a, 1.5, 1.5),
    'sharpened strongly': lambda a: sharpened(a, 4, 1.5),
    'blurred': lambda a: cv2.GaussianBlur(a, (0, 0), 1.6),
    'grey': grey,
    'red and blue exchanged': lambda a: a[:, :, ::-1],
    'noise of 6 grey levels': lambda a: noisy(a, 6),
    'noise of 12 grey levels': lambda a: noisy(a, 12),
    'dark': lambda a: a * .35,
    'haze': lambda a: a * .35 + 140,
    'gamma 0.5': lambda a: 255 * (a / 255) ** .5,
    'gamma 2': lambda a: 255 * (a / 255) ** 2,
    'lurid': lambda a: grey(a) + (a - grey(a)) * 2.2,
    'clipped': lambda a: (a - 60) * 2.2,
    'reddish': lambda a: a * np.array([.75, 1, 1.25]),
}


def coarser(pixels, world, truth, gsd):
    """A crop, its world file's numbers and its truth with pixels of `gsd` metres."""
    h, w = pixels.shape[:2]
    size = [round(n * truth['gsd'] / gsd) for n in (w, h)]
    sx, sy = size[0] / w, size[1] / h
    a, d, b, e, x, y = world                                   # of the centre of the first pixel
    x, y = x + a * (1 / sx - 1) / 2, y + e * (1 / sy - 1) / 2
    scaled = lambda p: [p[0] * sx, p[1] * sy]
    cars = []
    for car in truth['cars']:
        col, row = scaled((car['col'], car['row']))
        cars.append(dict(car, col=col, row=row, box=[scaled(p) for p in car['box']], top_shift=scaled(car.get('top_shift', (0, 0)))))
    truth = dict(truth, gsd=truth['gsd'] / sx, width=size[0], height=size[1], cars=cars)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), [a / sx, d, b, e / sy, x, y], truth


def tracks(truth, world):
    """Lines through the labelled vehicles, 20 m longer at both ends: GeoJSON."""
    cars = truth['cars']
    at = np.array([np.mean(car['box'], 0) for car in cars])
    along = np.array([np.subtract(car['box'][1], car['box'][0]) for car in cars], float)
    short = np.array([np.subtract(car['box'][2], car['box'][1]) for car in cars], float)
    along = np.where((np.hypot(*along.T) > np.hypot(*short.T))[:, None], along, short)
    along /= np.hypot(*along.T)[:, None]
    along *= np.where(along @ along[0] < 0, -1, 1)[:, None]
    line = list(range(len(cars)))
    for i in range(len(cars)):                                 # vehicles in a row stand on one track
        for j in range(i):
            u = along[i] + along[j]
            d = (at[i] - at[j]) * truth['gsd']
            across, far = abs(d[0] * u[1] - d[1] * u[0]) / np.hypot(*u), np.hypot(*d)
            if along[i] @ along[j] > .995 and far < 150 and across < 1 + far / 100:
                line = [line[i] if k == line[j] else k for k in line]
    to = pyproj.Transformer.from_crs(truth['epsg'], 4326, always_xy=True)
    a, d, b, e, x, y = world
    features = []
    for number in sorted(set(line)):
        own = sorted((k for k in range(len(cars)) if line[k] == number), key=lambda k: at[k] @ along[0])
        points = np.array([at[own[0]] - along[own[0]] * 20 / truth['gsd'], *at[own], at[own[-1]] + along[own[-1]] * 20 / truth['gsd']])
        lon, lat = to.transform(x + a * (points[:, 0] - .5) + b * (points[:, 1] - .5), y + d * (points[:, 0] - .5) + e * (points[:, 1] - .5))
        features.append({'type': 'Feature', 'properties': {}, 'geometry': {'type': 'LineString', 'coordinates': np.stack([lon, lat], 1).tolist()}})
    return {'type': 'FeatureCollection', 'features': features}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('crops', nargs='+')
    ap.add_argument('--work', required=True)
    ap.add_argument('--gsd', type=float)
    ap.add_argument('--stated', type=float, default=1)
    ap.add_argument('--tracks', action='store_true')
    o = ap.parse_args()
    scores = []
    for name, degrade in DEGRADED.items():
        found = false = missed = held = 0
        for crop in o.crops:
            truth = json.load(open(os.path.join(crop, 'truth.json')))
            work = os.path.join(o.work, name.replace(' ', '_'), os.path.basename(os.path.normpath(crop)))
            shutil.rmtree(work, ignore_errors=True)
            os.makedirs(work)
            image = os.path.join(work, truth['image'])
            stem = os.path.splitext(truth['image'])[0]
            pixels = cv2.imread(os.path.join(crop, truth['image'])).astype(float)
            world = [float(v) for v in open(os.path.join(crop, stem + '.pgw')).read().split()]
            if o.gsd:
                pixels, world, truth = coarser(pixels, world, truth, o.gsd)
            cv2.imwrite(image, np.clip(degrade(pixels), 0, 255).round().astype(np.uint8))
            world[0], world[3] = world[0] * o.stated, world[3] * o.stated
            with open(os.path.join(work, stem + '.pgw'), 'w') as f:
                f.write('\n'.join(f'{v:.10f}' for v in world) + '\n')
            shutil.copy(os.path.join(crop, stem + '.prj'), work)
            with open(os.path.join(work, 'truth.json'), 'w') as f:
                json.dump(truth, f)
            out, report = os.path.join(work, 'out'), os.path.join(work, 'score.json')
            given = []
            if o.tracks:
                given = ['--tracks', os.path.join(work, 'tracks.geojson')]
                json.dump(tracks(truth, world), open(given[1], 'w'))
            subprocess.run([o.program, 'count', '--quiet', image, '--out', out, *given], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([o.program, 'evaluate', '--quiet', out, os.path.join(work, 'truth.json'), '--json', report], check=True, stdout=subprocess.DEVNULL)
            score = json.load(open(report))['presets']['ALL']
            found, false, missed = found + score['tp'], false + score['fp'], missed + score['fn']
            held += int(score['interval_coverage'].split('/')[0])
        scores.append((found, false, 2 * found / (2 * found + false + missed)))
        print(f'{name:26s} found {found:3d} of {found + missed}, false {false:2d}, F1 {scores[-1][2]:.3f}, intervals that hold {held} of {len(o.crops)}', flush=True)
    print('mean: found %.1f, false %.1f, F1 %.3f' % tuple(np.mean(scores, 0)))


if __name__ == '__main__':
    main()
