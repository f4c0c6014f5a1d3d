"""Users and resellers for tests."""

from functools import cached_property
from itertools import count

from chalicelib.domain.actors import Actor
from chalicelib.services.identity import users
from chalicelib.services.identity.first_admin import create_first_admin
from chalicelib.services.resellers import accounts
from tests.support.api import Api

PASSWORD = "correct horse battery"


class Person:
    """A user who signs in when `api` is first used. `reseller_id` is the linked account, if any."""

    def __init__(self, api: Api, email: str, user_id: str, reseller_id: str | None) -> None:
        self.email = email
        self.user_id = user_id
        self.reseller_id = reseller_id
        self._api = api

    @cached_property
    def api(self) -> Api:
        login = {"email": self.email, "password": PASSWORD}
        return self._api.as_(self._api.post("/v1/login", login).json["token"])

    @property
    def pool(self) -> tuple[int, int]:
        """The reseller's license_count and license_used."""
        licenses = self.api.get("/v1/resellers/me/licenses").json
        return licenses["license_count"], licenses["license_used"]

    def sign_in_again(self) -> None:
        """Sign in again before the next request, because the session has expired."""
        vars(self).pop("api", None)


class People:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._numbers = count(1)

    @cached_property
    def admin(self) -> Person:
        email = "admin@example.com"
        created = create_first_admin(email=email, name="Somebody", password=PASSWORD)
        return Person(self._api, email, created.user.id, None)

    def reseller(self, *, licenses: int = 0, is_active: bool = True) -> Person:
        number = next(self._numbers)
        person = self._user(f"reseller{number}@example.com")
        account = accounts.create_reseller(
            user_id=person.user_id,
            user_email=None,
            company_name=f"Company {number}",
            slug=f"company-{number}",
            license_count=licenses,
            is_active=is_active,
            by=Actor("usr_test"),
        )
        person.reseller_id = account.id
        return person

    def user(self) -> Person:
        """Create a user without a reseller account."""
        return self._user(f"user{next(self._numbers)}@example.com")

    def _user(self, email: str) -> Person:
        user = users.create_user(
            email=email,
            name="Somebody",
            password=PASSWORD,
            is_super_admin=False,
            by=Actor("usr_test"),
        )
        return Person(self._api, email, user.id, None)
