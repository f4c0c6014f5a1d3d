"""Sessions: lifetime, revocation, and isolation between users."""

from datetime import timedelta

from pynamodb.models import Model

from chalicelib.domain.actors import Actor
from chalicelib.services.identity import authenticate, sessions
from chalicelib.services.identity.sessions import Device, list_user_sessions
from chalicelib.services.identity.users import read_user
from chalicelib.storage.credentials import Credential
from tests.conftest import TestClock
from tests.support.api import Api
from tests.support.aws_faults import AwsFaults
from tests.support.people import PASSWORD, People, Person


def another_session(person: Person) -> Api:
    login = {"email": person.email, "password": PASSWORD}
    return person.api.as_(person.api.post("/v1/login", login).json["token"])


def is_signed_in(api: Api) -> bool:
    return api.get("/v1/me").status == 200


def test_a_session_expires_after_an_hour_without_use(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    assert is_signed_in(someone.api)
    frozen.advance(timedelta(minutes=59))
    assert is_signed_in(someone.api)
    frozen.advance(timedelta(minutes=60))
    assert not is_signed_in(someone.api)


def test_a_session_in_use_expires_after_twelve_hours(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    assert is_signed_in(someone.api)
    for _ in range(14):
        frozen.advance(timedelta(minutes=50))
        assert is_signed_in(someone.api)
    frozen.advance(timedelta(minutes=21))
    assert not is_signed_in(someone.api)


def test_session_use_is_not_recorded_on_every_request(
    people: People, frozen: TestClock, aws_faults: AwsFaults
) -> None:
    someone = people.reseller()
    assert is_signed_in(someone.api)
    credential_id = str(someone.api.token).partition(".")[0]
    before = Credential.get(credential_id).version
    for _ in range(5):
        assert is_signed_in(someone.api)
    assert Credential.get(credential_id).version == before
    frozen.advance(timedelta(minutes=6))
    assert is_signed_in(someone.api)
    assert is_signed_in(someone.api)
    assert Credential.get(credential_id).version == before + 1


def test_secrets_are_stored_hashed(people: People) -> None:
    someone = people.reseller()
    credential_id, _, secret = str(someone.api.token).partition(".")
    row = Credential.get(credential_id)
    assert secret not in str(row.to_simple_dict())
    assert len(row.secret_hash) == 64
    assert len(secret) >= 43  # 256 bits, in URL-safe base64


def test_each_sign_in_creates_a_session_and_ends_the_browsers_old_one(people: People) -> None:
    someone = people.reseller()
    assert is_signed_in(someone.api)
    again = sessions.sign_in(
        someone.email, PASSWORD, device=Device("192.0.2.1"), replaces=someone.api.token
    )
    assert again.token != someone.api.token
    assert not is_signed_in(someone.api)
    assert is_signed_in(someone.api.as_(again.token))


def test_sign_in_with_a_forged_old_token_ends_no_session(people: People) -> None:
    someone = people.reseller()
    forged = str(someone.api.token).partition(".")[0] + ".forged"
    sessions.sign_in(someone.email, PASSWORD, device=Device(), replaces=forged)
    sessions.sign_in(someone.email, PASSWORD, device=Device(), replaces="nonsense")
    assert is_signed_in(someone.api)


def test_users_list_and_revoke_only_their_own_sessions(people: People) -> None:
    someone, other_user = people.reseller(), people.reseller()
    other = another_session(someone)
    listed = someone.api.get("/v1/sessions").json["data"]
    assert [s["is_current"] for s in listed] == [True, False]
    assert {s["source_ip"] for s in listed} == {"127.0.0.1"}
    assert str(other.token).partition(".")[2] not in someone.api.get("/v1/sessions").text
    path = f"/v1/sessions/{listed[1]['id']}"
    assert other_user.api.delete(path).status == 404
    assert is_signed_in(other)
    assert someone.api.delete(path).status == 204
    assert not is_signed_in(other)
    assert is_signed_in(someone.api)
    assert someone.api.delete(path).status == 404


def test_an_idle_session_is_not_listed(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    another_session(someone)
    frozen.advance(timedelta(minutes=61))
    here = another_session(someone)
    assert len(here.get("/v1/sessions").json["data"]) == 1


def test_deactivating_a_user_permanently_ends_sessions_and_keys(
    people: People, frozen: TestClock
) -> None:
    someone = people.reseller()
    keys = "/v1/resellers/me/api-keys"
    key = someone.api.post(keys, {"name": "ERP", "scopes": ["read"]}).json["key"]
    path = f"/v1/users/{someone.user_id}"
    frozen.advance(timedelta(seconds=1))
    assert people.admin.api.patch(path, {"is_active": False}).json["deactivated_at"] is not None
    assert not is_signed_in(someone.api)
    assert not is_signed_in(someone.api.as_(key))
    frozen.advance(timedelta(seconds=1))
    people.admin.api.patch(path, {"is_active": True})
    assert not is_signed_in(someone.api)
    assert not is_signed_in(someone.api.as_(key))
    assert is_signed_in(another_session(someone))


def test_a_revoked_session_is_not_listed(people: People, frozen: TestClock) -> None:
    """Its row remains until it expires."""
    someone = people.reseller()
    ended = str(someone.api.token).partition(".")[0]
    frozen.advance(timedelta(seconds=1))
    people.admin.api.post(f"/v1/users/{someone.user_id}/sign-out")
    assert Credential.get(ended).expires_at is not None
    someone.sign_in_again()
    (listed,) = someone.api.get("/v1/sessions").json["data"]
    assert listed["is_current"]
    (session,) = list_user_sessions(read_user(someone.user_id))
    assert session.id == listed["id"]


def test_revoked_sessions_do_not_hide_open_ones(people: People, frozen: TestClock) -> None:
    """A page of the list is not spent on rows that it leaves out."""
    someone = people.reseller()
    for _ in range(5):
        another_session(someone)
    frozen.advance(timedelta(seconds=1))
    people.admin.api.post(f"/v1/users/{someone.user_id}/sign-out")
    someone.sign_in_again()
    (listed,) = someone.api.get("/v1/sessions?limit=2").json["data"]
    assert listed["is_current"]


def test_an_admin_signs_a_user_out_everywhere(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    other = another_session(someone)
    keys = "/v1/resellers/me/api-keys"
    key = someone.api.post(keys, {"name": "ERP", "scopes": ["read"]}).json["key"]
    frozen.advance(timedelta(seconds=1))
    path = f"/v1/users/{someone.user_id}/sign-out"
    assert people.admin.api.post(path).status == 200
    assert not is_signed_in(someone.api)
    assert not is_signed_in(other)
    assert is_signed_in(someone.api.as_(key))


def test_ending_all_other_sessions_keeps_the_current_one(people: People, frozen: TestClock) -> None:
    someone = people.reseller()
    other = another_session(someone)
    frozen.advance(timedelta(seconds=1))
    caller = authenticate.authenticate(str(someone.api.token))
    sessions.end_other_sessions(caller, by=Actor(caller.id))
    assert is_signed_in(someone.api)
    assert not is_signed_in(other)


def test_recording_use_does_not_restore_a_revoked_session(
    people: People, frozen: TestClock, aws_faults: AwsFaults
) -> None:
    """The session is revoked after it was read and before its use is recorded."""
    someone = people.reseller()
    token = str(someone.api.token)
    frozen.advance(timedelta(minutes=6))
    record_use = authenticate._record_use
    credential_id = token.partition(".")[0]

    def revoke_then_record(credential: Credential, refused: Exception) -> None:
        Model.delete(Credential(credential_id))
        record_use(credential, refused)  # type: ignore[arg-type]

    authenticate._record_use = revoke_then_record
    try:
        assert not is_signed_in(someone.api)
    finally:
        authenticate._record_use = record_use
    assert list(Credential.query(credential_id)) == []
