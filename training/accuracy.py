#!/usr/bin/env python3
"""Counts labelled scenes with tracks given, with their outline alone or with nothing, and lets `yardwatch evaluate` score the lot.

  accuracy.py YARDWATCH SCENES [SCENES ...] --given tracks|outline|nothing --work DIR [--jobs 2]

Prints what `evaluate` says by preset and over all, and the false cars of each scene in which no car stands."""
import argparse
import glob
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor


def count(program, scene, given, work):
    truth = json.load(open(os.path.join(scene, 'truth.json')))
    out = os.path.join(work, 'runs', os.path.basename(scene))
    command = [program, 'count', os.path.join(scene, truth['image']), '--out', out, '--quiet', '--jobs', '1']
    if given != 'nothing':
        command += ['--aoi', os.path.join(scene, 'aoi.geojson')]
    if given == 'tracks':
        tracks = os.path.join(scene, 'tracks.geojson')
        if not os.path.exists(tracks) or not json.load(open(tracks))['features']:        # no railway there
            return
        command += ['--tracks', tracks]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for cars in glob.glob(os.path.join(out, 'cars', '*.geojson')):
        shutil.copy(cars, os.path.join(work, 'cars'))
    os.symlink(os.path.abspath(scene), os.path.join(work, 'truth', os.path.basename(scene)))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('scenes', nargs='+')
    ap.add_argument('--given', choices=['tracks', 'outline', 'nothing'], required=True)
    ap.add_argument('--work', required=True)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    shutil.rmtree(o.work, ignore_errors=True)
    for part in ('runs', 'cars', 'truth'):
        os.makedirs(os.path.join(o.work, part))
    scenes = [os.path.dirname(p) for folder in o.scenes for p in sorted(glob.glob(os.path.join(folder, '*', 'truth.json')))]
    with ThreadPoolExecutor(o.jobs) as pool:
        list(pool.map(lambda scene: count(o.program, scene, o.given, o.work), scenes))
    report = os.path.join(o.work, 'score.json')
    subprocess.run([o.program, 'evaluate', os.path.join(o.work, 'cars'), os.path.join(o.work, 'truth'), '--json', report], check=True)
    empty = [s for s in json.load(open(report))['scenes'] if s['truth'] == 0 and s['dont_care'] == 0]
    print('scenes without cars:', len(empty), 'false cars:', sum(s['fp'] for s in empty), [(s['image'], s['fp']) for s in empty if s['fp']])


if __name__ == '__main__':
    main()
