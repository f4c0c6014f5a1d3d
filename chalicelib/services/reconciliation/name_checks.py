"""Check names and links in both directions.

A row with a name must own the claim to it, and the owner of a claim must have the name. A
reseller and its user must refer to each other.

Related rows are written in one transaction but read separately, so they can look inconsistent
without being wrong. A suspected problem is therefore confirmed with a second read: it counts only
if the row is unchanged.
"""

from collections.abc import Iterator, Sequence

from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.domain.messages import MessageCode, say
from chalicelib.domain.purchases import STATUSES, Status
from chalicelib.storage.claims import Claim
from chalicelib.storage.purchases import Purchase, checkout_claim
from chalicelib.storage.reads import batch_get, get
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.rows import Row, key_columns
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.users import User, email_claim

Named = Tenant | Reseller | User

# The columns that determine whether a row has a name. Other columns may be unreadable.
OWNER_COLUMNS: dict[type[Row], list[str]] = {
    User: ["id", "email"],
    Reseller: ["id", "slug"],
    Tenant: ["reseller_id", "id", "slug", "deleted_at"],
    Purchase: ["reseller_id", "id", "quantity", "status"],
}


def claim_name_of(row: Named) -> str | None:
    """Return the name of the claim that the row must own, or None if it needs no claim."""
    if isinstance(row, Tenant):
        needs_claim = row.deleted_at is None and row.slug
        return tenant_slug_claim(row.reseller_id, row.slug) if needs_claim else None
    if isinstance(row, Reseller):
        return slug_claim(row.slug) if row.slug else None
    return email_claim(row.email) if row.email else None


