"""Charts, drawn by Vega-Lite to SVG: nothing is fetched, and no script is left in what comes out.

A series is told apart by colour (Okabe and Ito's, which colour-blind people can tell apart), by dash and by the shape
of its points, so that a print in grey reads as well. Amounts become floats here and nowhere else: a picture has no øre.
"""

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert
from lxml import etree
from markupsafe import Markup

from pybridge.web.pages.words import Words

VERSION = "5.21"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A00")
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4], [1, 3], [12, 3, 3, 3, 3, 3])
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
MOST = len(PALETTE)  # series in a chart; what the others come to is said beneath it
WIDTH, HEIGHT = 640, 260
TICKS = 7  # labels along the x axis
SVG = "http://www.w3.org/2000/svg"
ELEMENTS = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "defs", "clipPath", "title", "desc"}
CONFIG = {
    "background": None,
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "labelColor": "#222",
             "titleColor": "#222", "gridColor": "#ddd", "domainColor": "#666", "tickColor": "#666"},
    "legend": {"labelFontSize": 13, "labelLimit": 280, "symbolSize": 90, "symbolStrokeWidth": 2, "labelColor": "#222"},
}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A line: its name, and a value for each place on the x axis."""

    name: str
    values: Sequence[float]


def lines(words: Words, title: str, places: Sequence[str], series: Sequence[Series], unit: str, across: str) -> Markup:
    """Lines over time, each with a point at every place, so that one day shows too."""
    named = list(_named_apart(series))
    names = [each.name for each in named]
    data = [
        {"x": place, "y": value, "s": each.name}
        for each in named
        for place, value in zip(places, each.values, strict=True)
    ]
    few = len(places) <= 60
    legend = {"title": None, "orient": "bottom", "columns": 2, "columnPadding": 36} if len(names) > 1 else None

    def by_name(found: Sequence[Any], shown: Any = legend) -> dict[str, Any]:
        return {"field": "s", "type": "nominal", "scale": {"domain": names, "range": list(found)}, "legend": shown}

    specification = {
        "height": HEIGHT,
        "data": {"values": data},
        "encoding": {
            "x": {
                "field": "x",
                "type": "ordinal",
                "scale": {"type": "point", "domain": list(places)},
                "axis": {"title": across, "values": _some(places), "labelAngle": 0, "labelOverlap": True},
            },
            "y": _amounts("y", unit),
            "color": by_name(PALETTE[: len(names)]),
        },
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"strokeDash": by_name(DASHES[: len(names)], None)},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 55 if few else 18, "opacity": 1},
                "encoding": {"shape": by_name(SHAPES[: len(names)])},
            },
        ],
    }
    return _draw(words, title, specification)


def bars(words: Words, title: str, names: Sequence[str], values: Sequence[float], unit: str, across: str) -> Markup:
    """A bar for each name, to the right of nothing or, hollow, to the left of it: a print in grey tells them apart."""
    named = [each.name for each in _named_apart([Series(name, ()) for name in names])]
    data = [{"x": name, "y": value, "below": value < 0} for name, value in zip(named, values, strict=True)]

    def by_sign(above: str, below: str) -> dict[str, Any]:
        return {
            "field": "below",
            "type": "nominal",
            "legend": None,
            "scale": {"domain": [False, True], "range": [above, below]},
        }

    specification = {
        "height": {"step": 24},
        "data": {"values": data},
        "encoding": {
            "y": {
                "field": "x",
                "type": "ordinal",
                "scale": {"domain": named},
                "axis": {"title": across, "titleAngle": 0, "titleAlign": "left", "titleX": -60, "titleY": -12,
                         "labelLimit": 200},
            },
        },
        "layer": [
            {
                "mark": {"type": "bar", "strokeWidth": 1.5, "height": {"band": 0.6}},
                "encoding": {
                    "x": _amounts("x", unit),
                    "color": by_sign(PALETTE[0], "#FFFFFF"),
                    "stroke": by_sign(PALETTE[0], PALETTE[1]),
                },
            },
            {"mark": {"type": "rule", "color": "#222"}, "encoding": {"x": {"datum": 0}}},
        ],
    }  # fmt: skip
    longest = min(28, max(map(len, named)))
    return _draw(words, title, specification, left=round(longest * 1.6))


def _amounts(axis: str, unit: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"title": unit, "format": ",~f", "tickCount": 6}
    if axis == "y":
        shown |= {"titleAngle": 0, "titleAlign": "left", "titleY": -12, "titleX": -40}
    return {"field": "y", "type": "quantitative", "axis": shown}


def _named_apart(series: Sequence[Series]) -> Iterator[Series]:
    """Two things may have a name in common; what XML cannot hold is left out of it."""
    seen: set[str] = set()
    for each in series:
        clean = re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", each.name)
        name = next(
            n for n in itertools.chain([clean], (f"{clean} ({i})" for i in itertools.count(2))) if n not in seen
        )
        seen.add(name)
        yield Series(name, each.values)


def _some(places: Sequence[str]) -> list[str]:
    """Places that are labelled: all of few, else some at even distances."""
    step = max(1, math.ceil(len(places) / TICKS))
    return list(places[::step])


def _draw(words: Words, title: str, specification: dict[str, Any], left: int = 16) -> Markup:
    # The reader's fonts may be wider than those that it is measured with.
    padding = {"left": 8 + left, "right": 24, "top": 8, "bottom": 8}
    drawn = vl_convert.vegalite_to_svg(
        {"width": WIDTH, "padding": padding, "description": title, **specification},
        vl_version=VERSION,
        config=CONFIG,
        format_locale=words.d3_format(),
        allowed_base_urls=[],
    )
    return Markup(_inline(drawn, title))


def _inline(drawn: str, title: str) -> str:
    """The SVG as it may stand in a page: known elements alone, no address, no script, a name to be read out.

    One image with one name: its parts are for the eye, and the table beside it has the figures.
    """
    root = etree.fromstring(drawn.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    prefix = "c" + hashlib.sha256(drawn.encode()).hexdigest()[:12]
    for element in root.iter():
        if not isinstance(element.tag, str) or etree.QName(element).localname not in ELEMENTS:
            raise ValueError(f"a chart holds {element.tag}")
        for name in list(element.attrib):
            value = str(element.attrib[name])
            if name.startswith("aria-") or name == "role":
                del element.attrib[name]
            elif name.startswith("on") or name.endswith("href") or "javascript:" in value:
                raise ValueError(f"a chart holds an attribute {name}")
            elif name == "id":
                element.attrib[name] = prefix + value
            elif "url(#" in value:
                element.attrib[name] = value.replace("url(#", f"url(#{prefix}")
    root.set("role", "img")
    root.set("aria-label", title)
    name = etree.Element(f"{{{SVG}}}title")
    name.text = title
    root.insert(0, name)
    return str(etree.tostring(root, encoding="unicode"))
