#!/usr/bin/env python3
"""How much the cars of a line that was found are believed, and how probable it is that a believed line is no track: fits the constants of
src/count/belief.rs.

  belief.py YARDWATCH --scenes DIR [DIR ...] --work DIR

Every scene is counted with its outline and with nothing given (`--debug-dir` writes what was thought of every line, and where its cars stand).
A line counts as right by the share of its cars that stand within half a body of a true one. The regression is logistic, weighted by the root of
the number of cars (those of a line are right or wrong together), and checked by leaving out a tenth of the scenes at a time."""
import argparse
import csv
import glob
import json
import os
import subprocess

import numpy as np

PENALTY = 1.0           # of the squared weights


def right(places, truth):
    """How many of these places are true vehicles'."""
    cars, g = truth['cars'], truth['gsd']
    if not cars:
        return 0
    centre = np.array([[c['col'], c['row']] for c in cars])
    shift = np.array([c.get('top_shift', (0, 0)) for c in cars])
    h = np.radians([c['heading'] for c in cars])
    axis = np.stack([np.sin(h), -np.cos(h)], 1)
    half = np.array([c['length'] for c in cars]) / 2
    n = 0
    for p in places:
        ok = False
        for roof in (0, 1):
            d = (p - centre - roof * shift) * g
            ok |= bool(((np.abs((d * axis).sum(1)) < half) & (np.abs(d[:, 1] * axis[:, 0] - d[:, 0] * axis[:, 1]) < 2)).any())
        n += ok
    return n


def lines(program, folder, work):
    """Features, cars and right cars of every line of a scene, with its outline and with nothing."""
    truth = json.load(open(os.path.join(folder, 'truth.json')))
    aoi = os.path.join(folder, 'aoi.geojson')
    for given in ([], ['--aoi', aoi]):
        if given and not os.path.exists(aoi):
            continue
        out = os.path.join(work, os.path.basename(os.path.dirname(folder + '/')) + '_' + os.path.basename(folder) + ('_aoi' if given else ''))
        if not glob.glob(os.path.join(out, 'debug', '**', 'lines.csv'), recursive=True):
            subprocess.run([program, 'count', os.path.join(folder, truth['image']), *given, '--out', out, '--debug-dir', os.path.join(out, 'debug'), '--quiet', '--jobs', '1'],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in glob.glob(os.path.join(out, 'debug', '**', 'lines.csv'), recursive=True):
            for row in csv.reader(list(open(path))[1:]):
                places = np.array(row[-1].split(), float).reshape(-1, 2)
                yield [float(v) for v in row[:-3]], len(places), right(places, truth), int(row[-2]), float(row[-3])


def fit(x, share, weight):
    """Logistic regression by Newton's method; the constant is not penalised."""
    x = np.column_stack([np.ones(len(x)), x])
    w, penalty = np.zeros(x.shape[1]), PENALTY * np.r_[0, np.ones(x.shape[1] - 1)]
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        h = (x * (weight * p * (1 - p) + 1e-9)[:, None]).T @ x + np.diag(penalty)
        w += np.linalg.solve(h, x.T @ (weight * (share - p)) - penalty * w)
    return w


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--work', required=True)
    o = ap.parse_args()
    rows, scene = [], []
    for folder in sorted(os.path.dirname(p) for f in o.scenes for p in glob.glob(os.path.join(f, '*', 'truth.json'))):
        for row in lines(o.program, folder, o.work):
            rows.append(row)
            scene.append(folder)
    header = open(glob.glob(os.path.join(o.work, '**', 'lines.csv'), recursive=True)[0]).readline().split(',')[:-3]
    x, n, good, now, judged = (np.array(v, float) for v in zip(*rows))
    scene, weight = np.array(scene), np.sqrt(n)
    odds = np.zeros(len(x))
    names = sorted(set(scene))
    for k in range(10):
        out = np.isin(scene, names[k::10])
        odds[out] = np.column_stack([np.ones(out.sum()), x[out]]) @ fit(x[~out], (good / n)[~out], weight[~out])
    print(f'{len(x)} lines of {len(names)} scenes, {int(good.sum())} right and {int((n - good).sum())} wrong cars')
    print(f'believed now: {int(good[now > 0].sum())} right, {int((n - good)[now > 0].sum())} wrong')
    for bar in (-.4, 0, .4, .8):
        m = odds >= bar
        print(f'log odds above {bar:+.1f}, left out: {int(good[m].sum())} right, {int((n - good)[m].sum())} wrong')
    m, wrong = now > 0, good / n < .5
    print(f'NO_TRACK {fit(judged[m, None], wrong[m], np.ones(m.sum())).round(2)}: {int(wrong[m].sum())} of {m.sum()} believed lines hold more wrong cars than right ones')
    w = fit(x, good / n, weight)
    print('CONSTANT', round(w[0], 2))
    print('WEIGHTS', {h: round(v, 2) for h, v in zip(header, w[1:])})


if __name__ == '__main__':
    main()
