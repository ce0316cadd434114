"""What WaveSpeed asks for a request: the rows of wavespeed.tsv, picked by the words of its inputs.

path    under /api/v3/          price    US dollars per unit; empty: UNLISTED
makes   image video model text  per      image, model, video, call, second, 5s_block, 5s_run
needs   the required inputs     when     words that must all describe the request
                                seconds  the least and the most that are billed
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

UNLISTED = Decimal("0.01")
SHORT_SIDES = ((480, "480p"), (512, "512p"), (720, "720p"), (1024, "1024p"), (1080, "1080p"))
WORDS = ("resolution", "quality", "rendering_speed", "target_resolution", "size")
DEFAULT_SECONDS = Decimal(5)


@dataclass(frozen=True, slots=True)
class Rate:
    """One row: what a unit costs when all words of `when` describe the request."""

    price: Decimal
    per: str
    when: frozenset[str]
    least: Decimal
    most: Decimal

    def units(self, seconds: Decimal, outputs: int) -> Decimal:
        billed = min(max(seconds, self.least), self.most)
        match self.per:
            case "second":
                return billed.to_integral_value(ROUND_CEILING)
            case "5s_block" | "5s_run":
                return (billed / 5).to_integral_value(ROUND_CEILING)
            case _:
                return Decimal(outputs)


@dataclass(frozen=True, slots=True)
class Model:
    """What the provider knows of a model path."""

    makes: str
    needs: tuple[str, ...]
    rates: tuple[Rate, ...]

    def price(self, inputs: Mapping[str, Any], measured: float | None) -> Decimal:
        """US dollars for a request whose media last `measured` seconds, where they last at all."""
        described = words(inputs)
        rate = next((rate for rate in self.rates if rate.when <= described), self.rates[0])
        return rate.price * rate.units(seconds(inputs, measured), outputs(inputs))


@lru_cache
def models() -> dict[str, Model]:
    """Every model by its path."""
    found: dict[str, Model] = {}
    with Path(__file__).with_name("wavespeed.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            least, _, most = (row["seconds"] or "0-1000000").partition("-")
            price = Decimal(row["price"]) if row["price"] else UNLISTED
            rate = Rate(price, row["per"], frozenset(row["when"].split()), Decimal(least), Decimal(most))
            earlier = found[row["path"]].rates if row["path"] in found else ()
            found[row["path"]] = Model(row["makes"], tuple(row["needs"].split()), (*earlier, rate))
    return found


def outputs(inputs: Mapping[str, Any]) -> int:
    """How many images a request asks for."""
    return int(inputs.get("num_images") or inputs.get("max_images") or 1)


def seconds(inputs: Mapping[str, Any], measured: float | None) -> Decimal:
    """How long what it makes, or works on, lasts."""
    if inputs.get("duration"):
        return Decimal(str(inputs["duration"]))
    return DEFAULT_SECONDS if measured is None else Decimal(str(round(measured, 3)))


def words(inputs: Mapping[str, Any]) -> frozenset[str]:
    """All that may pick a rate: "720p", "turbo", "square", "10s", "audio" …"""
    found = {str(inputs[name]).lower() for name in WORDS if name in inputs}
    found |= {"rect"} if "rectangular" in found else set()
    found.add("audio" if inputs.get("generate_audio") else "no-audio")
    if "duration" in inputs:
        found.add(f"{inputs['duration']}s")
    if (size := size_of(inputs)) is not None:
        found.add("square" if size[0] == size[1] else "rect")
        found.add(next((word for side, word in SHORT_SIDES if min(size) <= side), "4k"))
    return frozenset(found)


def size_of(inputs: Mapping[str, Any]) -> tuple[int, int] | None:
    """The size asked for, written as "w*h" or as two inputs."""
    width, _, height = str(inputs.get("size", "")).replace("x", "*").partition("*")
    if not (width.isdecimal() and height.isdecimal()):
        width, height = str(inputs.get("width", "")), str(inputs.get("height", ""))
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None
