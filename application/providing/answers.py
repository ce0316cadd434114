"""The check of a provider's answers: the one door through which its words and numbers go into facts.

    Delivery, Job, Bill, ProviderError ── check ──> facts
                                           └── TypeError, and so a mistake of the provider's

Facts are encoded as they come and decoded strictly, and the log cannot be changed: one value of another type than its
fact has would make every later call of its account fail. Nothing that is raised here holds what was answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from application.ledger.transaction import WordsRow
from application.ports import Bill, Delivery, Job, Media, ProviderError, Remote, TaskFailed, Value
from application.providing.listings import Offered, OfferedInput, Offers
from domain.operation import Operation

LONGEST_WORD: Final = 128
"""Characters of a provider's code, or of the name of what it counts."""
MOST_METERS: Final = 64
MOST_OUTPUTS: Final = 256
"""Of one call; so many, and so many counts, always fit into one fact."""
LARGEST_BILL: Final = 10**15
"""Micro-units of one bill or quote: a billion of the currency's unit. Views add many of them up in 64 bits."""
MOST_OFFERS: Final = 20_000
MOST_INPUTS: Final = 500
MOST_CHOICES: Final = 2_000
LONGEST_NOTE: Final = 2_000
LONGEST_FORMULA: Final = 20_000
LARGEST_COUNT: Final = 10**9
"""Of anything in one call. Views add its millionths up, in 64 bits as well."""


def check_answer(answer: object, *kinds: type) -> None:
    """Raises TypeError if a provider's answer is not what its port promises."""
    if not isinstance(answer, kinds):
        raise TypeError(f"it answered with {type(answer).__name__}")


def check_submitted(answer: Delivery | Job) -> None:
    """The answer to a submission. Raises TypeError; a delivery is checked when it is settled."""
    check_answer(answer, Delivery, Job)
    if isinstance(answer, Job):
        check_job(answer)


def check_found(found: Delivery | tuple[Job, ...]) -> None:
    """The answer to a search for a submission, checked as by `check_submitted`."""
    check_answer(found, Delivery, tuple)
    for job in found if isinstance(found, tuple) else ():
        check_job(job)


def check_job(job: Job) -> None:
    """Raises TypeError if it is not a job, or its id is not a text."""
    check_answer(job, Job)
    if type(job.id) is not str:
        raise TypeError(f"the id of a job is a {type(job.id).__name__}")


def check_delivery(delivery: Delivery) -> None:
    """Raises TypeError; a cost that cannot be read is not a mistake, because the quote then counts."""
    check_answer(delivery, Delivery)
    if not _is_believable(delivery.cost):
        raise TypeError("it bills beyond belief")
    if not _are_outputs(delivery.outputs):
        raise TypeError(f"outputs are at most {MOST_OUTPUTS} bytes or addresses, in a tuple")
    if not _are_texts(delivery.metadata):
        raise TypeError("metadata are texts by their names")
    if not _are_counts(delivery.usage):
        raise TypeError(f"usage is at most {MOST_METERS} whole counts by their names")
    check_answer(delivery.rough, bool)


def check_quote(amount: int | None) -> None:
    """Raises TypeError unless it is None or whole micro-units that could be held."""
    if amount is not None and not is_amount(amount):
        raise TypeError("a quote is not a whole amount")


def is_told(error: ProviderError) -> bool:
    """Whether code, message and cost have the types that the port promises; they go into facts."""
    if not is_word(getattr(error, "code", None)) or not isinstance(getattr(error, "message", None), str):
        return False
    if not isinstance(error, TaskFailed):
        return True
    return _is_believable(error.cost) and _are_counts(error.usage) and isinstance(error.rough, bool)


def check_bill(bill: Bill) -> None:
    """Raises TypeError if it could not be compared with what is recorded, or not be booked."""
    check_answer(bill, Bill)
    if type(bill.job) is not str or not (bill.amount is None or is_amount(bill.amount)):
        raise TypeError("a bill is not a whole amount, or does not name a job")


def check_offers(offers: Any) -> None:
    """Raises TypeError if a list is beyond all bounds, or not what its port says."""
    check_answer(offers, Offers)
    if not isinstance(offers.models, tuple) or len(offers.models) > MOST_OFFERS:
        raise TypeError(f"it lists at most {MOST_OFFERS} models, in a tuple")
    texts: tuple[object, ...] = (*offers.notes, *offers.gone)
    if not all(isinstance(text, str) and len(text) <= LONGEST_NOTE for text in texts):
        raise TypeError("notes and routes are short texts")
    for offered in offers.models:
        check_answer(offered, Offered)
        if not is_believable(offered):
            raise TypeError("it lists a model that cannot be believed")


def is_believable(offered: Any) -> bool:
    """Whether a model that is listed is within all bounds; a list may leave out and note what is not."""
    if not is_word(offered.route):
        return False
    words: tuple[object, ...] = (offered.about, offered.formula, *offered.kinds, *offered.priced_by)
    if not all(isinstance(word, str) and len(word) <= LONGEST_FORMULA for word in words):
        return False
    dated = offered.retires is None or type(offered.retires) is int
    inputs = offered.inputs or ()
    return dated and len(inputs) <= MOST_INPUTS and all(map(_is_input, inputs))


def _is_input(one: Any) -> bool:
    if not isinstance(one, OfferedInput) or not is_word(one.name) or len(one.choices) > MOST_CHOICES:
        return False
    ends: tuple[object, ...] = (one.minimum, one.maximum)
    choices: tuple[object, ...] = one.choices
    return all(end is None or isinstance(end, Decimal) for end in ends) and all(isinstance(x, Value) for x in choices)


def is_amount(amount: object) -> bool:
    """Whether it is whole micro-units that could be booked."""
    return type(amount) is int and 0 <= amount <= LARGEST_BILL


def is_word(value: object) -> bool:
    """Whether it is short and printable, and so always has a UTF-8 that can be kept."""
    if type(value) is not str and not isinstance(value, StrEnum):
        return False
    return 0 < len(value) <= LONGEST_WORD and value.isprintable()


def _is_believable(cost: object) -> bool:
    return type(cost) is not int or cost <= LARGEST_BILL


def _are_outputs(outputs: object) -> bool:
    return isinstance(outputs, tuple) and len(outputs) <= MOST_OUTPUTS and all(map(_is_output, outputs))


def _is_output(output: object) -> bool:
    if isinstance(output, Remote):
        return type(output.url) is str and (output.expires is None or type(output.expires) is int)
    return isinstance(output, Media) and isinstance(output.content, bytes)


def _are_texts(texts: object) -> bool:
    if not isinstance(texts, dict | Mapping):
        return False
    return not texts or all(isinstance(name, str) and isinstance(text, str) for name, text in texts.items())


def _are_counts(usage: object) -> bool:
    if not isinstance(usage, dict | Mapping) or len(usage) > MOST_METERS:
        return False
    return not usage or all(is_word(name) and _is_count(count) for name, count in usage.items())


def _is_count(count: object) -> bool:
    return type(count) is int and 0 <= count <= LARGEST_COUNT


LONGEST_WORDS = 2_000
"""Characters of a provider's explanation that are kept."""


def said_of(operation: Operation, error: ProviderError) -> WordsRow:
    """The provider's explanation as it can be stored, so that each repeat tells what was told at first."""
    text = error.message.replace("\0", "").encode("utf-8", "replace").decode()
    return WordsRow(operation.id, text[:LONGEST_WORDS])
