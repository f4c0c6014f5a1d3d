"""Who may become a super admin, by whom, and that one always is left."""

import re
from typing import Any

import pytest

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
def test_the_last_one_stays(people: People, change: dict[str, bool]) -> None:
    path = f"/v1/users/{people.admin.user_id}"
    refused = people.admin.api.patch(path, change)
    assert refused.code == "invalid_request"
    assert refused.json["errors"][0]["field"] == next(iter(change))
    assert people.admin.api.get(path).json["is_super_admin"] is True
    assert people.admin.api.get(path).json["is_active"] is True


@pytest.mark.parametrize("change", [{"is_super_admin": False}, {"is_active": False}])
def test_one_of_two_may_go(people: People, api: Api, change: dict[str, bool]) -> None:
    second = new_user(people, "two@example.com", is_super_admin=True)
    assert people.admin.api.patch(f"/v1/users/{second}", change).status == 200
    last = people.admin.api.patch(f"/v1/users/{people.admin.user_id}", change)
    assert last.code == "invalid_request"


def test_an_inactive_admin_does_not_count(people: People) -> None:
    second = new_user(people, "two@example.com", is_super_admin=True)
    path = f"/v1/users/{second}"
    people.admin.api.patch(path, {"is_active": False})
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_active": False}).code == "invalid_request"
    people.admin.api.patch(path, {"is_active": True})
    assert people.admin.api.patch(own, {"is_super_admin": False}).status == 200
    assert people.admin.api.get("/v1/users").code == "forbidden"


def test_no_reseller_reaches_a_route_that_grants_it(people: People) -> None:
    someone = people.reseller()
    for answer in (
        someone.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True}),
        someone.api.post(
            "/v1/users", {"email": "x@example.com", "name": "X", "is_super_admin": True}
        ),
    ):
        assert answer.code == "forbidden"


def test_nobody_grants_it_to_oneself(people: People) -> None:
    """Not even where a route forgot to ask who is calling."""
    someone = people.reseller()
    user = users.read_user(someone.user_id)
    with pytest.raises(Forbidden):
        users.edit_user(user, {"is_super_admin": True}, by=user.id)
    assert User.get(user.id).is_super_admin is False


def test_it_is_granted_only_by_who_still_is_one(people: People) -> None:
    """The grant and the granter's own end may cross: the transaction asks again."""
    someone, former = people.reseller(), people.reseller()
    with pytest.raises(Forbidden):
        users.edit_user(
            users.read_user(someone.user_id), {"is_super_admin": True}, by=former.user_id
        )
    with pytest.raises(Forbidden):
        users.create_user(
            email="x@example.com", name="X", password=None, is_super_admin=True, by=former.user_id
        )
    people.admin.api.patch(f"/v1/users/{someone.user_id}", {"is_active": False})
    with pytest.raises(Forbidden):
        users.edit_user(
            users.read_user(someone.user_id), {"is_super_admin": True}, by=former.user_id
        )


def made_by_hand(person: Person, **columns: bool) -> None:
    """As in the AWS console."""
    table_edits.edit(User(person.user_id), **columns)


def test_one_made_by_hand_is_one_like_any_other(people: People) -> None:
    by_hand, someone = people.user(), people.user()
    assert people.admin.api.get("/v1/me").status == 200
    made_by_hand(by_hand, is_super_admin=True)
    granted = by_hand.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True})
    assert granted.status == 200
    # It counts as the one who is left, whoever asks.
    made_by_hand(someone, is_super_admin=False)
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_active": False}).status == 200
    last = by_hand.api.patch(f"/v1/users/{by_hand.user_id}", {"is_super_admin": False})
    assert last.code == "invalid_request"
    assert by_hand.api.patch(own, {"is_active": True}).status == 200
    unmade = people.admin.api.as_(None)
    login = {"email": people.admin.email, "password": PASSWORD}
    again = unmade.as_(unmade.post("/v1/login", login).json["token"])
    answer = again.patch(f"/v1/users/{by_hand.user_id}", {"is_super_admin": False})
    assert answer.status == 200


