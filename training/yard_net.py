#!/usr/bin/env python3
"""The yard network: from half-metre pixels to one-metre maps of track centre, car body and heading.

  yard_net.py --scenes DIR [DIR ...] --negatives DIR --minutes M --out yard.pt [--threads 1]"""
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
OUT = 192            # metres of a training crop
HEAT_M = .8          # sigma of the track-centre heat, metres


class YardNet(nn.Module):
    """Channels at 1, 2, 4 and 8 m. Every convolution is 3 x 3 with bias and ReLU but the stem (5 x 5, stride 2) and the head (1 x 1)."""
    def __init__(self, c=(16, 32, 48, 64)):
        super().__init__()
        k = lambda a, b, s=1: nn.Conv2d(a, b, 3, s, 1)
        self.stem = nn.Conv2d(6, c[0], 5, 2, 2)   # four planes of the image, two of the shadow vector
        self.e1 = k(c[0], c[0])
        self.d2, self.e2 = k(c[0], c[1], 2), k(c[1], c[1])
        self.d4, self.e4 = k(c[1], c[2], 2), k(c[2], c[2])
        self.d8, self.e8, self.f8 = k(c[2], c[3], 2), k(c[3], c[3]), k(c[3], c[3])
        self.u4 = k(c[3] + c[2], c[2])
        self.u2 = k(c[2] + c[1], 24)
        self.u1 = k(24 + c[0], 16)
        self.head = nn.Conv2d(16, 7, 1)          # centre, body, cos 2h, sin 2h, cloud, shadow vector

    def forward(self, x):
        r = F.relu
        up = lambda t: F.interpolate(t, scale_factor=2, mode='nearest')
        a = r(self.e1(r(self.stem(x))))
        b = r(self.e2(r(self.d2(a))))
        c = r(self.e4(r(self.d4(b))))
        d = r(self.f8(r(self.e8(r(self.d8(c))))))
        c = r(self.u4(torch.cat([up(d), c], 1)))
        b = r(self.u2(torch.cat([up(c), b], 1)))
        a = r(self.u1(torch.cat([up(b), a], 1)))
        return self.head(a)


def crops(sc, rng, views=3, ground=None):
    """Training examples from one randomised window, each turned and scaled its own way: (6, 2*OUT, 2*OUT) input, (OUT, OUT, 8) target: heat, body, cos, sin, weight, cloud, shadow vector."""
    g = sc.gsd
    h, w = sc.valid.shape
    r = rng.random()
    if sc.cars and r < .5:
        cx, cy = sc.cars[rng.integers(len(sc.cars))]['centre'] + rng.uniform(-60, 60, 2) / g
    elif sc.false_points and r < .75:
        cx, cy = sc.false_points[rng.integers(len(sc.false_points))] + rng.uniform(-60, 60, 2) / g
    elif sc.tracks and r < .9:
        t = sc.tracks[rng.integers(len(sc.tracks))]
        cx, cy = t[rng.integers(len(t))] + rng.uniform(-70, 70, 2) / g
    else:
        cx, cy = rng.uniform(0, w), rng.uniform(0, h)
    cx, cy = np.clip(cx, 0, w), np.clip(cy, 0, h)
    # cut a native window first, so that the randomisation works on the sensor's own pixels
    R = int(OUT * .62 / g * 1.42) + 8
    x0, y0 = int(max(0, cx - R)), int(max(0, cy - R))
    x1, y1 = int(min(w, cx + R)), int(min(h, cy + R))
    if x1 - x0 < 20 or y1 - y0 < 20:
        return crops(sc, rng, views, ground)
    img = sc.x[y0:y1, x0:x1].astype(f32) / 40000
    val = sc.valid[y0:y1, x0:x1]
    if sc.tracks:
        img = S.restyle(img, sc, np.array([x0, y0]), rng, ground)
    img, colour = S.randomise(img, val, sc.colour, g, rng)
    drowned = np.zeros(val.shape, f32)
    if rng.random() < .12:
        img, drowned = drown(img, val, g, rng)
    fields = S.local_fields(img, val, g)
    return [view(sc, img, val, drowned, colour, fields, (x0, y0), (cx, cy), rng) for _ in range(views)]


