"""What the API reference and the pages say in numbers is what the code does."""

from datetime import timedelta

from chalicelib.api import api_keys, reconciliations, session, settings, tenants
from chalicelib.services.identity.authenticate import SESSION_IDLE, USE_RECORDED_EVERY
from chalicelib.services.reconciliation import runs
from chalicelib.services.refunds.execution import RESUMED_FOR
from chalicelib.services.settings import platform_settings
from chalicelib.services.tenants.lifecycle import RESTORABLE
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.tenants import TenantDetails as Columns
from tests.support.templates import FOLDER


def test_periods_in_the_reference_match_the_code() -> None:
    assert f"restored for {RESTORABLE.days} days" in str(tenants.delete_tenant.__doc__)
    listed = reconciliations.list_reconciliations.__doc__
    assert f"from the last {runs.RETENTION.days} days" in str(listed)
    assert timedelta(minutes=1) >= platform_settings.CACHED_FOR
    assert "within a minute" in str(settings.edit_settings.__doc__)
    assert timedelta(minutes=5) == USE_RECORDED_EVERY
    for output in (api_keys.ApiKeyOutput, session.SessionOutput):
        assert "accurate to five minutes" in str(output.model_fields["used_at"].description)
    assert timedelta(hours=1) == SESSION_IDLE
    ends = session.LoginOutput.model_fields["expires_at"].description
    assert "unused for an hour" in str(ends)


def test_the_refund_page_says_how_long_a_refund_is_retried() -> None:
    assert timedelta(days=1) == RESUMED_FOR
    assert "for a day after" in (FOLDER / "admin" / "refund.html").read_text()


def test_every_optional_field_of_a_tenant_is_stored_read_and_answered() -> None:
    names = tenants.TenantDetails.model_fields.keys()
    assert names == Columns.__annotations__.keys()
    assert names <= tenants.TenantOutput.model_fields.keys()
    assert names <= Tenant.get_attributes().keys()
