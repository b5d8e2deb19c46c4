"""Scenes as the networks see them: loading, radiometry, domain randomisation.

The radiometry is the one of src/threshold/radiometry.rs; change both together."""
import glob
import json
import math
import os
import warnings

import cv2
import numpy as np
from scipy.spatial import cKDTree

warnings.filterwarnings('ignore')
f32 = np.float32
CLASSES = ['gondola', 'boxcar', 'tank', 'hopper', 'flat', 'locomotive', 'coach']
OPEN = ('gondola', 'hopper', 'flat')
LOCAL_M = 40.0          # sigma of the local mean and deviation, metres
CELL_M = 4.0            # grid of the local statistics, metres
LOG_FLOOR = 0.05        # added before the logarithm: noise floor of a stretched image
MIN_DEVIATION = 0.12    # floor of the local deviation of log luminance


def read_image(path):
    """float32 (h, w, 3) in the file's own numbers, valid mask, whether it has colour."""
    if path.endswith('.tif'):
        import rasterio
        with rasterio.open(path) as d:
            a = d.read()
            nod = d.nodata
        a = np.moveaxis(a, 0, 2).astype(f32)
    else:
        a = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        a = a[..., None] if a.ndim == 2 else a[..., [2, 1, 0]]
        a, nod = a.astype(f32), None
    valid = np.ones(a.shape[:2], bool) if nod is None else ~(a == nod).all(2)
    colour = a.shape[2] >= 3
    a = a[..., :3] if colour else np.repeat(a[..., :1], 3, 2)
    return a, valid, colour


