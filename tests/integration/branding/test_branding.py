"""Branding through the API: inheritance, conditional edits, and contrast."""

import re
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib.domain.actors import Actor
from chalicelib.domain.branding import FIELDS
from chalicelib.errors import VersionConflict
from chalicelib.services.branding import documents
from chalicelib.storage.resellers import Reseller
from tests.support.api import Api
from tests.support.aws_faults import AwsFaults
from tests.support.people import People, Person

MINE = "/v1/resellers/me/branding"


def branding_of(tenant: dict[str, Any]) -> str:
    return f"/v1/resellers/me/tenants/{tenant['id']}/branding"


def test_each_field_comes_from_the_most_specific_level_that_sets_it(
    reseller: Person, tenant: dict[str, Any]
) -> None:
    reseller.api.put(MINE, {"primary_color": "#00aa00", "product_name": "Acme"})
    shown = reseller.api.get(branding_of(tenant)).json
    assert tenant["branding_config"] == shown["own"] == {"primary_color": "#aa0000"}
    assert shown["effective"]["primary_color"] == "#aa0000"
    assert shown["effective"]["product_name"] == "Acme"
    assert shown["effective"]["logo_url"] is None
    assert shown["sources"] == {
        **dict.fromkeys(FIELDS, "platform"),
        "product_name": "reseller",
        "primary_color": "tenant",
    }


def test_a_put_replaces_the_whole_document(reseller: Person) -> None:
    reseller.api.put(MINE, {"primary_color": "#00aa00", "product_name": "Acme"})
    reply = reseller.api.put(MINE, {"accent_color": "#00aa00", "product_name": None})
    assert reply.status == 200
    assert reply.json["own"] == {"accent_color": "#00aa00"}
    assert reply.json["sources"]["primary_color"] == "platform"


def test_a_patch_sets_or_resets_only_its_fields(reseller: Person) -> None:
    reseller.api.put(MINE, {"primary_color": "#00aa00", "product_name": "Acme"})
    reply = reseller.api.patch(MINE, {"primary_color": None, "accent_color": "#0000aa"})
    assert reply.json["own"] == {"product_name": "Acme", "accent_color": "#0000aa"}


def test_delete_resets_a_tenants_branding(reseller: Person, tenant: dict[str, Any]) -> None:
    path = branding_of(tenant)
    assert reseller.api.delete(path).status == 204
    assert reseller.api.get(path).json["own"] == {}
    assert reseller.api.delete(path).status == 204


def test_an_edit_of_a_stale_version_is_refused(reseller: Person) -> None:
    etag = reseller.api.get(MINE).headers["ETag"]
    first = reseller.api.put(MINE, {"product_name": "One"}, if_match=etag)
    second = reseller.api.put(MINE, {"product_name": "Two"}, if_match=etag)
    assert (first.status, second.code) == (200, "version_conflict")
    third = reseller.api.put(MINE, {"product_name": "Two"}, if_match=first.headers["ETag"])
    assert third.status == 200


def test_the_etag_depends_only_on_the_branding(reseller: Person, tenant: dict[str, Any]) -> None:
    """The ETag does not change with the license pool or a tenant's name."""
    path = branding_of(tenant)
    reseller.api.put(MINE, {"product_name": "Acme"})
    tags = {address: reseller.api.get(address).headers["ETag"] for address in (path, MINE)}
    reseller.api.post("/v1/resellers/me/tenants", {"name": "Another"})
    reseller.api.patch(f"/v1/resellers/me/tenants/{tenant['id']}", {"name": "Renamed"})
    for address, tag in tags.items():
        assert reseller.api.get(address).headers["ETag"] == tag
        assert reseller.api.get(address, headers={"If-None-Match": tag}).status == 304
        edited = reseller.api.patch(address, {"accent_color": "#112233"}, if_match=tag)
        assert edited.status == 200
        assert edited.headers["ETag"] != tag
        assert reseller.api.patch(address, {"accent_color": None}, if_match=tag).status == 412
    stale = reseller.api.delete(path, if_match=tags[path])
    assert stale.code == "version_conflict"
    now = reseller.api.get(path).headers["ETag"]
    assert reseller.api.delete(path, if_match=now).status == 204


