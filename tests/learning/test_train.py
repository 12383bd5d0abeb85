"""`deskhand train`: a shop's own messages are learnt, compared, and only then used; and the way back."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.compose import lexicon_book
from bot.config import NO_TOKEN, Settings, load
from bot.domain.actions import ActionKind
from bot.domain.model import Author, Message
from bot.inference.classifier import KINDS, SHIPPED, Classifier, in_use
from bot.learning import data
from bot.learning.cases import Case, CaseFileError, read_cases
from bot.learning.examples import Example
from bot.learning.fit import Plan, fit
from bot.learning.scores import score
from bot.learning.shop import Compared, file_of, replayed, split_cases, why_not
from bot.learning.shop_files import models_folder, revert, swap
from bot.train import train

PHRASES = """
[messages]
query_order = ["where is my parcel", "when will it arrive", "has it been shipped", "track my order", "any news of it"]
cancel_order = ["cancel my order", "please cancel it", "stop the order", "i want to cancel", "cancel that purchase"]
return_apply = ["i want to return this", "send it back", "return my order", "how to return it", "it goes back to you"]
handoff = ["let me talk to a person", "human please", "get me an agent", "a real person", "speak to somebody"]
unknown = ["hello", "do you sell shoes", "what are your hours", "is it waterproof", "nice weather", "good morning"]
"""
WAYS = [
    *("{} my lamp", "can i {} the lamp", "please {} it", "{} now", "i would like to {}", "how to {}", "{} {}"),
    *(f"{way}, {name}" for way in ("{} for me", "would you {}", "{} this") for name in ("anna", "bo", "carl")),
]
MORE = ("where is my parcel, please", "cancel my order, please", "hello there")


def example(text: str, action: str) -> Example:
    """Return something to learn from."""
    return Example("en", text, (), action, None, text)


@pytest.fixture(scope="module")
def model() -> bytes:
    """Learn a small model from the phrases above, and nothing else."""
    messages = tomllib.loads(PHRASES)["messages"]
    lessons = [example(text, label) for label, texts in messages.items() for text in texts]
    return file_of(fit(lessons, lexicon_book(), Plan(epochs=4, batch=16)))


@pytest.fixture
def place(tmp_path: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with that model in use, the phrases and a test set."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text(PHRASES)
    lines = [(MORE[0], "query_order"), (MORE[1], "cancel_order"), (MORE[2], "unknown")]
    written(tmp_path / "tests" / "en.jsonl", lines)
    swap(tmp_path / "data" / "models", model)
    return tmp_path


def written(path: Path, lines: Sequence[tuple[str, str]]) -> Path:
    """Write cases."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"text": t, "lang": "en", "action": a}) + "\n" for t, a in lines))
    return path


def settings() -> Settings:
    """Return the default settings."""
    return load(None, {}, defaults={"telegram": {"token": NO_TOKEN}})


def trained(place: Path, lines: Sequence[tuple[str, str]]) -> int:
    """Train with the small folders; return the exit status."""
    return train(settings(), written(place / "shop.jsonl", lines), place / "phrases", place / "tests")


def said(place: Path, text: str) -> ActionKind:
    """Return what the model in use takes a message for; it must be whole."""
    model = Classifier.load(*in_use(place / "data" / "models"), lexicon_book())
    return KINDS[int(model.probabilities(text, (), "en").argmax())]


def files(place: Path) -> dict[str, bytes]:
    """Return the model files."""
    return {path.name: path.read_bytes() for path in (place / "data" / "models").iterdir()}


def flurbel() -> list[tuple[str, str]]:
    """Return messages with a word of the shop's own, which means to return something."""
    return [(way.format("flurbel", "flurbel"), "return_apply") for way in WAYS]


# --- learning ---


