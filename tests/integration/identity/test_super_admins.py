"""Who can create and remove super admins, and the rule that at least one always remains."""

import re
from typing import Any

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.errors import AdminExists, Forbidden
from chalicelib.functions.create_first_admin import create_first_admin
from chalicelib.services.identity import users
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.support.api import Api
from tests.support.aws_faults import AwsFaults
from tests.support.mail import mails_to
from tests.support.people import PASSWORD, People, Person


def new_user(people: People, email: str, *, is_super_admin: bool = False) -> str:
    body = {"email": email, "name": "N", "password": PASSWORD, "is_super_admin": is_super_admin}
    made = people.admin.api.post("/v1/users", body)
    assert made.status == 201, made.text
    return str(made.json["id"])


def signed_in(api: Api, email: str) -> Api:
    return api.as_(api.post("/v1/login", {"email": email, "password": PASSWORD}).json["token"])


@pytest.mark.parametrize("change", [{"is_super_admin": False}, {"is_active": False}])
def test_the_last_super_admin_cannot_be_removed(people: People, change: dict[str, bool]) -> None:
    path = f"/v1/users/{people.admin.user_id}"
    refused = people.admin.api.patch(path, change)
    assert refused.code == "invalid_request"
    assert refused.json["errors"][0]["field"] == next(iter(change))
    assert people.admin.api.get(path).json["is_super_admin"] is True
    assert people.admin.api.get(path).json["is_active"] is True


@pytest.mark.parametrize("change", [{"is_super_admin": False}, {"is_active": False}])
def test_one_of_two_super_admins_can_be_removed(
    people: People, api: Api, change: dict[str, bool]
) -> None:
    second = new_user(people, "two@example.com", is_super_admin=True)
    assert people.admin.api.patch(f"/v1/users/{second}", change).status == 200
    last = people.admin.api.patch(f"/v1/users/{people.admin.user_id}", change)
    assert last.code == "invalid_request"


def test_an_inactive_super_admin_does_not_count(people: People) -> None:
    second = new_user(people, "two@example.com", is_super_admin=True)
    path = f"/v1/users/{second}"
    people.admin.api.patch(path, {"is_active": False})
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_active": False}).code == "invalid_request"
    people.admin.api.patch(path, {"is_active": True})
    assert people.admin.api.patch(own, {"is_super_admin": False}).status == 200
    assert people.admin.api.get("/v1/users").code == "forbidden"


def test_resellers_cannot_call_routes_that_grant_super_admin(people: People) -> None:
    someone = people.reseller()
    for answer in (
        someone.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True}),
        someone.api.post(
            "/v1/users", {"email": "x@example.com", "name": "X", "is_super_admin": True}
        ),
    ):
        assert answer.code == "forbidden"


def test_users_cannot_make_themselves_super_admins(people: People) -> None:
    """The service refuses the edit even if a route forgot to authorize the caller."""
    someone = people.reseller()
    user = users.read_user(someone.user_id)
    with pytest.raises(Forbidden):
        users.edit_user(user, {"is_super_admin": True}, by=Actor(user.id))
    assert User.get(user.id).is_super_admin is False


def test_only_a_current_super_admin_can_make_another(people: People) -> None:
    """The transaction checks that the caller is still a super admin."""
    someone, former = people.reseller(), people.reseller()
    with pytest.raises(Forbidden):
        users.edit_user(
            users.read_user(someone.user_id), {"is_super_admin": True}, by=Actor(former.user_id)
        )
    with pytest.raises(Forbidden):
        users.create_user(
            email="x@example.com",
            name="X",
            password=None,
            is_super_admin=True,
            by=Actor(former.user_id),
        )
    people.admin.api.patch(f"/v1/users/{someone.user_id}", {"is_active": False})
    with pytest.raises(Forbidden):
        users.edit_user(
            users.read_user(someone.user_id), {"is_super_admin": True}, by=Actor(former.user_id)
        )


def edit_in_console(person: Person, **columns: bool) -> None:
    """Edit a user's row as an admin would in the AWS console."""
    table_edits.edit(User(person.user_id), **columns)


def test_a_super_admin_made_in_the_console_has_full_rights(people: People) -> None:
    console_admin, someone = people.user(), people.user()
    assert people.admin.api.get("/v1/me").status == 200
    edit_in_console(console_admin, is_super_admin=True)
    granted = console_admin.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True})
    assert granted.status == 200
    # The super admin made in the console counts as remaining, no matter who makes the request.
    edit_in_console(someone, is_super_admin=False)
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_active": False}).status == 200
    last = console_admin.api.patch(f"/v1/users/{console_admin.user_id}", {"is_super_admin": False})
    assert last.code == "invalid_request"
    assert console_admin.api.patch(own, {"is_active": True}).status == 200
    anonymous = people.admin.api.as_(None)
    login = {"email": people.admin.email, "password": PASSWORD}
    again = anonymous.as_(anonymous.post("/v1/login", login).json["token"])
    answer = again.patch(f"/v1/users/{console_admin.user_id}", {"is_super_admin": False})
    assert answer.status == 200