def tenant_findings(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    yield from _missing_claims(tenants)


def reseller_findings(reseller: Reseller) -> Iterator[Finding]:
    yield from _missing_claims([reseller])
    finding = user_link_finding(reseller)
    if finding is not None:
        yield finding


def user_findings(users: Sequence[User]) -> Iterator[Finding]:
    yield from _missing_claims(users)
    linked = [user for user in users if user.reseller_id]
    keys = [Reseller(str(user.reseller_id)) for user in linked]
    columns = ["id", "user_id"]
    resellers = {r.id: r for r in batch_get(Reseller, keys, columns=columns)}
    for user in linked:
        reseller = resellers.get(str(user.reseller_id))
        reseller_user_id = reseller.user_id if reseller is not None else None
        if reseller_user_id != user.id and _is_unchanged(user):
            yield _user_link_wrong(user, reseller_user_id)


def _missing_claims(rows: Sequence[Named]) -> Iterator[Finding]:
    required = [(row, name) for row in rows if (name := claim_name_of(row))]
    claims = batch_get(Claim, [Claim(name) for _, name in required])
    owners = {claim.name: claim.owner for claim in claims}
    for row, name in required:
        if owners.get(name) != row.id and _is_unchanged(row):
            yield missing_claim_finding(row, name, owners.get(name))


def missing_claim_finding(row: Named, name: str, owner: str | None) -> Finding:
    """Return a finding for a row that doesn't own the claim to its name.

    `owner` is the current owner of the claim, if any. If the owner has the name as well, one
    of the two has to change or be deleted.
    """
    reseller_id = None if isinstance(row, User) else _reseller_id_of(row)
    label = name.rpartition(":")[2]
    duplicate = owner is not None and is_claim_valid(Claim(name, owner=owner))
    evidence = {"name": name, "row": row.id, "claimed_by": owner, "claimed_rightly": duplicate}
    if not duplicate:
        what = say(MessageCode.NAME_UNCLAIMED, row=row.id, name=label)
        actions = {Action.REPAIR: say(MessageCode.DO_CLAIM_NAME, row=row.id, name=label)}
    elif isinstance(row, User):
        what = say(MessageCode.SAME_EMAIL, row=row.id, owner=str(owner), email=label)
        actions = {Action.DELETE: say(MessageCode.DO_DELETE_USER, row=row.id)}
    else:
        what = say(MessageCode.SAME_SLUG, row=row.id, owner=str(owner), slug=label)
        actions = {Action.REPAIR: say(MessageCode.DO_CHANGE_SLUG, row=row.id, slug=label)}
        if isinstance(row, Tenant):
            actions[Action.DELETE] = say(MessageCode.DO_DELETE_TENANT, row=row.id)
    return make_finding(
        Code.MISSING_CLAIM, row.id, reseller_id, what, evidence, actions, safe=not duplicate
    )


def _reseller_id_of(row: Tenant | Reseller) -> str:
    return row.reseller_id if isinstance(row, Tenant) else row.id


def user_link_finding(reseller: Reseller) -> Finding | None:
    """Return a finding if the reseller's user doesn't exist or isn't linked to the reseller."""
    user = get(User, reseller.user_id) if reseller.user_id else None
    if user is not None and user.reseller_id == reseller.id:
        return None
    if not _is_unchanged(reseller):
        return None
    evidence = {
        "user_id": reseller.user_id,
        "user_exists": user is not None,
        "user_is_linked_to": user.reseller_id if user else None,
    }
    adopt = {Action.ADOPT: say(MessageCode.DO_LINK_OTHER_USER)}
    delete = {Action.DELETE: say(MessageCode.DO_DELETE_RESELLER)}
    if user is None:
        what = say(MessageCode.USER_MISSING, user=str(reseller.user_id))
        actions = adopt | delete
    elif user.reseller_id is None:
        what = say(MessageCode.USER_UNLINKED, email=user.email)
        actions = {Action.REPAIR: say(MessageCode.DO_RELINK_USER, email=user.email)} | adopt
    else:
        what = say(MessageCode.USER_LINKED_ELSEWHERE, email=user.email, reseller=user.reseller_id)
        actions = adopt | delete
    return make_finding(
        Code.RESELLER_WITHOUT_USER,
        reseller.id,
        reseller.id,
        what,
        evidence,
        actions,
        safe=Action.REPAIR in actions,
    )


def _user_link_wrong(user: User, reseller_user_id: str | None) -> Finding:
    email, reseller_id = user.email, str(user.reseller_id)
    what = say(MessageCode.LINKED_TO_MISSING, email=email, reseller=reseller_id)
    if reseller_user_id:
        what = say(
            MessageCode.LINKED_TO_ANOTHERS,
            email=email,
            reseller=reseller_id,
            user=reseller_user_id,
        )
    return make_finding(
        Code.USER_LINK_WRONG,
        user.id,
        user.reseller_id,
        what,
        {"reseller_id": user.reseller_id, "reseller_names": reseller_user_id},
        {Action.REPAIR: say(MessageCode.DO_UNLINK_USER, email=email, reseller=reseller_id)},
    )


def orphan_claim_findings(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Yield a finding for each claim whose owner is gone or doesn't have the name.

    Claims of an unknown kind are skipped.
    """
    owners = _owners(claims)
    for claim in claims:
        if not _is_owned(claim, owners.get(claim.name)) and _is_unchanged(claim):
            yield orphan_claim_finding(claim)


def orphan_claim_finding(claim: Claim) -> Finding:
    kind, _, label = claim.name.partition(":")
    return make_finding(
        Code.ORPHAN_CLAIM,
        claim.name,
        label.partition(":")[0] if label.startswith("rsl_") else None,
        say(
            MessageCode.CLAIM_UNUSED,
            kind=kind,
            name=label.rpartition(":")[2],
            owner=claim.owner,
        ),
        {"name": claim.name, "owner": claim.owner},
        {Action.DELETE: say(MessageCode.DO_FREE_NAME)},
    )


def is_claim_valid(claim: Claim) -> bool:
    """Return whether the claim's owner exists and has the claimed name."""
    return _is_owned(claim, _owners([claim]).get(claim.name))


def _is_owned(claim: Claim, owner: Row | None) -> bool:
    if owner_key(claim) is None:
        return True
    if isinstance(owner, Purchase):
        expected = checkout_claim(owner.reseller_id, owner.quantity)
        may_be_open = owner.status not in STATUSES - {Status.PENDING}
        return may_be_open and expected == claim.name
    return isinstance(owner, Named) and claim_name_of(owner) == claim.name


def owner_key(claim: Claim) -> Row | None:
    """Return a row with the key of the claim's owner, or None for an unknown kind of claim."""
    kind, _, rest = claim.name.partition(":")
    match kind:
        case "email":
            return User(claim.owner)
        case "slug":
            return Reseller(claim.owner)
        case "tenant-slug":
            return Tenant(rest.partition(":")[0], claim.owner)
        case "checkout":
            return Purchase(rest.partition(":")[0], claim.owner)
    return None


def _owners(claims: Sequence[Claim]) -> dict[str, Row]:
    """Return the owners that exist, by claim name. Takes one batch read per kind of owner."""
    keyed = [(claim.name, key) for claim in claims if (key := owner_key(claim)) is not None]
    owners: dict[str, Row] = {}
    for model, columns in OWNER_COLUMNS.items():
        keys = {key_of(key): key for _, key in keyed if isinstance(key, model)}
        rows = {key_of(row): row for row in batch_get(model, list(keys.values()), columns=columns)}
        owners |= {
            name: rows[key_of(key)]
            for name, key in keyed
            if type(key) is model and key_of(key) in rows
        }
    return owners


def orphan_tenant_finding(tenant: Tenant) -> Finding:
    return make_finding(
        Code.ORPHAN_TENANT,
        tenant.id,
        tenant.reseller_id,
        say(MessageCode.TENANT_WITHOUT_RESELLER, name=tenant.name, reseller=tenant.reseller_id),
        {
            "reseller_id": tenant.reseller_id,
            "name": tenant.name,
            "is_active": bool(tenant.is_active),
            "is_deleted": tenant.deleted_at is not None,
        },
        {
            Action.ADOPT: say(MessageCode.DO_MOVE_TENANT),
            Action.DELETE: say(MessageCode.DO_DELETE_ORPHAN),
        },
    )


def _is_unchanged(row: Row) -> bool:
    """Return whether a second read finds the same row.

    A claim that was freed and taken again has the same version, so its creation time is
    compared as well.
    """
    again = get(type(row), *key_of(row))
    if again is None or again.version != row.version:
        return False
    return not isinstance(row, Claim) or again.created_at == row.created_at


def key_of(row: Row) -> tuple[str, ...]:
    return tuple(key_values(row).values())


def key_values(row: Row) -> dict[str, str]:
    """Return the row's key columns and their values."""
    columns = [key.attr_name for key in key_columns(type(row)) if key is not None]
    return {name: getattr(row, name) for name in columns}
