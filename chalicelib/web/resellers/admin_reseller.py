"""The admin page for a reseller: its licenses, its activity, and the admin's actions."""

from chalice.app import Response

from chalicelib.api.reconciliations import SyncOrder
from chalicelib.api.resellers import Adjustment, ResellerChanges
from chalicelib.domain.findings import Code
from chalicelib.errors import TenantryError, VersionConflict
from chalicelib.services.core import batch_reads
from chalicelib.services.purchases import checkout
from chalicelib.services.reconciliation import sync
from chalicelib.services.reporting import diagnosis
from chalicelib.services.reporting.diagnosis import Check
from chalicelib.services.resellers import accounts, activity
from chalicelib.services.settings import platform_settings
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Pagination, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.users import User
from chalicelib.web.admin_shell.frame import columns_fingerprint, format_licenses, render
from chalicelib.web.admin_shell.wording import Wording
from chalicelib.web.shell.forms import StaleForm
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

RESELLER = "/admin/resellers/{reseller}"
EDITED_COLUMNS = ("user_id", "company_name", "slug", "license_count", "is_active")
FIRST_FEW = Pagination(5)
LEDGER_PAGE_SIZE = 10


EDIT = FormFields(
    ResellerChanges,
    id="edit",
    only=("user_email", "company_name", "slug", "license_count", "is_active"),
)
ALLOCATE = FormFields(Adjustment, id="allocate")
SYNC = FormFields(SyncOrder, id="sync")


@pages.page("GET", RESELLER, audience=Audience.ADMIN)
def show_reseller(page: PageContext, *, edit_open: bool = False, **context: object) -> Response:
    reseller = accounts.read_reseller(page.path["reseller"])
    ledger_page = Pagination(LEDGER_PAGE_SIZE, page.query("cursor") or None)
    entries = accounts.list_ledger(reseller.id, ledger_page)
    user = get(User, reseller.user_id)
    compare = bool(page.query("compare"))
    found = diagnosis.diagnose(reseller, counting=compare)
    return render(
        page,
        "admin/reseller.html",
        title=reseller.company_name,
        nav=MenuEntry.ADMIN_RESELLERS,
        reseller=reseller,
        user=user,
        edit_version=columns_fingerprint(reseller, EDITED_COLUMNS),
        tenants=lifecycle.list_tenants(reseller.id, FIRST_FEW).rows,
        purchases=checkout.list_purchases(reseller.id, FIRST_FEW).rows,
        entries=entries.rows,
        ledger_names=ledger_names(entries.rows),
        pages=page.paging(entries.next_cursor),
        checks=[_check_view(check, reseller) for check in found.checks],
        can_create_tenants=found.can_create_tenants,
        message="\n- ".join(map(Wording().plain, found.message)),
        edit_open=edit_open or bool(page.query("edit")),
        edit_form=EDIT,
        allocate_form=ALLOCATE,
        sync=_compare_counts(page, reseller) if compare else None,
        restrict_inactive_resellers=platform_settings.cached_settings().restrict_inactive_resellers,
        **context,
    )


def _check_view(check: Check, reseller: Reseller) -> View:
    """Return a check for the template, with the admin's next step and a link if the check failed.

    The reseller's next step is in the diagnosis message instead.
    """
    own = f"/admin/resellers/{reseller.id}"
    edit = f"{own}?edit=1"
    step, path, label = {
        "reseller_active": ("Edit it, and check “Is Active”.", edit, "Edit"),
        "licenses_available": (
            "Allocate some here, or let the reseller buy them at /reseller/licenses.",
            f"{own}#allocate",
            "Allocate",
        ),
        "not_over_allocated": (
            "Allocate what is missing, or let the reseller buy it or delete tenants.",
            f"{own}#allocate",
            "Allocate",
        ),
        "user_linked": ("Edit it, and select the right user.", edit, "Edit"),
        "user_active": (
            "See that user and reseller are active, and that this is who signs in.",
            f"/admin/users/{reseller.user_id}",
            "See the user",
        ),
        "counts_match": ("Compare, and then sync.", f"{own}?compare=1#sync", "Compare"),
        "no_checkout_pending": (
            "The licenses come by themselves once it is paid; or settle it now.",
            f"/admin/purchases?reseller={reseller.id}",
            "See purchases",
        ),
        "webhook_seen": (
            "Look at the webhook's deliveries at Stripe. The sweep finds payments meanwhile.",
            None,
            None,
        ),
    }.get(check.check, (None, None, None))
    wording = Wording()
    failed = "fail" if check.check in diagnosis.REQUIRED else "warn"
    return {
        "title": wording.plain(check.question),
        "status": "pass" if check.passed else failed,
        "evidence": wording.linked(check.evidence),
        "next_step": None if check.passed else step,
        "path": None if check.passed else path,
        "label": label,
    }


