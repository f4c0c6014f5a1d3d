"""Reseller accounts and their licenses, managed by super admins."""

from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.domain.notices import supply_level
from chalicelib.errors import InvalidRequest, NotFound, SlugTaken
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.settings import platform_settings
from chalicelib.storage import pool
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import claim_name, owner_of, release_name
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.pool import Move
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.resellers import Reseller, company_key, slug_claim
from chalicelib.storage.rows import changed_columns, new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

NO_SUCH_USER = "There is no such user. Create the user first."


def create_reseller(
    *,
    user_id: str | None,
    user_email: str | None,
    company_name: str,
    slug: str,
    license_count: int,
    is_active: bool,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
) -> Reseller:
    """Create a reseller account for an existing user. Raises InvalidRequest or SlugTaken."""
    user = _find_user(user_id, user_email)
    reseller_id = new_id("rsl")
    reseller = Reseller(
        reseller_id,
        user_id=user.id,
        company_name=company_name,
        slug=slug,
        is_active=is_active,
        company_key=company_key(company_name, reseller_id),
        supply_told=supply_level(
            license_count, platform_settings.cached_settings().low_license_threshold
        ),
    )
    tx = Transaction()
    pool.open_pool(tx, reseller, license_count, Move(Kind.ALLOCATION, by, reason="Initial"))
    claim_name(tx, slug_claim(slug), reseller_id, otherwise=SlugTaken(slug))
    _link_user(tx, user, reseller_id)
    audit.record(
        tx,
        actor=by,
        action=AuditAction.RESELLER_CREATED,
        target=reseller_id,
        reseller_id=reseller_id,
        after={
            "user_id": user.id,
            "company_name": company_name,
            "slug": slug,
            "is_active": is_active,
        },
    )
    once.record(tx, reseller)
    tx.commit()
    return reseller


def _find_user(user_id: str | None, user_email: str | None) -> User:
    field = "user_id" if user_id else "user_email"
    user = get(User, user_id or _user_id(user_email or ""))
    if user is None:
        raise InvalidRequest.of(field, NO_SUCH_USER)
    if user.reseller_id is not None:
        raise InvalidRequest.of(field, "This user already has a reseller account.")
    return user


def _user_id(email: str) -> str:
    user_id = owner_of(email_claim(email))
    if user_id is None:
        raise InvalidRequest.of("user_email", NO_SUCH_USER)
    return user_id


def _link_user(tx: Transaction, user: User, reseller_id: str) -> None:
    taken = InvalidRequest.of("user_id", "This user already has a reseller account.")
    tx.update(
        User(user.id),
        [User.reseller_id.set(reseller_id)],
        condition=User.id.exists() & User.reseller_id.does_not_exist(),
        otherwise=taken,
    )


def _unlink_user(tx: Transaction, user_id: str, reseller_id: str) -> None:
    """Unlink the user, provided that the user exists and is still linked to this reseller."""
    user = get(User, user_id)
    if user is not None and user.reseller_id == reseller_id:
        tx.change(user, reseller_id=None)


def read_reseller(reseller_id: str) -> Reseller:
    """Raises NotFound."""
    reseller = get(Reseller, reseller_id)
    if reseller is None:
        raise NotFound("reseller")
    return reseller


def list_resellers(request: Pagination, *, search: str = "") -> Page[Reseller]:
    """List resellers by company name. `search` is a case-insensitive name prefix."""
    prefix = company_key(search, "").removesuffix("#")
    return query_page(
        Reseller,
        "resellers",
        request,
        index=Reseller.by_company,
        range_condition=Reseller.company_key.startswith(prefix) if prefix else None,
    )


def edit_reseller(reseller: Reseller, changes: dict[str, object], *, by: Actor) -> Reseller:
    """Change any of company_name, slug, license_count, is_active, and user_id.

    `user_email` names the new user by email address instead. Values that have not changed are
    ignored. Raises SlugTaken, LicenseCountBelowUsed, InvalidRequest, or VersionConflict.
    """
    changes = dict(changes)
    if "user_email" in changes:
        changes["user_id"] = _user_id(str(changes.pop("user_email")))
    columns = changed_columns(reseller, changes)
    if not columns:
        return reseller
    tx = Transaction()
    if "slug" in columns:
        slug = str(columns["slug"])
        claim_name(tx, slug_claim(slug), reseller.id, otherwise=SlugTaken(slug))
        release_name(tx, slug_claim(reseller.slug), reseller.id)
    if "company_name" in columns:
        columns["company_key"] = company_key(str(columns["company_name"]), reseller.id)
    if "user_id" in columns:
        _link_user(tx, _find_user(str(columns["user_id"]), None), reseller.id)
        _unlink_user(tx, reseller.user_id, reseller.id)
    audit.record_edit(
        tx,
        reseller,
        {name: value for name, value in changes.items() if name != "license_count"},
        actor=by,
        action=AuditAction.RESELLER_EDITED,
        target=reseller.id,
        reseller_id=reseller.id,
    )
    if "is_active" in columns:
        reseller_notices.notify_activation_change(tx, reseller, bool(columns["is_active"]))
    count = columns.pop("license_count", None)
    if isinstance(count, int):
        columns |= reseller_notices.supply_columns(tx, reseller, count)
        kind = Kind.ALLOCATION if count > reseller.license_count else Kind.REVOCATION
        pool.set_count(tx, reseller, count, Move(kind, by, reason="Total edited"), columns)
    else:
        tx.change(reseller, columns)
    tx.commit()
    return reseller


def adjust_licenses(
    reseller: Reseller, change: int, *, reason: str, by: Actor, once: IdempotentRequest = NO_KEY
) -> LedgerEntry:
    """Add licenses if `change` is positive, or take back unused ones if it is negative.

    Raises NotFound, LicenseCountBelowUsed, or VersionConflict if the total has changed.
    """
    tx = Transaction()
    if change > 0:
        move = Move(Kind.ALLOCATION, by, reason=reason)
        entry = pool.grant(tx, reseller.id, change, move)
    else:
        move = Move(Kind.REVOCATION, by, reason=reason)
        entry = pool.revoke_unused(tx, reseller, -change, move)
    once.record(tx, entry)
    tx.commit()
    reseller_notices.notify_low_supply(reseller.id)
    return entry


def list_ledger(
    reseller_id: str, request: Pagination, *, entry: str | None = None
) -> Page[LedgerEntry]:
    """Return the pool's ledger entries, newest first, or only the one with the ID `entry`."""
    return query_page(
        LedgerEntry,
        reseller_id,
        request,
        range_condition=LedgerEntry.id == entry if entry else None,
        newest_first=True,
    )
