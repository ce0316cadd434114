"""One example of every fact, with every optional value present somewhere; the golden files hold these, as stored."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain.account import (
    AccountClosed,
    AccountOpened,
    AccountResumed,
    AccountSuspended,
    ConsentChanged,
    LimitChanged,
    OnLimitChanged,
    PlanChanged,
    PlanScheduled,
    TimeZoneChanged,
)
from domain.agreeing import DiscountAgreed, TariffAgreed
from domain.alerts import AlertRaised, AlertRemoved, AlertSet, ProbeDiffered
from domain.approvals import ApprovalAsked, ApprovalGiven
from domain.assets import AssetAdded, AssetErased, AssetExpirySet, AssetRestored, AssetTrashed
from domain.billing import PeriodClosed, StatementIssued, StatementVoided
from domain.booking import GoodwillGiven, UsageBooked
from domain.bounds import Meter
from domain.charging import CostSource
from domain.departures import AccountArrived, AccountLeft
from domain.erased import ErasureDone, UserErased
from domain.invoices import CostDrifted, DifferenceBooked, InvoiceLine, InvoiceRecorded, InvoiceVoided
from domain.keys import KeyChanged, KeyIssued, KeyRevoked, KeyScope, KeyTerms
from domain.ledger import (
    BalanceReturned,
    ContentErased,
    CreditAdded,
    Fact,
    PeriodEnded,
    PeriodOpened,
    PeriodResumed,
    TagsChanged,
)
from domain.operation import (
    Adjusted,
    Charged,
    Dispatched,
    Given,
    Operation,
    Postponed,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Stored,
    Submitted,
    Substituted,
    Validated,
)
from domain.periods import Cycle, Period
from domain.plans import Later, Limits, Paying, PlanTerms
from domain.pricing import Quote
from domain.selling import Sale
from domain.wallet import (
    Back,
    ChargedBack,
    Draw,
    DrawsSettled,
    Grant,
    GrantEnded,
    GrantGiven,
    GrantRevoked,
    GrantsCarried,
    SubscriptionCharged,
)
from domain.webhooks import (
    Pause,
    WebhookChanged,
    WebhookPaused,
    WebhookRegistered,
    WebhookRemoved,
    WebhookResumed,
    WebhookRotated,
)
from domain.windowed import LifeCounted, LifeMoved, Taken, WindowOpened

NOVEMBER = Period(1_793_487_600_000_000, 1_796_079_600_000_000)
DECEMBER = Period(1_796_079_600_000_000, 1_798_758_000_000_000)
NOW = 1_795_400_000_000_000
TODAY, TOMORROW = 1_795_388_400_000_000, 1_795_474_800_000_000
TAKEN = Taken({"images": 3, "spend": 120_000}, {"images": 2, "spend": 80_000})
OPERATION = Operation(
    "op-1",
    "op-1",
    "acme",
    "ann",
    "brand",
    NOVEMBER,
    "2026-11-23",
    "text_to_image",
    "images",
    "sketch-1",
    "scripted",
    "key_7hq2m9x4ka",
)
QUOTE = Quote("sketch-1", "scripted", "image", Decimal(2), Decimal("0.04"), 80_000, 50_000, "USD", "f00dcafe0001", 2)
UNPRICED_QUOTE = replace(
    QUOTE, model="new-1", unit="call", units=Decimal("1.5"), rate=None, price=200_000, cost=0, model_class="stand-in"
)
SALE = Sale(
    listed=80_000,
    currency="USD",
    tariff="partners",
    version="5a1e00000001",
    rule="kind text-to-image",
    of="cost",
    factor=Decimal("1.25"),
    added=1_000,
    percent=Decimal("12.5"),
    before=100,
    rate=Decimal("0.9215"),
    rate_source="ECB",
    rate_from=NOW,
)
SOLD_QUOTE = replace(UNPRICED_QUOTE, sale=SALE, currency="EUR")
METERS = (
    Meter("image_output", Decimal("0.00003"), Decimal("0.00002"), 8_000),
    Meter("text_input", Decimal("0.00000025"), Decimal("0.000005"), None),
)
METERED_QUOTE = replace(QUOTE, unit="call", units=Decimal(1), rate=Decimal("0.25"), meters=METERS, listed=80_000)
USED = {"image_output": 4_160}
UNKNOWN = (CostSource.CAPPED, CostSource.UNKNOWN)
KNOWN_SINCE = (CostSource.PROVIDER, True, ("day",), 80_000, CostSource.UNKNOWN)
PICTURE = Stored("ab" * 32, "image/png", 20_480, 1024, 768, id="5a" * 12)
CLIP = Stored("cd" * 32, "video/mp4", 1_048_576, 1280, 720, 4_000, "c1" * 12)
GIVEN = (Given("image", "5b" * 12, "image/jpeg", 30_720, 800, 600), Given("audio", "a1" * 12, "audio/mpeg", 4_096))
HOOK = "hook_7hq2m9x4ka"
ALERT = "alert_205e3d8429b2"
KEY_TERMS = KeyTerms((KeyScope.OPERATE, KeyScope.ADMIN), "ann", "brand", False, NOW + 1_000_000, 2_000_000, 60, True)
WAITS = (*("quote_5a5a5a", "key_7hq2m9x4ka", "ef" * 32, "text_to_image"), 2, "sketch-1", 80_000, "USD")

TRIED = PlanTerms("pro", Limits(images=100), {"day": Limits(images=9)}, Paying(79_000_000, 50_000_000, Decimal("1.5")))
DRAWN = (Draw("gift-1", "promotional", 30_000), Draw("pack-1", "paid", 10_000))
BACK = (Back("pack-1", "paid", 10_000, "balance"), Back("gift-1", "promotional", 20_000, "grant"))
GIFT = Grant("gift-1", "promotional", 1, NOW + 1_000_000, ("images",), NOW, 5_000_000, 4_000_000, 30_000)

EXAMPLES: tuple[Fact, ...] = (
    AccountOpened(
        "acme",
        NOW,
        "pro",
        Limits(100, 100, 30, 30, 100, 10**8, 2_000),
        "USD",
        "Europe/Berlin",
        Cycle(31),
        True,
        paying=Paying(0, 0, None),
        then=Later(TRIED, NOW + 1_000_000),
    ),
    PlanChanged(
        "acme", NOW, "enterprise", Limits(spend=500_000_000), windows={"hour": Limits(images=40)}, paying=TRIED.paying
    ),
    PlanScheduled("acme", NOW, Later(TRIED), "as agreed"),
    LimitChanged("acme", NOW, "user:ann", "images", None, inherited=False, window="day"),
    TimeZoneChanged("acme", NOW, "America/Sao_Paulo"),
    ConsentChanged("acme", NOW, "stand-in", given=True),
    OnLimitChanged("acme", NOW, "sketch-1", "a campaign"),
    TariffAgreed("acme", NOW, "partners", "as signed"),
    DiscountAgreed("acme", NOW, Decimal("12.5"), NOW, NOW + 86_400_000_000, "a campaign"),
    AccountSuspended("acme", NOW, "an invoice is overdue"),
    AccountResumed("acme", NOW, "paid"),
    AccountClosed("acme", NOW, "the contract ended"),
    UserErased("acme", NOW, "ann", "erased-0badcafe0badcafe", "as she asked"),
    AccountLeft("acme", NOW, "eu_2", "a server of its own"),
    AccountArrived("acme", NOW, "eu_1", "a server of its own"),
    ErasureDone("acme", NOW, "user", "ann", 2, 3, 1, 0, "e5" * 32, {"contents": 2, "files": 3}, "they asked for it"),
    PeriodClosed(
        "acme",
        NOW,
        NOVEMBER,
        "Europe/Berlin",
        12,
        "a7" * 32,
        0,
        4_880_000,
        1,
        40_000,
        "USD",
        "month end",
        (0, 3_000_000),
    ),
    StatementIssued("acme", NOW, NOVEMBER, 2, 1, "d1" * 32, 120_000, "USD", 1, "as asked"),
    StatementVoided("acme", NOW, NOVEMBER, 1, "a wrong address"),
    InvoiceRecorded(
        *("@provider:atelier", NOW, NOVEMBER, "INV-7", 1_250_000, "USD"),
        (InvoiceLine("Painter, 4 images", 1_000_000, "painter", Decimal(4)), InvoiceLine("tax", 250_000)),
        "as it came",
    ),
    InvoiceVoided("@provider:atelier", NOW, NOVEMBER, "INV-7", 1_250_000, "USD", "a slip"),
    CostDrifted("@provider:atelier", NOW, NOVEMBER, "INV-7", 1_250_000, 1_000_000, 2, Decimal("2.5"), "USD"),
    DifferenceBooked("@provider:atelier", NOW, NOVEMBER, -250_000, "USD", "month end"),
    KeyIssued("acme", NOW, "key_7hq2m9x4ka", "3c" * 32, "0badcafe", KEY_TERMS),
    KeyChanged("acme", NOW, "key_7hq2m9x4ka", KeyTerms((KeyScope.READ,), forwards=True), "a new app"),
    KeyRevoked("acme", NOW, "key_7hq2m9x4ka", "lost"),
    AlertSet("acme", NOW, ALERT, "user:ann", "spend", "day", (80, 100), (25_000_000,), locks=True, reason="a budget"),
    AlertRemoved("acme", NOW, ALERT, "it is over"),
    AlertRaised(
        *("acme", NOW, ALERT, "user:ann", "spend", "day", TODAY, TOMORROW),
        *("100%", 10_000_000, 9_900_000, "USD", NOW - 1_000_000, 4711, True),
    ),
    ProbeDiffered("prober", NOW, "spent in the view", "40000", "80000", 1_795_392_000_000_000),
    WebhookRegistered("acme", NOW, HOOK, ("operation.charged",), f"{HOOK}:c", "ef" * 32, "0badcafe", "a new shop"),
    WebhookChanged("acme", NOW, HOOK, (), f"{HOOK}:d", "0f" * 32),
    WebhookRotated("acme", NOW, HOOK, 2, "0badcafe", NOW + 86_400_000_000, "lost"),
    WebhookPaused("acme", NOW, HOOK, Pause.GONE),
    WebhookResumed("acme", NOW, HOOK, "it is back"),
    WebhookRemoved("acme", NOW, HOOK, "the shop is closed"),
    PeriodOpened("acme", NOW, NOVEMBER, "pro", Limits(images=100), 5_000_000, "USD", "2026f"),
    CreditAdded("acme", NOW, NOVEMBER, 5_000_000, "USD", "invoice-7"),
    BalanceReturned("acme", NOW, DECEMBER, "op-1", 40_000, "USD"),
    PeriodEnded("acme", NOW, Period(NOVEMBER.end, NOVEMBER.end + 1), 4_000_000, "USD", "a wrong clock"),
    PeriodResumed("acme", NOW, NOVEMBER, "pro", 4_000_000, -1_000_000, "USD"),
    ContentErased("acme", NOW, DECEMBER, "op-1", "the customer asked", ("5a" * 12,)),
    TagsChanged("acme", NOW, DECEMBER, "op-1", 2, 1),
    UsageBooked(
        "acme", NOW, DECEMBER, OPERATION, 2, "image", Decimal("1.5"), 80_000, None, "USD", UNKNOWN[1], "", None, DRAWN
    ),
    GoodwillGiven("acme", NOW, DECEMBER, NOVEMBER, 250_000, "USD", "an outage", "ticket-13"),
    WindowOpened("acme", NOW, NOVEMBER, "day", Period(TODAY, TOMORROW), {"account": TAKEN}),
    LifeCounted("acme", NOW, DECEMBER, {"user:ann": replace(TAKEN, since=NOVEMBER.start)}),
    LifeMoved("acme", NOW, DECEMBER, "op-1", ("account", "user:ann"), "images", -2, -80_000, 1, 40_000, "USD"),
    SubscriptionCharged("acme", NOW, NOVEMBER, "pro", 79_000_000, "USD", NOVEMBER, "allowance:1"),
    GrantGiven(
        *("acme", NOW, NOVEMBER, "gift-1", "promotional", 5_000_000, "USD"),
        priority=1,
        expires=NOW + 1_000_000,
        kinds=("images",),
        reason="welcome",
        unpaid=1_000_000,
    ),
    GrantEnded("acme", NOW, NOVEMBER, "gift-1", "promotional", 4_000_000, "USD", True, "expired"),
    GrantsCarried("acme", NOW, DECEMBER, (GIFT,), NOVEMBER.end),
    DrawsSettled("acme", NOW, DECEMBER, "op-1", DRAWN, DRAWN[:1]),
    GrantRevoked("acme", NOW, NOVEMBER, "gift-1", "promotional", 4_000_000, "USD", "abuse"),
    ChargedBack("acme", NOW, NOVEMBER, 5_000_000, "USD", "invoice-7", "disputed", "invoice-7", 2_000_000),
    AssetAdded(
        "acme",
        NOW,
        DECEMBER,
        "5a" * 12,
        "ann",
        "p",
        "video/mp4",
        1_048_576,
        1280,
        720,
        4_000,
        "5a" * 12 + ":c",
        "ef" * 32,
    ),
    AssetTrashed("acme", NOW, DECEMBER, "5a" * 12, "blurred"),
    AssetRestored("acme", NOW, DECEMBER, "5a" * 12),
    AssetExpirySet("acme", NOW, DECEMBER, "5a" * 12, NOW + 1_000_000, "a campaign ends"),
    AssetErased("acme", NOW, DECEMBER, "5a" * 12, "the customer asked"),
    ApprovalAsked("acme", NOW, DECEMBER, *WAITS, NOW + 1_000_000),
    ApprovalGiven("acme", NOW, DECEMBER, "quote_5a5a5a", True, "a campaign"),
    Requested(OPERATION, NOW, "key-1", "ef" * 32, 2, GIVEN),
    Rejected(OPERATION, NOW, "limit", "user:ann", "images", 10, 2, 7, 2, 1, "USD", "day", TOMORROW, "Europe/Berlin"),
    Substituted(
        OPERATION, NOW, "new-1", "scripted", 200_000, "USD", "limit", "user:ann", "spend", "day", 1_000_000, 90_000
    ),
    Validated(OPERATION, NOW, METERED_QUOTE, DRAWN),
    Dispatched(OPERATION, NOW, 1, "host:4711"),
    Submitted(OPERATION, NOW, "job/9 “ä”"),
    Rerouted(replace(OPERATION, model="new-1", project=None), NOW, SOLD_QUOTE, "overloaded", DRAWN[1:]),
    Postponed(OPERATION, NOW, "rate_limited", NOW + 30_000_000),
    ProviderCompleted(OPERATION, NOW, (PICTURE, CLIP), 52_000, late=False, usage=USED, lost=1, losses={"gone": 1}),
    Charged(
        OPERATION,
        NOW,
        2,
        "image",
        Decimal("1.333333"),
        80_000,
        None,
        "USD",
        "f00dcafe0001",
        *UNKNOWN,
        "EUR",
        90_000,
        DRAWN,
        100_000,
    ),
    ProviderFailed(OPERATION, NOW, "content_blocked", USED),
    Released(
        OPERATION, NOW, "content_blocked", 2, 80_000, 10_000, "USD", CostSource.COUNTED, asked=NOW - 3_600_000_000
    ),
    Adjusted(
        OPERATION, NOW, DECEMBER, "2026-12-01", -30_000, 500, "USD", "blurred", "ticket-12", *KNOWN_SINCE, "JPY", BACK
    ),
)
