#!/usr/bin/env python3
"""Render the scenes that the networks learn from and are checked on.

  render.py OUT --first SEED --scenes N [--wild [packed|europe|america|winter]] [--jobs 2]

Presets take turns; scene i has seed SEED + i. Seeds below 1000 are reserved for measurement elsewhere
and are refused. A scene that is already there is kept, so the command can be repeated."""
import argparse, os, sys
from concurrent.futures import ProcessPoolExecutor
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'yardsim'))


def one(a):
    import cv2, yardsim
    cv2.setNumThreads(1)
    out, preset, seed, wild = a
    d = os.path.join(out, f'{preset}_{seed}')
    if os.path.exists(os.path.join(d, 'truth.json')):
        return
    try:
        yardsim.cmd_scene(preset, seed, d, wild=wild)
    except Exception as e:  # a seed the renderer cannot place is left out, and said
        print(f'{preset}_{seed}: {e}', file=sys.stderr, flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('out')
    ap.add_argument('--first', type=int, required=True)
    ap.add_argument('--scenes', type=int, required=True)
    ap.add_argument('--wild', nargs='?', const=True, choices=['packed', 'europe', 'america', 'winter'])
    ap.add_argument('--preset', help='only this preset')
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    if o.first < 1000:
        sys.exit('seeds 1 to 999 are reserved for measurement')
    import yardsim
    # interleave so that the first few scenes already span the presets
    pr = [o.preset] if o.preset else yardsim.PRESETS
    jobs = [(o.out, pr[(i * 7) % len(pr)], o.first + i, o.wild) for i in range(o.scenes)]
    with ProcessPoolExecutor(o.jobs) as ex:
        list(ex.map(one, jobs))


if __name__ == '__main__':
    main()