def _compare_counts(page: PageContext, reseller: Reseller) -> View:
    found = sync.sync(reseller.id, apply=False, by=page.by)
    wording = Wording()
    return {
        "license_used": found.before.license_used,
        "counted": found.after.license_used,
        "why": wording.plain(found.why),
        "others": [
            wording.plain(row.sentences("what"))
            for row in found.findings
            if row.code != Code.USED_MISMATCH
        ],
        "differs": any(row.code == Code.USED_MISMATCH for row in found.findings),
    }


def ledger_names(entries: list[LedgerEntry]) -> dict[str, str]:
    """Return what to show instead of the IDs in the entries: a tenant's name, an actor's email."""
    actors = batch_reads.users_by_id(entry.actor for entry in entries)
    return activity.tenant_names(entries) | {user.id: user.email for user in actors.values()}


@pages.form(RESELLER, audience=Audience.ADMIN, fields=EDIT)
def edit_reseller(page: PageContext, form: Form[ResellerChanges]) -> Response:
    reseller_id = page.path["reseller"]

    def read() -> Reseller:
        reseller = accounts.read_reseller(reseller_id)
        if form.get("version") != columns_fingerprint(reseller, EDITED_COLUMNS):
            raise _stale_form(form, reseller)
        return reseller

    try:
        changes = form.read().model_dump(exclude_unset=True)
        page.on_current(read, lambda row: accounts.edit_reseller(row, changes, by=page.by))
    except TenantryError as error:
        names = {"user_id": "user_email"}
        return page.rerender_form(error, show_reseller, form, field_names=names, edit_open=True)
    return page.redirect(f"/admin/resellers/{reseller_id}", flash="Saved.")


def _stale_form(form: Form[ResellerChanges], reseller: Reseller) -> VersionConflict:
    user = get(User, reseller.user_id)
    return StaleForm(
        form,
        {
            "user_email": user.email if user else "",
            "company_name": reseller.company_name,
            "slug": reseller.slug,
            "license_count": str(reseller.license_count),
        },
    )


@pages.form(RESELLER + "?action=allocate", audience=Audience.ADMIN, fields=ALLOCATE)
def allocate(page: PageContext, form: Form[Adjustment]) -> Response:
    reseller_id = page.path["reseller"]
    try:
        adjustment = form.read()
        return page.run_once(
            form,
            lambda once: page.on_current(
                lambda: accounts.read_reseller(reseller_id),
                lambda row: accounts.adjust_licenses(
                    row, adjustment.change, reason=adjustment.reason, by=page.by, once=once
                ),
            ),
            lambda entry: RedirectTo(
                f"/admin/resellers/{reseller_id}", _allocation_message(entry.count_change)
            ),
        )
    except TenantryError as error:
        names = {"": "change", "license_count": "change"}
        return page.rerender_form(error, show_reseller, form, field_names=names)


def _allocation_message(change: int) -> str:
    return f"{format_licenses(change)} {'allocated' if change > 0 else 'taken back'}."


@pages.form(RESELLER + "?action=sync", audience=Audience.ADMIN, fields=SYNC)
def sync_used(page: PageContext, form: Form[SyncOrder]) -> Response:
    """Redirect to the comparison. With `apply`, set license_used to the counted value."""
    reseller_id = page.path["reseller"]
    path = f"/admin/resellers/{reseller_id}"
    if not form.read().apply:
        return page.redirect(f"{path}?compare=1#sync")
    result = sync.sync(reseller_id, apply=True, by=page.by)
    if not result.applied:
        return page.redirect(path, flash="Nothing to repair: they agree.", kind="info")
    return page.redirect(path, flash=f"Used licenses set to {result.after.license_used:,}.")
