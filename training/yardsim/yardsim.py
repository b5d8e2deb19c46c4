#!/usr/bin/env python3
"""Simulator of overhead imagery of rail yards with exact ground truth. See README.md."""
import argparse
import datetime as dt
import json
import math
import os
import sys
import time
import numpy as np
import cv2
import rasterio
from rasterio.transform import Affine
from rasterio.crs import CRS
from pyproj import Transformer
from shapely.geometry import LineString, Polygon, box, mapping
from shapely.ops import unary_union
import yssite
import ysrender
import yscars as C

f32 = np.float32
PLACES = {
    'tumangang': (42.417, 130.640, 32652, 'CIS'), 'dandong': (40.09, 124.40, 32651, 'CN'), 'almaty': (43.34, 76.95, 32643, 'CIS'),
    'moscow': (55.78, 37.72, 32637, 'CIS'), 'kansas': (39.11, -94.66, 32615, 'US'), 'chicago': (41.80, -87.72, 32616, 'US'),
    'warsaw': (52.24, 21.05, 32634, 'CIS'), 'santiago': (-33.47, -70.68, 32719, 'CN'),
}
BALLAST = {'dark': ((.115, .10, .085, .13), (.135, .118, .098, .16)), 'mid': ((.175, .16, .138, .20), (.19, .168, .138, .22)),
           'light': ((.28, .265, .24, .30), (.25, .225, .19, .29)), 'red': ((.185, .145, .115, .22), (.20, .165, .13, .25)),
           'grey': ((.20, .20, .195, .21), (.16, .148, .13, .19))}
MIX = {'mixed': dict(gondola=4, boxcar=2.2, tank=2.5, hopper=1.5, flat=.7, flatcont=1.3),
       'contain': dict(flatcont=8, flat=1, boxcar=.5, gondola=.5),
       'flats': dict(flat=7, flatcont=2, gondola=.5),
       'bulk': dict(gondola=8, hopper=2, tank=1),
       'visible': dict(gondola=3, boxcar=3, tank=2, hopper=2, flatcont=1)}


def season_of(doy, lat):
    if lat < 0:
        doy = (doy + 182) % 365
    if doy < 78 or doy > 330:
        return 'winter'
    return 'spring' if doy < 140 else 'summer' if doy < 255 else 'autumn'


def sun_pos(doy, hour, lat):
    """Solar elevation and azimuth (deg) at local solar time."""
    dec = math.radians(23.44 * math.sin(2 * math.pi * (284 + doy) / 365))
    la, ha = math.radians(lat), math.radians(15 * (hour - 12))
    se = math.sin(la) * math.sin(dec) + math.cos(la) * math.cos(dec) * math.cos(ha)
    el = math.asin(se)
    az = math.atan2(-math.sin(ha) * math.cos(dec), math.cos(la) * math.sin(dec) - math.sin(la) * math.cos(dec) * math.cos(ha))
    return math.degrees(el), math.degrees(az) % 360


# ------------------------------------------------------------------------------------------- presets
PRESETS = ['easy', 'medium', 'busy', 'sparse', 'curved', 'ladder', 'containers', 'flats', 'snow', 'winter', 'haze', 'cloudy',
           'pan16', 'ms16', 'coarse', 'offnadir', 'jpeg', 'lowcontrast', 'mainline', 'negative']


def pick(rng, d):
    return d[int(rng.integers(len(d)))]


