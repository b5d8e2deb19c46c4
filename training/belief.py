#!/usr/bin/env python3
"""How much the cars of a line that was found are believed, and how probable it is that a believed line is no track: fits the constants of
src/count/belief.rs.

  belief.py YARDWATCH --scenes DIR [DIR ...] [--restyled DIR [DIR ...]] --work DIR

Every scene is counted with its outline and with nothing given (`--debug-dir` writes what was thought of every line, and where its cars stand).
A line counts as right by the share of its cars that stand within half a body of a true one. The regression is logistic, weighted by the root of
the number of cars (those of a line are right or wrong together), a line of a scene in a randomised look (restyled.py) a third of it, and checked by leaving out a tenth of the scenes at a time."""
import argparse
import csv
import glob
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

PENALTY = 1.0           # of the squared weights
RESTYLED = .3           # what a line of a restyled scene counts
OTHER = 'own', 'log_odds', 'believed', 'line', 'cars'              # columns of lines.csv that are no features


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


def rows(program, folder, work, outline=True):
    """What the program thought of every line of a scene, with its outline, if that is to be, and with nothing."""
    truth = json.load(open(os.path.join(folder, 'truth.json')))
    aoi = os.path.join(folder, 'aoi.geojson')
    for given in ([], ['--aoi', aoi])[:1 + outline]:
        if given and not os.path.exists(aoi):
            continue
        out = os.path.join(work, os.path.basename(os.path.dirname(os.path.normpath(folder))) + '_' + os.path.basename(folder) + ('_aoi' if given else ''))
        if not glob.glob(os.path.join(out, 'debug', '**', 'lines.csv'), recursive=True):
            subprocess.run([program, 'count', os.path.join(folder, truth['image']), *given, '--out', out, '--debug-dir', os.path.join(out, 'debug'), '--quiet', '--jobs', '1'],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in glob.glob(os.path.join(out, 'debug', '**', 'lines.csv'), recursive=True):
            with open(path) as f:
                yield from csv.DictReader(f)


def features(row):
    return {name: float(value) for name, value in row.items() if name not in OTHER}


def lines(program, folder, work):
    """Features, cars, right cars, whether it is believed and its log odds, of every line of a scene."""
    truth = json.load(open(os.path.join(folder, 'truth.json')))
    for row in rows(program, folder, work):
        places = np.array(row['cars'].split(), float).reshape(-1, 3)[:, :2]
        yield list(features(row).values()), len(places), right(places, truth), int(row['believed']), float(row['log_odds'])


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
    ap.add_argument('--restyled', nargs='*', default=[])
    ap.add_argument('--work', required=True)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    folders = sorted((os.path.dirname(p), look) for look in (o.scenes, o.restyled) for f in look for p in glob.glob(os.path.join(f, '*', 'truth.json')))
    with ThreadPoolExecutor(o.jobs) as pool:
        found = list(pool.map(lambda job: list(lines(o.program, job[0], o.work)), folders))
    with open(glob.glob(os.path.join(o.work, '**', 'lines.csv'), recursive=True)[0]) as f:
        header = [name for name in csv.DictReader(f).fieldnames if name not in OTHER]
    x, n, good, now, judged = (np.array(v, float) for v in zip(*(row for part in found for row in part)))
    # A scene and its restyled copies have one name, and are left out together.
    scene = np.array([os.path.basename(folder) for (folder, _), part in zip(folders, found) for _ in part])
    as_is = np.array([look is o.scenes for (_, look), part in zip(folders, found) for _ in part])
    weight = np.sqrt(n) * np.where(as_is, 1, RESTYLED)
    odds = np.zeros(len(x))
    names = sorted(set(scene))
    for k in range(10):
        out = np.isin(scene, names[k::10])
        odds[out] = np.column_stack([np.ones(out.sum()), x[out]]) @ fit(x[~out], (good / n)[~out], weight[~out])
    said = lambda m: f'{int(good[m].sum())} right, {int((n - good)[m].sum())} wrong'
    print(f'{len(x)} lines of {len(names)} scenes, {said(n > 0)}')
    for look, m in (('as they are', as_is), ('restyled', ~as_is)):
        print(f'{look}, believed now: {said(m & (now > 0))};', '; '.join(f'left out, log odds above {bar:+.1f}: {said(m & (odds >= bar))}' for bar in (-.4, 0, .2, .4, .8)))
    m, wrong = as_is & (now > 0), good / n < .5
    print(f'NO_TRACK {fit(judged[m, None], wrong[m], np.ones(m.sum())).round(2)}: {int(wrong[m].sum())} of {m.sum()} believed lines hold more wrong cars than right ones')
    w = fit(x, good / n, weight)
    print('CONSTANT', round(w[0], 2))
    print('WEIGHTS', {h: round(v, 2) for h, v in zip(header, w[1:])})


if __name__ == '__main__':
    main()
