"""Findings as pages show them: grouped by code, with actions, and with names instead of IDs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.findings import Action, Code, Target, adopted_to
from chalicelib.domain.messages import Sentences
from chalicelib.domain.money import money
from chalicelib.services.core import batch_reads
from chalicelib.settings import settings
from chalicelib.storage.findings import OPEN, FindingRow
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.wording import Wording, ids_in
from chalicelib.web.admin_shell.words import field_label, finding_title
from chalicelib.web.shell.rendering import View

if TYPE_CHECKING:
    from markupsafe import Markup

LABELS: dict[str, str] = {
    Action.REPAIR: "Repair",
    Action.ADOPT: "Adopt",
    Action.REVERT: "Revert",
    Action.DELETE: "Delete",
    Action.IGNORE: "Ignore",
}
ONE_BY_ONE = "As it stands below each of them"
LEFT_ALONE = "Leave them as they are; none is reported again until it changes"


def group_findings(rows: Sequence[FindingRow]) -> list[View]:
    """Return a dict for each code: {code, title, why, open, decided, together}.

    `together` has the actions that can be taken on all of the group's open findings at once.
    """
    wording = Wording(names_in(rows))
    people = batch_reads.users_by_id(row.resolved_by for row in rows)
    groups = []
    for code in dict.fromkeys([*Code, *(row.code for row in rows)]):
        group = [row for row in rows if row.code == code]
        if not group:
            continue
        undecided = [row for row in group if row.state == OPEN]
        decided = [row for row in group if row.state != OPEN]
        groups.append(
            {
                "code": str(code),
                "title": finding_title(code),
                "why": wording.plain(group[0].sentences("why")),
                "open": [_finding_view(row, wording) for row in undecided],
                "decided": [_decision_view(row, wording, people) for row in decided],
                "together": _group_actions(undecided),
            }
        )
    return groups


def names_in(rows: Sequence[FindingRow]) -> Names:
    """Look up the names of everything that the findings mention."""
    return Names((row.reseller_id, id) for row in rows for id in _mentioned_ids(row))


def _mentioned_ids(row: FindingRow) -> Iterator[str | None]:
    yield row.subject
    yield row.reseller_id
    for sentences in (
        row.sentences("what"),
        row.sentences("outcome"),
        *row.action_sentences.values(),
    ):
        yield from ids_in(sentences)
    yield from (value for value in row.evidence.values() if isinstance(value, str))


def _finding_view(row: FindingRow, wording: Wording) -> View:
    what, names = row.sentences("what"), wording.names
    return {
        "id": row.id,
        "what": wording.linked(what),
        "plain": wording.plain(what),
        "about": _related_pages(row, names),
        "choices": [
            {"action": action, "label": LABELS[action], "words": wording.plain(sentences)}
            for action, sentences in _ordered_actions(row)
            if action in LABELS
        ],
        "names": adoption_target(row),
        "facts": [
            (field_label(n), _fact_view(n, value, names)) for n, value in row.evidence.items()
        ],
        "kind": row.code,
        "subject": row.subject,
    }


def _decision_view(row: FindingRow, wording: Wording, people: View) -> View:
    at: datetime | None = row.resolved_at
    by = people[row.resolved_by].email if row.resolved_by in people else row.resolved_by
    outcome = wording.linked(row.sentences("outcome"))
    decision = {"state": row.state, "outcome": outcome, "by": by, "at": at, "reason": row.reason}
    return _finding_view(row, wording) | decision


def _related_pages(row: FindingRow, names: Names) -> dict[str | None, str | None]:
    """Return the names of related pages by path, except pages that the finding links to."""
    pages: dict[str | None, str | None] = {}
    if row.subject.startswith("pur_") and row.code != Code.SESSION_WITHOUT_PURCHASE:
        pages[f"/admin/purchases/{row.subject}"] = "The purchase"
    linked = ids_in(row.sentences("what"))
    ids = [id for id in (row.subject, row.reseller_id) if id and id not in linked]
    pages |= {names.path(id): names.of(id) for id in ids}
    return {path: name for path, name in pages.items() if path}


def _ordered_actions(row: FindingRow) -> list[tuple[str, Sentences]]:
    """Return the actions and what they would do, the proposed one first and `ignore` last."""
    ranks = {str(Action.IGNORE): 2, row.proposed: 0}
    return sorted(row.action_sentences.items(), key=lambda action: ranks.get(action[0], 1))


def _group_actions(rows: Sequence[FindingRow]) -> list[dict[str, str]]:
    """Return the actions that can be taken on all of these open findings at once.

    These are `ignore` and, if it is the same for all of them and needs no target, the proposed
    action.
    """
    if len(rows) < 2:
        return []
    proposed = {row.proposed for row in rows}
    uniform = len(proposed) == 1 and not any(adoption_target(row) for row in rows)
    first = proposed & (LABELS.keys() - {Action.IGNORE}) if uniform else set()
    descriptions = dict.fromkeys(first, ONE_BY_ONE) | {str(Action.IGNORE): LEFT_ALONE}
    return [
        {"action": action, "label": f"{LABELS[action]} all {len(rows)}", "words": text}
        for action, text in descriptions.items()
    ]


def adoption_target(row: FindingRow) -> Target | None:
    """Return what an adoption of this finding must name, if it can be adopted to something."""
    return adopted_to(row.code) if Action.ADOPT in row.actions else None


def _fact_view(name: str, value: object, names: Names) -> "str | Markup":
    """Return the exact value. If it is an ID, precede it with the name."""
    from markupsafe import Markup

    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name in ("amount", "paid_elsewhere"):
        return money(int(str(value)), settings().currency)
    if isinstance(value, int):
        return f"{value:,}"
    known = names.of(str(value))
    exact = Markup("<code>{}</code>").format(value)
    return Markup("{} {}").format(known, exact) if known else exact