def build(preset, seed):
    """(site spec, condition, populate arguments) of a single scene."""
    rng = np.random.default_rng([seed, sum(map(ord, preset)), 1])
    place = pick(rng, ['tumangang'] * 5 + list(PLACES))
    lat, lon, epsg, region = PLACES[place]
    if place == 'tumangang' and rng.random() < .35:
        region = 'CN'
    bt = pick(rng, ['dark', 'mid', 'mid', 'light', 'red', 'grey'])
    sp = dict(place=place, region=region, az=float(rng.uniform(0, 180)), n_tracks=int(rng.integers(5, 13)), spacing=(4.3, 5.6), n_main=int(rng.integers(0, 3)),
              wide_gaps=int(rng.integers(0, 2)), W=540., H=450., env=pick(rng, ['rural', 'rural', 'town', 'industrial']),
              ballast=tuple(np.array(BALLAST[bt][0]) * rng.lognormal(0, .08)), ground=tuple(np.array(BALLAST[bt][1]) * rng.lognormal(0, .08)),
              sleeper_vis=float(rng.uniform(.35, 1)), polished=float(rng.uniform(.2, .95)), rail_bright=float(rng.uniform(.7, 1.25)), weed_thr=float(rng.uniform(.4, 1.6)),
              river=bool(rng.random() < .18), cranes=0)
    doy = int(rng.integers(70, 320))
    hour = float(rng.uniform(10.2, 12.4) if rng.random() < .8 else rng.uniform(8.6, 15.5))
    cd = dict(gsd=.5, mode='rgb8', pansharp=True, psf=float(rng.uniform(.5, .68)), snr=float(rng.uniform(70, 130)), haze=float(rng.uniform(.04, .2)),
              offnadir=float(rng.uniform(0, 12)), view_az=float(rng.uniform(0, 360)), mtfc=float(rng.choice([0, .3, .6])), stripe=float(rng.choice([0, 0, .004])),
              saturation=float(rng.uniform(.2, 1.2)), gamma=float(rng.uniform(1.35, 1.9)), fmt=pick(rng, ['tiled', 'tiled', 'striped', 'cog', 'png', 'jpg']))
    pop = dict(mix=MIX['mixed'], fill=.5, string=(1, 30), loco_p=.15, coach_p=.03, unit_p=.55)
    snow = 0.0
    if preset == 'easy':
        sp.update(n_tracks=int(rng.integers(3, 8)), env='rural', wide_gaps=0, spacing=(5.0, 6.0), trackside=.15, river=False)
        cd.update(gsd=.3, haze=.05, offnadir=float(rng.uniform(0, 4)), snr=130., fmt='tiled', pansharp=False, mtfc=.3, stripe=0.)
        doy, hour = int(rng.integers(120, 240)), 11.0
        pop.update(mix=MIX['visible'], coach_p=0, fill=.5)
    elif preset == 'medium':
        sp.update(W=900., H=700., n_tracks=int(rng.integers(6, 14)), wide_gaps=int(rng.integers(0, 3)))
        if rng.random() < .4:
            sp['radius'] = float(rng.uniform(800, 2000))
    elif preset == 'busy':
        sp.update(W=850., H=650., n_tracks=int(rng.integers(18, 25)), env=pick(rng, ['town', 'industrial']), spacing=(4.1, 5.2), cranes=int(rng.integers(0, 2)))
        cd.update(gsd=float(rng.choice([.3, .5, .5])))
        if cd['gsd'] == .3:
            sp.update(W=560., H=480.)
        pop.update(fill=.93, string=(10, 60), gap=(6, 40))
    elif preset == 'sparse':
        sp.update(W=620., H=520., n_tracks=int(rng.integers(4, 14)), env=pick(rng, ['industrial', 'port', 'town']), wide_gaps=2, trackside=1.6, cranes=1)
        cd.update(gsd=float(rng.choice([.3, .5])))
        pop = None
    elif preset == 'curved':
        sp.update(W=700., H=600., radius=float(rng.uniform(300, 900)), n_tracks=int(rng.integers(3, 11)))
        cd.update(gsd=float(rng.choice([.3, .5])))
        if cd['gsd'] == .3:
            sp.update(W=520., H=480.)
    elif preset == 'ladder':
        sp.update(W=1000., H=640., az=float(90 + rng.uniform(-35, 35)), n_tracks=int(rng.integers(8, 19)), ladder=int(rng.integers(1, 3)), len=float(rng.uniform(780, 900)))
        if rng.random() < .3:
            sp['radius'] = float(rng.uniform(1200, 2500))
        pop.update(fill=.65)
    elif preset == 'containers':
        sp.update(W=650., H=560., n_tracks=int(rng.integers(4, 10)), env=pick(rng, ['port', 'industrial']), wide_gaps=2, trackside=1.5, cranes=1)
        cd.update(gsd=float(rng.choice([.3, .5])))
        if cd['gsd'] == .3:
            sp.update(W=540., H=480.)
        pop.update(mix=MIX['contain'], unit_p=.85, fill=.6)
    elif preset == 'flats':
        sp.update(W=600., H=520., n_tracks=int(rng.integers(4, 10)))
        cd.update(gsd=float(rng.choice([.3, .5])))
        pop.update(mix=MIX['flats'], unit_p=.75, fill=.5)
    elif preset == 'snow':
        snow = 1.0
        doy, hour = int(pick(rng, [10, 30, 45, 350])), 11.0
        sp.update(W=640., H=520.)
        cd.update(track_snow=float(rng.choice([.08, .25, .95])))
        cd['car_snow'] = float(rng.choice([0., .5, 1.])) if cd['track_snow'] < .5 else 1.0
        cd['roof_snow'] = float(rng.uniform(.5, 1))
    elif preset == 'winter':
        doy, hour = int(pick(rng, [340, 355, 5, 20])), float(rng.uniform(9.6, 11))
        cd.update(snr=45., dim=float(rng.uniform(.55, .9)), gsd=float(rng.choice([.3, .5])))
        sp.update(place='tumangang' if lat < 0 else place)
    elif preset == 'haze':
        sp.update(W=700., H=560.)
        cd.update(haze=float(rng.uniform(.5, 1.1)), snr=60., balance=bool(rng.random() < .5), min_range=.3)
    elif preset == 'cloudy':
        sp.update(W=900., H=700.)
        cd.update(cloud=float(rng.uniform(.15, .55)), cloud_thin=bool(rng.random() < .35))
    elif preset == 'pan16':
        sp.update(W=800., H=620.)
        cd.update(mode='pan16', fmt=pick(rng, ['tiled', 'striped', 'cog']), gsd=float(rng.choice([.5, .5, .6])), haze=float(rng.uniform(.05, .3)), stripe=float(rng.choice([0, .006])))
    elif preset == 'ms16':
        sp.update(W=800., H=620.)
        cd.update(mode='ms16', fmt=pick(rng, ['tiled', 'striped', 'cog']), gsd=float(rng.choice([.5, .6])))
    elif preset == 'coarse':
        sp.update(W=1300., H=1000., n_tracks=int(rng.integers(5, 16)))
        cd.update(gsd=float(rng.choice([.8, 1.0])), mode=pick(rng, ['rgb8', 'pan8', 'pan16']))
        if cd['mode'] == 'pan16':
            cd['fmt'] = 'tiled'
    elif preset == 'offnadir':
        sp.update(W=620., H=520.)
        cd.update(offnadir=float(rng.uniform(18, 25)), gsd=float(rng.choice([.3, .5])))
    elif preset == 'jpeg':
        cd.update(jpeg=int(rng.integers(28, 60)), fmt=pick(rng, ['jpg', 'jpg', 'tiled']), gsd=float(rng.choice([.3, .5])), mtfc=.8)
    elif preset == 'lowcontrast':
        b = 'light' if rng.random() < .5 else 'grey'
        sp.update(W=620., H=520., ballast=BALLAST[b][0], ground=BALLAST[b][1])
        pop.update(mix=dict(gondola=3, boxcar=2, tank=2, hopper=2, flat=.6))
        cd.update(lowcontrast=True, gsd=float(rng.choice([.3, .5])), haze=float(rng.uniform(.15, .4)))
    elif preset == 'mainline':
        long = rng.random() < .5
        sp.update(W=2000. if long else 900., H=440. if long else 700., az=float(90 + rng.uniform(-9, 9)) if long else float(rng.uniform(0, 180)), n_tracks=int(rng.integers(1, 3)), n_main=2,
                  env=pick(rng, ['rural', 'town']), wide_gaps=0, trackside=.15)
        if rng.random() < .6:
            sp['radius'] = float(rng.uniform(700, 2000))
            sp['curve_mode'] = 's' if long else 'full'
        pop.update(fill=.6, string=(8, 60), loco_p=.8, coach_p=.08, gap=(200, 900))
    elif preset == 'negative':
        sp.update(W=640., H=540., n_tracks=0, env=pick(rng, ['town', 'rural', 'port', 'industrial', 'port']))
        cd.update(gsd=float(rng.choice([.3, .5])))
        pop = None
    else:
        raise SystemExit(f'unknown preset {preset}; one of {PRESETS}')
    if cd['gsd'] == .3 and sp['W'] * sp['H'] > 300000:
        k = math.sqrt(290000 / (sp['W'] * sp['H']))
        sp['W'] *= k
        sp['H'] *= k
    if preset in ('medium', 'curved', 'jpeg', 'cloudy', 'offnadir', 'ladder') and rng.random() < .3:
        cd['nodata'] = float(rng.uniform(.03, .2))
    if preset in ('medium', 'busy', 'curved', 'offnadir', 'mainline') and rng.random() < .2:
        cd['mode'] = 'pan8'
    return sp, finish_cond(cd, sp, doy, hour, rng, seed, snow), pop


