"""The platform's switches, thrown directly."""

from chalicelib import clock
from chalicelib.services import platform
from chalicelib.storage.platform_settings import PlatformSettings


def switch(**switches: bool) -> PlatformSettings:
    """Change the platform's settings in the table, at once for this process."""
    row = platform.read()
    for name, value in switches.items():
        assert hasattr(row, name)
        setattr(row, name, value)

    row.created_at = row.updated_at = clock.now()
    row.save()
    platform.forget()
    return row
