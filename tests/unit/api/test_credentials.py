"""Keys and tokens that can't be sent are refused before, and none ever shows."""

from __future__ import annotations

import pickle

import pytest
from pulumi_dcs.api.credentials import AccessKey, AuthToken, defect_of
from pulumi_dcs.api.errors import CredentialsUnavailable

from .support import chain_text


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("", "is empty"),
        ("SECRETPART\nEnd", "contains a line break"),
        ("SECRETPART\r", "contains a line break"),
        ("\ufeffSECRETPART", "contains an invisible character (a byte order mark or a zero-width space)"),
        ("SECRETPART\u200b", "contains an invisible character (a byte order mark or a zero-width space)"),
        ("SECRET PART", "contains a blank"),
        ("SECRETPART\u00a0", "contains a blank"),
        ("SECRETPART\x00", "contains a character that is not printable ASCII"),
        ("SECRETPARTé", "contains a character that is not printable ASCII"),
        ("\ud800SECRETPART", "contains a character that is not printable ASCII"),
        ('"SECRETPART"', "contains a quotation mark"),
        ("'SECRETPART'", "contains a quotation mark"),
    ],
)
def test_what_can_not_be_a_key_or_token(text: str, defect: str) -> None:
    assert defect_of(text) == defect
    for make in (lambda: AccessKey(text, "s"), lambda: AccessKey("a", text), lambda: AuthToken(text)):
        with pytest.raises(CredentialsUnavailable, match=defect.partition(" (")[0]) as caught:
            make()
        assert "SECRETPART" not in chain_text(caught.value)
    if text:
        with pytest.raises(CredentialsUnavailable, match="security token"):
            AccessKey("a", "s", text)


def test_what_keys_and_tokens_are_made_of() -> None:
    assert not defect_of("AKID0123456789")
    assert not defect_of("MIIF+/=-_.~:!#$%&()*,;<>?@[]^`{|}")


def test_they_show_in_no_repr_and_are_not_pickled() -> None:
    for credentials in (AccessKey("AAAA1", "BBBB2", "CCCC3"), AuthToken("DDDD4")):
        assert not any(secret in repr(credentials) + str(credentials) for secret in credentials.secrets)
        with pytest.raises(TypeError):
            pickle.dumps(credentials)