def stretch(a, valid):
    """Robust stretch over the valid pixels: 0.5 and 99.5 % of luminance to 0..1, no clipping above."""
    lum = a.mean(2)[valid]
    lum = lum[:: max(1, len(lum) // 400000)]
    if not len(lum):
        return a * 0
    lo, hi = np.percentile(lum, [.5, 99.5])
    return np.clip((a - lo) / max(hi - lo, 1e-6), 0, 1.5).astype(f32)


def local_fields(x, valid, gsd):
    """Local mean and deviation of log luminance and local mean of chroma on the CELL_M grid: (gh, gw, 4)."""
    h, w = x.shape[:2]
    k = CELL_M / gsd
    gh, gw = int(math.ceil(h / k)), int(math.ceil(w / k))
    v = valid.astype(f32)
    lum, c1, c2 = log_chroma(x)
    st = np.stack([v, lum * v, lum * lum * v, c1 * v, c2 * v], 2)
    # cell means by area
    M = np.dstack([cv2.resize(st[..., i], (gw, gh), interpolation=cv2.INTER_AREA) for i in range(5)])
    M = np.dstack([cv2.GaussianBlur(M[..., i], (0, 0), LOCAL_M / CELL_M, borderType=cv2.BORDER_CONSTANT) for i in range(5)])
    n = np.maximum(M[..., 0], 1e-4)
    m = M[..., 1] / n
    sd = np.sqrt(np.maximum(M[..., 2] / n - m * m, 0))
    return np.stack([m, np.maximum(sd, MIN_DEVIATION), M[..., 3] / n, M[..., 4] / n], 2).astype(f32)


def log_chroma(x):
    L = x.mean(-1)
    d = np.maximum(L, .1)
    return np.log(L + LOG_FLOOR), (x[..., 0] - x[..., 1]) / d, (x[..., 2] - .5 * (x[..., 0] + x[..., 1])) / d


def channels(x, valid, fields, colour):
    """The four input planes of a network from stretched samples and their local fields (..., 4)."""
    lum, c1, c2 = log_chroma(x)
    a = np.clip((lum - fields[..., 0]) / fields[..., 1], -4, 4)
    k = 3. if colour else 0.
    b = np.clip((c1 - fields[..., 2]) * k, -3, 3)
    c = np.clip((c2 - fields[..., 3]) * k, -3, 3)
    v = valid.astype(f32)
    return np.stack([a * v, b * v, c * v, v]).astype(f32)


def sample(field, col, row, cell):
    """Bilinear sample of a cell grid (cell size in pixels) at pixel coordinates."""
    return cv2.remap(field, (col / cell - .5).astype(f32), (row / cell - .5).astype(f32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def shadow_vector(azimuth, elevation):
    """Where the shadow of one metre of height falls: metres to the right and down (north up). At most 3 m."""
    k = min(3., 1 / math.tan(math.radians(max(elevation, 1.))))
    return np.array([-math.sin(math.radians(azimuth)) * k, math.cos(math.radians(azimuth)) * k], f32)


def shown_sun(sc, rng):
    """The shadow vector as the network is told it: zero when it is not known."""
    if sc.sun is None:
        return np.zeros(2, f32) if rng.random() < .5 else shadow_vector(rng.uniform(0, 360), rng.uniform(15, 70))
    if rng.random() < .4:
        return np.zeros(2, f32)
    return sc.sun * f32(math.exp(rng.normal(0, .05)))


class Scene:
    def __init__(self, folder):
        self.t = json.load(open(os.path.join(folder, 'truth.json')))
        self.dir = folder
        a, self.valid, self.colour = read_image(os.path.join(folder, self.t['image']))
        self.gsd = float(self.t['gsd'])
        self.preset = self.t['preset']
        x = stretch(a, self.valid)
        self.x = (x * 40000).astype(np.uint16)          # 16 bit keeps what the sensor had
        self.cars = []
        for c in self.t['cars']:
            q = np.array(c['box'], f32)
            s = np.array(c.get('top_shift', (0, 0)), f32)
            h = math.radians(c['heading'])
            self.cars.append(dict(ground=q, roof=q + s, centre=np.array([c['col'], c['row']], f32) + s, ground_centre=np.array([c['col'], c['row']], f32),
                                  axis=np.array([math.sin(h), -math.cos(h)], f32), L=c['length'], W=c['width'], H=c['height'], cls=CLASSES.index(c['class']), clear=c['clear'], track=c.get('track'), string=c.get('string')))
        self.tracks = [np.array(t['line'], f32) for t in self.t.get('tracks_px', [])]
        c = self.t['conditions']
        self.sun = shadow_vector(c['sun_az'], c['sun_el'])
        cloud = os.path.join(folder, 'cloud.png')
        self.cloud = cv2.imread(cloud, 0) > 127 if os.path.exists(cloud) else None if self.preset == 'cloudy' else np.zeros((1, 1), bool)
        self.walked = []
        self.prepare()
        self.read_walked()

    def read_walked(self):
        """Lines that the program took for tracks, if they are known by now (walked.py)."""
        walked = os.path.join(self.dir, 'walked.json')
        if not self.walked and os.path.exists(walked):
            self.walked = [np.array(t, f32) for t in json.load(open(walked)) if len(t) > 1]
            self.prepare()

    def prepare(self):
        self.centres = np.array([c['centre'] for c in self.cars], f32).reshape(-1, 2)
        for c in self.cars:                                     # how many cars stand on the next tracks beside it
            d = (self.centres - c['centre']) * self.gsd
            v = np.abs(d @ np.array([-c['axis'][1], c['axis'][0]]))
            c['beside'] = int(((v > 3) & (v < 6.5) & (np.abs(d @ c['axis']) < 12)).sum())
        # centres of tracks every half metre, with their tangents
        fine = [along(t, .5 / self.gsd) for t in self.tracks if len(t) > 1]
        self.track_points = np.concatenate([p for p, _ in fine]) if fine else np.zeros((0, 2))
        self.track_tangents = np.concatenate([u for _, u in fine]) if fine else np.zeros((0, 2))
        self.track_tree = cKDTree(self.track_points) if fine else None
        # where the program once took something else for a track
        true = np.concatenate([self.track_points, self.centres])
        true = cKDTree(true) if len(true) else None
        self.false_lines, self.false_points = [], []
        for t in self.walked:
            p = along(t, 2 / self.gsd)[0]
            far = true.query(p)[0] * self.gsd > 2.6 if true is not None and len(p) else np.ones(len(p), bool)
            if far.mean() > .3:
                self.false_lines.append(t)
            self.false_points += list(p[far])

    def image(self):
        return self.x.astype(f32) / 40000.


class Negative:
    """A real tile without any railway."""
    def __init__(self, path, gsd):
        a, self.valid, self.colour = read_image(path)
        self.x = (stretch(a, self.valid) * 40000).astype(np.uint16)
        self.gsd, self.cars, self.tracks, self.preset, self.sun, self.cloud = gsd, [], [], 'real', None, np.zeros((1, 1), bool)
        self.walked = []
        self.prepare()

    prepare = Scene.prepare

    def image(self):
        return self.x.astype(f32) / 40000.


def load(folders, negatives=None):
    out = []
    for f in folders:
        for d in sorted(glob.glob(os.path.join(f, '*', 'truth.json'))):
            out.append(Scene(os.path.dirname(d)))
    neg = []
    for p in sorted(glob.glob(os.path.join(negatives, '*.png'))) if negatives else []:
        if int(''.join(ch for ch in os.path.basename(p) if ch.isdigit())) % 2 == 0:     # odd tiles measure
            neg.append(Negative(p, .3))
    return out, neg


def randomise(x, valid, colour, gsd, rng, strength=1.0):
    """Domain randomisation of a stretched image (h, w, 3), far beyond what the renderer varies. Returns image and colour flag."""
    r = rng.random
    x = x.copy()
    if r() < .35 * strength:                                    # optics: blur up to about one metre
        x = cv2.GaussianBlur(x, (0, 0), float(rng.uniform(.1, .5)) / gsd + .2)
    if colour and r() < .3:
        x = np.repeat(x @ rng.dirichlet([2, 2, 2]).astype(f32)[:, None], 3, 2)
        colour = False
    elif colour:
        if r() < .5:                                            # colour cast and saturation
            x = x * np.exp(rng.normal(0, .12, 3)).astype(f32)
        if r() < .5:
            m = x.mean(2, keepdims=True)
            x = m + (x - m) * f32(rng.uniform(.2, 1.8))
        if r() < .1:
            x = x[..., rng.permutation(3)]
    if r() < .6:                                                # contrast curve
        x = np.power(np.maximum(x, 0), f32(np.exp(rng.normal(0, .3))))
    if r() < .3:                                                # haze or a raised black level
        x = x * f32(rng.uniform(.5, 1)) + f32(rng.uniform(0, .3))
    if r() < .1:                                                # a range taken up by something bright, such as a cloud
        x = x * f32(rng.uniform(.12, .5))
    if r() < .25:                                               # uneven light
        h, w = x.shape[:2]
        g = cv2.resize(rng.normal(0, .18, (3, 3)).astype(f32), (w, h), interpolation=cv2.INTER_CUBIC)
        x = x * np.exp(g)[..., None]
    if r() < .3:                                                # sharpening
        b = cv2.GaussianBlur(x, (0, 0), 1.0)
        x = x + f32(rng.uniform(.3, 1.6)) * (x - b)
    if r() < .35:                                               # gantries, wires, masts: lines across everything
        x = overhead_lines(x, gsd, rng)
    if r() < .6:                                                # sensor noise, some of it correlated
        n = rng.standard_normal(x.shape[:2], f32)[..., None] * f32(rng.uniform(.003, .045))
        if r() < .4:
            n = n + cv2.GaussianBlur(rng.standard_normal(x.shape[:2], f32), (0, 0), 1.2)[..., None] * f32(rng.uniform(.01, .08))
        x = x + n
    if r() < .3:                                                # compression
        u = np.clip(x * 200, 0, 255).astype(np.uint8)
        x = cv2.imdecode(cv2.imencode('.jpg', u, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])[1], cv2.IMREAD_COLOR).astype(f32) / 200
    if r() < .15:                                               # grey levels lost
        q = f32(rng.integers(24, 90))
        x = np.round(x * q) / q
    x = np.clip(x, 0, 1.5)
    x[~valid] = 0
    return x.astype(f32), colour


def restyle(x, sc, origin, rng, ground=None):
    """Another look for the same yard: track beds, sleepers and rails, roofs, the depth of shadows. `origin` is the window's first pixel;
    `ground` are real tiles without railway that may take the place of what lies beside the yard."""
    g = sc.gsd
    h, w = x.shape[:2]
    q = lambda p: np.round((np.asarray(p) - origin) * 16 - 8).astype(np.int32)
    seen = lambda p: ((p - origin > -60 / g) & (p - origin < [w + 60 / g, h + 60 / g])).all()
    cars = [c for c in sc.cars if seen(c['centre'])]
    roofs = np.zeros((h, w), np.uint8)
    for c in cars:
        cv2.fillConvexPoly(roofs, q((c['roof'] - c['centre']) * 1.04 + c['centre']), 255, shift=4)
    if ground and sc.tracks and rng.random() < .25:
        x = beside(x, sc, origin, roofs, ground, rng)
    if sc.tracks and rng.random() < .6:                         # the bed between the rails against the ground between the tracks
        bed = np.zeros((h, w), np.uint8)
        lines = [q(t[((t - origin > -20 / g) & (t - origin < [w + 20 / g, h + 20 / g])).all(1)]) for t in sc.tracks]
        lines = [t for t in lines if len(t) > 1]
        width = rng.uniform(2.2, 3.1)
        if rng.random() < .35:                                  # every track its own age
            tone = [math.exp(rng.normal(0, .3)) for _ in lines]
        else:
            tone = [math.exp(rng.normal(0, .3))] * len(lines)
        m = np.ones((h, w), f32)
        for t, k in zip(lines, tone):
            cv2.polylines(m, [t], False, k, max(1, int(round(width / g))), cv2.LINE_8, shift=4)
            cv2.polylines(bed, [t], False, 255, max(1, int(round(width / g))), cv2.LINE_8, shift=4)
        if g < .45 and rng.random() < .5:                       # sleepers, one every 0.6 m
            k = f32(math.exp(rng.normal(-.25, .25)))
            for t in sc.tracks:
                p, u = along(t, .6 / g)
                ok = ((p - origin > 0) & (p - origin < [w, h])).all(1)
                nrm = np.stack([-u[:, 1], u[:, 0]], 1) * (1.3 / g)
                a, b = q(p[ok] - nrm[ok]), q(p[ok] + nrm[ok])
                for i in range(len(a)):
                    cv2.line(m, (int(a[i, 0]), int(a[i, 1])), (int(b[i, 0]), int(b[i, 1])), float(k), 1, cv2.LINE_8, 4)
        if rng.random() < .4:                                   # rails, polished or rusty
            k = float(math.exp(rng.normal(.1, .35)))
            a = min(1., .15 / g)
            for t in sc.tracks:
                p, u = along(t, 3 / g)
                nrm = np.stack([-u[:, 1], u[:, 0]], 1) * (.76 / g)
                for sg in (-1, 1):
                    cv2.polylines(m, [q(p + sg * nrm)], False, 1 + (k - 1) * a * 2, 1, cv2.LINE_8, 4)
        m = cv2.GaussianBlur(m, (0, 0), max(.3, .2 / g))
        m[roofs > 0] = 1
        x = x * m[..., None]
    if sc.tracks and rng.random() < .4:
        x = masts(x, sc, origin, rng)
    shade = np.zeros((h, w), np.uint8)
    for c in cars:
        d = sc.sun * c['H'] * .95 / g
        hull = cv2.convexHull(np.concatenate([c['ground'], c['ground'] + d]).astype(f32))[:, 0]
        cv2.fillConvexPoly(shade, q(hull), 255, shift=4)
    shade[roofs > 0] = 0
    if cars and rng.random() < .65:                             # shadows deeper or shallower: an aerial photograph's are nearly black
        k = f32(math.exp(rng.normal(-1.1, .8)))
        x = x * (1 + (k - 1) * cv2.GaussianBlur(shade, (0, 0), max(.4, .15 / g)).astype(f32)[..., None] / 255)
    if cars and rng.random() < .5:                              # roofs of another colour and brightness
        spread = rng.uniform(.15, .7)
        m = np.ones((h, w, 3), f32)
        common = rng.normal(0, .3)
        string = {}
        for c in cars:
            if rng.random() < .75:
                tint = np.exp(rng.normal(0, spread) * .7 + common + rng.normal(0, .12, 3))
                if c.get('string') is not None and rng.random() < .5:       # block trains look alike
                    tint = string.setdefault(c['string'], tint)
                cv2.fillConvexPoly(m, q(c['roof']), [float(v) for v in tint], shift=4)
        x = x * cv2.GaussianBlur(m, (0, 0), max(.4, .12 / g))
    if cars and rng.random() < .45:                             # dull roofs: as bright and as coloured as the ground about them
        tone = about(x, (roofs == 0) & (shade == 0), g) * f32(math.exp(rng.normal(0, .12)))
        m = np.zeros((h, w), f32)
        alike = {}
        for c in cars:
            if rng.random() < .6:
                k = rng.uniform(.2, .97)
                if c.get('string') is not None:
                    k = alike.setdefault(c['string'], k)
                cv2.fillConvexPoly(m, q(c['roof']), float(k), shift=4)
        m = cv2.GaussianBlur(m, (0, 0), max(.4, .12 / g))[..., None]
        x = x * (1 - m) + m * tone
    if cars and rng.random() < .3:                              # dirt, hatches, ribs: roofs are not even
        m = cv2.GaussianBlur(rng.standard_normal((h, w), f32), (0, 0), float(rng.uniform(.25, .9)) / g)
        m *= f32(rng.uniform(.03, .16)) / max(float(m.std()), 1e-6)
        x = x * np.exp(m * (roofs > 0))[..., None]
    if cars and rng.random() < .35:                             # edges of bodies lost: colour bleeds, gaps fill
        r = max(1, int(round(rng.uniform(.25, .9) / g)))
        k = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
        some = roofs
        if rng.random() < .5:                                   # of some strings only
            some, lost = np.zeros((h, w), np.uint8), {}
            for c in cars:
                if lost.setdefault(c.get('string'), rng.random() < .5):
                    cv2.fillConvexPoly(some, q((c['roof'] - c['centre']) * 1.04 + c['centre']), 255, shift=4)
        band = (cv2.dilate(some, k) > 0) & (cv2.erode(some, k) == 0)
        m = cv2.GaussianBlur(band.astype(f32), (0, 0), max(.5, .2 / g))[..., None] * f32(rng.uniform(.5, 1))
        x = x * (1 - m) + m * cv2.GaussianBlur(x, (0, 0), float(rng.uniform(.4, 1.5)) / g)
    if cars and rng.random() < .3:                              # dark loads: open wagons as dark as the shadow beside them
        k, alike = f32(math.exp(rng.uniform(-1.6, -.3))), {}
        m = np.ones((h, w), f32)
        for c in cars:
            if CLASSES[c['cls']] in OPEN and alike.setdefault(c.get('string'), rng.random() < .5):
                inner = (c['roof'] - c['centre']) * [[rng.uniform(.7, .95)]] + c['centre']
                cv2.fillConvexPoly(m, q(inner), float(k * math.exp(rng.normal(0, .15))), shift=4)
        x = x * cv2.GaussianBlur(m, (0, 0), max(.4, .15 / g))[..., None]
    if sc.tracks and rng.random() < .18:
        x = x * deep_shade((h, w), sc, origin, rng)
    if cars and g < .6 and rng.random() < .25:
        x = retouched(x, sc, origin, cars, rng)
    return x


def masts(x, sc, origin, rng):
    """Masts beside the tracks, and the thin shadows that a low sun throws across them: two of them look like the ends of a car."""
    g = sc.gsd
    h, w = x.shape[:2]
    near = np.flatnonzero(((sc.track_points > origin - 10 / g) & (sc.track_points < origin + [w, h] + 10 / g)).all(1))
    if not len(near):
        return x
    toward = sc.sun if np.hypot(*sc.sun) > .3 else rng.normal(0, 1, 2)
    toward = toward * max(1, rng.uniform(.5, 2.2) / np.hypot(*toward))
    height, wide = rng.uniform(6, 13), rng.uniform(.15, .5) / g
    m, mast = np.zeros((h, w), np.uint8), np.zeros((h, w), np.uint8)
    q = lambda p: np.round((np.asarray(p) - origin) * 16 - 8).astype(np.int32)
    lean = rng.normal(0, .12, 2) * height / g
    for i in rng.choice(near, max(1, int(len(near) * rng.uniform(.001, .012)))):
        p, u = sc.track_points[i], sc.track_tangents[i]
        side = np.array([-u[1], u[0]]) * rng.choice([-1, 1]) * rng.uniform(1.7, 3.5) / g
        for k in range(int(rng.integers(1, 4))):                # the next ones as far away as a car is long, more often than they are
            foot = p + side * rng.choice([-1, 1]) + u * k * rng.uniform(7, 27) / g
            cv2.polylines(m, [q([foot, foot + toward * height / g])], False, 255, max(1, int(round(wide))), cv2.LINE_AA, 4)
            cv2.polylines(mast, [q([foot, foot + lean])], False, 255, max(1, int(round(.25 / g))), cv2.LINE_AA, 4)
    dark = f32(math.exp(min(rng.normal(-.9, .5), -.1)))
    x = x * (1 + (dark - 1) * m[..., None].astype(f32) / 255 * f32(min(1, wide)))
    if rng.random() < .6:
        a = mast[..., None].astype(f32) / 255 * f32(rng.uniform(.2, .8))
        x = x * (1 - a) + a * f32(rng.uniform(0, 1.1))
    return x


def deep_shade(shape, sc, origin, rng):
    """The shadow of a wood, of buildings or of a cutting over parts of the yard: a factor per pixel and band."""
    g = sc.gsd
    h, w = shape
    dark = np.zeros((h, w), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        line = sc.tracks[rng.integers(len(sc.tracks))]
        p, u = along(line, 2 / g)
        inside = ((p > origin) & (p < origin + [w, h])).all(1)
        if not inside.any():
            continue
        i = rng.choice(np.flatnonzero(inside))
        n = int(rng.uniform(10, 80))                            # half of its length, in steps of 2 m
        k = slice(max(0, i - n), i + n)
        side = np.stack([-u[k, 1], u[k, 0]], 1) * (rng.normal(0, 7) / g)
        q = np.round((p[k] + side - origin) * 16 - 8).astype(np.int32)
        if len(q) > 1:
            cv2.polylines(dark, [q], False, 255, max(1, int(rng.uniform(4, 22) / g)), cv2.LINE_8, shift=4)
    m = dark.astype(f32) / 255
    if rng.random() < .75:                                      # crowns: a ragged edge, with holes
        reach = float(rng.uniform(.8, 4)) / g
        small = max(1., reach / 2)
        n = cv2.resize(rng.standard_normal((int(h / small) + 2, int(w / small) + 2), f32), (w, h), interpolation=cv2.INTER_CUBIC)
        m = (cv2.GaussianBlur(m, (0, 0), reach) + f32(rng.uniform(.05, .3)) * n > .5).astype(f32)
    m = cv2.GaussianBlur(m, (0, 0), max(.4, float(rng.uniform(.15, .6)) / g))
    sky = np.exp(np.array([-.1, 0, .12]) * rng.uniform(0, 1.5))  # lit by the blue sky alone
    return (1 + (np.exp(-rng.uniform(.6, 2.6)) * sky - 1) * m[..., None]).astype(f32)


def retouched(x, sc, origin, cars, rng):
    """Outlines painted out: of every car, and of as many places without one, so that the retouching itself tells nothing."""
    g = sc.gsd
    h, w = x.shape[:2]
    q = lambda p: np.round((np.asarray(p) - origin) * 16 - 8).astype(np.int32)
    boxes = [(c['roof'] - c['centre']) * rng.uniform(.95, 1.1) + c['centre'] + rng.normal(0, .25 / g, 2) for c in cars]
    for i in rng.permutation(len(sc.track_points))[:2 * len(cars)]:
        p, u = sc.track_points[i], sc.track_tangents[i]
        if sc.centres.size and (np.hypot(*(sc.centres - p).T) * g).min() > 14:
            n = np.array([-u[1], u[0]])
            a, b = u * rng.uniform(4, 11) / g, n * rng.uniform(1.2, 1.9) / g
            boxes.append(p + rng.normal(0, .5 / g, 2) + np.array([a + b, a - b, -a - b, -a + b]))
    lost = np.zeros((h, w), np.uint8)
    wide = max(1, int(round(rng.uniform(.5, 1.9) / g)))
    for b in boxes:
        cv2.polylines(lost, [q(b)], True, 255, wide, cv2.LINE_8, shift=4)
    known = (lost == 0).astype(f32)[..., None]
    fill, weight = np.zeros_like(x), np.zeros((h, w, 1), f32)
    for reach in (.35, .9):                                     # from near pixels; from farther ones where there are none
        k = [cv2.GaussianBlur(v, (0, 0), max(.6, reach / g)) for v in (x * known, known[..., 0])]
        fill += 1e-4 ** (reach > .5) * k[0]
        weight += 1e-4 ** (reach > .5) * k[1][..., None]
    return np.where(known > 0, x, fill / np.maximum(weight, 1e-9)).astype(f32)


def about(x, free, gsd):
    """The colour of the free ground about every pixel: its mean, weighted over some 6 m."""
    h, w = x.shape[:2]
    size = max(1, int(w * gsd)), max(1, int(h * gsd))           # one metre is fine enough
    f = free.astype(f32)[..., None]
    a = cv2.resize(np.concatenate([x * f, f], 2), size, interpolation=cv2.INTER_AREA)
    a = cv2.GaussianBlur(a, (0, 0), 6)
    a = cv2.resize(a, (w, h), interpolation=cv2.INTER_LINEAR)
    return a[..., :3] / np.maximum(a[..., 3:], 1e-3)


def beside(x, sc, origin, roofs, ground, rng):
    """Real ground and real buildings, cars and trees in place of the rendered ones beside the tracks."""
    g = sc.gsd
    h, w = x.shape[:2]
    keep = roofs.copy()
    for t in sc.tracks:
        cv2.polylines(keep, [np.round((t - origin) * 16 - 8).astype(np.int32)], False, 255, max(1, int(round(rng.uniform(5, 14) / g))), cv2.LINE_8, shift=4)
    for c in sc.cars:
        d = (c['centre'] - origin)
        if (d > -40 / g).all() and (d < [w + 40 / g, h + 40 / g]).all():
            s = sc.sun * c['H'] * 1.05 / g
            hull = cv2.convexHull(np.concatenate([c['ground'], c['ground'] + s, c['roof']]).astype(f32))[:, 0]
            cv2.fillConvexPoly(keep, np.round((hull - origin) * 16 - 8).astype(np.int32), 255, shift=4)
    k = ground[0].gsd / g * math.exp(rng.normal(0, .1))
    side = max(8, int(256 * k))
    real = np.zeros_like(x)
    for y in range(0, h, side):
        for z in range(0, w, side):
            t = ground[rng.integers(len(ground))].image()
            t = np.rot90(t, rng.integers(4))
            t = cv2.resize(np.ascontiguousarray(t), (side, side), interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR)
            real[y:y + side, z:z + side] = t[:h - y, :w - z]
    if not sc.colour:
        real = np.repeat(real.mean(2, keepdims=True), 3, 2)
    real *= f32(math.exp(rng.normal(0, .2)))
    m = cv2.GaussianBlur((keep > 0).astype(f32), (0, 0), max(.5, .3 / g))[..., None]
    return x * m + real * (1 - m)


def along(line, step):
    """Points every `step` along a polyline, with unit tangents."""
    d = np.hypot(*np.diff(line, axis=0).T)
    s = np.concatenate([[0], np.cumsum(d)])
    t = np.arange(0, s[-1], step)
    p = np.stack([np.interp(t, s, line[:, 0]), np.interp(t, s, line[:, 1])], 1)
    u = np.gradient(p, axis=0) if len(p) > 1 else np.ones_like(p)
    return p, u / np.maximum(np.hypot(*u.T), 1e-6)[:, None]


def overhead_lines(x, gsd, rng):
    h, w = x.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        p = rng.uniform(0, 1, (2, 2)) * [w, h] * 1.4 - [.2 * w, .2 * h]
        t = max(1, int(round(rng.uniform(.2, 1.3) / gsd)))
        m = np.zeros((h, w), np.uint8)
        cv2.line(m, tuple(int(v) for v in p[0]), tuple(int(v) for v in p[1]), 255, t, cv2.LINE_AA)
        a = m[..., None].astype(f32) / 255 * f32(rng.uniform(.3, .95))
        if rng.random() < .4:                                   # a lattice beam lets the ground through
            a = a * (rng.random((h, w, 1)) < .6)
        x = x * (1 - a) + a * f32(rng.choice([rng.uniform(0, .25), rng.uniform(.5, 1.2)]))
        if rng.random() < .6:                                   # and throws a shadow
            d = rng.uniform(-8, 8, 2) / gsd
            s = cv2.warpAffine(m, np.array([[1, 0, d[0]], [0, 1, d[1]]], f32), (w, h))[..., None].astype(f32) / 255
            x = x * (1 - .5 * s)
    return x
