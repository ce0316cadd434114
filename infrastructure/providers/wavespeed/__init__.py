"""Offers `WaveSpeed`: the adapter to WaveSpeed's API, through which most models are reached.

provider.py     submit, collect, cancel: the jobs
inputs.py       a task as the body of a submission; files as data URIs, large ones uploaded
predictions.py  a job as the API shows it, and what it delivers
lookup.py       which job may be that of a submission whose answer was lost
callbacks.py    the check that a callback is the API's own
money.py        quotes, bills, balance
listing.py      what the API offers now: models, their inputs and prices
formulas.py     a price as the API writes it
"""

from __future__ import annotations

from infrastructure.providers.wavespeed.provider import Settings, WaveSpeed, build

__all__ = ["Settings", "WaveSpeed", "build"]