def test_a_new_word_is_learnt_and_the_former_model_kept(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the old model gets wrong the new one gets right; it is in use, and the old one lies beside it."""
    before = files(place)
    assert said(place, "flurbel my lamp") is not ActionKind.RETURN_APPLY
    assert trained(place, flurbel()) == 0
    assert said(place, "flurbel my lamp") is ActionKind.RETURN_APPLY
    assert said(place, "cancel my order") is ActionKind.CANCEL_ORDER
    after = files(place)
    assert after["classifier.previous.npz"] == before["classifier.npz"]
    assert after["classifier.previous.sha256"] == before["classifier.sha256"]
    shown = capsys.readouterr().out
    assert "held back" in shown
    assert "→" in shown
    assert "deskhand train --revert" in shown


def test_what_would_make_it_worse_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that teaches nonsense is refused with the reasons, and no file is changed."""
    before = files(place)
    wrong = [(f"{text} {more}", "return_apply") for text in MORE for more in "abcdefghijklmnopqrst"]
    assert trained(place, wrong) == 1
    assert files(place) == before
    problems = capsys.readouterr().err
    assert "nothing was changed" in problems
    assert "test set" in problems


def test_threads_teach_the_network(place: Path) -> None:
    """Later turns of threads are learnt from, too; a text alone means what it meant before."""
    openings = [
        [{"role": "user", "text": f"flurbel {n}"}, {"role": "assistant", "text": "Which one?"}] for n in range(6)
    ]
    lines = [{"text": "the blue one", "action": "unknown", "history": opening} for opening in openings]
    path = place / "shop.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    assert train(settings(), path, place / "phrases", place / "tests") == 0
    assert said(place, "cancel my order") is ActionKind.CANCEL_ORDER


# --- the way back ---


def test_back_step_by_step(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reverting brings the former model back, then the shipped one, and then says that there is none before it."""
    before = files(place)
    assert trained(place, flurbel()) == 0
    capsys.readouterr()
    assert main(["train", "--revert"]) == 0
    assert files(place) == before
    assert "former model is back" in capsys.readouterr().out
    assert main(["train", "--revert"]) == 0
    assert files(place) == {}
    assert in_use(place / "data" / "models")[0] == SHIPPED
    assert "comes with Deskhand is back" in capsys.readouterr().out
    assert main(["train", "--revert"]) == 1
    assert "none before it" in capsys.readouterr().err


def test_a_damaged_model_is_no_dead_end(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is learnt on top of a damaged model; the way out is named, and works."""
    (place / "data" / "models" / "classifier.npz").write_bytes(b"cut off")
    with pytest.raises(ValueError, match="--revert"):
        trained(place, flurbel())
    assert main(["train", "--revert"]) == 0
    assert in_use(place / "data" / "models")[0] == SHIPPED


# --- what cannot be learnt from ---


def test_all_bad_lines_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad lines, missing labels and empty texts are named together, and nothing is learnt."""
    lines = ["no json", {"text": "hi"}, {"text": " ", "action": "unknown"}, {"text": "x", "action": "buy"}]
    path = place / "shop.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    before = files(place)
    assert main(["train", "--from", str(path)]) == 1
    problems = capsys.readouterr().err
    assert "nothing was learnt" in problems
    for number, what in enumerate(
        ("no JSON object", "action is missing", "text is empty", 'action "buy" is none of'), 1
    ):
        assert f"{path}:{number}: {what}" in problems
    assert files(place) == before


def test_labels_may_be_missing_where_they_are_not_needed(place: Path) -> None:
    """The same file without a label can be evaluated, but not learnt from."""
    path = place / "shop.jsonl"
    path.write_text('{"text": "hi"}')
    assert len(read_cases(path)) == 1
    with pytest.raises(CaseFileError, match="action is missing"):
        read_cases(path, labelled=True)


def test_too_few_messages(place: Path) -> None:
    """From so few messages that none can be held back nothing is learnt, equal ones counted once."""
    with pytest.raises(ValueError, match="1 different messages are too few"):
        trained(place, [("Flurbel!", "return_apply"), ("flurbel", "return_apply")] * 5)


def test_what_is_not_installed_is_named(place: Path) -> None:
    """Without the phrases or the test set nothing is learnt, and the message says which is missing."""
    path = written(place / "shop.jsonl", flurbel())
    with pytest.raises(ValueError, match="no phrases in"):
        train(settings(), path, place / "nowhere", place / "tests")
    with pytest.raises(ValueError, match="no test set in"):
        train(settings(), path, place / "phrases", place / "nowhere")


# --- the parts ---


def test_a_fifth_is_held_back_by_threads() -> None:
    """A fifth of the messages is held back, always the same, with the threads they open and their like."""
    read = [Case(n, f"message {n}", action=ActionKind.UNKNOWN) for n in range(20)]
    opening = message("Message 3!")
    cases = [*read, Case("later", "yes", "en", (opening,), ActionKind.UNKNOWN), Case("twin", "MESSAGE 5")]
    known, held = split_cases(cases)
    assert (known, held) == split_cases(cases)
    assert len({case.text.casefold() for case in held} - {"yes"}) == 4
    for one, other in ((3, "later"), (5, "twin")):
        assert any({one, other} <= {case.id for case in part} for part in (known, held))


def message(text: str) -> Message:
    """Return a customer's message."""
    return Message(Author.CUSTOMER, text, datetime(2026, 1, 1, tzinfo=UTC), 1)


def test_what_speaks_against_a_new_model() -> None:
    """On the held-back part nothing may get worse; on the test set only by so little that it may be chance."""

    def compared(old: tuple[int, int], new: tuple[int, int]) -> Compared:
        return Compared(*(made(right, wrong) for right, wrong in (old, new)))

    def made(right: int, wrong: int) -> Any:
        return replace(score([], []), accuracy=right / 1000, wrong_write_rate=wrong / 1000)

    same = compared((900, 10), (900, 10))
    assert why_not(same, same) == []
    assert why_not(same, compared((900, 10), (895, 12))) == []
    assert len(why_not(same, compared((900, 10), (894, 13)))) == 2
    assert len(why_not(compared((900, 10), (899, 11)), same)) == 2


@pytest.mark.parametrize("killed_at", range(1, 13))
@pytest.mark.parametrize("undone", [False, True])
def test_killed_while_writing(killed_at: int, undone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process is killed, the model in use is the old one or the new one, whole and on record."""
    swap(tmp_path, b"first")
    swap(tmp_path, b"second")
    calls = 0

    def renamed(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        # Even calls: the file is written, but not in its place yet; odd ones: it just came to its place.
        if calls * 2 - 1 == killed_at:
            raise KeyboardInterrupt
        self.rename(target)
        if calls * 2 == killed_at:
            raise KeyboardInterrupt
        return target

    monkeypatch.setattr(Path, "replace", renamed)
    try:
        assert (revert(tmp_path) if undone else swap(tmp_path, b"third")) == tmp_path / "classifier.npz"
    except KeyboardInterrupt:
        pass
    else:
        assert killed_at > 2 * calls
    path, recorded = in_use(tmp_path)
    found = path.read_bytes()
    assert found in ((b"second", b"first") if undone else (b"second", b"third"))
    assert hashlib.sha256(found).hexdigest() == recorded
    monkeypatch.undo()
    swap(tmp_path, b"fourth")
    assert revert(tmp_path) == path
    assert path.read_bytes() == found


def test_only_a_temporary_file_is_cut_off(tmp_path: Path) -> None:
    """What a killed process left half-written has another name, and is written over the next time."""
    swap(tmp_path, b"first")
    (tmp_path / "classifier.npz.new").write_bytes(b"fi")
    assert in_use(tmp_path)[0].read_bytes() == b"first"
    swap(tmp_path, b"second")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"classifier{part}" for part in (".npz", ".sha256", ".previous.npz", ".previous.sha256")
    )


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite+aiosqlite:///data/deskhand.db", "data/models"),
        ("sqlite:////srv/shop/deskhand.db?timeout=5", "/srv/shop/models"),
        ("sqlite:///deskhand.db", "models"),
        ("sqlite:///:memory:", "data/models"),
        ("postgresql+asyncpg://u:p@host/name", "data/models"),
    ],
)
def test_the_models_lie_beside_the_database(url: str, folder: str) -> None:
    """The shop's models are in the database's folder, so that its volume and its backups hold them, too."""
    assert models_folder(url) == Path(folder)


def test_the_data_are_found() -> None:
    """The phrases and the test set of this checkout are found, and a replay is the same at every run."""
    assert list(data.test_folder().glob("*.jsonl"))
    assert replayed(data.phrases_folder(), 20) == replayed(data.phrases_folder(), 20)
