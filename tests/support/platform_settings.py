"""Change platform settings directly in the table."""

from pynamodb.models import Model

from chalicelib import clock
from chalicelib.services.settings import platform_settings
from chalicelib.storage import caches
from chalicelib.storage.platform_settings import PlatformSettings


def set_switches(**switches: bool | int) -> PlatformSettings:
    """Write the given settings and clear this process's cache."""
    row = platform_settings.read_settings()
    for name, value in switches.items():
        assert hasattr(row, name)
        setattr(row, name, value)

    row.created_at = row.updated_at = clock.now()
    Model.save(row)
    caches.clear()
    return row