def finish_cond(cd, sp, doy, hour, rng, seed, snow=0.0, year=None):
    lat, lon, epsg, _ = PLACES[sp['place']]
    el, az = sun_pos(doy, hour, lat)
    n = 0
    while el < 14.5 and n < 40:      # stay inside the simulator's 15-70 deg
        hour += .1 if hour < 12 else -.1
        if el < 10:
            doy = (doy + 4) % 365 + 1 if doy > 200 else doy + 3
        el, az = sun_pos(doy, hour, lat)
        n += 1
    el = min(el, 71.0)
    year = year or int(rng.integers(2018, 2025))
    t = dt.datetime(year, 1, 1) + dt.timedelta(days=doy - 1, hours=hour - lon / 15.0, seconds=int(rng.integers(0, 60)))
    g = cd['gsd']
    mpx = sp['W'] * sp['H'] / g ** 2 / 1e6
    cd['ss'] = 3 if g <= .35 or (g < .7 and mpx > 1.8) else 4 if g <= .9 else 5
    cd.update(sun_el=el, sun_az=az, season=season_of(doy, lat), datetime=t.replace(microsecond=0), seed=int(seed), snow=snow,
              diffuse=float(np.clip(.19 + .25 * cd.get('haze', .1) + .15 * (1 - math.sin(math.radians(el))), .15, .6)))
    cd['snr'] = cd['snr'] * math.sqrt(max(.2, math.sin(math.radians(el))) / .8)
    if cd.get('fmt') == 'jpg' and (cd['mode'] in ('pan16', 'ms16')):
        cd['fmt'] = 'tiled'
    return cd


# ------------------------------------------------------------------------------------------- output
def write_image(path_base, dn, cond, origin, epsg):
    """Returns the image's file name."""
    g = cond['gsd']
    h, w = dn.shape[:2]
    fmt = cond.get('fmt', 'tiled')
    if cond.get('jpeg') and dn.dtype == np.uint8:
        q = [cv2.IMWRITE_JPEG_QUALITY, int(cond['jpeg'])]
        if fmt != 'jpg':
            nod = (dn.max(2) if dn.ndim == 3 else dn) == 0
            dn = cv2.imdecode(cv2.imencode('.jpg', dn[..., ::-1] if dn.ndim == 3 else dn, q)[1], cv2.IMREAD_UNCHANGED)
            dn = np.ascontiguousarray(dn[..., ::-1]) if dn.ndim == 3 else dn
            dn[nod] = 0
    tr = Affine(g, 0, origin[0], 0, -g, origin[1])
    if fmt in ('png', 'jpg'):
        p = path_base + '.' + fmt
        a = dn[..., :3][..., ::-1] if dn.ndim == 3 else dn
        if fmt == 'png':
            cv2.imwrite(p, a)
        else:
            cv2.imwrite(p, a.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(cond.get('jpeg') or 90)])
        wf = path_base + ('.pgw' if fmt == 'png' else '.jgw')
        with open(wf, 'w') as f:
            f.write('\n'.join(f'{v:.10f}' for v in (g, 0, 0, -g, origin[0] + g / 2, origin[1] - g / 2)) + '\n')
        with open(path_base + '.prj', 'w') as f:
            f.write(CRS.from_epsg(epsg).to_wkt(version='WKT1_ESRI'))
        return p
    p = path_base + '.tif'
    a = dn[None] if dn.ndim == 2 else np.moveaxis(dn, 2, 0)
    prof = dict(height=h, width=w, count=a.shape[0], dtype=a.dtype, crs=CRS.from_epsg(epsg), transform=tr)
    if cond.get('nodata'):
        prof['nodata'] = 0
    tags = dict(TIFFTAG_DATETIME=cond['datetime'].strftime('%Y:%m:%d %H:%M:%S'))
    if fmt == 'cog':
        from rasterio.io import MemoryFile
        from rasterio.shutil import copy as rcopy
        with MemoryFile() as mf:
            with mf.open(driver='GTiff', **prof) as d:
                d.write(a)
                d.update_tags(**tags)
            with mf.open() as d:
                rcopy(d, p, driver='COG', compress='DEFLATE', blocksize=512, predictor='YES')
        return p
    if fmt == 'striped':
        prof.update(tiled=False, compress='lzw' if cond['seed'] % 2 else None, blockysize=16)
        if prof['compress'] is None:
            prof.pop('compress')
    else:
        prof.update(tiled=True, blockxsize=256, blockysize=256, compress='deflate', predictor=2)
    if a.shape[0] == 3:
        prof['photometric'] = 'RGB'
    with rasterio.open(p, 'w', driver='GTiff', **prof) as d:
        d.write(a)
        d.update_tags(**tags)
    return p


