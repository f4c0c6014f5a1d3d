"""Findings as a page shows them: by kind, in names instead of ids, with what can be done."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.findings import Action, Code
from chalicelib.domain.money import money
from chalicelib.services.core import batch_reads
from chalicelib.settings import settings
from chalicelib.storage.findings import OPEN, FindingRow
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.words import KINDS, label, plain_sentence

if TYPE_CHECKING:
    from markupsafe import Markup

NAMED = "`to` names"
LABELS = {
    Action.REPAIR: "Repair",
    Action.ADOPT: "Adopt",
    Action.REVERT: "Revert",
    Action.DELETE: "Delete",
    Action.IGNORE: "Ignore",
}
ONE_BY_ONE = "As it stands below each of them"
LEFT_ALONE = "Leave them as they are; none is reported again until it changes"


def group_findings(rows: Sequence[FindingRow]) -> list[dict[str, Any]]:
    """{code, title, why, open, decided, together}: those of a kind. together: what can be
    decided about all of its open ones at once, where there are several."""
    names = Names(
        (row.reseller_id, text)
        for row in rows
        for text in (row.subject, row.what, row.reseller_id, row.outcome, *row.actions.values())
    )
    people = batch_reads.users_by_id(row.resolved_by for row in rows)
    groups = []
    for code in Code:
        own = [row for row in rows if row.code == code]
        if not own:
            continue
        waiting = [row for row in own if row.state == OPEN]
        decided = [row for row in own if row.state != OPEN]
        groups.append(
            {
                "code": code.value,
                "title": KINDS[code],
                "why": plain_sentence(own[0].why),
                "open": [_shown(row, names) for row in waiting],
                "decided": [_decided(row, names, people) for row in decided],
                "together": _together(waiting),
            }
        )
    return groups


def _shown(row: FindingRow, names: Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "what": names.linked(plain_sentence(row.what)),
        "plain": names.plain(plain_sentence(row.what)),
        "about": _about(row, names),
        "choices": [_choice(action, words, names) for action, words in _ordered(row)],
        "names": adoption_target(row),
        "facts": [(label(name), _fact(name, value, names)) for name, value in row.evidence.items()],
        "kind": row.code,
        "subject": row.subject,
    }


def _decided(row: FindingRow, names: Names, people: dict[str, Any]) -> dict[str, Any]:
    at: datetime | None = row.resolved_at
    by = people[row.resolved_by].email if row.resolved_by in people else row.resolved_by
    outcome = names.linked(plain_sentence(row.outcome or ""))
    shown = {"state": row.state, "outcome": outcome, "by": by, "at": at, "reason": row.reason}
    return _shown(row, names) | shown


def _about(row: FindingRow, names: Names) -> dict[str | None, str | None]:
    """The pages to look at beside those that the sentence names. Path → name."""
    about: dict[str | None, str | None] = {}
    if row.subject.startswith("pur_") and row.code != Code.SESSION_WITHOUT_PURCHASE:
        about[f"/admin/purchases/{row.subject}"] = "The purchase"
    ids = [id for id in (row.subject, row.reseller_id) if id and id not in row.what]
    about |= {names.path(id): names.of(id) for id in ids}
    return {path: name for path, name in about.items() if path}


def _choice(action: str, words: str, names: Names) -> dict[str, Any]:
    return {
        "action": action,
        "label": LABELS[Action(action)],
        "words": _sentence(words, names),
    }


def _sentence(words: str, names: Names) -> str:
    named = words.replace("that " + NAMED, "named above").replace(NAMED, "named above")
    return names.plain(plain_sentence(named))


def _ordered(row: FindingRow) -> list[tuple[str, str]]:
    """The proposed one first, leaving it alone last."""
    last = {str(Action.IGNORE): 2, row.proposed: 0}
    return sorted(row.actions.items(), key=lambda action: last.get(action[0], 1))


def _together(rows: Sequence[FindingRow]) -> list[dict[str, str]]:
    """What is proposed for each of them, where it is the same and needs nothing else; and
    leaving them alone."""
    if len(rows) < 2:
        return []
    proposed = {row.proposed for row in rows}
    alike = len(proposed) == 1 and not any(adoption_target(row) for row in rows)
    first = [Action(rows[0].proposed)] if alike and Action.IGNORE not in proposed else []
    words = dict.fromkeys(first, ONE_BY_ONE) | {Action.IGNORE: LEFT_ALONE}
    return [
        {"action": action.value, "label": f"{LABELS[action]} all {len(rows)}", "words": text}
        for action, text in words.items()
    ]


def adoption_target(row: FindingRow) -> str | None:
    """What an adoption has to name: nothing, a reseller or a user."""
    if NAMED not in row.actions.get(Action.ADOPT, ""):
        return None
    return "user" if row.code == Code.RESELLER_WITHOUT_USER else "reseller"


def _fact(name: str, value: Any, names: Names) -> "str | Markup":
    """Exactly what was found; an id with its name before it."""
    from markupsafe import Markup

    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name in ("amount", "paid_elsewhere"):
        return money(int(value), settings().currency)
    if isinstance(value, int):
        return f"{value:,}"
    known = names.of(str(value))
    exact = Markup("<code>{}</code>").format(value)
    return Markup("{} {}").format(known, exact) if known else exact
