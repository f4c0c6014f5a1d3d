"""The words of messages in the API and in the stored rows.

A field in a template names a parameter and how to show it: see `show`. Other releases and clients
read these words, so they change only with a reason. The pages have words of their own.
"""

from collections.abc import Callable, Iterator, Mapping
from string import Formatter

from chalicelib.domain.messages import Message, MessageCode, Sentences, Value, is_sentences

M = MessageCode

WORDS: Mapping[str, str] = {
    M.VERBATIM: "{text}",
    # What reconciliation found.
    M.USED_DIFFERS: "license_used is {used}, {holders:tenants_hold} a license, and the ledger adds "
    "up to {ledger}.",
    M.COUNT_DIFFERS: "license_count is {count}, but allocations, purchases, and refunds add up to "
    "{explained}.",
    M.MORE_HOLDERS_THAN_OWNED: "{holders:tenants_hold} a license, but the reseller owns only "
    "{count}.",
    M.DELETED_TENANT_HOLDS: "The tenant “{name}” is deleted but is marked as holding a license.",
    M.ACTIVE_TENANT_LACKS: "The tenant “{name}” is active but holds no license.",
    M.TENANT_WITHOUT_RESELLER: "The tenant “{name}” belongs to {reseller:id}, which doesn't exist.",
    M.WORTH_DIFFERS: "The purchase is worth {worth:licenses}, but the ledger credits {credited}.",
    M.SESSION_IS_ANOTHERS: "The purchase's Stripe session belongs to another purchase or doesn't "
    "exist.",
    M.STATUS_DIFFERS: "The purchase's status is {status}, but according to Stripe it should be "
    "{by_stripe}.",
    M.GRANT_DIFFERS: "The purchase's row shows {granted:licenses} granted, but the ledger and "
    "Stripe show {expected}.",
    M.NEVER_OPENED: "No checkout session was created, but the purchase is still pending.",
    M.EXPIRED_UNNOTICED: "The checkout expired at {at:time}, but the purchase is still pending.",
    M.PROCESSING_TOO_LONG: "The payment has been processing since {since:time}.",
    M.NOT_SWEPT: "The purchase is {status} but missing from the sweep's index.",
    M.PAYMENT_DIFFERS: "The payment doesn't match the quote:",
    M.SESSION_OF_MISSING_PURCHASE: "Stripe has a checkout for {purchase}, but that purchase "
    "doesn't exist.",
    M.SESSION_NOT_LISTED: "Stripe has a checkout for {purchase} that the purchase's row doesn't "
    "list.",
    M.SESSION_PAID: "{amount:money} were paid.",
    M.SESSION_OPEN: "It is open and can still be paid.",
    M.NAME_UNCLAIMED: "{row:id} uses “{name}”, but that name isn't claimed for it.",
    M.SAME_EMAIL: "{row:id} and {owner:id} have the same email address, {email}.",
    M.SAME_SLUG: "{row:id} and {owner:id} have the same slug, “{slug}”.",
    M.CLAIM_UNUSED: "The {kind} “{name}” is claimed by {owner:id}, which doesn't use it.",
    M.USER_MISSING: "The reseller's user, {user:id}, doesn't exist.",
    M.USER_UNLINKED: "The reseller's user, {email}, isn't linked to the reseller.",
    M.USER_LINKED_ELSEWHERE: "The reseller's user, {email}, is linked to {reseller:id} instead.",
    M.LINKED_TO_ANOTHERS: "{email} is linked to {reseller:id}, whose user is {user:id}.",
    M.LINKED_TO_MISSING: "{email} is linked to {reseller:id}, which doesn't exist.",
    M.COUNTERS_AGREE: "The counter, the tenants, and the ledger agree.",
    # Why it matters.
    M.WHY_USED_MISMATCH: "If license_used is too high, the reseller can't create tenants it has "
    "paid for. If it is too low, the reseller can create more tenants than it has licenses.",
    M.WHY_COUNT_UNEXPLAINED: "The ledger should account for every license with an allocation, "
    "a purchase, or a refund.",
    M.WHY_OVER_ALLOCATED: "Existing tenants keep running, but the reseller can't create new ones "
    "until licenses are added or tenants are deleted.",
    M.WHY_TENANT_HOLDS_WRONGLY: "license_used counts the tenants that hold a license, so a wrong "
    "mark makes that count wrong.",
    M.WHY_PURCHASE_UNCREDITED: "The reseller paid for licenses that it didn't receive.",
    M.WHY_PURCHASE_OVERCREDITED: "The reseller has licenses that were never paid for or whose "
    "payment was returned.",
    M.WHY_STUCK_PURCHASE: "The purchase's page and the reseller's statement may show "
    "incorrect information.",
    M.WHY_SESSION_WITHOUT_PURCHASE: "There may be a payment that no purchase accounts for.",
    M.WHY_ORPHAN_TENANT: "Nobody can manage this tenant, and no reseller's count includes its "
    "license.",
    M.WHY_ORPHAN_CLAIM: "The name isn't in use, but nobody else can take it.",
    M.WHY_MISSING_CLAIM: "Nothing prevents the same name from being taken twice.",
    M.WHY_RESELLER_WITHOUT_USER: "Nobody can sign in for this reseller.",
    M.WHY_USER_LINK_WRONG: "Anyone who signs in as this user acts for a reseller that isn't "
    "linked to the user.",
    # What an action would do.
    M.DO_SET_USED: "Set license_used to {holders}, the number of tenants that hold a license",
    M.DO_KEEP_COUNT: "Keep {count} and record the difference of {drift:+d} in the ledger",
    M.DO_REVERT_COUNT: "Set license_count back to {explained}",
    M.DO_ALLOCATE: "Allocate the missing {short:licenses} to the reseller",
    M.DO_MARK_HOLDING: "Set holds_license to true",
    M.DO_MARK_NOT_HOLDING: "Set holds_license to false",
    M.DO_RESETTLE: "Check Stripe, correct the purchase, and add or remove the licenses that differ",
    M.DO_DELETE_COPY: "Delete the purchase, because its payment belongs to another one",
    M.DO_RECREATE_PURCHASE: "Recreate the purchase from Stripe's data, and settle it",
    M.DO_SETTLE_SESSION: "Settle the purchase with this checkout: credit the payment, or close "
    "the checkout if it is unpaid",
    M.DO_CLAIM_NAME: "Claim “{name}” for {row:id}",
    M.DO_CHANGE_SLUG: "Give {row:id} a unique slug based on “{slug}”",
    M.DO_DELETE_USER: "Delete the user {row:id}",
    M.DO_DELETE_TENANT: "Delete the tenant {row:id}",
    M.DO_FREE_NAME: "Free the name",
    M.DO_MOVE_TENANT: "Move it to the reseller specified in `to`, using one of its licenses",
    M.DO_DELETE_ORPHAN: "Delete the tenant permanently",
    M.DO_LINK_OTHER_USER: "Link the user specified in `to` instead",
    M.DO_RELINK_USER: "Link {email} to the reseller again",
    M.DO_UNLINK_USER: "Unlink {email} from {reseller:id}",
    M.DO_DELETE_RESELLER: "Delete the reseller, if it has no tenants, purchases, or ledger entries",
    M.DO_IGNORE: "Leave it as is; it won't be reported again unless the facts change",
    # What an action did.
    M.USED_SET: "license_used was {before} and is now {after}.",
    M.COUNT_ADOPTED: "license_count stays {count}, which the ledger now explains.",
    M.COUNT_REVERTED: "license_count was {before} and is now {after}.",
    M.COUNT_ALLOCATED: "license_count is now {count}.",
    M.MARKED_HOLDING: "holds_license is now true.",
    M.MARKED_NOT_HOLDING: "holds_license is now false.",
    M.NAME_FREED: "“{claim:id}” is now available.",
    M.NAME_CLAIMED: "“{claim:id}” is now claimed for {row:id}.",
    M.SLUG_CHANGED: "The slug of {row:id} is now “{slug}”.",
    M.ROW_DELETED: "{row:id} was deleted.",
    M.ORPHAN_DELETED: "“{name}” was permanently deleted.",
    M.TENANT_MOVED: "“{name}” now belongs to {company}.",
    M.USER_LINKED: "{email} is now linked to {company}.",
    M.RESELLER_DELETED: "{company} was deleted.",
    M.USER_UNLINKED_NOW: "{email} is no longer linked to a reseller.",
    M.PURCHASE_SETTLED: "The purchase is {status}. Licenses granted: {granted} ({change:+d} just "
    "now).",
    M.PURCHASE_DELETED: "The purchase was deleted.",
    M.PURCHASE_RECREATED: "The purchase was recreated and is {status}.",
    M.SESSION_SETTLED: "{purchase} is {status} ({change:+d} licenses just now).",
    M.IGNORED: "Left as is. It will be reported again if it changes.",
    M.GONE: "Nothing to do: the problem had already resolved itself.",
    M.ALREADY_RESOLVED: "The problem had already resolved itself.",
    # What a run could not check.
    M.TOO_BUSY_TO_CHECK: "{reseller:id} was too busy to check; the next run will retry it.",
    M.TOO_MANY_FINDINGS: "{reseller:id} has more findings of one kind than a run can keep.",
    M.CHECK_FAILED: "{row:id} could not be checked; see the log for the error.",
    M.SKIPPED_RESELLER: "{reseller:id}: skipped after failing twice.",
    M.SKIPPED_PURCHASES: "{reseller:id}, purchases {first} to {last}: skipped after failing twice.",
    M.SKIPPED_TENANTS: "Tenants {first} to {last}: skipped after failing twice.",
    M.SKIPPED_USERS: "Users {first} to {last}: skipped after failing twice.",
    M.SKIPPED_NAMES: "Names {first} to {last}: skipped after failing twice.",
    M.SKIPPED_KEYS: "Keys {first} to {last}: skipped after failing twice.",
    M.SKIPPED_SESSIONS: "Stripe's sessions: skipped after failing twice.",
    M.SKIPPED_SESSIONS_OF: "Stripe's sessions of {day}: skipped after failing twice.",
    M.PHASE_WITHOUT_STRIPE: "{phase}: the payment provider could not be reached.",
    M.PHASE_FAILED: "{phase}: some rows could not be checked; see the log for the error.",
    # Why a purchase is quarantined, or how its payment differs from the quote.
    M.PAID_IN_TEST_MODE: "Paid in Stripe's test mode.",
    M.PAID_IN_LIVE_MODE: "Paid in Stripe's live mode.",
    M.OTHER_CURRENCY: "Paid in {paid}, but quoted in {quoted}.",
    M.OTHER_QUANTITY: "Paid for {paid} licenses, but quoted for {quoted}.",
    M.OTHER_AMOUNT: "The amount was {paid:money}; the quote was {quoted:money}.",
    M.AMOUNTS_INCONSISTENT: "The checkout's amounts do not add up.",
    M.RECEIVED_OTHER_AMOUNT: "Received {received:money} of the {due:money} due.",
    M.EXCESS_REFUNDED: "The buyer paid {excess:money} more than quoted, and that excess has been "
    "refunded. Make any further refund in Stripe's dashboard.",
    M.SESSION_OF_ANOTHER: "Stripe session {session} was not created for this purchase.",
    M.PAID_TWICE: "Paid twice: Stripe session {session} was also paid. "
    "Refund one of the two in full in Stripe's dashboard.",
    M.PAID_SEVERAL_TIMES: "Paid {times} times: Stripe sessions {sessions:list} were also paid. "
    "Refund all but one of them in full in Stripe's dashboard.",
    # Why a refund is refused.
    M.REFUND_IN_PROGRESS: "A refund of {licenses:licenses} is already in progress ({amount:money}, "
    "“{reason}”). Repeat the same request to resume it, or wait until it is done.",
    M.REFUND_AMOUNT_CHANGED: "The refund would be {amount:money} now, not {shown:d}.",
    M.REFUND_KEPT_CHANGED: "The refund would leave {kept} licenses now, not {shown}.",
    M.NOT_REFUNDABLE_HERE: "This purchase can't be refunded here.",
    # The diagnosis of a reseller.
    M.ASK_RESELLER_ACTIVE: "Is the reseller account active?",
    M.ASK_LICENSES_AVAILABLE: "Are licenses available?",
    M.ASK_USER_LINKED: "Is a user account linked?",
    M.ASK_USER_ACTIVE: "Can the user sign in?",
    M.ASK_NOT_OVER_ALLOCATED: "Are there at least as many licenses as tenants that hold one?",
    M.ASK_COUNTS_MATCH: "Do the license counts match what is there?",
    M.ASK_NO_CHECKOUT_PENDING: "Are all payments settled?",
    M.ASK_WEBHOOK_SEEN: "Do messages from the payment provider arrive?",
    M.NEXT_RESELLER_ACTIVE: "An admin can reactivate it: edit the reseller and check “Is Active”.",
    M.NEXT_LICENSES_AVAILABLE: "Buy licenses at /reseller/licenses, ask an admin for more, or "
    "delete tenants that are no longer needed.",
    M.NEXT_USER_LINKED: "An admin can link the right user: edit the reseller and select it.",
    M.NEXT_USER_ACTIVE: "An admin can activate the user, and the reseller. Make sure to sign in as "
    "this user.",
    M.NEXT_NOT_OVER_ALLOCATED: "After a refund this can be so. Existing tenants keep running; buy "
    "the missing licenses, or delete tenants.",
    M.NEXT_COUNTS_MATCH: "An admin can sync the reseller, or decide the finding under "
    "Reconciliation.",
    M.NEXT_NO_CHECKOUT_PENDING: "Finish the checkout, or wait for the payment to arrive; the "
    "licenses come by themselves.",
    M.NEXT_WEBHOOK_SEEN: "An admin should look at the webhook's deliveries in Stripe's dashboard; "
    "until then, payments are found by the sweep every 15 minutes.",
    M.RESELLER_IS_ACTIVE: "The reseller account is active.",
    M.RESELLER_IS_INACTIVE: "The reseller account is inactive; existing tenants remain active.",
    M.LICENSES_LEFT: "{available:,} of {count:,} licenses are available, {used:,} in use.",
    M.NAMES_ITS_USER: "The reseller names {email:user}.",
    M.NAMES_ANOTHERS_USER: "The reseller names {email:user}, and is not linked by it.",
    M.USER_IS_ACTIVE: "The user account {email:user} is active.",
    M.USER_IS_INACTIVE: "The user account {email:user} is not active.",
    M.USER_IS_ACTIVE_BUT_BARRED: "The user account {email:user} is active, but inactive resellers "
    "may not sign in.",
    M.USER_IS_INACTIVE_AND_BARRED: "The user account {email:user} is not active, but inactive "
    "resellers may not sign in.",
    M.USED_AND_OWNED: "In use: {used:,}; owned: {count:,}.",
    M.TOO_BUSY_TO_COUNT: "Too much is going on to count.",
    M.LICENSES_COUNTED: "Licenses held, counted: {holders:,}.",
    M.CHECKOUTS_UNDER_WAY: "Under way: {checkouts:texts}.",
    M.CHECKOUT_UNDER_WAY: "{quantity:,licenses}, {status}, open until {until:time}",
    M.NO_CHECKOUT_UNDER_WAY: "No payment is under way.",
    M.LAST_EVENT: "The last one arrived at {at:time}.",
    M.NO_EVENT: "None has arrived so far.",
    M.ALL_IN_ORDER: "Everything is in order: new tenants can be created.",
    M.CAN_CREATE_BUT: "New tenants can be created, but there is something to look at:",
    M.CANNOT_CREATE: "New tenants cannot be created at the moment:",
}