@pytest.mark.parametrize("unmade", [{"is_super_admin": False}, {"is_active": False}, None])
def test_one_unmade_by_hand_does_not_count(people: People, unmade: dict[str, bool] | None) -> None:
    """None: the whole row is deleted."""
    second = new_user(people, "two@example.com", is_super_admin=True)
    if unmade is None:
        table_edits.remove(User(second))
    else:
        table_edits.edit(User(second), **unmade)
    own = f"/v1/users/{people.admin.user_id}"
    assert people.admin.api.patch(own, {"is_super_admin": False}).code == "invalid_request"
    assert people.admin.api.get(own).json["is_super_admin"] is True


def test_one_who_goes_while_another_counts_on_it(people: People, aws_faults: AwsFaults) -> None:
    """The one who would be left goes between the look and the write."""
    second = new_user(people, "two@example.com", is_super_admin=True)
    own = f"/v1/users/{people.admin.user_id}"
    aws_faults.before(lambda: table_edits.edit(User(second), is_active=False))
    assert people.admin.api.patch(own, {"is_active": False}).code == "invalid_request"
    assert people.admin.api.get(own).json["is_active"] is True


def test_no_first_admin_beside_one_made_by_hand(people: People, api: Api) -> None:
    made_by_hand(people.user(), is_super_admin=True)
    assert first_admin()["error"] == str(AdminExists())


def test_when_all_were_unmade_by_hand_there_is_a_first_one_again(people: People) -> None:
    made_by_hand(people.admin, is_active=False)
    made = first_admin("rescue@example.com")
    assert made["user_id"]
    assert first_admin("other@example.com")["error"] == str(AdminExists())
    # One who was unmade comes back by hand too, and is one again.
    made_by_hand(people.admin, is_active=True)
    assert first_admin("rescue@example.com")["error"] == str(AdminExists())


def test_the_address_of_a_user_who_is_none_makes_no_first_admin(people: People) -> None:
    taken = people.user()
    assert "taken" in first_admin(taken.email)["error"]
    assert User.get(taken.user_id).is_super_admin is False


def test_a_row_added_by_hand_becomes_one_with_the_nightly_run(people: People, api: Api) -> None:
    """The console's "Duplicate item", as docs/operators.md says."""
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


def test_granting_is_on_record(people: People) -> None:
    someone = people.reseller()
    people.admin.api.patch(f"/v1/users/{someone.user_id}", {"is_super_admin": True})
    entry = people.admin.api.get("/v1/audit").json["data"][0]
    assert (entry["action"], entry["actor"]) == ("user.edited", people.admin.user_id)
    assert entry["after"] == {"is_super_admin": True}


def first_admin(email: str = "first@example.com") -> dict[str, Any]:
    answer: dict[str, Any] = create_first_admin({"email": email}, None)
    return answer


def test_the_first_admin_comes_from_the_console(api: Api) -> None:
    made = first_admin("First@Example.com")
    token = made["set_your_password_at"].partition("token=")[2]
    reset = {"token": token, "new_password": PASSWORD}
    assert api.post("/v1/password/reset", reset).status == 204
    admin = signed_in(api, "first@example.com")
    assert admin.get("/v1/me").json["user"]["is_super_admin"] is True
    assert admin.get("/v1/audit").json["data"][-1]["actor"] == "operator"
    assert "error" in first_admin()
    assert "error" in first_admin("other@example.com")


def test_the_first_admins_link_can_be_had_again_until_it_was_used(api: Api) -> None:
    """The reply may be lost, or a day go by."""
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
def test_a_first_admin_needs_an_address_and_a_name(api: Api, event: dict[str, Any]) -> None:
    assert "error" in create_first_admin(event, None)


def test_no_first_admin_beside_one_that_is(people: People) -> None:
    assert people.admin.user_id
    assert first_admin()["error"] == str(AdminExists())
