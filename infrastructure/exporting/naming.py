"""Names of ledger accounts in plain-text accounting: of capitals, letters, digits and hyphens, and no two alike.

receivable of acme        ── Assets:Receivable:Acme
income:painter-1.5        ── Income:Charges:Painter-1Z2eZ5
"""

from __future__ import annotations

from functools import lru_cache

from domain.chart import Heading, LedgerAccount

ROOTS = {
    Heading.PAYMENTS: "Assets:Payments",
    Heading.ALLOWANCE: "Liabilities:Allowance",
    Heading.PROMOTIONAL: "Liabilities:Credits:Promotional",
    Heading.PAID: "Liabilities:Credits:Paid",
    Heading.SUBSCRIPTIONS: "Income:Subscriptions",
    Heading.PROMOTIONS: "Income:Promotions",
    Heading.BREAKAGE: "Income:Breakage",
    Heading.RECEIVABLE: "Assets:Receivable",
    Heading.AVAILABLE: "Liabilities:Wallet:Available",
    Heading.HELD: "Liabilities:Wallet:Held",
    Heading.PAYABLE: "Liabilities:Payable",
    Heading.INVOICED: "Liabilities:Invoiced",
    Heading.INCOME: "Income:Charges",
    Heading.ADJUSTMENTS: "Income:Adjustments",
    Heading.GOODWILL: "Income:Goodwill",
    Heading.EXPENSE: "Expenses:Providers",
    Heading.DIFFERENCE: "Expenses:Differences",
}


@lru_cache(maxsize=8192)
def account_name(one: LedgerAccount, customer: str) -> str:
    """Its name: of a model, a provider, or else of the customer."""
    return f"{ROOTS[one.heading]}:{component(one.of or customer)}"


def component(id: str) -> str:
    """An id as a part of a name: it begins with a capital or a digit, and another id never becomes the same.

    Other characters are their code points in hex between two Z, and Z is two. A small first letter becomes a capital;
    an id that begins with one, with a z or a hyphen comes after "Z-".
    """
    written = "".join(map(_written, id))
    if "a" <= id[:1] < "z":
        return written[0].upper() + written[1:]
    return f"Z-{written}" if id[:1] == "-" or (id[:1].isascii() and id[:1].isalpha()) else written


def _written(sign: str) -> str:
    if sign == "Z":
        return "ZZ"
    return sign if sign == "-" or (sign.isascii() and sign.isalnum()) else f"Z{ord(sign):x}Z"