def text_of(text: Sentences) -> str:
    """Return the words of the sentences; an empty string if there are none."""
    return " ".join("".join(pieces(WORDS, message, show)) for message in text)


def lines_of(lines: tuple[Sentences, ...]) -> str:
    """Return the words of an introduction and a list, as lines."""
    return "\n- ".join(map(text_of, lines))


def pieces(
    words: Mapping[str, str], message: Message, show: Callable[[Value, str], str]
) -> Iterator[str]:
    """Yield the message's words in order, with each parameter as `show` returns it."""
    for literal, name, kind, _ in Formatter().parse(words[message.code]):
        yield literal
        if name is not None:
            yield show(message.params[name], kind or "")


def fields(template: str) -> dict[str, str]:
    """Return the template's parameters and how each is shown."""
    return {name: kind or "" for _, name, kind, _ in Formatter().parse(template) if name}


def show(value: Value, kind: str) -> str:
    """Return a parameter as text. `kind` is one of those below, or a format for a number."""
    match value, kind:
        case (int() as cents, "money"):
            return f"{cents} cents"
        case (int() as number, "licenses" | ",licenses"):
            shown = format(number, kind.removesuffix("licenses"))
            return f"{shown} license" if number == 1 else f"{shown} licenses"
        case (int() as number, "tenants_hold"):
            return "1 tenant holds" if number == 1 else f"{number} tenants hold"
        case (str() as email, "user"):
            return email or "a user that does not exist"
        case (_, "id" | "time" | ""):
            return str(value)  # which can be None, in a damaged row
        case (int() as number, _):
            return format(number, kind)
        case (tuple() | list() as values, "list"):
            return ", ".join(map(str, values))
        case (tuple() as items, "texts") if is_sentences(items):
            return "; ".join(text_of((each,)) for each in items)
    raise ValueError(f"{value!r} cannot be shown as {kind!r}.")