@pytest.mark.parametrize("removal", [{"is_super_admin": False}, {"is_active": False}, None])
def test_a_super_admin_removed_in_the_console_does_not_count(
    people: People, removal: dict[str, bool] | None
) -> None:
    """None deletes the row."""
    second = new_user(people, "two@example.com", is_super_admin=True)
    if removal is None:
        table_edits.remove(User(second))
    else:
        table_edits.edit(User(second), **removal)
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_super_admin": False}).code == "invalid_request"
    assert people.admin.api.get(own).json["is_super_admin"] is True


def test_the_last_two_super_admins_cannot_be_removed_concurrently(
    people: People, aws_faults: AwsFaults
) -> None:
    """The other super admin is deactivated between the check and the write."""
    second = new_user(people, "two@example.com", is_super_admin=True)
    own = f"/v1/users/{people.admin.user_id}"
    aws_faults.before(lambda: table_edits.edit(User(second), is_active=False))
    assert people.admin.api.patch(own, {"is_active": False}).code == "invalid_request"
    assert people.admin.api.get(own).json["is_active"] is True


def test_no_first_admin_is_created_if_a_super_admin_was_made_in_the_console(
    people: People, api: Api
) -> None:
    edit_in_console(people.user(), is_super_admin=True)
    assert first_admin()["error"] == str(AdminExists())


def test_a_first_admin_is_created_if_all_were_removed_in_the_console(people: People) -> None:
    edit_in_console(people.admin, is_active=False)
    made = first_admin("rescue@example.com")
    assert made["user_id"]
    assert first_admin("other@example.com")["error"] == str(AdminExists())
    # A removed super admin can also be restored in the console.
    edit_in_console(people.admin, is_active=True)
    assert first_admin("rescue@example.com")["error"] == str(AdminExists())


def test_a_first_admin_cannot_have_the_email_of_another_user(people: People) -> None:
    taken = people.user()
    assert "already in use" in first_admin(taken.email)["error"]
    assert User.get(taken.user_id).is_super_admin is False


def test_a_user_duplicated_in_the_console_works_after_reconciliation(
    people: People, api: Api
) -> None:
    """Uses the console's "Duplicate item" action, as described in docs/operators.md."""
    assert people.admin.api.get("/v1/me").status == 200
    copy = {**table_edits.read_item(User(people.admin.user_id)), "id": {"S": "usr_copy"}}
    del copy["password_hash"]
    table_edits.put(User("usr_copy"), copy | {"email": {"S": "copy@example.com"}})
    api.post("/v1/password/reset-request", {"email": "copy@example.com"})
    assert mails_to("copy@example.com") == []
    people.admin.api.post("/v1/reconciliations", {"apply": True})
    api.post("/v1/password/reset-request", {"email": "copy@example.com"})
    link = re.search(r"token=(\S+)", mails_to("copy@example.com")[-1]["text"])
    assert link
    reset = {"token": link[1], "new_password": PASSWORD}
    assert api.post("/v1/password/reset", reset).status == 204
    someone = people.user()
    granted = signed_in(api, "copy@example.com").patch(
        f"/v1/users/{someone.user_id}", {"is_super_admin": True}
    )
    assert granted.status == 200


def test_granting_super_admin_is_audited(people: People) -> None:
    someone = people.reseller()
    people.admin.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True})
    entry = people.admin.api.get("/v1/audit").json["data"][0]
    assert (entry["action"], entry["actor"]) == ("user.edited", people.admin.user_id)
    assert entry["after"] == {"is_super_admin": True}


def first_admin(email: str = "first@example.com") -> dict[str, Any]:
    answer: dict[str, Any] = create_first_admin({"email": email}, None)
    return answer


def test_the_operator_creates_the_first_admin(api: Api) -> None:
    made = first_admin("First@Example.com")
    token = made["set_your_password_at"].partition("token=")[2]
    reset = {"token": token, "new_password": PASSWORD}
    assert api.post("/v1/password/reset", reset).status == 204
    admin = signed_in(api, "first@example.com")
    assert admin.get("/v1/me").json["user"]["is_super_admin"] is True
    assert admin.get("/v1/audit").json["data"][-1]["actor"] == "operator"
    assert "error" in first_admin()
    assert "error" in first_admin("other@example.com")


def test_the_first_admin_gets_a_new_link_until_the_password_is_set(api: Api) -> None:
    """A new link is needed if the first response is lost or if its link expires."""
    first, second = first_admin(), first_admin()
    assert first["user_id"] == second["user_id"]
    assert "error" in first_admin("other@example.com")
    token = second["set_your_password_at"].partition("token=")[2]
    reset = {"token": token, "new_password": PASSWORD}
    assert api.post("/v1/password/reset", reset).status == 204
    assert "error" in first_admin()


@pytest.mark.parametrize(
    "event",
    [
        *({}, {"email": ""}, {"email": "nobody"}, {"email": None}),
        {"email": "a@example.com", "name": "A\u202e"},
        {"email": "a@example.com", "name": "A\x00"},
    ],
)
def test_a_first_admin_needs_a_valid_email_and_name(api: Api, event: dict[str, Any]) -> None:
    assert "error" in create_first_admin(event, None)


def test_no_first_admin_is_created_if_a_super_admin_exists(people: People) -> None:
    assert people.admin.user_id
    assert first_admin()["error"] == str(AdminExists())
