"""Secrets are parted from what may be stored, and are known to this process only."""

from __future__ import annotations

import logging

import pytest

from server.vault import Vault, split


@pytest.mark.parametrize(
    "name", ["api_key_comfy_org", "auth_token_comfy_org", "MyApiKey", "x-api-key", "Password", "secrets"]
)
def test_a_name_says_that_its_value_is_a_secret(name: str) -> None:
    assert split({name: "value", "note": "mine"}) == ({"note": "mine"}, {name: "value"})


def test_a_secret_inside_is_taken_out_and_given_to_the_worker_in_its_place() -> None:
    extra = {"service": {"name": "paid", "keys": [{"api_key": "value"}]}, "client_id": "me"}
    shown, hidden = split(extra)

    assert shown == {"service": {"name": "paid", "keys": [{}]}, "client_id": "me"}
    assert {**shown, **hidden} == extra


def test_what_pictures_carry_loses_secrets_for_good_and_nothing_else() -> None:
    workflow = {"nodes": [{"max_tokens": 5, "auth_token": "value"}], "tokenizer": "clip"}
    shown, hidden = split({"extra_pnginfo": {"workflow": workflow}})

    assert shown == {"extra_pnginfo": {"workflow": {"nodes": [{"max_tokens": 5}], "tokenizer": "clip"}}}
    assert hidden == {}


def test_a_handle_opens_what_was_kept_until_it_is_forgotten() -> None:
    vault = Vault()
    handle = vault.keep({"api_key": "value"})

    assert vault.keep({}) is None and vault.open(None, "job") == {}
    assert handle is not None and "value" not in handle
    assert vault.open(handle, "job") == vault.open(handle, "job") == {"api_key": "value"}
    vault.forget(handle)
    assert vault.open(handle, "job") == {}


def test_a_job_that_has_lost_its_secrets_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "heddle.security"):
        assert Vault().open("of an earlier process", "job-7") == {}

    assert "job-7" in caplog.text and "Submit it again" in caplog.text


def test_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.vault._MOST", 2)
    vault = Vault()
    handles = [vault.keep({"token": number}) for number in range(3)]

    assert [dict(vault.open(handle, "job")) for handle in handles] == [{}, {"token": 1}, {"token": 2}]