def test_a_concurrent_license_change_does_not_fail_an_edit(
    reseller: Person, aws_faults: AwsFaults
) -> None:
    """A license is taken between the read and the write of an edit that sends If-Match."""
    tag = reseller.api.get(MINE).headers["ETag"]
    aws_faults.before(lambda: reseller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"}))
    edited = reseller.api.put(MINE, {"product_name": "Acme"}, if_match=tag)
    assert edited.status == 200
    assert reseller.api.get("/v1/resellers/me").json["license_used"] == 1
    assert reseller.api.get(MINE).json["own"] == {"product_name": "Acme"}


def test_a_concurrent_branding_edit_fails_an_edit(reseller: Person, aws_faults: AwsFaults) -> None:
    tag = reseller.api.get(MINE).headers["ETag"]
    aws_faults.before(lambda: reseller.api.patch(MINE, {"accent_color": "#112233"}))
    refused = reseller.api.put(MINE, {"product_name": "Acme"}, if_match=tag)
    assert refused.code == "version_conflict"
    assert reseller.api.get(MINE).json["own"] == {"accent_color": "#112233"}


def test_the_second_of_two_edits_of_the_same_version_is_refused(reseller: Person) -> None:
    one, other = (Reseller.get(reseller.reseller_id) for _ in range(2))
    documents.set_reseller_branding(one, {"product_name": "One"}, by=Actor("usr_1"))
    with pytest.raises(VersionConflict):
        documents.set_reseller_branding(other, {"accent_color": "#112233"}, by=Actor("usr_2"))
    assert reseller.api.get(MINE).json["own"] == {"product_name": "One"}


def test_without_if_match_concurrent_patches_are_merged(
    reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second edit runs between the read and the write of the first."""
    change = documents.set_reseller_branding

    def late(row: Reseller, document: Any, *, by: Actor) -> Any:
        monkeypatch.setattr(documents, "set_reseller_branding", change)
        assert reseller.api.patch(MINE, {"product_name": "Other"}).status == 200
        return change(row, document, by=by)

    monkeypatch.setattr(documents, "set_reseller_branding", late)
    mine = reseller.api.patch(MINE, {"accent_color": "#112233"})
    assert mine.json["own"] == {"product_name": "Other", "accent_color": "#112233"}


def test_the_etag_changes_with_inherited_values(reseller: Person, tenant: dict[str, Any]) -> None:
    path = branding_of(tenant)
    before = reseller.api.get(path)
    tag = {"If-None-Match": before.headers["ETag"]}
    assert reseller.api.get(path, headers=tag).status == 304
    reseller.api.put(MINE, {"product_name": "Acme"})
    assert reseller.api.get(path, headers=tag).json["effective"]["product_name"] == "Acme"
    # The tenant's own branding has not changed since the read, so editing it is not refused.
    changed = reseller.api.put(path, {}, if_match=before.headers["ETag"])
    assert changed.status == 200


def test_unreadable_text_is_refused_with_the_nearest_color_that_passes(reseller: Person) -> None:
    document = {"text_color": "#777777", "background_color": "#ffffff"}
    refused = reseller.api.put(MINE, document)
    assert refused.code == "invalid_request"
    (error,) = refused.json["errors"]
    assert error["field"] == "text_color"
    assert "#767676" in error["message"]
    assert reseller.api.put(MINE, {**document, "text_color": "#767676"}).status == 200


@pytest.mark.parametrize(
    ("inherited", "own"),
    [
        ({"background_color": "#000000"}, {"text_color": "#333333"}),
        ({"text_color": "#ffffff"}, {"background_color": "#eeeeee"}),
    ],
)
def test_unreadable_text_on_an_inherited_color_is_refused(
    reseller: Person, tenant: dict[str, Any], inherited: dict[str, str], own: dict[str, str]
) -> None:
    """The error names the color set by the refused document and suggests a replacement."""
    reseller.api.put(MINE, inherited)
    (field,) = own
    new = {"name": "New", "branding_config": own}
    for reply, name in (
        (reseller.api.put(branding_of(tenant), own), field),
        (reseller.api.patch(branding_of(tenant), own), field),
        (reseller.api.post("/v1/resellers/me/tenants", new), f"branding_config.{field}"),
    ):
        assert reply.code == "invalid_request"
        (error,) = reply.json["errors"]
        assert error["field"] == name
        assert "WCAG AA requires 4.5" in error["message"]
    suggested = re.findall(r"#[0-9a-f]{6}", error["message"])[-1]
    assert reseller.api.put(branding_of(tenant), {field: suggested}).json["low_contrast"] == []
    new["branding_config"] = {field: suggested}
    assert reseller.api.post("/v1/resellers/me/tenants", new).status == 201


def test_contrast_includes_platform_colors_and_both_can_change_together(
    people: People, reseller: Person
) -> None:
    dark = {"background_color": "#000000", "text_color": "#ffffff"}
    people.admin.api.patch("/v1/settings", {"branding_config": dark})
    refused = reseller.api.patch(MINE, {"background_color": "#ffffff"})
    assert refused.json["errors"][0]["field"] == "background_color"
    light = {"background_color": "#ffffff", "text_color": "#000000"}
    assert reseller.api.patch(MINE, light).status == 200
    # Resetting only the text color would leave white on white.
    refused = reseller.api.patch(MINE, {"text_color": None})
    assert refused.json["errors"][0]["field"] == "background_color"
    assert reseller.api.patch(MINE, dict.fromkeys(light)).json["own"] == {}


def test_low_contrast_caused_by_an_inherited_change_is_reported_but_blocks_no_edit(
    reseller: Person, tenant: dict[str, Any]
) -> None:
    path = branding_of(tenant)
    reseller.api.put(path, {"text_color": "#333333"})
    assert reseller.api.put(MINE, {"background_color": "#000000"}).status == 200
    reply = reseller.api.patch(path, {"product_name": "Blue"})
    assert reply.status == 200
    (low,) = reply.json["low_contrast"]
    assert (low["field"], low["on"]) == ("text_color", "background_color")
    assert low["ratio"] < low["required"] == 4.5
    assert reseller.api.patch(path, {"text_color": "#444444"}).code == "invalid_request"
    fixed = reseller.api.patch(path, {"text_color": low["suggestion"]})
    assert fixed.json["low_contrast"] == []


def test_invalid_values_written_in_the_console_are_ignored(
    reseller: Person, tenant: dict[str, Any], api: Api
) -> None:
    row = Reseller.get(reseller.reseller_id)
    damage: dict[str, Any] = {
        "product_name": "Acme",
        "logo_url": "javascript:alert(1)",
        "primary_color": {"red": 1},
        "accent_color": None,
        "support_email": ["a@b.example"],
        "onload": "<script>",
    }
    row.branding_config = damage
    Model.save(row)
    assert reseller.api.get(MINE).json["own"] == {"product_name": "Acme"}
    assert reseller.api.get("/v1/resellers/me").json["branding_config"] == {"product_name": "Acme"}
    assert reseller.api.get(branding_of(tenant)).json["effective"]["logo_url"] is None
    assert api.get("/v1/branding?reseller=company-1").json["product_name"] == "Acme"
    repaired = reseller.api.patch(MINE, {"accent_color": "#112233"}).json["own"]
    assert repaired == {"product_name": "Acme", "accent_color": "#112233"}


@pytest.mark.parametrize(
    "value", [{"S": "<script>"}, {"NULL": True}, {"L": []}, {"M": {"logo_url": {"B": b"\xff"}}}]
)
def test_a_column_of_the_wrong_type_reads_as_empty(
    reseller: Person, tenant: dict[str, Any], value: dict[str, Any]
) -> None:
    client = Reseller._get_connection().connection.client
    key = {"id": {"S": reseller.reseller_id}}
    client.update_item(
        TableName=Reseller._get_connection().table_name,
        Key=key,
        UpdateExpression="SET branding_config = :value",
        ExpressionAttributeValues={":value": value},
    )
    assert reseller.api.get("/v1/resellers/me").json["branding_config"] == {}
    assert reseller.api.get(branding_of(tenant)).json["sources"]["product_name"] == "platform"
    changed = reseller.api.put(MINE, {"product_name": "Acme"})
    assert changed.json["own"] == {"product_name": "Acme"}


def test_another_resellers_branding_is_not_found(people: People, tenant: dict[str, Any]) -> None:
    other = people.reseller()
    path = f"/v1/resellers/{tenant['reseller_id']}/branding"
    assert other.api.get(path).code == "not_found"
    assert other.api.put(path, {}).code == "not_found"
    assert other.api.get(branding_of(tenant)).code == "not_found"
    assert people.admin.api.put(path, {"product_name": "By the admin"}).status == 200


def test_a_deleted_tenants_branding_cannot_be_edited(
    reseller: Person, tenant: dict[str, Any]
) -> None:
    reseller.api.delete(f"/v1/resellers/me/tenants/{tenant['id']}")
    assert reseller.api.put(branding_of(tenant), {}).code == "not_found"
    assert reseller.api.get(branding_of(tenant)).status == 200


def test_a_change_is_audited(reseller: Person) -> None:
    reseller.api.put(MINE, {"product_name": "Acme"})
    reseller.api.patch(MINE, {"product_name": "Acme 2"})
    entry = reseller.api.get("/v1/resellers/me/audit").json["data"][0]
    assert entry["action"] == "reseller.branding_changed"
    assert entry["actor"] == reseller.user_id
    assert (entry["before"], entry["after"]) == (
        {"product_name": "Acme"},
        {"product_name": "Acme 2"},
    )
