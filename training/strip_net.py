#!/usr/bin/env python3
"""The strip network: from an image strip along a track to what stands on it, per half metre.

  strip_net.py --scenes DIR [DIR ...] --negatives DIR --minutes M --out strip.pt [--threads 1]

A strip is sampled every 0.25 m along and 0.4 m across (32 rows, +-6.2 m). Outputs per 0.5 m column:
0-2 empty / body / gap (logits), 3-9 class (gondola, boxcar, tank, hopper, flat, locomotive, coach; logits),
10 centred on a track (logit), 11 lateral offset of the centre (metres / 2); of these the network is made here. 12-18 (what a body is, of the mean
of its columns) are fitted to it by class_head.py."""
import argparse
import math
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import scenes as S
import weights
from average import Average

f32 = np.float32
DS, DV, ROWS = .25, .4, 32
COLS = 512                       # samples along a training strip: 128 m
GAP_M = .75                      # a column this close outside a body's end is gap
ON_M, OFF_M = 1.2, 2.1           # a car closer than ON_M to the strip's axis is on it, further than OFF_M is not
V = (np.arange(ROWS) - (ROWS - 1) / 2) * DV
BODY = 12                        # the first answer that class_head.py fits
STOCK = BODY + len(S.CLASSES)    # the first of three that stock_head.py fits


class StripNet(nn.Module):
    def __init__(self, c=(24, 32, 48), d=80, dil=(1, 2, 4, 8, 16, 32)):
        super().__init__()
        self.c1 = nn.Conv2d(6, c[0], (3, 5), (2, 2), (1, 2))
        self.c2 = nn.Conv2d(c[0], c[1], 3, (2, 1), 1)
        self.c3 = nn.Conv2d(c[1], c[2], 3, (2, 1), 1)
        self.mix = nn.Conv1d(4 * c[2], d, 1)
        self.t = nn.ModuleList([nn.Conv1d(d, d, 3, 1, k, k) for k in dil])
        self.head = nn.Conv1d(d, STOCK + 3, 1)

    def features(self, x):
        r = F.relu
        x = r(self.c3(r(self.c2(r(self.c1(x))))))
        x = r(self.mix(x.flatten(1, 2)))
        for c in self.t:
            x = x + r(c(x))
        return x

    def forward(self, x):
        return self.head(self.features(x))


NARROW = dict(c=(16, 24, 32), d=64)             # the shape up to the seventh training


@torch.no_grad()
def widened(narrow, wide):
    """Makes a wide net answer as a narrow one does: its further channels look at everything and are not looked at yet
    (Chen, Goodfellow and Shlens, "Net2Net", 2016)."""
    for a, b in zip(weights.convolutions(narrow), weights.convolutions(wide)):
        o, i = a.weight.shape[:2]
        b.weight[:o] = 0
        b.weight[:o, :i] = a.weight
        b.bias[:o] = a.bias


def resample(line, step):
    """Points every `step` along a polyline, with unit tangents."""
    d = np.hypot(*np.diff(line, axis=0).T)
    s = np.concatenate([[0], np.cumsum(d)])
    q = np.arange(0, s[-1], step)
    p = np.stack([np.interp(q, s, line[:, 0]), np.interp(q, s, line[:, 1])], 1)
    k = max(1, int(round(3 / step)))
    a, b = np.clip(np.arange(len(q)) - k, 0, len(q) - 1), np.clip(np.arange(len(q)) + k, 0, len(q) - 1)
    t = p[b] - p[a]
    t /= np.maximum(np.hypot(*t.T), 1e-6)[:, None]
    return p, t


