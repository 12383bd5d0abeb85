#!/usr/bin/env python3
"""Set up Deskhand in a virtual environment, once; a second call returns at once. Standard library only.

`make` calls it. What pip said meanwhile is in .venv/set-up.log.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SHOP = VENV / "oscar"
LOG = VENV / "set-up.log"
OLDEST = (3, 11)
COMPILER_MEMORY = 1 << 30  # What one compiler may take, in bytes; four at once would stop a 2 GB machine.
COMPILER_IS_MISSING = "A C++ compiler is missing; on Debian: apt-get install g++"
REMEDIES = {
    "No space left on device": "The disk is full.",
    "DO NOT MATCH THE HASHES": "A download is not the file that is locked in requirements/. Try again later.",
    "Killed signal terminated program": "The compiler ran out of memory. Let fewer of them run side by side: "
    "CMAKE_BUILD_PARALLEL_LEVEL=1 make demo",
    "No CMAKE_CXX_COMPILER could be found": COMPILER_IS_MISSING,
    "new connection|name resolution|Read timed out|Connection broken|ConnectionReset|Max retries": "The package index "
    "could not be reached. Check the network and try again.",
    "No matching distribution found": "The package index has nothing for this machine and this Python, or is "
    "out of reach.",
}
WORKS = "import telegram, sqlalchemy, llama_cpp, bot.cli"


class SetUpError(Exception):
    """What went wrong, and what to do about it."""


def main() -> int:
    """Do what is still to be done; return 0 when all is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "dev"), help="dev: what the tests need as well")
    begun = time.monotonic()
    try:
        did = set_up(with_dev=parser.parse_args().what == "dev")
    except SetUpError as error:
        print(f"\nThe set-up failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next set-up goes on from here.", file=sys.stderr)
        return 130
    if did:
        print(f"      ready after {clock(time.monotonic() - begun)}", flush=True)
    return 0


def set_up(*, with_dev: bool) -> bool:
    """Do what is still to be done; return whether there was anything. Raises SetUpError."""
    check_python()
    did = False
    if not is_current() or not has_stamp("run"):
        did = True
        check_compiler()
        make_venv()
        install_run()
        stamp("run")
    if with_dev and not has_stamp("dev"):
        did = True
        pip("[tests] test tools", "--require-hashes", "-r", HERE / "dev.txt")
        # In a folder of its own, for its telephone numbers and the bot's are two packages of one name.
        shutil.rmtree(SHOP, ignore_errors=True)
        pip("[tests] a shop to test against", "--require-hashes", "-r", HERE / "oscar.txt", "--target", SHOP)
        stamp("dev")
    return did


# --- the steps --------------------------------------------------------------


def is_current() -> bool:
    """Tell whether the environment is there and of the Python that this runs in."""
    config = VENV / "pyvenv.cfg"
    if not (os.access(PYTHON, os.X_OK) and config.is_file()):
        return False
    made_by = re.search(r"^version = (\d+)\.(\d+)", config.read_text(), re.MULTILINE)
    return made_by is not None and tuple(map(int, made_by.groups())) == sys.version_info[:2]


def make_venv() -> None:
    """Make the environment, unless it is there and works."""
    if is_current() and not call(PYTHON, "-m", "pip", "--version").returncode:
        return
    print(f"[1/4] virtual environment in .venv (Python {sys.version.split()[0]})", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    made = call(getattr(sys, "_base_executable", sys.executable), "-m", "venv", VENV)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        remedy = "Python's venv module does not work; on Debian: apt-get install python3-venv"
        raise SetUpError("\n".join((remedy, made.stdout, made.stderr)))


def install_run() -> None:
    """Install what the bot needs, and the bot as a link to this folder."""
    for old in VENV.glob(".*-ready"):
        old.unlink()
    LOG.unlink(missing_ok=True)
    pip("[2/4] build tools", "--require-hashes", "-r", HERE / "build.txt")
    title = "[3/4] dependencies (llama.cpp is compiled here, which takes minutes)"
    pip(title, "--require-hashes", "-r", HERE / "run.txt")
    pip("[4/4] Deskhand itself", "--no-deps", "-e", ROOT)
    works = call(PYTHON, "-c", WORKS)
    if works.returncode:
        raise SetUpError(f"What was installed cannot be used:\n{works.stderr}")


def pip(title: str, *arguments: str | Path) -> None:
    """Install something and show that it goes on. Raises SetUpError."""
    command: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--require-virtualenv"]
    command += ["install", "-v", "--progress-bar", "off", "--no-build-isolation", *arguments]
    with Ticker(title) as ticker, LOG.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 (the commands are those of this file)
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=build_environment(),
            cwd=ROOT,
        )
        with process:
            for line in process.stdout or ():
                log.write(line)
                ticker.text = told(line) or ticker.text
    if process.returncode:
        raise SetUpError(why_pip_failed())


