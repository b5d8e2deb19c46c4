#!/usr/bin/env python3
"""Fits three answers of the strip network: whether a body is rolling stock, of the mean of its columns, of those beyond its ends, and of the bare ones of its
line (src/segment/stock.rs).

  stock_head.py YARDWATCH STRIP_WEIGHTS --scenes DIR [DIR ...] --work DIR --out STRIP_WEIGHTS [--jobs 2]

All else of the network stays as it is. The program searches every scene with nothing given (`--debug-dir` writes what it found on every
line that it looked at, before any of it was believed); features are read along those lines in both directions, as the program does, and a logistic
regression tells which of the bodies are true vehicles. Bodies of one line are right or wrong together: each counts by one over the root of their number.
Prints how many it gets right in a fifth of the scenes that were left out; then fits with all."""
import argparse
import glob
import os
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import belief
import class_head
import scenes as S
import strip_net as N
import weights

BEYOND = 6              # columns beyond each end of a body that are looked at
BARE = 100              # so many bare columns of a line speak with half their weight
RIDGE = 2e-5            # pull of the regression's weights towards zero


def read(sc, img, fields, net, line):
    """Points along a line (pixels), features of every half metre: the mean of both directions; and those of its bare columns, in the mean."""
    p, t = N.resample(line, N.DS / sc.gsd)
    p, t = p[:len(p) // 2 * 2], t[:len(t) // 2 * 2]
    x = np.zeros((6, N.ROWS, len(p)), np.float32)
    x[:4] = N.cut(img, sc.valid, fields, sc.colour, sc.gsd, p, t)
    x[4], x[5] = sc.sun @ np.stack([-t[:, 1], t[:, 0]]), sc.sun @ t.T
    there, back = (net.features(torch.from_numpy(v[None]))[0].numpy() for v in (x, class_head.turned(x)))
    mean = (there + back[:, ::-1]) / 2
    empty = F.softmax(net.head(torch.from_numpy(mean)[None])[0, :3], 0)[0].numpy()
    bare = mean[:, (empty > .5) & (x[3, N.ROWS // 2].reshape(-1, 2).min(1) > 0)]
    return p, mean, bare.mean(1) * (bare.shape[1] / (bare.shape[1] + BARE)) if bare.size else np.zeros(len(mean))


def bodies(job):
    """Of all bodies that were found in a scene: features within, beyond, and of its bare line, whether it is a vehicle, weight."""
    folder, program, work, net = job
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sc = S.Scene(folder)
    img = sc.image()
    fields = S.local_fields(img, sc.valid, sc.gsd)
    found = []
    with torch.no_grad():
        for row in belief.rows(program, folder, work, outline=False):
            line, cars = (np.array(row[k].split(), float) for k in ('line', 'cars'))
            line, cars = line.reshape(-1, 2), cars.reshape(-1, 3)
            p, f, bare = read(sc, img, fields, net, line)
            if f.shape[1] < 2:
                continue
            for car in cars:
                at = np.hypot(*(p - car[:2]).T).argmin() / 2
                half = car[2] / 2 / (2 * N.DS)
                a, b = max(0, round(at - half)), min(f.shape[1], round(at + half))
                if b - a < 4:
                    continue
                inner = f[:, a + class_head.END:b - class_head.END] if b - a > class_head.LEAST else f[:, a:b]
                beyond = [part.mean(1) if part.shape[1] else np.zeros(len(f)) for part in (f[:, max(0, a - BEYOND):a], f[:, b:b + BEYOND])]
                found.append(np.r_[inner.mean(1), sum(beyond) / 2, bare, belief.right([car[:2]], sc.t), len(cars) ** -.5])
    return np.array(found, np.float32).reshape(-1, 3 * net.head.in_channels + 2)


def fitted(x, y, weight):
    """Logistic regression: weights and bias, of features as they are."""
    middle, scale = x.mean(0), x.std(0) + 1e-6
    z, y, weight = torch.from_numpy((x - middle) / scale), torch.from_numpy(y), torch.from_numpy(weight / weight.mean())
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    class_head.minimise([w, b], lambda: F.binary_cross_entropy_with_logits(z @ w + b, y, weight=weight) + RIDGE * (w ** 2).sum(), 600)
    w, b = w.detach().numpy() / scale, b.detach().numpy()
    return w, b - w @ middle


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('program')
    ap.add_argument('weights')
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--work', required=True)
    ap.add_argument('--out', required=True)
    ap.add_argument('--jobs', type=int, default=2)
    o = ap.parse_args()
    net = N.StripNet()
    weights.read(net, o.weights)
    folders = [os.path.dirname(p) for d in o.scenes for p in sorted(glob.glob(os.path.join(d, '*', 'truth.json')))]
    with ProcessPoolExecutor(o.jobs) as pool:
        found = list(pool.map(bodies, [(folder, o.program, o.work, net) for folder in folders]))
    scene = np.repeat(np.arange(len(found)), [len(part) for part in found])
    found = np.concatenate(found)
    x, y, weight = found[:, :-2], found[:, -2], found[:, -1]
    print(f'{len(folders)} scenes, {int(y.sum())} vehicles, {int((1 - y).sum())} other bodies')
    out = scene % 5 == 0
    w, b = fitted(x[~out], y[~out], weight[~out])
    said = x[out] @ w + b > 0
    print(f'left out: {(said == (y[out] > 0))[y[out] > 0].mean():.3f} of vehicles and {(said == (y[out] > 0))[y[out] == 0].mean():.3f} of other bodies told')
    w, b = fitted(x, y, weight)
    d = net.head.in_channels
    with torch.no_grad():
        net.head.weight[N.STOCK:] = torch.from_numpy(w.reshape(3, d))[..., None]
        net.head.bias[N.STOCK:] = torch.tensor([float(b[0]), 0., 0.])
    weights.write(net, o.out)


if __name__ == '__main__':
    main()