class Geo:
    """Scene metres <-> UTM <-> WGS84 of one site."""
    def __init__(self, sp):
        lat, lon, self.epsg, _ = PLACES[sp['place']]
        self.fw = Transformer.from_crs(4326, self.epsg, always_xy=True)
        self.bw = Transformer.from_crs(self.epsg, 4326, always_xy=True)
        e, n = self.fw.transform(lon, lat)
        self.E0, self.N0 = round(e - sp['W'] / 2, 1), round(n + sp['H'] / 2, 1)

    def utm(self, X, Y):
        return self.E0 + np.asarray(X, float), self.N0 - np.asarray(Y, float)

    def ll(self, X, Y):
        e, n = self.utm(X, Y)
        lo, la = self.bw.transform(e, n)
        return np.round(lo, 8), np.round(la, 8)


def aoi_polygon(site, sp):
    b = box(0, 0, site.W, site.H)
    if not site.tracks:
        return b.buffer(-.04 * min(site.W, site.H))
    rng = np.random.default_rng([site.seed, 51])
    m = rng.uniform(9, 22)
    u = unary_union([LineString(t.pts).buffer(m, cap_style=2) for t in site.tracks])
    u = u.buffer(12).buffer(-12)
    u = u.intersection(b.buffer(-.5))
    if u.geom_type != 'Polygon':
        u = max(u.geoms, key=lambda g: g.area)
    return Polygon(u.exterior).simplify(1.0)


def ll_ring(geo, poly):
    x, y = np.array(poly.exterior.coords).T
    lo, la = geo.ll(x, y)
    ring = list(map(list, zip(lo.tolist(), la.tolist())))
    a = sum((q[0] - p[0]) * (q[1] + p[1]) for p, q in zip(ring[:-1], ring[1:]))
    return ring[::-1] if a > 0 else ring


def write_vectors(out, site, sp, geo, poly, err):
    rng = np.random.default_rng([site.seed, 61])
    bias = rng.normal(0, err / 2, 2) if err else np.zeros(2)
    feats = []
    for t in site.tracks:
        ln = LineString(t.pts).intersection(box(-40, -40, site.W + 40, site.H + 40))
        for g in getattr(ln, 'geoms', [ln]):
            if g.length < 15:
                continue
            g = g.simplify(.25)
            c = np.array(g.coords)
            d = bias + (rng.normal(0, err / 4, 2) if err else 0) + (rng.normal(0, err / 6, (len(c), 2)) if err else 0)
            n = np.hypot(*np.atleast_2d(d).T)[:, None]
            d = np.atleast_2d(d) * np.minimum(1, 2.0 / np.maximum(n, 1e-6))
            lo, la = geo.ll(c[:, 0] + d[:, 0], c[:, 1] + d[:, 1])
            feats.append(dict(type='Feature', properties=dict(railway='rail', service='' if t.main else 'yard', gauge=1520 if sp['region'] == 'CIS' else 1435, track=int(t.id)),
                              geometry=dict(type='LineString', coordinates=list(map(list, zip(lo.tolist(), la.tolist()))))))
    with open(os.path.join(out, 'tracks.geojson'), 'w') as f:
        json.dump(dict(type='FeatureCollection', features=feats), f)
    with open(os.path.join(out, 'aoi.geojson'), 'w') as f:
        json.dump(dict(type='FeatureCollection', features=[dict(type='Feature', properties=dict(name=sp['place']),
                  geometry=dict(type='Polygon', coordinates=[ll_ring(geo, poly)]))]), f)


def car_truth(cars, cond, win, geo, mis, nod, al, sh, poly, shape):
    """Truth records of every car that touches the image."""
    g = cond['gsd']
    h, w = shape
    va, vz = math.tan(math.radians(cond.get('offnadir', 0))), math.radians(cond.get('view_az', 0))
    from shapely.geometry import Point
    from shapely.prepared import prep
    pp = prep(poly)
    res = []
    for c in cars:
        LOC, L, W, Hh = c['st']['dims']
        ca, sa = math.cos(c['ang']), math.sin(c['ang'])
        uu, vv = np.meshgrid(np.linspace(-.48, .48, 13) * L, np.linspace(-.45, .45, 3) * W)
        X, Y = c['X'] + uu * ca - vv * sa, c['Y'] + uu * sa + vv * ca
        col, row = (X - win[0]) / g, (Y - win[1]) / g
        ic, ir = np.floor(col).astype(int), np.floor(row).astype(int)
        ins = (ic >= 0) & (ir >= 0) & (ic < w) & (ir < h)
        if not ins.any():
            continue
        ic, ir = np.clip(ic, 0, w - 1), np.clip(ir, 0, h - 1)
        if nod is not None:
            ins &= ~nod[ir, ic]
            if not ins.any():
                continue
        clear = ins.copy()
        if al is not None:
            clear &= al[ir, ic] < .35
        k = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [L / 2, W / 2]
        bx, by = c['X'] + k[:, 0] * ca - k[:, 1] * sa, c['Y'] + k[:, 0] * sa + k[:, 1] * ca
        e, n = geo.utm(c['X'] + mis[0], c['Y'] + mis[1])
        lo, la = geo.bw.transform(float(e), float(n))
        cls = c['cls']
        res.append(dict(id=c['id'], **{'class': 'flat' if cls == 'flatcont' else cls}, freight=cls in C.FREIGHT,
                        col=round((c['X'] - win[0]) / g, 2), row=round((c['Y'] - win[1]) / g, 2),
                        utm=[round(float(e), 2), round(float(n), 2)], lonlat=[round(lo, 8), round(la, 8)],
                        box=[[round((x - win[0]) / g, 2), round((y - win[1]) / g, 2)] for x, y in zip(bx, by)],
                        heading=round((math.degrees(math.atan2(ca, -sa))) % 180, 2), length=round(L, 2), length_over_couplers=round(LOC, 2), width=round(W, 2), height=round(Hh, 2),
                        top_shift=[round(-math.sin(vz) * va * Hh / g, 2), round(math.cos(vz) * va * Hh / g, 2)],
                        track=c['track'], string=c['string'], load=c['st'].get('load') if cls == 'gondola' else ('containers' if cls == 'flatcont' else None),
                        in_image=round(float(ins.mean()), 3), clear=round(float(clear.mean()), 3),
                        shade=round(float(sh[ir, ic].mean()), 3) if sh is not None else 0.0, in_aoi=bool(pp.contains(Point(c['X'], c['Y'])))))
    return res


