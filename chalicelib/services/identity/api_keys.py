"""API keys for reseller accounts and for super admins."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.scopes import Scope
from chalicelib.errors import InvalidRequest, NotFound, Unauthenticated, VersionConflict
from chalicelib.services.core import audit, hashing
from chalicelib.services.core.batch_reads import users_by_id
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.identity.authenticate import is_void
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.reads import Page, Pagination, filter_page, get, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id, reads_as
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from chalicelib.storage.writes import delete_all

OWNER_INACTIVE = "The key's user is not active."


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of API keys: a super admin, or a reseller account.

    A reseller's keys act as the user who is linked to the account.
    """

    user_id: str
    reseller_id: str | None = None

    @property
    def kind(self) -> Kind:
        return Kind.RESELLER_KEY if self.reseller_id else Kind.ADMIN_KEY

    def owns(self, row: Credential) -> bool:
        return (
            row.owner == self.user_id
            and row.reseller_id == self.reseller_id
            and row.kind == self.kind
        )


def owner_of_reseller_keys(reseller: Reseller) -> Owner:
    return Owner(reseller.user_id, reseller.id)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key's row and the complete key, which is shown only once."""

    row: Credential
    key: str = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.row.id)

    @property
    def version(self) -> int:
        """The row's version, for the ETag."""
        return self.row.version


def create_key(
    owner: Owner,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
) -> NewKey:
    """Create a key and return it with its secret.

    Condition: the owner is active and, for an admin key or the scope `admin`, a super admin.
    Raises InvalidRequest if `expires_at` is in the past or the condition fails, or
    Unauthenticated if the caller is the owner and is no longer active.
    """
    if expires_at is not None and expires_at <= clock.now():
        raise InvalidRequest.of("expires_at", "Choose a time in the future.")
    unique_scopes = sorted(set(scopes))
    tx = Transaction()
    key_id = new_id(owner.kind)
    secret = once.secret_for(key_id)
    row = Credential(
        key_id,
        owner=owner.user_id,
        reseller_id=owner.reseller_id,
        secret_hash=hashing.hash_token(secret),
        expires_at=expires_at,
        name=name,
        scopes=unique_scopes,
    )
    tx.put_commit_marker(row)
    needs_admin = Scope.ADMIN in unique_scopes or owner.kind == Kind.ADMIN_KEY
    _require_owner(tx, owner, admin=needs_admin, by=by)
    audit.record(
        tx,
        actor=by,
        action=AuditAction.API_KEY_CREATED,
        target=key_id,
        reseller_id=owner.reseller_id,
        after={"name": name, "scopes": unique_scopes, "expires_at": expires_at},
    )
    made = NewKey(row, f"{key_id}.{secret}")
    once.record(tx, made)
    tx.commit()
    return made


def _require_owner(tx: Transaction, owner: Owner, *, admin: bool, by: Actor) -> None:
    active = User.id.exists() & reads_as(User.is_active, True)
    if admin:
        tx.check(
            User,
            owner.user_id,
            condition=active & reads_as(User.is_super_admin, True),
            otherwise=InvalidRequest.of(
                "scopes", "Only a super admin's key can have the admin scope."
            ),
        )
    else:
        is_own = by.id == owner.user_id
        refused = (
            Unauthenticated(OWNER_INACTIVE)
            if is_own
            else InvalidRequest.of("reseller", OWNER_INACTIVE)
        )
        tx.check(User, owner.user_id, condition=active, otherwise=refused)


def list_keys(owner: Owner, request: Pagination) -> Page[Credential]:
    """Return the keys that have not been revoked, including expired keys, oldest first."""

    def read(request: Pagination) -> Page[Credential]:
        return query_page(
            Credential,
            owner.user_id,
            request,
            index=Credential.by_owner,
            range_condition=Credential.id.startswith(f"{owner.kind}_"),
        )

    user = get(User, owner.user_id)

    def is_listed(row: Credential) -> bool:  # a void key is deleted by the next nightly run
        return user is not None and owner.owns(row) and not is_void(row, user)

    return filter_page(read, request, is_listed, exact=True)


def read_key(owner: Owner, key_id: str) -> Credential:
    """Raises NotFound."""
    row = get(Credential, key_id)
    user = get(User, owner.user_id)
    if row is None or user is None or not owner.owns(row) or is_void(row, user):
        raise NotFound("API key")
    return row


def delete_void_keys(rows: Iterable[Credential]) -> None:
    """Delete those of the rows that are API keys and can never be used again. Raises Busy.

    Sessions and password links need no such cleanup: they expire within a day.
    """
    keys = [row for row in rows if row.is_key]
    users = users_by_id(row.owner for row in keys)
    owned = [(row, users[row.owner]) for row in keys if row.owner in users]
    delete_all(Credential, [row for row, user in owned if is_void(row, user)])


def revoke_key(row: Credential, *, by: Actor) -> None:
    """Delete the key, effective immediately.

    Raises VersionConflict if the key has been used or revoked since it was read.
    """
    tx = Transaction()
    tx.delete(row, condition=row.unchanged(), otherwise=VersionConflict())
    audit.record(
        tx,
        actor=by,
        action=AuditAction.API_KEY_REVOKED,
        target=row.id,
        reseller_id=row.reseller_id,
        before={"name": row.name},
    )
    tx.commit()
