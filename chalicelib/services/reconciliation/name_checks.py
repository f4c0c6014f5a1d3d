"""Names and links, both ways: whoever has a name must own its claim, and whoever owns a claim
must have the name; a reseller and its user must name each other.

Rows that belong together are written together, so what is seen at two moments may differ
without being wrong. Whatever looks wrong is therefore held against a second read: it is wrong
only if the row that was read before and after was the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.domain.purchases import Status
from chalicelib.storage.claims import Claim
from chalicelib.storage.purchases import Purchase, checkout_claim
from chalicelib.storage.reads import batch_get, get
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.rows import Row, key_columns
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.users import User, email_claim

Named = Tenant | Reseller | User

# What tells whether a row has a name; the rest of it may be broken.
OWNER_COLUMNS: dict[type[Any], list[str]] = {
    User: ["id", "email"],
    Reseller: ["id", "slug"],
    Tenant: ["reseller_id", "id", "slug", "deleted_at"],
    Purchase: ["reseller_id", "id", "quantity", "status"],
}


def name_of(row: Named) -> str | None:
    """The claim that the row must own; None for one that needs none."""
    if isinstance(row, Tenant):
        live = row.deleted_at is None and row.slug
        return tenant_slug_claim(row.reseller_id, row.slug) if live else None
    if isinstance(row, Reseller):
        return slug_claim(row.slug) if row.slug else None
    return email_claim(row.email) if row.email else None


def tenant_findings(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    yield from _missing_claims(tenants)


def reseller_findings(reseller: Reseller) -> Iterator[Finding]:
    yield from _missing_claims([reseller])
    found = user_link_of(reseller)
    if found is not None:
        yield found


def user_findings(users: Sequence[User]) -> Iterator[Finding]:
    yield from _missing_claims(users)
    linked = [user for user in users if user.reseller_id]
    owners = [Reseller(str(user.reseller_id)) for user in linked]
    columns = ["id", "user_id"]
    known = {r.id: r for r in batch_get(Reseller, owners, columns=columns)}
    for user in linked:
        reseller = known.get(str(user.reseller_id))
        named = reseller.user_id if reseller is not None else None
        if named != user.id and _same(user):
            yield _user_link_wrong(user, named)


def _missing_claims(rows: Sequence[Named]) -> Iterator[Finding]:
    wanted = [(row, name) for row in rows if (name := name_of(row))]
    owned = {claim.name: claim.owner for claim in batch_get(Claim, [Claim(n) for _, n in wanted])}
    for row, name in wanted:
        if owned.get(name) != row.id and _same(row):
            yield missing_claim(row, name, owned.get(name))


def missing_claim(row: Named, name: str, owner: str | None) -> Finding:
    """owner: who has the name instead, if anybody; then one of the two has to give way."""
    reseller_id = None if isinstance(row, User) else _reseller_of(row)
    label = name.rpartition(":")[2]
    rightful = owner is not None and is_rightful(Claim(name, owner=owner))
    evidence = {"name": name, "row": row.id, "claimed_by": owner, "claimed_rightly": rightful}
    if not rightful:
        what = f"“{label}” belongs to {row.id}, but no claim says so."
        actions = {Action.REPAIR: f"Claim “{label}” for {row.id}"}
    elif isinstance(row, User):
        what = f"{row.id} and {owner} have the same email address, {label}."
        actions = {Action.DELETE: f"Delete the user {row.id}"}
    else:
        what = f"{row.id} and {owner} have the same slug, “{label}”."
        actions = {Action.REPAIR: f"Give {row.id} a slug of its own, made from “{label}”"}
        if isinstance(row, Tenant):
            actions[Action.DELETE] = f"Delete the tenant {row.id}"
    return make_finding(
        Code.MISSING_CLAIM, row.id, reseller_id, what, evidence, actions, safe=not rightful
    )


def _reseller_of(row: Tenant | Reseller) -> str:
    return row.reseller_id if isinstance(row, Tenant) else row.id


def user_link_of(reseller: Reseller) -> Finding | None:
    """Whether the reseller's user is there and names the reseller."""
    user = get(User, reseller.user_id) if reseller.user_id else None
    if user is not None and user.reseller_id == reseller.id:
        return None
    if not _same(reseller):
        return None
    evidence = {
        "user_id": reseller.user_id,
        "user_exists": user is not None,
        "user_is_linked_to": user.reseller_id if user else None,
    }
    adopt = {Action.ADOPT: "Link another user, the one that `to` names"}
    delete = {Action.DELETE: "Delete the reseller, which has no tenants, purchases or ledger"}
    if user is None:
        what, actions = f"Its user {reseller.user_id} is not there.", adopt | delete
    elif user.reseller_id is None:
        what = f"Its user {user.email} is not linked to it."
        actions = {Action.REPAIR: f"Link {user.email} to the reseller again"} | adopt
    else:
        what = f"Its user {user.email} is linked to {user.reseller_id}."
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


