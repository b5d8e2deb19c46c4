#!/usr/bin/env python3
"""Fits the last answers of the strip network: what a body is, of the mean of its columns (src/segment/class.rs).

  class_head.py STRIP_WEIGHTS --scenes DIR [DIR ...] --out STRIP_WEIGHTS [--seed 1] [--jobs 2]

All else of the network stays as it is. Every track of every scene is read in both directions, as the program does, in the scene as it was rendered or
(one in three) in a randomised view; the features along the track are averaged over each body, and a multinomial logistic regression over them
tells the classes, as often as they stand on the tracks. Prints how many it gets right in a fifth of the scenes that were left out; then fits with all."""
import argparse
import glob
import os
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import scenes as S
import strip_net as N
import weights

END = 2                 # columns at each end of a body that are left out: they mix with the gap
LEAST = 8               # of bodies longer than this
RIDGE = 1e-4            # pull of the regression's weights towards zero
SD, SLOW = .2, .15      # lateral error of the lines, metres


def lines(sc, rng):
    """Strips along the tracks, whole, with the state and class of their columns."""
    if rng.random() < 1 / 3:
        img, colour = S.randomise(S.restyle(sc.image(), sc, np.zeros(2), rng, None), sc.valid, sc.colour, sc.gsd, rng)
        sun = S.shown_sun(sc, rng)
    else:
        img, colour, sun = sc.image(), sc.colour, sc.sun
    fields = S.local_fields(img, sc.valid, sc.gsd)
    for line in (t for t in sc.tracks if len(t) > 4):
        p, t = N.resample(line, N.DS / sc.gsd)
        if len(p) < 80:
            continue
        p = p + np.stack([-t[:, 1], t[:, 0]], 1) * (N.wander(len(p), SD, SLOW, rng) / sc.gsd)[:, None]
        p, t = p[:len(p) // 2 * 2], t[:len(t) // 2 * 2]
        x = np.zeros((6, N.ROWS, len(p)), np.float32)
        x[:4] = N.cut(img, sc.valid, fields, colour, sc.gsd, p, t)
        x[4], x[5] = sun @ np.stack([-t[:, 1], t[:, 0]]), sun @ t.T
        state, cls, *_ = N.labels(sc, p, t)
        yield x, state, cls


def turned(x):
    """The same strip in the other direction."""
    x = x[:, ::-1, ::-1].copy()
    x[4:] = -x[4:]
    return x


def bodies(job):
    """Mean features of all bodies of a scene, and their classes."""
    folder, net, seed = job
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    features, classes = [], []
    with torch.no_grad():
        for x, state, cls in lines(S.Scene(folder), rng):
            there, back = (net.features(torch.from_numpy(v[None]))[0].numpy() for v in (x, turned(x)))
            mean = (there + back[:, ::-1]) / 2
            kind = np.where(state == 1, cls, -1)
            cuts = np.flatnonzero(np.diff(kind)) + 1
            for a, b in zip(np.r_[0, cuts], np.r_[cuts, len(kind)]):
                if kind[a] < 0 or b - a < 6 or x[3, N.ROWS // 2, 2 * a:2 * b].min() == 0:
                    continue
                inner = mean[:, a + END:b - END] if b - a > LEAST else mean[:, a:b]
                features.append(inner.mean(1))
                classes.append(kind[a])
    return np.array(features, np.float32).reshape(-1, net.head.in_channels), np.array(classes, int)


def minimise(parameters, loss, rounds):
    opt = torch.optim.LBFGS(parameters, max_iter=rounds, line_search_fn='strong_wolfe', tolerance_grad=1e-7)

    def step():
        opt.zero_grad()
        total = loss()
        total.backward()
        return total
    opt.step(step)


def fitted(x, y):
    """Multinomial logistic regression: weights and bias, of features as they are."""
    middle, scale = x.mean(0), x.std(0) + 1e-6
    z, y = torch.from_numpy((x - middle) / scale), torch.from_numpy(y)
    w, b = torch.zeros(len(S.CLASSES), x.shape[1], requires_grad=True), torch.zeros(len(S.CLASSES), requires_grad=True)
    minimise([w, b], lambda: F.cross_entropy(z @ w.T + b, y) + RIDGE * (w ** 2).sum(), 400)
    w, b = w.detach().numpy() / scale, b.detach().numpy()
    return w, b - w @ middle


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('weights')
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--out', required=True)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    net = N.StripNet()
    weights.read(net, o.weights)
    folders = [os.path.dirname(p) for d in o.scenes for p in sorted(glob.glob(os.path.join(d, '*', 'truth.json')))]
    jobs = [(folder, net, [o.seed, i]) for i, folder in enumerate(folders)]
    with ProcessPoolExecutor(o.jobs) as pool:
        found = list(pool.map(bodies, jobs))
    x, y = (np.concatenate(part) for part in zip(*found))
    scene = np.repeat(np.arange(len(found)), [len(classes) for _, classes in found])
    print(len(found), 'scenes', dict(zip(S.CLASSES, np.bincount(y, minlength=len(S.CLASSES)))))
    out = scene % 5 == 0
    w, b = fitted(x[~out], y[~out])
    said = (x[out] @ w.T + b).argmax(1)
    for k, name in enumerate(S.CLASSES):
        print(f'{name}: {(said[y[out] == k] == k).mean():.3f} of {(y[out] == k).sum()} recognised, {(y[out][said == k] != k).sum()} others taken for it')
    w, b = fitted(x, y)
    with torch.no_grad():
        net.head.weight[N.BODY:N.STOCK] = torch.from_numpy(w)[..., None]
        net.head.bias[N.BODY:N.STOCK] = torch.from_numpy(b)
    weights.write(net, o.out)


if __name__ == '__main__':
    main()