HIDDEN_SNR, SEEN_SNR = .4, 1.5   # contrast against noise per half-metre pixel: nothing is seen under the one, cars are above the other


def drown(img, val, gsd, rng):
    """Haze or darkness in which less and less stands out from the sensor's noise; with 1 where nothing can be seen, nan where it is doubtful."""
    h, w = val.shape
    noise = math.exp(rng.uniform(math.log(.004), math.log(.03)))
    snr = rng.uniform(math.log(.05), math.log(5), (2, 2) if rng.random() < .6 else 1)
    snr = np.exp(cv2.resize(np.atleast_2d(snr).astype(f32), (w, h), interpolation=cv2.INTER_LINEAR))
    lum = img.mean(2)[val] if val.any() else np.zeros(1)
    k = np.minimum(1, snr * noise * min(1, gsd / .5) / max(float(lum.std()), 1e-3))[..., None]
    veil = rng.uniform(.02, .9)
    x = veil + (img - lum.mean()) * k + noise * rng.standard_normal((h, w, 3 if rng.random() < .5 else 1), f32)
    x = np.where(val[..., None], np.clip(x, 0, 1.5), 0).astype(f32)
    return x, np.select([snr < HIDDEN_SNR, snr < SEEN_SNR], [1, np.nan], 0).astype(f32)


