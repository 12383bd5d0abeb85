"""Where order numbers stand in a text, and which of several it takes back: "not 55-118, I meant 55-181"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest

from bot.domain.order_numbers import squeeze
from bot.domain.text import normalise

# A correction tells which of two numbers is not meant: "not 55-118 but 55-181", "55-181 instead of 55-118".
_NOT = (
    r"(?:(?<!\w)(?:not|don't|dont|isn't|isnt|wasn't|instead\s+of|rather\s+than|nicht|statt|anstatt|kein\w*|pas|no\s+(?:es|era)|non|"
    r"n[ãa]o(?:\s+(?:é|era))?|en\s+(?:vez|lugar)\s+de|em\s+vez\s+d\w|invece\s+d\w+|au\s+lieu\s+d\w+|niet|in\s+plaats\s+van|nie|"
    r"zamiast|ne\w{0,2}|není|místo|nem|nu|în\s+loc\s+de|inte|istället\s+för|ikke|i\s+stedet\s+for|ei|älä\w*|не|вместо|замість|"
    r"δεν\s+είναι|όχι|μην?|αντί|bukan|jangan|không\s+phải|đừng|thay\s+vì|ليس\w*|مش|مو|بدل\w*|وليس|لا|نه|به\s+جای|לא|אל|במקום)(?!\w)|"
    r"ไม่ใช่|อย่า|不是|而非|并非|不要|别|別)"
)
_NOT_THIS = re.compile(
    _NOT + r"[\s#\"'«„“(]*(?:(?:the|die|la|le|el|il|de|den|o|a|из|заказ\w*|order\w*|number|nr|bestellung|"
    r"pedido|commande|ordine)[\s.#]+)*$"
)
NOT_DO = re.compile(_NOT + r"|(?<!\w)(?:no|neruš\w*|मत|করবেন\s+না)(?!\w)|नहीं|मत")
_NOT_THAT = re.compile(
    r"değil|yerine|नहीं|नही|की\s+जगह|\bnahi\w*|(?<!\w)না(?!\w)|নয়|じゃなく|ではなく|でなく|아니라|아니고|아니에요|말고|ไม่ใช่(?!\s*$)"
    r"|helyett|sijaan|نیست|نه(?!\w)|(?<!\w)(?:was|is|were)\s+(?:wrong|a\s+typo|a\s+mistake)"
)
_MEANT = re.compile(
    r"(?<!\w)(?:mean|meant|oops|typo|mistyped|mistake|correction|correct|wrong|actually|sorry|apologies|rather|vertippt|verschrieben|"
    r"meinte|falsch|richtig|korrekt|sondern|entschuldig\w*|sorry|pardon|désolée?|voulais|erreur|trompée?|plutôt|perd[oó]n|"
    r"quise|quería|equivoqu\w*|error|sino|correct[oa]|corrett[oa]|scusa\w*|volevo|intendevo|sbagliat\w*|desculp\w*|quis|queria|errei|"
    r"errado|bedoel\w*|fout|przepraszam|pomy[lł]\w*|chodziło|właściw\w*|omlouv\w*|myslel\w*|spr[aá]vn\w*|bocsánat|elírt\w*|helyesen|"
    r"scuze|voiam|greșit\w*|corect\w*|menade|förlåt|fel|rätt|mente|mener|undskyld|beklager|feil|forkert|riktig|tarkoitin|anteeksi|"
    r"väärin|oikea|yanlış\w*|doğru\w*|pardon|ой|ошиб\w*|опечат\w*|извин\w*|точнее|верн\w*|правильн\w*|вернее|помил\w*|вибач\w*|"
    r"тобто|συγγνώμη|λάθος|εννο\w*|σωστ\w*|maksud\w*|maaf|salah|xin\s+lỗi|nhầm|ý\s+(?:tôi|mình)|أقصد|اقصد|عفوا|آسف|خطأ|بل|منظور\w*|"
    r"ببخشید|اشتباه\w*|סליחה|טעות|התכוונתי|माफ|गलत|सही|मतलब|galat|ভুল|দুঃখিত|সঠিক|মানে)(?!\w)"
    r"|(?<!\w)(?:no|nein|nee|nej|nei|nie|non|n[ãa]o|нет|ні|όχι|nu|ne|nem|ei|hay[ıi]r|لا|نه|לא|नहीं|না|bukan|không)\s*(?:wait|espera|[,.!…—–-])"
    r"|(?<!\w)(?:wait|warte|moment|attends|attendez|espera|espere|aspetta|wacht|czekaj|počkej|стоп|подожд\w*|стривай\w*|dur)(?!\w)"
    r"|等等|等一下|いや|いえ|違|待って|잠깐|打错|打錯|写错|輸錯|输错|应该是|應該是|更正|说错|搞错|間違|正しく|訂正|잘못|아니|정정|ขอโทษ|ผิด|ที่ถูก"
)
_CORRECTION_CHARS, _SLIP_CHARS = 30, 60

_CLAUSE_END = re.compile(
    r"[,;:.!?\n()•·|、，；：。！？؟،؛।–—]|(?<!\w)(?:and|but|und|aber|y|pero|et|mais|e|ma|mas|en|maar|i|ale|и|а|но|та|але|ve|ama|"
    r"ja|mutta|och|men|og|și|dar|és|de|και|αλλά|dan|tapi|và|nhưng|و|لكن|اما|אבל|और|लेकिन|কিন্তু|এবং)(?!\w)|แต่"
)
BUT = re.compile(
    r"(?<!\w)(?:but|while|keep|leave|aber|behalt\w*|pero|mais|ma|mas|maar|ale|zostaw\w*|а|но|але|остав\w*|залиш\w*|ama|kals[ıi]n|"
    r"mutta|men|dar|de|αλλά|tapi|nhưng|لكن|اما|ولی|אבל|लेकिन|पर|কিন্তু)(?!\w)|แต่|但|而|保留|けど|そのまま|지만|그대로"
)


def written_in(text: str, candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the candidates that stand in a text, in order of appearance; none within a longer word or number."""
    return tuple(dict.fromkeys(number for _, _, number in spans_of(lines_of(text), candidates)))


