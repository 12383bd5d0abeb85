from __future__ import annotations

import pytest

from bot.domain.ports import ChatMessage
from bot.inference.prompting import CHATML, Breaker, Piece, Prompter, folded, looks_like_control, pieces, renderers

TALK = (ChatMessage("system", "Be kind."), ChatMessage("user", "Hi"), ChatMessage("user", "there"))
ALTERNATING = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "[{{ m.role }}]{{ m.content | trim }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)


def spelled(template: str | None, messages: tuple[ChatMessage, ...] = TALK) -> str:
    """Return the prompt as one text."""
    return "".join(piece.text for piece in pieces(messages, renderers(template, "<s>", "</s>")))


def test_contents_are_apart_from_the_template() -> None:
    """What people wrote is untrusted, what the template wrote is trusted, and joined they are the prompt."""
    parts = pieces(TALK[:2], renderers(None, "", ""))
    assert [part.text for part in parts if not part.trusted] == ["Be kind.", "Hi"]
    assert parts[0] == Piece("<|im_start|>system\n", True)
    assert spelled(None, TALK[:2]) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_contents_are_never_read_as_a_template_or_a_place() -> None:
    """Template code and what looks like a placeholder arrive letter for letter."""
    text = "{{ 7 * 7 }}{% raw %} PLACE0000000000000000N0E"
    assert [p.text for p in pieces((ChatMessage("user", text),), renderers(None, "", "")) if not p.trusted] == [text]


def test_templates_that_want_alternating_roles_get_them() -> None:
    """The system's words go into the first user message, and neighbours of one role become one."""
    assert spelled(ALTERNATING) == "<s>[user]Be kind.\n\nHi\n\nthere[assistant]"
    answered = (*TALK[:2], ChatMessage("assistant", "Hello!"), ChatMessage("user", "Bye"))
    assert folded(answered) == (ChatMessage("user", "Be kind.\n\nHi"), *answered[2:])


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{{ raise_exception('no') }}",
        "{{ messages[99].content }}",
        "{{ messages | length }}",
        "{{ 1 // 0 }}",
        "{{ messages.append(1) }}",
        "{% for i in range(10000000) %}x{% endfor %}",
        "{{ messages[0].content }}{{ messages[0].content }}",
    ],
)
def test_a_bad_template_gives_way_to_chatml(template: str) -> None:
    """A template that is none, fails, is unsafe or drops or repeats what was said is not used."""
    assert spelled(template) == spelled(CHATML)


def test_usual_helpers_of_templates_are_there() -> None:
    """What makers of models write templates with is understood."""
    template = (
        "{% generation %}{{ {'a': 'é'} | tojson }}{% endgeneration %}{{ strftime_now('%%') }}{{ eos_token }}"
        "{% for m in messages %}{% if loop.index > 9 %}{% break %}{% endif %}{{ m['content'] }}{% endfor %}"
    )
    assert spelled(template) == '{"a": "é"}%</s>Be kind.Hithere'


def test_no_template_at_all_is_said() -> None:
    """Without any that takes the messages there is an error, not an empty prompt."""
    with pytest.raises(ValueError, match="chat template"):
        pieces(TALK, [])


def test_breaker_leaves_no_control_whole_and_no_letter_out() -> None:
    """No part holds a control token, also where they overlap, and the parts joined are the text."""
    controls = ["<|a|>", "<|a|><|b|>", "|><", "[INST]"]
    text = "x<|a|><|b|>[INST][INST]<|a<|a|>|> y"
    parts = Breaker(controls).parts(text)
    assert "".join(parts) == text
    assert not [part for part in parts for control in controls if control in part]


def test_breaker_without_controls_leaves_text_alone() -> None:
    """A vocabulary with no control tokens, or single letters only, cuts nothing."""
    assert Breaker([]).parts("a<b>") == ["a<b>"]
    assert Breaker(["a", ""]).parts("a<b>") == ["a<b>"]
    assert Breaker(["<b>"]).parts("") == []


def test_only_markup_is_broken_among_tokens_of_users() -> None:
    """Words and runs of spaces that a model's maker added stay whole."""
    assert [
        text for text in ("<tool_call>", "[INST]", "\n\n", "  ", "naïve", "<", "<>") if looks_like_control(text)
    ] == [
        "<tool_call>",
        "[INST]",
    ]


def test_the_first_token_stands_once() -> None:
    """A model that wants a first token gets it whether or not its template writes it."""

    def tokenize(text: str, controls: bool) -> list[int]:
        return [1] * text.count("<s>") + [9] if controls else [5]

    with_it = Prompter(tokenize, renderers("<s>{{ messages[0].content }}", "", ""), [], 1)
    without = Prompter(tokenize, renderers("[u]{{ messages[0].content }}", "", ""), [], 1)
    assert with_it.prompt(TALK[:1]) == [1, 9, 5]
    assert without.prompt(TALK[:1]) == [1, 9, 5]