def view(sc, img, val, drowned, colour, fields, origin, centre, rng):
    g, n = sc.gsd, OUT * 4
    (x0, y0), (cx, cy) = origin, centre
    ang, k = rng.uniform(0, 2 * math.pi), math.exp(rng.uniform(-.16, .16))
    s = g / .25 * k                                   # native px -> samples
    ca, sa = math.cos(ang) * s, math.sin(ang) * s
    A = np.array([[ca, -sa, 0], [sa, ca, 0]])
    if rng.random() < .5:
        A[0] *= -1
    A[:, 2] = n / 2 - A[:, :2] @ (np.array([cx, cy]) + rng.uniform(-15, 15, 2) / g)
    B = A.copy()
    B[:, 2] += B[:, :2] @ [x0, y0]
    # pixel centres: index i is coordinate i + .5
    def warp(a, M, flag):
        M = M.copy()
        M[:, 2] += M[:, :2] @ [.5, .5] - .5
        return cv2.warpAffine(a, M.astype(f32), (n, n), flags=flag, borderMode=cv2.BORDER_CONSTANT)
    xs = cv2.resize(warp(img, B, cv2.INTER_LINEAR), (n // 2, n // 2), interpolation=cv2.INTER_AREA)
    vs = cv2.resize(warp(val.astype(f32), B, cv2.INTER_LINEAR), (n // 2, n // 2), interpolation=cv2.INTER_AREA) > .5
    cell = S.CELL_M / g
    inv = cv2.invertAffineTransform(B)
    yy, xx = np.mgrid[0:n // 2, 0:n // 2].astype(f32) * 2 + 1
    col = inv[0, 0] * xx + inv[0, 1] * yy + inv[0, 2]
    row = inv[1, 0] * xx + inv[1, 1] * yy + inv[1, 2]
    fl = S.sample(fields, col, row, cell)
    fl = fl.copy()
    fl[..., 1] *= math.exp(rng.normal(0, .12))
    inp = S.channels(xs, vs, fl, colour)
    sun = A[:, :2] / s @ S.shown_sun(sc, rng)
    planes = np.broadcast_to(sun.astype(f32)[:, None, None], (2, *inp.shape[1:]))
    t = target(sc, A, n)
    cloud = np.full(t.shape[:2], np.nan, f32)
    if sc.cloud is not None:
        cloud[:] = 0
        if sc.cloud.size > 1:
            cloud = cv2.resize(warp(sc.cloud[y0:y0 + val.shape[0], x0:x0 + val.shape[1]].astype(f32), B, cv2.INTER_LINEAR), (n // 4, n // 4), interpolation=cv2.INTER_AREA)
    d = cv2.resize(warp(drowned, B, cv2.INTER_NEAREST), (n // 4, n // 4), interpolation=cv2.INTER_NEAREST)
    cloud = np.where(d > 0, 1, cloud + d).astype(f32)            # nan stays nan
    t[..., 4] *= d != 1
    true = A[:, :2] / s @ sc.sun if sc.sun is not None else np.full(2, np.nan)
    return np.concatenate([inp, planes]), np.dstack([t, cloud, np.broadcast_to(true.astype(f32), (*t.shape[:2], 2))])


def target(sc, A, n):
    P = lambda p: np.asarray(p) @ A[:, :2].T + A[:, 2]
    q = lambda p: np.round(P(p) * 16).astype(np.int32)
    line = np.full((n, n), 255, np.uint8)
    m = n // 4
    dirs = np.zeros((m, m, 2), f32)
    body = np.zeros((n, n), np.uint8)
    ign = np.zeros((m, m), np.uint8)
    def dir_lines(a, b):
        """Draws the heading (cosine and sine of twice its angle) of pieces from a to b, in samples."""
        d = b - a
        angle = 2 * np.arctan2(d[:, 1], d[:, 0])
        for p0, p1, c, s in zip(np.round(a * 4).astype(int).tolist(), np.round(b * 4).astype(int).tolist(), np.cos(angle).tolist(), np.sin(angle).tolist()):
            cv2.line(dirs, p0, p1, (c, s), 3, shift=4)
    for t in sc.tracks:
        z = P(t)
        near = np.flatnonzero(((z > -80) & (z < n + 80)).all(1))
        if len(near) < 2:
            continue
        # pieces of about 5 m are straight enough for a heading
        k = max(1, int(round(5 / (np.hypot(*(t[near[-1]] - t[near[0]])) / max(near[-1] - near[0], 1) * sc.gsd + 1e-6))))
        ends = z[list(range(near[0], near[-1], k)) + [near[-1]]]
        dir_lines(ends[:-1], ends[1:])
        cv2.polylines(line, [np.round(z * 16).astype(np.int32)], False, 0, 1, shift=4)
    z = P(sc.centres)
    cars = [sc.cars[i] for i in np.flatnonzero(((z > -120) & (z < n + 120)).all(1))]
    for c in cars:
        o = (c['ground'] - c['ground_centre']) * 1.08 + c['ground_centre']
        cv2.fillPoly(line, [q(o)], 255, shift=4)
    for c in cars:
        e = c['axis'] * (c['L'] / 2 + .6) / sc.gsd
        a, b = P(c['centre'] - e), P(c['centre'] + e)
        cv2.polylines(line, [np.round(np.array([a, b]) * 16).astype(np.int32)], False, 0, 1, shift=4)
        dir_lines(a[None], b[None])
        cv2.fillPoly(body, [q(c['roof'])], 255, shift=4)
        if c['clear'] < .5:
            cv2.fillPoly(ign, [np.round(P(c['ground']) / 4 * 16).astype(np.int32)], 1, shift=4)
    d = cv2.distanceTransform(line, cv2.DIST_L2, 5) * .25
    d = cv2.resize(d, (m, m), interpolation=cv2.INTER_AREA) if sc.tracks or sc.cars else np.full((m, m), 99, f32)
    heat = np.exp(-.5 * (np.maximum(d - .15, 0) / HEAT_M) ** 2)
    body = cv2.resize(body, (m, m), interpolation=cv2.INTER_AREA).astype(f32) / 255
    return np.dstack([heat, body, dirs, 1 - ign]).astype(f32)


def mosaic(neg, rng):
    """A scene patched from real tiles without railway."""
    k = 3
    t = [[np.rot90(neg[rng.integers(len(neg))].x, rng.integers(4)) for _ in range(k)] for _ in range(k)]
    s = min(a.shape[0] for r in t for a in r), min(a.shape[1] for r in t for a in r)
    x = np.vstack([np.hstack([a[:min(s), :min(s)] for a in r]) for r in t])
    m = object.__new__(S.Negative)
    m.x, m.valid, m.colour, m.gsd, m.cars, m.tracks, m.preset, m.sun, m.cloud = x, np.ones(x.shape[:2], bool), True, .3, [], [], 'real', None, np.zeros((1, 1), bool)
    m.walked = []
    m.prepare()
    return m


def loss_fn(o, t, vis):
    w = t[:, 4] * vis
    heat, body = t[:, 0], t[:, 1]
    lh = F.binary_cross_entropy_with_logits(o[:, 0], heat, reduction='none') * (1 + 3 * heat)
    lb = F.binary_cross_entropy_with_logits(o[:, 1], body, reduction='none') * (1 + 2 * body)
    k = (heat > .4).float() * w
    d = F.normalize(o[:, 2:4], dim=1, eps=1e-3)
    ld = (1 - (d * t[:, 2:4]).sum(1)) * k
    cl = t[:, 5]
    kc = torch.isfinite(cl) & (vis > .5)
    lc = F.binary_cross_entropy_with_logits(o[:, 4][kc], (cl[kc] > .5).float()) if kc.any() else 0 * lh.mean()
    # the shadow vector, where cars throw one
    ks = (F.max_pool2d(body[:, None], 9, 1, 4)[:, 0] > .5) & torch.isfinite(t[:, 6]) & (w > .5)
    lv = F.smooth_l1_loss(o[:, 5:7].permute(0, 2, 3, 1)[ks], t[:, 6:8].permute(0, 2, 3, 1)[ks], beta=.3) if ks.any() else 0 * lh.mean()
    return .1 * lv + .3 * lc + (lh * w).mean() + (lb * w).mean() + .5 * ld.sum() / (k.sum() + 50), (lh * w).mean().item(), (lb * w).mean().item(), float(lc), float(lv)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--scenes', nargs='+', required=True)
    ap.add_argument('--negatives')
    ap.add_argument('--minutes', type=float, default=45)
    ap.add_argument('--batch', type=int, default=9)
    ap.add_argument('--lr', type=float, default=2e-3)
    ap.add_argument('--threads', type=int, default=1)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--start', help='continue from these weights')
    ap.add_argument('--bf16', action='store_true', help='halves the time where the processor multiplies bfloat16')
    ap.add_argument('--out', required=True)
    o = ap.parse_args()
    torch.set_num_threads(o.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)
    sc, neg = S.load(o.scenes, o.negatives)
    print(len(sc), 'scenes', len(neg), 'real negatives', flush=True)
    net = YardNet()
    if o.start:
        weights.read(net, o.start)
    net = net.to(memory_format=torch.channels_last)
    average = Average(net)
    print(sum(p.numel() for p in net.parameters()), 'weights', flush=True)
    opt = torch.optim.AdamW(net.parameters(), lr=o.lr, weight_decay=1e-4)
    t0, it, acc = time.time(), 0, []
    bud = o.minutes * 60
    order = []
    while True:
        u = (time.time() - t0) / bud
        if u >= 1:
            break
        for gr in opt.param_groups:
            gr['lr'] = o.lr * min(1, (it + 1) / 100) * .5 * (1 + math.cos(math.pi * u)) + 1e-6
        ex = []
        while len(ex) < o.batch:
            if neg and rng.random() < .15:
                ex += crops(mosaic(neg, rng), rng, 2)
                continue
            if not order:
                for k in sc:
                    k.read_walked()
                order = list(rng.permutation(len(sc)))
            ex += crops(sc[order.pop()], rng, 3, neg)
        x = torch.from_numpy(np.stack([e[0] for e in ex])).to(memory_format=torch.channels_last)
        t = torch.from_numpy(np.stack([e[1] for e in ex])).permute(0, 3, 1, 2)
        vis = F.avg_pool2d(x[:, 3:4], 2)[:, 0]
        with torch.autocast('cpu', torch.bfloat16, enabled=o.bf16):
            out = net(x)
        L, *parts = loss_fn(out.float(), t, vis)
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
