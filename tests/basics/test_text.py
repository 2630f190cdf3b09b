"""The same words in both languages, alone and inside a sentence."""

from __future__ import annotations

import json
import pickle

import pytest

from forecast.basics import catalogue
from forecast.basics.catalogue import say, say_both
from forecast.basics.issues import Issue
from forecast.basics.text import Text, joined, same, year_text
from forecast.basics.units import UNITS, amount, rough_amount

GIRLS = Text("女", "female")


@pytest.fixture
def sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"plain": {"zh": "{who}共{n:.1f}", "en": "{n:.1f} {who}"}, "named": {"zh": "{who:zh}", "en": "{who:en}"}}
    monkeypatch.setattr(catalogue, "catalogue", lambda: made)


@pytest.mark.usefixtures("sentences")
def test_a_sentence_takes_a_text_in_its_own_language() -> None:
    assert say("plain", "zh", who=GIRLS, n=2) == "女共2.0"
    assert say_both("plain", who=GIRLS, n=2) == Text("女共2.0", "2.0 female")
    assert say_both("named", who=GIRLS) == GIRLS
    assert say_both("plain", who="x", n=2) == Text("x共2.0", "2.0 x")
    with pytest.raises(KeyError, match="n"):
        say("plain", "en", who=GIRLS)


def test_a_text_is_its_two_languages_and_no_other() -> None:
    assert [GIRLS["zh"], GIRLS["en"]] == GIRLS.pair()
    assert not Text("", "")
    with pytest.raises(KeyError):
        GIRLS["fr"]
    assert pickle.loads(pickle.dumps(GIRLS)) == GIRLS  # noqa: S301  our own bytes


def test_a_message_in_json_is_in_words() -> None:
    told = Issue("E180", values={"table": "births", "opens": GIRLS}).as_dict()
    assert json.loads(json.dumps(told))["values"] == {"table": "births", "opens": "female"}


def test_a_list_in_words() -> None:
    assert joined([same("A"), same("B")]) == Text("A、B", "A and B")
    assert joined([same("A"), year_text(2030), GIRLS], " ", " ") == Text("A 2030年 女", "A 2030 female")


def test_amounts_say_their_unit() -> None:
    assert amount(18_249, "places") == Text("1.8万个", "18,200 places")
    assert rough_amount(96, "beds") == Text("96张", "96 beds")
    assert all(name.zh and name.en for unit, name in UNITS.items() if unit != "1")
