"""What the service tells people, as codes and parameters.

The domain and the services make messages and decide on codes, never on words. One module per
surface turns messages into words: `domain/wording.py` for the API and the stored rows, and
`web/admin_shell/wording.py` for the pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TypeGuard, Union


class MessageCode(StrEnum):
    """One sentence each. `WORDS` in domain/wording.py shows the parameters."""

    # A text that is shown as it is: from Stripe, or from a row of another release.
    VERBATIM = auto()

    # What reconciliation found. The finding's code says why it matters.
    USED_DIFFERS = auto()
    COUNT_DIFFERS = auto()
    MORE_HOLDERS_THAN_OWNED = auto()
    DELETED_TENANT_HOLDS = auto()
    ACTIVE_TENANT_LACKS = auto()
    TENANT_WITHOUT_RESELLER = auto()
    WORTH_DIFFERS = auto()
    SESSION_IS_ANOTHERS = auto()
    STATUS_DIFFERS = auto()
    GRANT_DIFFERS = auto()
    NEVER_OPENED = auto()
    EXPIRED_UNNOTICED = auto()
    PROCESSING_TOO_LONG = auto()
    NOT_SWEPT = auto()
    PAYMENT_DIFFERS = auto()  # followed by the purchase's reasons
    SESSION_OF_MISSING_PURCHASE = auto()
    SESSION_NOT_LISTED = auto()
    SESSION_PAID = auto()
    SESSION_OPEN = auto()
    NAME_UNCLAIMED = auto()
    SAME_EMAIL = auto()
    SAME_SLUG = auto()
    CLAIM_UNUSED = auto()
    USER_MISSING = auto()
    USER_UNLINKED = auto()
    USER_LINKED_ELSEWHERE = auto()
    LINKED_TO_ANOTHERS = auto()
    LINKED_TO_MISSING = auto()
    COUNTERS_AGREE = auto()

    # Why it matters, by the finding's code.
    WHY_USED_MISMATCH = auto()
    WHY_COUNT_UNEXPLAINED = auto()
    WHY_OVER_ALLOCATED = auto()
    WHY_TENANT_HOLDS_WRONGLY = auto()
    WHY_PURCHASE_UNCREDITED = auto()
    WHY_PURCHASE_OVERCREDITED = auto()
    WHY_STUCK_PURCHASE = auto()
    WHY_SESSION_WITHOUT_PURCHASE = auto()
    WHY_ORPHAN_TENANT = auto()
    WHY_ORPHAN_CLAIM = auto()
    WHY_MISSING_CLAIM = auto()
    WHY_RESELLER_WITHOUT_USER = auto()
    WHY_USER_LINK_WRONG = auto()

    # What an action would do, without a period at the end.
    DO_SET_USED = auto()
    DO_KEEP_COUNT = auto()
    DO_REVERT_COUNT = auto()
    DO_ALLOCATE = auto()
    DO_MARK_HOLDING = auto()
    DO_MARK_NOT_HOLDING = auto()
    DO_RESETTLE = auto()
    DO_DELETE_COPY = auto()
    DO_RECREATE_PURCHASE = auto()
    DO_SETTLE_SESSION = auto()
    DO_CLAIM_NAME = auto()
    DO_CHANGE_SLUG = auto()
    DO_DELETE_USER = auto()
    DO_DELETE_TENANT = auto()
    DO_FREE_NAME = auto()
    DO_MOVE_TENANT = auto()
    DO_DELETE_ORPHAN = auto()
    DO_LINK_OTHER_USER = auto()
    DO_RELINK_USER = auto()
    DO_UNLINK_USER = auto()
    DO_DELETE_RESELLER = auto()
    DO_IGNORE = auto()

    # What an action did.
    USED_SET = auto()
    COUNT_ADOPTED = auto()
    COUNT_REVERTED = auto()
    COUNT_ALLOCATED = auto()
    MARKED_HOLDING = auto()
    MARKED_NOT_HOLDING = auto()
    NAME_FREED = auto()
    NAME_CLAIMED = auto()
    SLUG_CHANGED = auto()
    ROW_DELETED = auto()
    ORPHAN_DELETED = auto()
    TENANT_MOVED = auto()
    USER_LINKED = auto()
    RESELLER_DELETED = auto()
    USER_UNLINKED_NOW = auto()
    PURCHASE_SETTLED = auto()
    PURCHASE_DELETED = auto()
    PURCHASE_RECREATED = auto()
    SESSION_SETTLED = auto()
    IGNORED = auto()
    GONE = auto()
    ALREADY_RESOLVED = auto()

    # What a run could not check.
    TOO_BUSY_TO_CHECK = auto()
    TOO_MANY_FINDINGS = auto()
    CHECK_FAILED = auto()
    SKIPPED_RESELLER = auto()
    SKIPPED_PURCHASES = auto()
    SKIPPED_TENANTS = auto()
    SKIPPED_USERS = auto()
    SKIPPED_NAMES = auto()
    SKIPPED_KEYS = auto()
    SKIPPED_SESSIONS = auto()
    SKIPPED_SESSIONS_OF = auto()
    PHASE_WITHOUT_STRIPE = auto()
    PHASE_FAILED = auto()

    # Why a purchase is quarantined, or how its payment differs from the quote.
    PAID_IN_TEST_MODE = auto()
    PAID_IN_LIVE_MODE = auto()
    OTHER_CURRENCY = auto()
    OTHER_QUANTITY = auto()
    OTHER_AMOUNT = auto()
    AMOUNTS_INCONSISTENT = auto()
    RECEIVED_OTHER_AMOUNT = auto()
    EXCESS_REFUNDED = auto()
    SESSION_OF_ANOTHER = auto()
    PAID_TWICE = auto()
    PAID_SEVERAL_TIMES = auto()

    # Why a refund is refused. Only sentences with parameters: the others are plain errors.
    REFUND_IN_PROGRESS = auto()
    REFUND_AMOUNT_CHANGED = auto()
    REFUND_KEPT_CHANGED = auto()
    NOT_REFUNDABLE_HERE = auto()  # followed by the purchase's reasons

    # The diagnosis of a reseller: questions, what to do next, evidence, and the introduction.
    ASK_RESELLER_ACTIVE = auto()
    ASK_LICENSES_AVAILABLE = auto()
    ASK_USER_LINKED = auto()
    ASK_USER_ACTIVE = auto()
    ASK_NOT_OVER_ALLOCATED = auto()
    ASK_COUNTS_MATCH = auto()
    ASK_NO_CHECKOUT_PENDING = auto()
    ASK_WEBHOOK_SEEN = auto()
    NEXT_RESELLER_ACTIVE = auto()
    NEXT_LICENSES_AVAILABLE = auto()
    NEXT_USER_LINKED = auto()
    NEXT_USER_ACTIVE = auto()
    NEXT_NOT_OVER_ALLOCATED = auto()
    NEXT_COUNTS_MATCH = auto()
    NEXT_NO_CHECKOUT_PENDING = auto()
    NEXT_WEBHOOK_SEEN = auto()
    RESELLER_IS_ACTIVE = auto()
    RESELLER_IS_INACTIVE = auto()
    LICENSES_LEFT = auto()
    NAMES_ITS_USER = auto()
    NAMES_ANOTHERS_USER = auto()
    USER_IS_ACTIVE = auto()
    USER_IS_INACTIVE = auto()
    USER_IS_ACTIVE_BUT_BARRED = auto()
    USER_IS_INACTIVE_AND_BARRED = auto()
    USED_AND_OWNED = auto()
    TOO_BUSY_TO_COUNT = auto()
    LICENSES_COUNTED = auto()
    CHECKOUTS_UNDER_WAY = auto()
    CHECKOUT_UNDER_WAY = auto()  # one of them
    NO_CHECKOUT_UNDER_WAY = auto()
    LAST_EVENT = auto()
    NO_EVENT = auto()
    ALL_IN_ORDER = auto()
    CAN_CREATE_BUT = auto()
    CANNOT_CREATE = auto()


Value = Union[str, int, Sequence[str], "Sentences"]
"""A parameter: an ID, a name, a status, a number, integer cents, a time (ISO 8601 UTC), or several.

Every value is JSON, except for Sentences, which are never stored.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence: what it says, and the values in it."""

    code: str
    params: Mapping[str, Value]


Sentences = tuple[Message, ...]
"""Sentences in order; empty if there is nothing to say."""


def is_sentences(value: object) -> TypeGuard[Sentences]:
    """Return whether the value is sentences. An empty tuple can be anything."""
    return isinstance(value, tuple) and {type(each) for each in value} == {Message}


def say(code: MessageCode, /, **params: Value) -> Sentences:
    return (Message(code, params),)


def verbatim(text: str) -> Sentences:
    """Return a text that every surface shows unchanged. It is empty if `text` is."""
    return say(MessageCode.VERBATIM, text=text) if text else ()
