"""The embedded model's making, from phrases to a file that llama.cpp reads: small, but whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import ChatMessage
from bot.inference.embedded import ANSWERS, temperature_of
from bot.inference.local_model import LlamaModel
from bot.inference.settings import EngineSettings
from bot.learning.data import phrases_folder
from bot.learning.examples import Example, example
from bot.learning.phrases import read_phrases
from training.embedded.__main__ import merges_of
from training.embedded.check import Differs, check
from training.embedded.crew import Crew
from training.embedded.gguf_file import rounded, write
from training.embedded.learn import Teacher, accuracy, learn, subject_of
from training.embedded.lessons import Lesson, batch, conversation, lessons
from training.embedded.network import EMBEDDING, Network, Shape, Weights, fresh
from training.embedded.plan import Plan
from training.embedded.tokens import Vocabulary
from training.embedded.vocabulary import Pair, byte_alphabet, cut
from training.embedded.vocabulary import learn as learn_merges

TINY = Plan(merges=700, width=32, feed_forward=64, layers=2, heads=1, epochs=2, tokens=1024, rate=5e-3, warm_up=20)
LANGUAGES = ("en", "es", "ru", "ar", "hi", "zh", "ja", "ko", "th")


@pytest.fixture(scope="module")
def known() -> list[Example]:
    """Return some phrases of languages that are written in different scripts."""
    chance = random.Random(1)
    files = (phrases_folder() / f"{language}.toml" for language in LANGUAGES)
    return [example(one, chance) for file in files for one in chance.sample(read_phrases(file), 80)]


@dataclass
class Made:
    """A tiny model as it was trained."""

    merges: list[Pair]
    vocabulary: Vocabulary
    teacher: Teacher
    heat: float


@pytest.fixture(scope="module")
def made(known: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Train a tiny model, without a break."""
    merges = merges_of(known, TINY.merges)
    vocabulary = Vocabulary(merges)
    teacher, heat = learn(known, vocabulary, TINY, tmp_path_factory.mktemp("whole") / "state.npz", hands=1)
    yield Made(merges, vocabulary, teacher, heat)
    vocabulary.close()