def build_environment() -> dict[str, str]:
    """Return the environment of a build: this one's tools first, and of llama.cpp only what is used."""
    included = f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={HERE / 'llama.cmake'}"
    return {
        "CMAKE_BUILD_PARALLEL_LEVEL": str(compilers_at_once()),
        **os.environ,
        "CMAKE_ARGS": f"{shlex.quote(included)} {os.environ.get('CMAKE_ARGS', '')}",
        "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }


def why_pip_failed() -> str:
    """Return what the log says of a failure, with a remedy where one is known."""
    text = LOG.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("WARNING: ")]
    remedy = next((remedy for words, remedy in REMEDIES.items() if re.search(words, text)), "The last lines say why.")
    return "\n".join([remedy, *(f"  | {line[:200]}" for line in lines[-12:]), f"All of it is in {LOG}"])


def digest(what: str) -> str:
    """Return what a stage is made from, as a digest; a folder that was moved needs a new link to itself."""
    files = ["build.txt", "run.txt", "llama.cmake", *(["dev.txt", "oscar.txt"] if what == "dev" else [])]
    project = (ROOT / "pyproject.toml").read_bytes().partition(b"[tool.")[0]
    parts = [str(ROOT).encode(), project, *((HERE / name).read_bytes() for name in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def has_stamp(what: str) -> bool:
    """Tell whether a stage is done, from what is there now."""
    path = VENV / f".{what}-ready"
    return path.is_file() and path.read_text() == digest(what)


def stamp(what: str) -> None:
    """Remember that a stage is done."""
    (VENV / f".{what}-ready").write_text(digest(what))


# --- what is shown, and small things ----------------------------------------


class Ticker:
    """One line that moves: what is being done and for how long, so that minutes of compiling show signs of life."""

    def __init__(self, title: str) -> None:
        print(title, flush=True)
        self.text = ""
        self._begun = time.monotonic()
        self._live = sys.stdout.isatty()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._live:
            print("\r\033[K", end="", flush=True)

    def _tick(self) -> None:
        while not self._ended.wait(0.5 if self._live else 15):
            line = f"      {clock(time.monotonic() - self._begun):>6}  {self.text}"
            if self._live:
                width = shutil.get_terminal_size().columns - 1
                print(f"\r\033[K{line[:width]}", end="", flush=True)
            else:
                print(line, flush=True)


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says."""
    # The working directory is not this project's, so that what is imported is what was installed.
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")  # noqa: S603 (see above)


def check_python() -> None:
    """Refuse a Python that is too old. Raises SetUpError."""
    if sys.version_info < OLDEST:
        raise SetUpError(
            f"This is Python {sys.version.split()[0]}, Deskhand needs 3.11 or newer. "
            "Name one with: make PYTHON=/path/to/python3.11 demo"
        )


def check_compiler() -> None:
    """Look for a C++ compiler before anything is downloaded. Raises SetUpError."""
    if not any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++"))):
        raise SetUpError(COMPILER_IS_MISSING)


def compilers_at_once() -> int:
    """Return how many compilers may run side by side: one a core, as far as the memory goes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // COMPILER_MEMORY))


def told(line: str) -> str:
    """Return what a line of pip's tells someone who waits; empty for nothing."""
    if compiled := re.match(r"\s*\[(\d+)/(\d+)\] ", line):
        done, of = map(int, compiled.groups())
        return f"llama.cpp: {done} of {of} files compiled ({100 * done // of} %)"
    if fetched := re.match(r"\s*Downloading (\S+) (\(.*\))", line):
        return f"downloading {fetched[1].rpartition('/')[2]} {fetched[2]}"
    if named := re.match(r"\s*(Collecting|Building wheel for|Installing collected packages)[: ]*([^\s,]*)", line):
        return "installing" if named[1].startswith("Inst") else f"{named[1].lower()} {named[2].partition('==')[0]}"
    return ""


def clock(seconds: float) -> str:
    """Return a time as people say it: 7 s, 2:05."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


if __name__ == "__main__":
    sys.exit(main())