def left_over(text: str, numbers: Sequence[str], *, typed: bool = True) -> tuple[str, ...]:
    """Return those of a text's numbers that it does not take back ("not 55-118, I meant 55-181"); all if none is left.

    Only what a person `typed` is put right by a second number: the bot's lists make no slips.
    """
    shown = lines_of(text)
    spans = spans_of(shown, numbers)
    taken_back: set[str] = set()
    if typed and len(spans) == 2 and len(numbers) == 2:
        between = shown[spans[0][1] : spans[1][0]]
        if _MEANT.search(between[:_SLIP_CHARS]):
            return (spans[1][2],)
    for (start, end, number), following in zip_longest(spans, spans[1:]):
        behind = shown[end : following[0]] if following else ""
        back = len(behind) <= _CORRECTION_CHARS and _NOT_THAT.search(behind)
        if back or _NOT_THIS.search(shown, max(0, start - _CORRECTION_CHARS), start):
            taken_back.add(number)
    return tuple(number for number in numbers if number not in taken_back) or tuple(numbers)


def clauses_of(shown: str, numbers: Sequence[str]) -> list[tuple[str, str]]:
    """Return the part of a text that each number stands in; none where two stand in one."""
    clauses, begin, spans = list[tuple[str, str]](), 0, spans_of(shown, numbers)
    for (_, end, number), following in zip_longest(spans, spans[1:]):
        cut = _CLAUSE_END.search(shown, end, following[0]) if following else None
        if following and not cut:
            return []
        clauses.append((number, shown[begin : cut.start() if cut else len(shown)]))
        begin = cut.start() if cut else begin
    return clauses


def lines_of(text: str) -> str:
    """Return a text in the form in which texts are compared, its lines kept apart."""
    return "\n".join(normalise(line) for line in text.splitlines())


def spans_of(text: str, candidates: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return where the candidates stand in a text of normalised lines: start, end, number; none within another."""
    if not candidates:
        return []
    places, squeezed = _letters(text) if len(text) <= _REMEMBERED_CHARS else _letters_of(text)
    found: list[tuple[int, int, str]] = []
    for number in candidates:
        wanted = squeeze(number)
        at = squeezed.find(wanted) if wanted else -1
        while at >= 0:
            start, end = places[at], places[at + len(wanted) - 1] + 1
            if "\n" not in text[start:end] and not (
                _is_plain(text[start - 1 : start]) or _is_plain(text[end : end + 1])
            ):
                found.append((start, end, number))
            at = squeezed.find(wanted, at + 1)
    kept: list[tuple[int, int, str]] = []
    for start, end, number in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end, number))
    return kept


def _letters_of(text: str) -> tuple[list[int], str]:
    """Return where the letters and digits of a text stand, and what they are."""
    places = [at for at, sign in enumerate(text) if sign.isalnum()]
    return places, "".join(text[at] for at in places)


_REMEMBERED, _REMEMBERED_CHARS = 1024, 2000
_letters = lru_cache(_REMEMBERED)(_letters_of)  # A thread's last messages are looked through again and again.


def _is_plain(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
