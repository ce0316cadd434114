"""Exact money: whole millionths of one currency's unit, decimal rates, one rounding, and splits that add up.

    "0.0025" ── parse_rate ──> Decimal ── extend(rate, units) ──> int micros ── split / share ──> int micros
                exact                     rounded once, half-even               adds up again

Amounts inside facts are plain `int` micro-units. `Money` joins such an amount to its currency at the edges,
where people write it, read it and could mix two currencies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from domain.errors import CurrencyMismatch, InvalidMoney
from domain.value import value

MICROS: Final = 1_000_000

# The bounds of a signed 64-bit column, the widest integer that SQLite and PostgreSQL both store exactly.
SMALLEST_AMOUNT: Final = -(2**63)
LARGEST_AMOUNT: Final = 2**63 - 1

# ISO 4217 list one up to amendment 180 (January 2026), by number of decimals. Left out are the codes to which
# the standard gives no minor unit (metals, drawing rights, test codes): nobody can pay in them.
_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
        CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
        HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
        MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
        RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
        USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS: Final = {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}

# Fixed notation, ASCII digits, bounded length: nothing that Python and a person could read differently.
_AMOUNT: Final = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?")
_RATE: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,18})?")
# An exponent beyond this is a slip, and would turn into an integer of as many digits.
_WIDEST_EXPONENT: Final = 40


def check_currency(code: str) -> str:
    """Return `code` if it is a current ISO 4217 code in capitals; otherwise raise `InvalidMoney`."""
    if type(code) is not str or code not in DECIMALS:
        raise InvalidMoney(f"unknown currency {code!r}", hint="use an ISO 4217 code in capitals, such as USD")
    return code


def check_money(*amounts: object) -> None:
    """Raise InvalidMoney for what is no Money, such as a text: it would not say its currency."""
    for amount in amounts:
        if not isinstance(amount, Money):
            raise InvalidMoney(f"{_quoted(amount)} is not money", hint='write Money.parse("12.50", "USD")')


@value
class Money:
    """`micros` millionths of the unit of `currency`, at most 64 bits wide.

    Adding, subtracting and ordering raise `CurrencyMismatch` across currencies. Equality does not: two
    currencies are simply unequal, so amounts can be keys and members.
    """

    micros: int
    currency: str

    def __post_init__(self) -> None:
        check_currency(self.currency)
        _fitting(_whole(self.micros, "an amount in micro-units"))

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read `text` such as "12.50" exactly: fixed notation, at most six decimals; else `InvalidMoney`."""
        check_currency(currency)
        if type(text) is not str or not _AMOUNT.fullmatch(text):
            raise InvalidMoney(
                f"not an exact amount: {_quoted(text)}",
                hint='write it as text with at most six decimals and no exponent, such as "12.50"',
            )
        whole, _, fraction = text.partition(".")
        return cls(int(whole + fraction.ljust(6, "0")), currency)

    @property
    def decimal(self) -> Decimal:
        """The same amount in whole units of the currency, exact."""
        return Decimal(self._digits())

    def __add__(self, other: Money) -> Money:
        return Money(self.micros + self._like(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.micros - self._like(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.micros, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.micros < self._like(other)

    def __le__(self, other: Money) -> bool:
        return self.micros <= self._like(other)

    def __gt__(self, other: Money) -> bool:
        return self.micros > self._like(other)

    def __ge__(self, other: Money) -> bool:
        return self.micros >= self._like(other)

    def __str__(self) -> str:
        """Return "12.50 USD": the currency's own decimals, and more, up to six, where the amount has them."""
        return f"{self._digits()} {self.currency}"

    def _like(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money goes only with money, not with {type(other).__name__}")
        if other.currency != self.currency:
            raise CurrencyMismatch(
                f"{self.currency} and {other.currency} do not mix",
                hint=f"give the amount in {self.currency}; nothing is ever converted",
            )
        return other.micros

    def _digits(self) -> str:
        whole, micros = divmod(abs(self.micros), MICROS)
        decimals = DECIMALS[self.currency]
        fraction = f"{micros:06d}".rstrip("0").ljust(decimals, "0")
        sign = "-" if self.micros < 0 else ""
        return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def parse_rate(text: str) -> Decimal:
    """Read a price per unit such as "0.0025" exactly; negative, exponents or not text: `InvalidMoney`."""
    if type(text) is not str or not _RATE.fullmatch(text):
        raise InvalidMoney(
            f"not an exact rate: {_quoted(text)}",
            hint='write it as text, not negative, with at most 18 decimals and no exponent, such as "0.0025"',
        )
    return Decimal(text)


def extend(rate: Decimal, units: Decimal) -> int:
    """Return the micros that `units` cost at `rate` currency units each.

    The product is exact and rounded once, half-even. It is taken in integers, so that the decimal context,
    which any library may have changed for this thread, has no say. Negative, infinite or absurdly scaled
    numbers, and results beyond 64 bits, raise `InvalidMoney`.
    """
    rate_top, rate_bottom = _ratio(rate, "rate")
    units_top, units_bottom = _ratio(units, "number of units")
    return _fitting(_half_even(rate_top * units_top * MICROS, rate_bottom * units_bottom))


def total(counts: Iterable[tuple[Decimal, int]]) -> int:
    """Return the micros that several counts cost together, each at its rate: exact, and rounded once, half-even.

    Raises `InvalidMoney` as `extend` does.
    """
    top, bottom = 0, 1
    for rate, count in counts:
        rate_top, rate_bottom = _ratio(rate, "rate")
        top, bottom = top * rate_bottom + rate_top * _whole(count, "count") * bottom, bottom * rate_bottom
    return _fitting(_half_even(top * MICROS, bottom))


def at_factors(parts: Iterable[tuple[int, Decimal]], rate: Decimal, top: int, bottom: int) -> int:
    """Return the micros of a sum of amounts, each times its factor, times `rate` and the fraction `top` / `bottom`.

    Exact, and rounded once, half-even. Raises `InvalidMoney` as `extend` does.
    """
    sum_top, sum_bottom = 0, 1
    for amount, factor in parts:
        own_top, own_bottom = _ratio(factor, "factor")
        sum_top = sum_top * own_bottom + _whole(amount, "an amount") * own_top * sum_bottom
        sum_bottom *= own_bottom
    rate_top, rate_bottom = _ratio(rate, "rate")
    return _fitting(_half_even(sum_top * rate_top * top, sum_bottom * rate_bottom * bottom))


def product(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact product, whatever the decimal context."""
    (_, ones, exponent), (_, others, more) = one.as_tuple(), other.as_tuple()
    if not isinstance(exponent, int) or not isinstance(more, int):
        raise InvalidMoney("not a factor", hint="give a plain number that is not negative")
    digits = int("".join(map(str, ones))) * int("".join(map(str, others)))
    return Decimal((0, tuple(map(int, str(digits))), exponent + more))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` micros in proportion to `weights`, by the largest remainder.

    The parts add up to `total`; of equal remainders the earlier part is served first; a weight of 0 gets
    nothing. A negative total splits into the exact opposites, so that a refund undoes its charge part by
    part. Raises `InvalidMoney` unless the weights are whole, not negative, and one of them is positive.
    """
    _whole(total, "a total in micro-units")
    whole = sum(_whole(weight, "a weight") for weight in weights)
    if whole <= 0 or min(weights) < 0:
        raise InvalidMoney("weights must not be negative, and one must be positive", hint="correct the weights")
    if total < 0:
        return [-part for part in split(-total, weights)]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(parts)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def share(total: int, parts: int, taken: int) -> int:
    """Return what the first `taken` of `parts` equal parts of `total` micros come to.

    The same as `sum(split(total, [1] * parts)[:taken])`, in constant time. Raises `InvalidMoney` unless
    0 <= `taken` <= `parts` and `parts` >= 1.
    """
    _whole(total, "a total in micro-units")
    if not 0 <= _whole(taken, "a number of parts") <= _whole(parts, "a number of parts") or parts == 0:
        raise InvalidMoney(f"cannot take {taken} of {parts} parts", hint="take none, some or all of them")
    each, left_over = divmod(abs(total), parts)
    taken_micros = each * taken + min(taken, left_over)
    return -taken_micros if total < 0 else taken_micros


def _whole(number: int, what: str) -> int:
    if type(number) is not int:
        raise InvalidMoney(f"{what} must be an int, not {type(number).__name__}", hint="count in whole numbers")
    return number


def _fitting(micros: int) -> int:
    if not SMALLEST_AMOUNT <= micros <= LARGEST_AMOUNT:
        raise InvalidMoney("the amount is too large", hint="amounts stay below nine trillion units")
    return micros


def _ratio(number: Decimal, what: str) -> tuple[int, int]:
    if not isinstance(number, Decimal):
        raise InvalidMoney(f"a {what} must be a Decimal, not {type(number).__name__}", hint="give an exact Decimal")
    if not number.is_finite() or number < 0 or abs(number.adjusted()) > _WIDEST_EXPONENT:
        raise InvalidMoney(f"not a {what}: {_quoted(number)}", hint="give a plain number that is not negative")
    return number.as_integer_ratio()


def _half_even(numerator: int, denominator: int) -> int:
    quotient, remainder = divmod(numerator, denominator)
    doubled = 2 * remainder
    return quotient + (doubled > denominator or (doubled == denominator and quotient % 2 == 1))


def _quoted(value: object) -> str:
    """Show what was given, shortened: it may be anything, of any length."""
    return repr(value)[:60] if isinstance(value, str | Decimal) else f"a value of type {type(value).__name__}"