def cut(img, val, fields, colour, gsd, p, t):
    """Strip planes (4, ROWS, n) along points p (pixels) with tangents t; row index grows to the right of travel."""
    nx, ny = -t[:, 1], t[:, 0]
    col = (p[None, :, 0] + V[:, None] / gsd * nx[None]).astype(f32)
    row = (p[None, :, 1] + V[:, None] / gsd * ny[None]).astype(f32)
    h, w = val.shape
    x = cv2.remap(img, col - .5, row - .5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ok = cv2.remap(val.astype(f32), col - .5, row - .5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > .5
    fl = S.sample(fields, col, row, S.CELL_M / gsd)
    return S.channels(x, ok, fl, colour)


def labels(sc, p, t):
    """Per half metre: state (-1 ignored), class (-1 none), on track (-1 ignored), offset (nan unknown)."""
    n = len(p) // 2
    q, u = p[::2][:n], t[::2][:n]
    q = q + u * (DS / 2 / sc.gsd)
    nv = np.stack([-u[:, 1], u[:, 0]], 1)
    state, cls, on, off = np.zeros(n, int), -np.ones(n, int), np.zeros(n, int), np.full(n, np.nan)
    near = np.full(n, 99.)
    if sc.track_tree is not None:
        r, j = sc.track_tree.query(q, distance_upper_bound=6 / sc.gsd)
        k = np.flatnonzero(np.isfinite(r))
        d, tt = sc.track_points[j[k]] - q[k], sc.track_tangents[j[k]]
        d -= (d * tt).sum(1, keepdims=True) * tt               # straight across to the line between the points
        near[k] = np.hypot(*d.T) * sc.gsd
        off[k] = (d * nv[k]).sum(1) * sc.gsd
    on[near < .8] = 1
    on[(near >= .8) & (near < 1.6)] = -1
    off[near > 1.5] = np.nan
    lo, hi = q.min(0) - 18 / sc.gsd, q.max(0) + 18 / sc.gsd
    for k in np.flatnonzero(((sc.centres > lo) & (sc.centres < hi)).all(1)):
        c = sc.cars[k]
        # column's position in the car's frame
        rel = (q - c['centre']) * sc.gsd
        r = (rel ** 2).sum(1)
        j = r.argmin()
        if r[j] > (5 if 0 < j < n - 1 else 18) ** 2:
            continue
        s = rel @ c['axis']
        v = rel @ np.array([-c['axis'][1], c['axis'][0]])
        al = np.abs((u * c['axis']).sum(1))
        inb = np.abs(s) <= c['L'] / 2
        gap = (np.abs(s) > c['L'] / 2) & (np.abs(s) <= c['L'] / 2 + GAP_M)
        close = (np.abs(v) < ON_M) & (al > .9)
        half = (np.abs(v) < OFF_M) & ~close
        half |= (np.abs(v) < 2.4) & (al <= .9)
        if c['clear'] < .5:
            state[(inb | gap) & (np.abs(v) < OFF_M)] = -1
            continue
        k = inb & close
        state[k] = 1
        cls[k] = c['cls']
        on[k & (np.abs(v) < .9)] = 1
        sg = np.sign((u * c['axis']).sum(1))
        off[k] = (-v * sg)[k]
        k = gap & close & (state != 1)
        state[k] = 2
        state[(inb | gap) & half & (state == 0)] = -1
    return state, cls, on, off


def wander(n, sd, slow, rng):
    """A smooth lateral error, metres: a constant and a slow drift."""
    a = rng.normal(0, sd)
    k = max(2, int(n * DS / 30) + 2)
    b = np.interp(np.linspace(0, k - 1, n), np.arange(k), rng.normal(0, slow, k))
    return a + b


def edge(n, rng):
    """0 beyond one or two straight edges across a strip of n samples, as where a track leaves its image aslant; else 1."""
    along, across = np.arange(COLS) * DS, V[:, None]
    keep = np.ones((ROWS, COLS), f32)
    for side in rng.permutation([-1, 1])[:rng.integers(1, 3)]:
        slope = math.tan(rng.uniform(-1.4, 1.4))               # metres along for each metre across
        if rng.random() < .15:                                 # nearly along the track
            slope = rng.choice([-1, 1]) * rng.uniform(6, 30)
        at = rng.uniform(0, .35) * n * DS
        at = at if side < 0 else n * DS - at
        keep *= (side * (at + slope * across - along) > 0)
    return keep


def strips(sc, rng, n_track=10, n_other=6, n_walked=0, ground=None):
    """Training strips of one freshly randomised view of a scene."""
    img = S.restyle(sc.image(), sc, np.zeros(2), rng, ground) if sc.tracks else sc.image()
    img, colour = S.randomise(img, sc.valid, sc.colour, sc.gsd, rng)
    fields = S.local_fields(img, sc.valid, sc.gsd)
    fields[..., 1] *= math.exp(rng.normal(0, .12))
    h, w = sc.valid.shape
    sun = S.shown_sun(sc, rng)
    out = []
    long = [t for t in sc.tracks if len(t) > 4]

    def emit(line, shift, kind):
        p, t = resample(line, DS / sc.gsd * math.exp(rng.uniform(-.08, .08)))
        if len(p) < COLS // 3:
            return
        if rng.random() < .5:
            p, t = p[::-1], -t[::-1]
        sh = shift + (wander(len(p), .3, .2, rng) if kind else 0)
        p = p + np.stack([-t[:, 1], t[:, 0]], 1) * (np.asarray(sh) / sc.gsd)[..., None]
        i = rng.integers(0, max(1, len(p) - COLS + 1))
        p, t = p[i:i + COLS], t[i:i + COLS]
        inside = ((p > 2) & (p < [w - 2, h - 2])).all(1)
        if inside.mean() < .3:
            return
        m = len(p)
        x = np.zeros((6, ROWS, COLS), f32)
        x[:4, :, :m] = cut(img, sc.valid, fields, colour, sc.gsd, p, t)
        # the shadow vector in the strip's own frame: to the right of travel, and along it
        x[4, :, :m] = sun @ np.stack([-t[:, 1], t[:, 0]])
        x[5, :, :m] = sun @ t.T
        if rng.random() < .25:                                 # the edge of an image, or of its data, runs across
            x *= edge(m, rng)
        y = [-np.ones(COLS // 2, int), -np.ones(COLS // 2, int), -np.ones(COLS // 2, int), np.full(COLS // 2, np.nan)]
        for a, b in zip(y, labels(sc, p, t)):
            a[:len(b)] = b
        seen = x[3, ROWS // 2].reshape(-1, 2).min(1) > 0
        y[0][~seen] = -1
        y[2][~seen] = -1
        if rng.random() < .5:                                  # mirrored view: the shadow on the other side
            x = x[:, ::-1].copy()
            x[4] = -x[4]
            y[3] = -y[3]
        out.append((x, *y))

    def window(line, about=None):
        """A stretch of a long line: any, so that short crops of long tracks are equally likely, or one about a point."""
        d = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))]) * sc.gsd
        if d[-1] < 170:
            return line
        a = rng.uniform(0, d[-1] - 160)
        if about is not None:
            a = np.clip(d[np.hypot(*(line - about).T).argmin()] - rng.uniform(20, 140), 0, d[-1] - 160)
        k = (d >= a) & (d <= a + 160)
        return line[k] if k.sum() > 3 else line
    if long:
        rare = [c for c in sc.cars if c['cls'] >= 5]
        crowded = [c for c in sc.cars if c['beside'] > 1]
        for i in range(n_track):
            if rare and i < n_track // 4:                      # locomotives and coaches are few
                c = rare[rng.integers(len(rare))]
                near = min(long, key=lambda t: float(((t - c['ground_centre']) ** 2).sum(1).min()))
                emit(window(near, c['ground_centre']), 0., True)
            elif crowded and i < n_track // 2:                 # between cars of the next tracks
                c = crowded[rng.integers(len(crowded))]
                near = min(long, key=lambda t: float(((t - c['ground_centre']) ** 2).sum(1).min()))
                emit(window(near, c['ground_centre']), 0., True)
            else:
                emit(window(long[rng.integers(len(long))]), 0., True)
        for _ in range(n_other // 2):                          # beside the tracks: the next track's cars and shadows are not ours
            emit(window(long[rng.integers(len(long))]), float(rng.choice([-1, 1]) * rng.uniform(1.6, 4.2)), True)
        # a straight guess that runs on where the track does not
    for _ in range(n_walked if sc.walked else 0):              # where the program itself would look
        lines = sc.false_lines if sc.false_lines and rng.random() < .6 else sc.walked
        emit(window(lines[rng.integers(len(lines))]), 0., True)
    for _ in range(n_other - n_other // 2 if long else n_track // 2):
        c = np.array([rng.uniform(0, w), rng.uniform(0, h)])
        a = rng.uniform(0, math.pi)
        if long and rng.random() < .5:
            t = long[rng.integers(len(long))]
            d = t[-1] - t[0]
            a = math.atan2(d[1], d[0]) + rng.choice([0, math.pi / 2, rng.normal(0, .05)])
        e = np.array([math.cos(a), math.sin(a)]) * 64 / sc.gsd
        emit(np.array([c - e, c - e / 3, c + e / 3, c + e]), 0., False)
    return out


def loss_fn(o, y):
    state, cls, on, off = y
    w = torch.tensor([1., 1., 1.6])
    ls = F.cross_entropy(o[:, :3], state, weight=w, ignore_index=-1)
    lc = F.cross_entropy(o[:, 3:10], cls, ignore_index=-1, weight=torch.tensor([1., 1., 1., 1., 1., 1.6, 1.4])) if (cls >= 0).any() else 0 * ls
    k = on >= 0
    lt = F.binary_cross_entropy_with_logits(o[:, 10][k], on[k].float())
    m = torch.isfinite(off)
    lo = F.smooth_l1_loss(o[:, 11][m] * 2, off[m], beta=.3) if m.any() else 0 * ls
    return ls + .7 * lc + .4 * lt + .3 * lo, ls.item(), float(lc), float(lt), float(lo)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--scenes', nargs='*', required=True)
    ap.add_argument('--negatives')
    ap.add_argument('--minutes', type=float, default=35)
    ap.add_argument('--batch', type=int, default=24)
    ap.add_argument('--lr', type=float, default=2e-3)
    ap.add_argument('--threads', type=int, default=1)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--start')
    ap.add_argument('--widen', help='weights of the narrow shape to start from')
    ap.add_argument('--bf16', action='store_true', help='halves the time where the processor multiplies bfloat16')
    ap.add_argument('--out', required=True)
    o = ap.parse_args()
    torch.set_num_threads(o.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)
    sc, neg = S.load(o.scenes, o.negatives)
    print(len(sc), 'scenes', len(neg), 'real negatives', flush=True)
    net = StripNet()
    if o.widen:
        narrow = StripNet(**NARROW)
        weights.read(narrow, o.widen)
        widened(narrow, net)
    if o.start:
        weights.read(net, o.start)
    net = net.to(memory_format=torch.channels_last)
    average = Average(net)
    print(sum(p.numel() for p in net.parameters()), 'weights', flush=True)
    opt = torch.optim.AdamW(net.parameters(), lr=o.lr, weight_decay=1e-4)
    t0, it, acc, pool, order = time.time(), 0, [], [], []
    bud = o.minutes * 60
    while bud:                                                 # no minutes: only widened
        u = (time.time() - t0) / bud
        if u >= 1:
            break
        for gr in opt.param_groups:
            gr['lr'] = o.lr * min(1, (it + 1) / 100) * .5 * (1 + math.cos(math.pi * u)) + 1e-6
        while len(pool) < o.batch * 6:                         # strips of several scenes in one batch
            if neg and rng.random() < .25:
                pool += strips(neg[rng.integers(len(neg))], rng, 24, 0)
                continue
            if not order:
                for k in sc:
                    k.read_walked()
                order = list(rng.permutation(len(sc)))
            pool += strips(sc[order.pop()], rng, 28, 12, 12, neg)
        rng.shuffle(pool) if it % 3 == 0 else None
        ex, pool = pool[:o.batch], pool[o.batch:]
        x = torch.from_numpy(np.stack([e[0] for e in ex])).to(memory_format=torch.channels_last)
        y = [torch.from_numpy(np.stack([e[i] for e in ex])) for i in (1, 2, 3)] + [torch.from_numpy(np.stack([e[4] for e in ex]).astype(f32))]
        with torch.autocast('cpu', torch.bfloat16, enabled=o.bf16):
            out = net(x)
        L, *parts = loss_fn(out.float(), y)
        opt.zero_grad()
        L.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.)
        opt.step()
        average.update(net)
        it += 1
        acc.append((L.item(), *parts))
        if it % 100 == 0:
            print(it, f'{time.time() - t0:.0f}s', np.round(np.mean(acc, 0), 4), flush=True)
            acc = []
        if it % 300 == 0:
            torch.save(average.state(), o.out)
    torch.save(average.state(), o.out)


if __name__ == '__main__':
    main()
