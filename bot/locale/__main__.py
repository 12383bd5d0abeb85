"""The catalogues' tool, for whoever changes a text.

python -m bot.locale update     read the texts from the source, merge them into every .po, compile
python -m bot.locale compile    write every .mo anew from its .po
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bot.locale.catalogue import DOMAIN, FOLDER, SUPPORTED

SOURCES = Path(__file__).parents[1] / "conversation"
# Babel finds `gettext` and `ngettext` by themselves; `say` is the short name that the replies give to `gettext`.
KEYWORDS = {**DEFAULT_KEYWORDS, "say": None}


def extracted() -> Catalog:
    """Return every text that the conversation may say."""
    found = Catalog(project="Deskhand", charset="utf-8")
    for _file, _line, message, comments, _context in extract_from_dir(
        SOURCES,
        method_map=[("**.py", "python")],
        keywords=KEYWORDS,
        comment_tags=["Translators:"],
        strip_comment_tags=True,
    ):
        found.add(message, auto_comments=comments)
    return found


def po_file(folder: Path, language: str) -> Path:
    """Return where a language's translations are written."""
    return folder / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(folder: Path, language: str) -> Catalog:
    """Return a language's translations as they stand, obsolete ones left out."""
    with po_file(folder, language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN, ignore_obsolete=True)


def compile_all(folder: Path) -> None:
    """Write each .mo from its .po."""
    for language in SUPPORTED[1:]:
        with po_file(folder, language).with_suffix(".mo").open("wb") as file:
            write_mo(file, read(folder, language))


def update_all(folder: Path) -> None:
    """Merge the source's texts into each .po; new ones stay empty until somebody translates them."""
    template = extracted()
    for language in SUPPORTED[1:]:
        merged = read(folder, language)
        merged.update(template, no_fuzzy_matching=True, update_creation_date=False)
        with po_file(folder, language).open("wb") as file:
            write_po(file, merged, width=110, sort_output=True, no_location=True, ignore_obsolete=True)


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Run one of the two commands on the catalogues in `folder`; return 2 for any other."""
    if arguments not in (["update"], ["compile"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["update"]:
        update_all(folder)
    compile_all(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