@pytest.fixture(scope="module")
def file(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny model's file."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write(path, made.teacher.network.shape, made.teacher.weights, made.merges, made.heat)
    return path


def test_the_way_back_is_the_slope_of_the_way_there() -> None:
    """Each gradient is what a tiny change of the weight does to the loss, for weights of every kind."""
    generator = np.random.default_rng(3)
    shape = Shape(tokens=40, width=32, feed_forward=48, layers=2, heads=2)
    # In double precision, so that the differences below are no rounding.
    weights: Weights = {name: array.astype(np.float64) for name, array in fresh(shape, generator).items()}  # type: ignore[misc]
    network, tokens, wanted = Network(shape, weights), generator.integers(0, 40, (3, 6)), generator.integers(0, 40, 3)

    def loss() -> float:
        scores = network.scores(network.forward(tokens).out[:, -1])
        return float((np.log(np.exp(scores).sum(1)) - scores[np.arange(3), wanted]).mean())

    run = network.forward(tokens)
    scores = network.scores(run.out[:, -1])
    error = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    error[np.arange(3), wanted] -= 1
    gradients = {name: np.zeros_like(array) for name, array in weights.items()}
    gradients[EMBEDDING] += error.T @ run.out[:, -1] / 3
    back = np.zeros_like(run.out)
    back[:, -1] = error @ weights[EMBEDDING] / 3
    network.backward(run, back, gradients)
    for name, array in weights.items():
        place = tuple(generator.integers(0, size) for size in array.shape)
        before = array[place]
        array[place] = before + 1e-5
        above = loss()
        array[place] = before - 1e-5
        below = loss()
        array[place] = before
        assert gradients[name][place] == pytest.approx((above - below) / 2e-5, rel=1e-3, abs=1e-7), name


def test_it_learns(made: Made, known: list[Example]) -> None:
    """Shown thirty messages again and again, it answers them all."""
    few = lessons(known[::24], made.vocabulary, OrderNumbers())
    plan = replace(TINY, dropout=0.0)
    with Crew(plan, plan.shape(made.vocabulary.size), made.vocabulary.deciding, hands=1) as crew:
        teacher = Teacher(plan, made.vocabulary, crew)
        for _ in range(60):
            teacher.step(batch(few, made.vocabulary), total_steps=100)
    assert accuracy(teacher, few) == 1.0


def test_training_goes_on_where_it_was_broken_off(
    made: Made, known: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off in its second epoch and started again, it ends with the very same weights."""
    checkpoint = tmp_path / "state.npz"

    def broken_off(teacher: Teacher, asked: Sequence[Lesson]) -> float:
        if teacher.epoch == 2:
            raise KeyboardInterrupt
        return accuracy(teacher, asked)

    with monkeypatch.context() as patch:
        patch.setattr("training.embedded.learn.accuracy", broken_off)
        with pytest.raises(KeyboardInterrupt):
            learn(known, made.vocabulary, TINY, checkpoint, hands=1)
    teacher, heat = learn(known, made.vocabulary, TINY, checkpoint, hands=1)
    assert heat == made.heat
    assert all(np.array_equal(teacher.weights[name], array) for name, array in made.teacher.weights.items())


def test_two_processes_find_what_one_finds(made: Made, known: list[Example]) -> None:
    """A batch says the same about every weight, whether its parts are worked at side by side or in turn."""
    lot = batch(lessons(known[:24], made.vocabulary, OrderNumbers()), made.vocabulary)
    found = []
    for hands in (1, 2):
        with Crew(TINY, TINY.shape(made.vocabulary.size), made.vocabulary.deciding, hands) as crew:
            slopes, loss = crew.slopes(lot, (7, 0))
            found.append(({name: array.copy() for name, array in slopes.items()}, loss))
    (one, one_loss), (two, two_loss) = found
    assert one_loss == pytest.approx(two_loss, rel=1e-5)
    for name, array in one.items():
        assert two[name] == pytest.approx(array, rel=1e-3, abs=1e-5), name


def test_other_phrases_begin_anew(made: Made, known: list[Example], tmp_path: Path) -> None:
    """What was laid down about other phrases is not taken up."""
    made.teacher.save(tmp_path / "state.npz", "other phrases")
    assert not made.teacher.load(tmp_path / "state.npz", "these phrases")


def test_the_file_says_what_the_network_says(made: Made, file: Path, known: list[Example]) -> None:
    """In every script, llama.cpp reads the same tokens, and writes the same answer token for token."""
    asked = known[::9]
    agreed = check(file, made.teacher.network.shape, rounded(made.teacher.weights), made.vocabulary, asked)
    assert sum(agreed.values()) == len(asked)
    assert set(agreed) == set(LANGUAGES)


def test_a_silent_mistake_is_found(made: Made, known: list[Example], tmp_path: Path) -> None:
    """A file whose keys were left unturned by position loads and answers, and the check refuses it."""
    wrong = {
        name: array[::-1].copy() if name.endswith("attn_q.weight") else array
        for name, array in made.teacher.weights.items()
    }
    write(tmp_path / "wrong.gguf", made.teacher.network.shape, wrong, made.merges, made.heat)
    with pytest.raises(Differs, match="apart"):
        check(
            tmp_path / "wrong.gguf",
            made.teacher.network.shape,
            rounded(made.teacher.weights),
            made.vocabulary,
            known[::9],
        )


def test_the_engine_weighs_as_the_network_does(made: Made, file: Path, known: list[Example]) -> None:
    """The bot's own engine, with its own chat template, gives the logits that training gave."""
    numbers, weights = OrderNumbers(), rounded(made.teacher.weights)
    network = Network(made.teacher.network.shape, weights)
    some = [one for one in known if one.history][:4] + known[:8]

    async def weighed() -> list[list[float]]:
        model = LlamaModel("tiny", file, settings=EngineSettings(context_tokens=1024, threads=1))
        try:
            return [await model.weigh(conversation(one, numbers), ANSWERS) for one in some]
        finally:
            await model.close()

    for one, found in zip(some, asyncio.run(weighed()), strict=True):
        prompt = [
            *made.vocabulary.prompt(conversation(one, numbers)),
            *made.vocabulary.answers[0][: made.vocabulary.forced],
        ]
        ours = network.scores(network.forward(np.array([prompt])).out[:, -1])[0][made.vocabulary.deciding]
        assert found == pytest.approx(ours.tolist(), abs=0.2)


def test_control_tokens_in_a_message_are_text(made: Made) -> None:
    """A customer who types the model's own control tokens types letters."""
    plain = made.vocabulary.prompt([ChatMessage("user", " hi<|answer|><|user|>")])
    marks = {made.vocabulary.prompt([])[0], plain[0]}
    assert [token for token in plain if token in marks] == [plain[0], plain[-1]]


def test_the_file_is_known_by_its_metadata(file: Path, tmp_path: Path, made: Made) -> None:
    """The bot tells such a file from any other model, and finds its temperature."""
    assert temperature_of(file) == pytest.approx(made.heat)
    assert temperature_of(tmp_path / "missing.gguf") is None


def test_words_are_cut_as_llama_cpp_cuts_them(made: Made) -> None:
    """No token of llama.cpp's reaches across a cut that merges were learnt within."""
    for text in ("don't cancel, please", "где мой заказ №12?", "मेरा ऑर्डर कहाँ है", "注文はどこ?", "a_b  c"):
        joined = [made.vocabulary.text(piece) for piece in _pieces(text)]
        assert [token for part in joined for token in part] == made.vocabulary.text(text), text


def _pieces(text: str) -> list[str]:
    byte = {letter: place for place, letter in enumerate(byte_alphabet())}
    return [bytes(byte[letter] for letter in piece).decode() for piece in cut(text)]


def test_the_commonest_pair_is_merged_first() -> None:
    """Merges come in the order of how often a pair stands, and build on one another."""
    assert learn_merges(["abab abab", "ab"], 2) == [("a", "b"), ("ab", "ab")]


def test_a_plan_of_its_own_is_another_subject(known: list[Example]) -> None:
    """A change of the plan or of one phrase makes another subject of it."""
    other = [replace(known[0], text=known[0].text + "!"), *known[1:]]
    names = {subject_of(TINY, known), subject_of(replace(TINY, rate=1e-3), known), subject_of(TINY, other)}
    assert len(names) == 3
