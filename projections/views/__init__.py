"""Every view, one file each: its rows, what facts change in them, and how they are asked for.

`price` is what the account pays and `cost` what providers bill us, corrections included, in micro-units; `adjusted` is
the part of the price that was corrected later. A correction counts in the period in which it was made. So the
prices of any view that sums them add up to what the log charged and adjusted. Costs are in `cost_currency`, None if
that is the price's. `cost` is the sum of what is known: of
`cost_unknown` operations the cost is not, and of `estimated` ones price or cost are the most that they can be.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from projections.engine.view import AnyView, declared_in, in_order

_FILES = [import_module(f"{__name__}.{file.name}") for file in iter_modules(__path__)]

ALL: tuple[AnyView, ...] = in_order(view for file in _FILES for view in declared_in(file))
"""Whatever the files of this folder declare, in the order in which their tables are locked."""