def _user_link_wrong(user: User, named: str | None) -> Finding:
    who = f"names {named}" if named else "is not there"
    return make_finding(
        Code.USER_LINK_WRONG,
        user.id,
        user.reseller_id,
        f"{user.email} is linked to {user.reseller_id}, which {who}.",
        {"reseller_id": user.reseller_id, "reseller_names": named},
        {Action.REPAIR: f"Unlink {user.email} from {user.reseller_id}"},
    )


def orphan_claims(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Those whose owner is gone or goes by another name. Kinds that are not known here are
    left alone."""
    owners = _owners(claims)
    for claim in claims:
        if not _is_owned(claim, owners.get(claim.name)) and _same(claim):
            yield orphan_claim(claim)


def orphan_claim(claim: Claim) -> Finding:
    kind, _, label = claim.name.partition(":")
    return make_finding(
        Code.ORPHAN_CLAIM,
        claim.name,
        label.partition(":")[0] if label.startswith("rsl_") else None,
        f"The {kind} “{label.rpartition(':')[2]}” is claimed by {claim.owner}, which does not "
        "have it.",
        {"name": claim.name, "owner": claim.owner},
        {Action.DELETE: "Free the name"},
    )


def is_rightful(claim: Claim) -> bool:
    """Whether the claim's owner is there and has this name."""
    return _is_owned(claim, _owners([claim]).get(claim.name))


def _is_owned(claim: Claim, owner: Row | None) -> bool:
    if owner_key(claim) is None:
        return True
    if isinstance(owner, Purchase):
        expected = checkout_claim(owner.reseller_id, owner.quantity)
        return owner.status == Status.PENDING and expected == claim.name
    return isinstance(owner, Named) and name_of(owner) == claim.name


def owner_key(claim: Claim) -> Row | None:
    """A row with the key of the claim's owner; None for a kind that is not known here."""
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
    """The owners that are there, by the claim's name: one batch read for each kind."""
    keyed = [(claim.name, key) for claim in claims if (key := owner_key(claim)) is not None]
    found: dict[str, Row] = {}
    for model, columns in OWNER_COLUMNS.items():
        keys = {key_of(key): key for _, key in keyed if isinstance(key, model)}
        rows = {key_of(row): row for row in batch_get(model, list(keys.values()), columns=columns)}
        found |= {
            n: rows[key_of(key)] for n, key in keyed if type(key) is model and key_of(key) in rows
        }
    return found


def orphan_tenant(tenant: Tenant) -> Finding:
    return make_finding(
        Code.ORPHAN_TENANT,
        tenant.id,
        tenant.reseller_id,
        f"The tenant “{tenant.name}” belongs to {tenant.reseller_id}, which is not there.",
        {
            "reseller_id": tenant.reseller_id,
            "name": tenant.name,
            "is_active": bool(tenant.is_active),
            "is_deleted": tenant.deleted_at is not None,
        },
        {
            Action.ADOPT: "Move it to the reseller that `to` names, on one of its licenses",
            Action.DELETE: "Delete the tenant for good",
        },
    )


def _same(row: Row) -> bool:
    """Whether the row still is as it was read. A claim that was freed and taken again is not,
    though its version be the same."""
    again = get(type(row), *key_of(row))
    if again is None or again.version != row.version:
        return False
    return not isinstance(row, Claim) or again.created_at == row.created_at


def key_of(row: Row) -> tuple[str, ...]:
    return tuple(named_key(row).values())


def named_key(row: Row) -> dict[str, str]:
    """The row's key columns and their values."""
    columns = [key.attr_name for key in key_columns(type(row)) if key is not None]
    return {name: getattr(row, name) for name in columns}