def exact_tracks(site, g):
    """True centrelines in image pixels, a vertex every 4 m."""
    res = []
    for t in site.tracks:
        p = t.pts[::4]
        k = site.in_site(p[:, 0], p[:, 1], 30)
        for run in np.split(np.arange(len(p)), np.flatnonzero(np.diff(k.astype(int))) + 1):
            if len(run) > 1 and k[run[0]]:
                res.append(dict(track=t.id, line=[[round(float(x) / g, 2), round(float(y) / g, 2)] for x, y in p[run]]))
    return res


def counts(tr):
    f = [t for t in tr if t['freight']]
    return dict(freight_cars=sum(t['in_image'] >= .5 for t in f), freight_cars_clear=sum(t['clear'] >= .5 for t in f),
                locomotives=sum(t['class'] == 'locomotive' and t['in_image'] >= .5 for t in tr),
                coaches=sum(t['class'] == 'coach' and t['in_image'] >= .5 for t in tr))


def plain(o):
    if isinstance(o, dict):
        return {str(k): plain(v) for k, v in o.items()}
    if isinstance(o, (list, tuple)):
        return [plain(v) for v in o]
    if isinstance(o, np.generic):
        return o.item()
    if isinstance(o, dt.datetime):
        return o.strftime('%Y-%m-%dT%H:%M:%SZ')
    return o


