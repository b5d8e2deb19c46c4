#!/usr/bin/env python3
"""What is always there on a site: fits `USUAL` and `LINE` of src/count/usual.rs.

  usual.py YARDWATCH --series DIR [DIR ...] --outlines DIR [DIR ...] --work DIR

Every series is analysed with tracks and outline given, those of --outlines with the outline alone (`--debug-dir` writes how much the place of everything that
looks like a car looks as it always does, before any is dropped). The regression is logistic over all that stands on given tracks; a car that never moves
(yardsim's --standing) has a third of the weight of one that comes and goes, for there are fewer of them in the world than in these series. Prints how many
of each it drops, with a series left out at a time. Then the same for the lines found with the outline alone, by what the image says of each and by how much its
cars look as their places always do: how many cars are kept and lost."""
import argparse
import csv
import glob
import json
import os
import subprocess

import numpy as np

import belief

SUREST = .998           # no car is taken to be surer
NEVER_MOVES = .3        # weight of a car that never moves
BELIEVED = .4           # log odds from which a line is believed (src/count/belief.rs)
STANDING = 10000        # strings of cars that never move have numbers from here on


def analysed(program, series, tracks, work):
    """Truth of every image of a series, and where what was seen of it lies."""
    out = os.path.join(work, os.path.basename(os.path.normpath(series)) + ('_tracks' if tracks else '_outline'))
    given = ['--aoi', os.path.join(series, 'aoi.geojson')] + (['--tracks', os.path.join(series, 'tracks.geojson')] if tracks else [])
    debug = os.path.join(out, 'debug')
    if not os.path.exists(os.path.join(out, 'counts.csv')):
        subprocess.run([program, 'analyze', series, *given, '--out', out, '--debug-dir', debug, '--quiet'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for path in sorted(glob.glob(os.path.join(series, 'truth', '*.json'))):
        truth = json.load(open(path))
        for found in glob.glob(os.path.join(debug, os.path.splitext(truth['image'])[0], '**', 'usual.csv'), recursive=True):
            yield truth, os.path.dirname(found)


def cars(program, series, tracks, work):
    """Of everything that looks like a car: correlation, difference, log odds of its confidence; whether it is one (1), and one that never moves (2)."""
    for truth, folder in analysed(program, series, tracks, work):
        for row in csv.DictReader(open(os.path.join(folder, 'usual.csv'))):
            col, row_, p = float(row['col']), float(row['row']), min(max(float(row['confidence']), 1 - SUREST), SUREST)
            kind = int(bool(belief.right([(col, row_)], truth)))
            if kind:
                nearest = min(truth['cars'], key=lambda car: (car['col'] - col) ** 2 + (car['row'] - row_) ** 2)
                kind += nearest['string'] >= STANDING
            yield float(row['correlation']), float(row['difference']), np.log(p / (1 - p)), kind


def lines(program, series, work):
    """Of every found line with something like cars: log odds by the image, mean correlation, mean difference; how many of its cars are cars, and how many not."""
    for truth, folder in analysed(program, series, False, work):
        likeness = {(row['col'], row['row']): (float(row['correlation']), float(row['difference'])) for row in csv.DictReader(open(os.path.join(folder, 'usual.csv')))}
        path = os.path.join(folder, 'lines.csv')
        for row in csv.DictReader(open(path)) if os.path.exists(path) else ():
            numbers = row['cars'].split()
            places = list(zip(numbers[::3], numbers[1::3]))
            known = [likeness[place] for place in places if place in likeness]
            if known:
                right = sum(bool(belief.right([tuple(map(float, place))], truth)) for place in places)
                yield float(row['own']), *np.mean(known, 0), right, len(places) - right


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('--series', nargs='+', required=True)
    ap.add_argument('--outlines', nargs='*', default=[])
    ap.add_argument('--work', required=True)
    o = ap.parse_args()
    jobs = [(series, True) for series in o.series] + [(series, False) for series in o.outlines]
    parts = [np.array(list(cars(o.program, series, tracks, o.work)), float).reshape(-1, 4) for series, tracks in jobs]
    name = np.concatenate([np.full(len(part), os.path.basename(os.path.normpath(series))) for (series, _), part in zip(jobs, parts)])
    tracks = np.concatenate([np.full(len(part), given, bool) for (_, given), part in zip(jobs, parts)])
    all_ = np.concatenate(parts)
    x, kind = all_[:, :3], all_[:, 3]
    usual, weight, odds = (kind == 0).astype(float), np.where(kind == 2, NEVER_MOVES, 1.), np.zeros(len(x))
    for one in sorted(set(name)):
        out, own = name == one, tracks & (name != one)
        odds[out] = np.column_stack([np.ones(out.sum()), x[out]]) @ belief.fit(x[own], usual[own], weight[own])
    for given in (True, False):
        part = tracks == given
        dropped = [f'{int((part & (kind == k) & (odds > 0)).sum())} of {int((part & (kind == k)).sum())} {what}'
                   for k, what in ((1, 'cars that come and go'), (2, 'cars that never move'), (0, 'that are none'))]
        print('tracks given:' if given else 'outline only:', ', '.join(dropped), 'are dropped')
    print('USUAL', belief.fit(x[tracks], usual[tracks], weight[tracks]).round(2))
    if o.outlines:
        fit_lines([np.array(list(lines(o.program, series, o.work)), float).reshape(-1, 5) for series in o.outlines])


def fit_lines(series):
    """The regression over the lines of so many series; a line has the weight of its cars, of three at most."""
    kept = np.zeros((2, 2))                                     # by the image alone and with the others: cars, and what is none
    fitted = lambda parts: belief.fit(parts[:, :3], parts[:, 3] / parts[:, 3:].sum(1), np.minimum(parts[:, 3:].sum(1), 3))
    for k, own in enumerate(series):
        weights = fitted(np.concatenate(series[:k] + series[k + 1:]))
        for row, odds in enumerate((own[:, 0], np.column_stack([np.ones(len(own)), own[:, :3]]) @ weights)):
            kept[row] += own[odds >= BELIEVED, 3:].sum(0)
    all_ = np.concatenate(series)
    print(f'{len(all_)} lines, {all_[:, 3].sum():.0f} cars and {all_[:, 4].sum():.0f} others: kept {kept[0, 0]:.0f} and {kept[0, 1]:.0f} by the image alone, {kept[1, 0]:.0f} and {kept[1, 1]:.0f} with the others of the site')
    print('LINE', fitted(all_).round(2))


if __name__ == '__main__':
    main()
