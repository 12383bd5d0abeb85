#!/bin/sh
# Looks into the image that runs, and fails the build if it is not what it promises to be.
set -eu
/opt/deskhand/bin/python - <<'PYTHON'
import llama_cpp
import llguidance
import telegram

from bot.store.database import sqlite_module, sqlite_note

note = sqlite_note()
assert "is fixed in it" in note, note
assert sqlite_module().__name__.startswith("pysqlite3"), sqlite_module()
print(note)
print(f"llama-cpp-python {llama_cpp.__version__}, llguidance {llguidance.__version__}, telegram {telegram.__version__}")
print(llama_cpp.llama_print_system_info().decode())
PYTHON
/opt/deskhand/bin/deskhand --version
for tool in cc c++ gcc g++ clang cmake ninja make git pip pip3 curl; do
    if command -v "$tool"; then
        echo "The image holds $tool, which running does not need." >&2
        exit 1
    fi
done