def clear_fraction(poly, win, g, shape, nod, al):
    h, w = shape
    m = np.zeros((h // 4 + 1, w // 4 + 1), np.uint8)
    p = (np.array(poly.exterior.coords) - [win[0], win[1]]) / (4 * g)
    cv2.fillPoly(m, [np.round(p * 16).astype(np.int32)], 1, shift=4)
    tot = poly.area / (16 * g * g)
    bad = np.zeros((h, w), bool)
    if nod is not None:
        bad |= nod
    if al is not None:
        bad |= al >= .35
    b = bad[::4, ::4]
    k = m[:b.shape[0], :b.shape[1]] > 0
    return float(np.clip((k & ~b).sum() / max(tot, 1), 0, 1))


def build_wild(preset, seed, wild=True):
    """A preset pushed beyond its own range: any GSD, sharper curves, narrower tracks, a mosaic of land cover."""
    sp, cond, pop = build(preset, seed)
    rng = np.random.default_rng([seed, 4242])
    g = float(np.clip(rng.choice([.25, .3, .4, .5, .6, .7, .8, .95]) * rng.uniform(.93, 1.07), .24, 1.0))
    area = sp['W'] * sp['H']
    cap = min(1.5e6 * g * g, 600e3)
    if area > cap:
        k = math.sqrt(cap / area)
        sp['W'] *= k
        sp['H'] *= k
    cond['gsd'] = round(g, 3)
    cond['ss'] = 3 if g <= .4 else 4 if g <= .9 else 5
    sp['W'], sp['H'] = round(sp['W'] / g) * cond['gsd'], round(sp['H'] / g) * cond['gsd']
    if preset != 'negative':
        u = rng.random()
        if u < .25:
            sp['spacing'] = (3.75, 4.6)
        if rng.random() < .3 and preset not in ('ladder',):
            sp['radius'] = float(np.exp(rng.uniform(math.log(180), math.log(1200))))
        sp['sleeper_vis'] = float(rng.uniform(.1, 1))
        sp['weed_thr'] = float(rng.uniform(.1, 1.8))
    if rng.random() < .5:
        sp['env'] = pick(rng, ['rural', 'town', 'industrial', 'port'])
    if pop and rng.random() < .5:
        pop.update(loco_p=.4, coach_p=.12)
    if wild == 'europe':
        sp['region'] = 'EU'
        if pop and rng.random() < .7:
            pop.update(mix=dict(gondola=2, boxcar=2.5, tank=2.5, hopper=2, flat=2.2, flatcont=2), unit_p=float(rng.uniform(.1, .7)))
    if wild == 'america':
        sp['region'] = 'NA'
        if pop and rng.random() < .8:
            pop.update(mix=dict(gondola=1.5, boxcar=3, tank=2.5, hopper=2.5, flat=1.2, flatcont=1.5), unit_p=float(rng.uniform(.1, .7)))
    if wild == 'winter':                # a yard of a few cars in any cover of snow, as it is watched over the years
        sp = series_spec(seed)
        pop = dict(mix=MIX['mixed'], string=(1, 12), target=int(rng.integers(0, 30)), loco_p=.2, unit_p=.5)
        sp['W'], sp['H'] = min(760., round(1600 * cond['gsd'])), min(400., round(1000 * cond['gsd']))
        cond.update(gsd=float(rng.choice([.3, .4, .5, .6, .8])), mode=str(rng.choice(['rgb8', 'rgb8', 'rgb8', 'pan8', 'pan16', 'ms16'])), offnadir=float(min(25, abs(rng.normal(0, 11)))),
                    view_az=float(rng.uniform(0, 360)), snow=float(rng.choice([.5, .6, .8, 1.])), track_snow=float(rng.uniform(.05, .95)), car_snow=float(rng.choice([0., 0., .6, 1.])),
                    roof_snow=float(rng.uniform(.3, 1)))
        sp['W'], sp['H'] = round(sp['W'] / cond['gsd']) * cond['gsd'], round(sp['H'] / cond['gsd']) * cond['gsd']
        cond['ss'] = 3 if cond['gsd'] <= .4 else 4
        return sp, cond, pop
    if pop and preset == 'busy':        # a wide, mostly empty marshalling yard, seen sharply
        cond['gsd'] = round(float(rng.uniform(.24, .4)), 3)
        cond['ss'] = 3
        sp.update(n_tracks=int(rng.integers(10, 24)), spacing=(4.3, 5.2), W=round(340 / cond['gsd']) * cond['gsd'], H=round(300 / cond['gsd']) * cond['gsd'])
        pop.update(fill=float(rng.uniform(.12, .5)), string=(1, 20), gap=(8, 120))
        if wild == 'packed' or wild in ('europe', 'america') and rng.random() < .6:      # or one with hardly an empty place
            sp.update(n_tracks=int(rng.integers(5, 18)), spacing=(3.9, 4.9), W=round(260 / cond['gsd']) * cond['gsd'], H=round(220 / cond['gsd']) * cond['gsd'])
            pop.update(fill=float(rng.uniform(.6, .98)), string=(1, 30), gap=(3, 60), unit_p=float(rng.uniform(.1, .7)))
    if preset == 'snow':                # anything from a few patches to a closed cover, on a yard that is not full
        cond.update(snow=float(rng.uniform(.35, 1)), track_snow=float(rng.uniform(.05, .95)), car_snow=float(rng.choice([0., .6, 1.])), roof_snow=float(rng.uniform(.3, 1)))
        pop.update(fill=float(rng.uniform(.1, .6)))
    return sp, cond, pop


def cmd_scene(preset, seed, out, quiet=False, wild=False):
    t0 = time.time()
    os.makedirs(out, exist_ok=True)
    sp, cond, pop = build_wild(preset, seed, wild) if wild else build(preset, seed)
    site = yssite.Site(sp, seed * 7919 + sum(map(ord, preset)))
    rng = np.random.default_rng([seed, 71])
    cars = site.populate(rng, **pop) if pop else []
    geo = Geo(sp)
    win = (0.0, 0.0, sp['W'], sp['H'])
    img = ysrender.render_surface(site, cars, cond, win)
    dn, nod, al, sh = ysrender.sense(img, cond)
    name = f"{preset}_{seed:04d}_{cond['datetime'].strftime('%Y%m%dT%H%M%SZ')}"
    path = write_image(os.path.join(out, name), dn, cond, geo.utm(0, 0), geo.epsg)
    if al is not None:
        cv2.imwrite(os.path.join(out, 'cloud.png'), (np.asarray(al) >= .35).astype(np.uint8) * 255)
    poly = aoi_polygon(site, sp)
    err = float(rng.choice([0, .5, 1.0, 2.0]))
    write_vectors(out, site, sp, geo, poly, err)
    tr = car_truth(cars, cond, win, geo, (0, 0), nod, al, sh, poly, dn.shape[:2])
    meta = dict(preset=preset, seed=seed, image=os.path.basename(path), datetime=cond['datetime'], gsd=cond['gsd'], width=dn.shape[1], height=dn.shape[0], epsg=geo.epsg,
                geotransform=[float(geo.E0), cond['gsd'], 0, float(geo.N0), 0, -cond['gsd']], mode=cond['mode'], counts=counts(tr),
                aoi_clear_fraction=round(clear_fraction(poly, win, cond['gsd'], dn.shape[:2], nod, al), 3),
                tracks_position_error_m=err, tracks_px=exact_tracks(site, cond['gsd']), cars=tr, conditions=cond, site={k: v for k, v in sp.items()})
    with open(os.path.join(out, 'truth.json'), 'w') as f:
        json.dump(plain(meta), f)
    if not quiet:
        print(f"{name}: {dn.shape[1]}x{dn.shape[0]} gsd {cond['gsd']} {cond['mode']} {cond.get('fmt')} sun {cond['sun_el']:.0f} {cond['season']} {counts(tr)} {time.time() - t0:.1f}s", flush=True)
    return meta


# ------------------------------------------------------------------------------------------- series
def series_spec(seed):
    rng = np.random.default_rng([seed, 81])
    place = 'tumangang'
    bt = pick(rng, ['dark', 'mid', 'red', 'grey'])
    return dict(place=place, region=pick(rng, ['CIS', 'CN', 'CIS']), az=float(90 + rng.uniform(-30, 30)), n_tracks=int(rng.integers(6, 10)), spacing=(4.5, 5.4), n_main=1,
                wide_gaps=int(rng.integers(0, 2)), W=760., H=400., env=pick(rng, ['rural', 'rural', 'town', 'industrial']), ladder=int(rng.integers(0, 2)), len=740.,
                ballast=tuple(np.array(BALLAST[bt][0])), ground=tuple(np.array(BALLAST[bt][1])), sleeper_vis=.7, polished=.5, weed_thr=float(rng.uniform(.6, 1.4)),
                river=bool(rng.random() < .3), trackside=.6, radius=float(rng.uniform(900, 3000)) if rng.random() < .4 else None)


SERIES_KINDS = ['surge+shift', 'dropout', 'none', 'surge']


def stand(site, seed, number):
    """Cars that never move: their ground is taken from the tracks on which the others stand."""
    kept = site.populate(np.random.default_rng([seed, 7000]), MIX['mixed'], string=(2, 6), target=number, loco_p=0.)
    for car in kept:
        track = next(t for t in site.tracks if t.id == car['track'])
        left = []
        for a, b in track.clear:
            along = np.arange(a, b, 1.)
            xs, ys = site.pos_on(track, along)
            taken = along[np.hypot(xs - car['X'], ys - car['Y']) < car['st']['dims'][0] / 2 + 10]
            left += [(a, b)] if not len(taken) else [(a, taken[0]), (taken[-1], b)]
        track.clear = [(a, b) for a, b in left if b - a > 40]
        car['id'], car['string'] = car['id'] + 100000, car['string'] + 10000
    return kept


def cmd_series(seed, n, out, kind=None, only=None, standing=0, standing_share=1., mean=None):
    os.makedirs(out, exist_ok=True)
    kind = kind or SERIES_KINDS[seed % 4]
    sp = series_spec(seed)
    site = yssite.Site(sp, seed * 104729 + 5)
    geo = Geo(sp)
    lat, lon = PLACES[sp['place']][:2]
    rng = np.random.default_rng([seed, 91])
    poly = aoi_polygon(site, sp)
    write_vectors(out, site, sp, geo, poly, float(rng.choice([.5, 1., 2.])))
    kept = stand(site, seed, standing)
    d0, d1 = dt.date(2019, 11, 3), dt.date(2024, 10, 28)
    span = (d1 - d0).days
    days = set()
    forced = dt.date(2023, 10, 5)
    ndup = max(1, n // 30)
    while len(days) < n - ndup:
        # clustered tasking: bursts of a few dates, long silences
        c = int(rng.integers(span))
        for k in range(int(rng.integers(1, 4))):
            if len(days) < n - ndup:
                d = d0 + dt.timedelta(days=int(c + k * rng.integers(1, 9)))
                if d < d1 and abs((d - forced).days) > 2:
                    days.add(d)
    days = sorted(days)
    if 'surge' in kind:
        j = min(range(2, len(days) - 8), key=lambda i: abs((days[i] - forced).days))
        days[j] = forced
        days.sort()
    drawn = float(rng.uniform(8, 14))
    mean = mean or drawn
    disp = float(rng.uniform(12, 22))
    cnt = [int(rng.negative_binomial(disp, disp / (disp + mean))) for _ in days]
    lab = ['none'] * len(days)
    if 'surge' in kind:
        j = days.index(forced)
        cnt[j], lab[j] = 73, 'surge'
    if 'shift' in kind:
        for i in range(len(days) - 6, len(days)):
            cnt[i] = int(rng.negative_binomial(disp * 2, disp / (disp + mean)))
            lab[i] = 'level_shift'
    if 'dropout' in kind:
        j = int(rng.integers(len(days) // 3, len(days) - 12))
        for i in range(j, j + int(rng.integers(4, 7))):
            cnt[i], lab[i] = 0, 'dropout'
    acq = [(d, c, l, False) for d, c, l in zip(days, cnt, lab)]
    for i in sorted(rng.choice([i for i in range(len(acq)) if lab[i] == 'none'], ndup, replace=False), reverse=True):
        acq.insert(i + 1, (acq[i][0], acq[i][1], acq[i][2], True))
    rows = []
    prev = None
    for i, (d, c, l, dup) in enumerate(acq):
        t0 = time.time()
        dr = np.random.default_rng([seed, 1000 + i])
        doy = d.timetuple().tm_yday
        if dup:
            cars, hour = prev
            hour = hour + .05
        else:
            hour = float(dr.uniform(10.3, 11.8))
            cr = np.random.default_rng([seed, 5000 + i])
            ns = (2, 20) if c > 40 else (1, 12)
            cars = site.populate(cr, MIX['mixed'], string=ns, target=c, loco_p=.2, unit_p=.5)
        prev = (cars, hour)
        if i < standing_share * len(acq):
            cars, c = cars + kept, c + standing
        gsd = float(dr.choice([.3, .5, .5, .5, .6, .8], p=[.2, .22, .2, .18, .14, .06]))
        mode = str(dr.choice(['rgb8', 'rgb8', 'rgb8', 'pan8', 'pan16', 'ms16'], p=[.25, .2, .2, .12, .13, .10]))
        season = season_of(doy, lat)
        snow = float(dr.choice([0, 0, .6, 1.0])) if season == 'winter' else 0.0
        cd = dict(gsd=gsd, mode=mode, pansharp=bool(dr.random() < .8), psf=float(dr.uniform(.5, .68)), snr=float(dr.uniform(60, 130)), haze=float(min(.9, dr.exponential(.15))),
                  offnadir=float(min(25, abs(dr.normal(0, 11)))), view_az=float(dr.uniform(0, 360)), mtfc=float(dr.choice([0, .3, .6])), stripe=float(dr.choice([0, 0, .004])),
                  saturation=float(dr.uniform(.2, 1.2)), gamma=float(dr.uniform(1.3, 1.9)), fmt=str(dr.choice(['tiled', 'tiled', 'striped', 'cog'])), static_vehicles=False,
                  track_snow=float(dr.uniform(.05, .9)), car_snow=float(dr.choice([0, .6, 1])), roof_snow=float(dr.uniform(.3, 1)))
        if snow == 0:
            cd['car_snow'] = cd['roof_snow'] = 0.
        u = dr.random()
        win = [0., 0., sp['W'], sp['H']]
        win[0], win[1] = float(dr.uniform(-12, 12)), float(dr.uniform(-12, 12))
        if l == 'none' and u < .16:
            cd['cloud'] = float(dr.choice([.12, .3, .55, .85]))
            cd['cloud_thin'] = bool(dr.random() < .2)
        elif l == 'none' and u < .23:
            f = float(dr.uniform(.4, .75))        # image covers a part of the yard only
            if dr.random() < .5:
                win[0] += sp['W'] * (1 - f)
            win[2] = sp['W'] * f
        elif l == 'none' and u < .28:
            cd['nodata'] = float(dr.uniform(.08, .35))
        cond = finish_cond(cd, sp, doy, hour, dr, seed * 1000 + i, snow, d.year)
        tt = dt.datetime.combine(d, cond['datetime'].time())
        if hour - lon / 15 < 0:
            tt -= dt.timedelta(days=1)
        cond['datetime'] = tt
        win[2], win[3] = round(win[2] / gsd) * gsd, round(win[3] / gsd) * gsd
        a, q = dr.uniform(0, 2 * math.pi), abs(dr.normal(0, 2.2))
        q = min(q, 5.0)
        mis = (q * math.cos(a), q * math.sin(a))
        name = f"{sp['place']}_{tt.strftime('%Y%m%dT%H%M%SZ')}"
        if only is not None and i not in only:
            continue
        img = ysrender.render_surface(site, cars, cond, win)
        dn, nod, al, sh = ysrender.sense(img, cond)
        e, nn = geo.utm(win[0] + mis[0], win[1] + mis[1])
        path = write_image(os.path.join(out, name), dn, cond, (float(e), float(nn)), geo.epsg)
        tr = car_truth(cars, cond, win, geo, mis, nod, al, sh, poly, dn.shape[:2])
        cf = clear_fraction(poly, win, gsd, dn.shape[:2], nod, al)
        ct = counts(tr)
        rows.append(dict(index=i, date=d.isoformat(), datetime=tt, image=os.path.basename(path), true_count=c, locomotives_total=sum(x['cls'] == 'locomotive' for x in cars),
                         visible=ct, aoi_clear_fraction=round(cf, 3), usable=cf >= .8, duplicate=dup, event=l, gsd=gsd, mode=mode, season=season, snow=snow,
                         cloud=cond.get('cloud', 0.), offnadir=round(cond['offnadir'], 1), sun_el=round(cond['sun_el'], 1), misregistration_m=[round(mis[0], 2), round(-mis[1], 2)]))
        os.makedirs(os.path.join(out, 'truth'), exist_ok=True)
        with open(os.path.join(out, 'truth', name + '.json'), 'w') as f:
            json.dump(plain(dict(preset='series', seed=seed, image=os.path.basename(path), datetime=tt, gsd=gsd, width=dn.shape[1], height=dn.shape[0], epsg=geo.epsg,
                                 geotransform=[float(e), gsd, 0, float(nn), 0, -gsd], mode=mode, counts=ct, true_count=c, event=l, cars=tr, conditions=cond)), f)
        print(f"[{i + 1}/{len(acq)}] {name} n={c} {l} {mode} {gsd} clear {cf:.2f} seen {ct['freight_cars_clear']} {time.time() - t0:.1f}s", flush=True)
        actual = sum(x['cls'] in C.FREIGHT for x in cars)
        if actual != c:
            print(f'  warning: placed {actual} of {c}', file=sys.stderr)
            rows[-1]['true_count'] = actual
    usable = [r for r in rows if r['usable'] and not r['duplicate']]
    with open(os.path.join(out, 'series_truth.json'), 'w') as f:
        json.dump(plain(dict(site=sp['place'], seed=seed, kind=kind, baseline_mean=round(mean, 2), dispersion=round(disp, 2), epsg=geo.epsg, usable_dates=len(usable),
                             anomalous_dates=[r['date'] for r in rows if r['event'] != 'none'], dates=rows)), f, indent=1)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    sub = ap.add_subparsers(dest='cmd', required=True)
    a = sub.add_parser('scene')
    a.add_argument('--seed', type=int, required=True)
    a.add_argument('--preset', required=True)
    a.add_argument('--out', required=True)
    a.add_argument('--wild', nargs='?', const=True, choices=['packed', 'europe', 'america', 'winter'], help='push the preset beyond its own range (training only)')
    a = sub.add_parser('series')
    a.add_argument('--seed', type=int, required=True)
    a.add_argument('--dates', type=int, default=60)
    a.add_argument('--out', required=True)
    a.add_argument('--kind', choices=SERIES_KINDS)
    a.add_argument('--only', help='comma-separated date indices to render (for trials)')
    a.add_argument('--mean', type=float, help='mean number of cars (8 to 14 without)')
    a.add_argument('--standing', type=int, default=0, help='cars that never move, besides those that come and go')
    a.add_argument('--standing-share', type=float, default=1., help='of the dates, from the first on, on which they stand there')
    a = sub.add_parser('presets')
    o = ap.parse_args()
    if o.cmd == 'presets':
        print('\n'.join(PRESETS))
    elif o.cmd == 'scene':
        cmd_scene(o.preset, o.seed, o.out, wild=o.wild)
    elif o.cmd == 'series':
        cmd_series(o.seed, o.dates, o.out, o.kind, {int(v) for v in o.only.split(',')} if o.only else None, o.standing, o.standing_share, o.mean)


if __name__ == '__main__':
    main()
