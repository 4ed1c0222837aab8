"""Words from outside say what they say, and do nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.adapters.slack.escape import clean, escape, plain, width
from tests.adapters.slack.parts import HOSTILE
from tests.fakes.mrkdwn import Reach, reach, shown

words = st.text(st.characters(codec=None), max_size=400) | st.sampled_from(HOSTILE)


@given(words, st.integers(2, 300))
def test_no_word_mentions_or_links(said: str, limit: int) -> None:
    assert reach(escape(said, limit), auto=False) == Reach()


@given(words)
def test_an_escaped_text_reads_as_it_was_written_on_one_line(said: str) -> None:
    assert shown(escape(said, 100_000)) == (" ".join(clean(said).split()) or "-")


@given(words, st.integers(1, 300))
@example("\U0001f9e8" * 9, 8)
@example("&" * 9, 8)
def test_a_text_is_never_longer_than_its_limit_and_never_empty(said: str, limit: int) -> None:
    for shortened in (escape(said, limit), plain(said, limit)):
        assert 0 < width(shortened) <= limit


@given(words, st.integers(1, 300))
def test_what_is_shortened_is_a_beginning_and_cuts_no_character_in_two(said: str, limit: int) -> None:
    whole, part = plain(said, 100_000), plain(said, limit)
    assert part == whole or whole.startswith(part.removesuffix("\u2026"))


@pytest.mark.parametrize("limit", range(1, 30))
def test_no_escape_is_cut_in_two(limit: int) -> None:
    assert escape("&" * 30, limit).removesuffix("\u2026").replace("&amp;", "") == ""


@given(words)
def test_nothing_is_left_that_a_server_or_a_screen_would_choke_on(said: str) -> None:
    assert all(ord(letter) >= 32 or letter == "\n" for letter in clean(said))
    clean(said).encode()


@pytest.mark.parametrize(
    ("said", "escaped"),
    [("r > 3 & n < 30", "r &gt; 3 &amp; n &lt; 30"), ("&lt;b&gt;", "&amp;lt;b&amp;gt;"), ("a*b_c`d~", "a*b_c`d~")],
)
def test_exactly_three_characters_are_escaped(said: str, escaped: str) -> None:
    assert escape(said, 100) == escaped
