"""`python -m benchmarks.build_peers`: llama.cpp's own programs, from the very source that Deskhand's llama.cpp is of.

llama-cpp-python's source package brings llama.cpp with it. What is built lies in build/peers/bin; what is there already
is not built again, and a build that was broken off goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

PACKAGE = "llama-cpp-python"
PROGRAMS = ("llama-server", "llama-bench", "llama-batched-bench", "llama-quantize")
ROOT = Path(__file__).parents[1]
PEERS = ROOT / "build" / "peers"
BIN = PEERS / "bin"
LOCK = ROOT / "requirements" / "run.txt"
INSIDE = "vendor/llama.cpp"
SWITCHES = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "OFF",  # Each program is one file, which can be copied to where it is wanted.
    "GGML_NATIVE": "ON",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    # Off as well, or the server's web page would be fetched from the internet in the middle of the build.
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
    # Given, or CMake would ask git, which would answer with this project's own commit.
    "LLAMA_BUILD_NUMBER": "0",
}


class BuildError(Exception):
    """What went wrong, and what to do about it."""


def main() -> int:
    """Build what is missing; return 0 when all programs are there."""
    wanted = version(PACKAGE)
    try:
        if not is_built(wanted):
            compile_programs(unpacked(fetched(wanted), wanted), wanted)
    except BuildError as error:
        print(f"\nThe build failed: {error}", file=sys.stderr)
        return 1
    print(f"{', '.join(PROGRAMS)} of {PACKAGE} {wanted}: {BIN}")
    return 0


def is_built(wanted: str) -> bool:
    """Tell whether every program is there, and of this version."""
    mark = BIN / "version"
    return mark.is_file() and mark.read_text() == wanted and all(os.access(BIN / name, os.X_OK) for name in PROGRAMS)


def fetched(wanted: str) -> Path:
    """Return the source package, from pip unless it is there. Raises BuildError."""
    folder = PEERS / "source"
    archive = folder / f"{PACKAGE.replace('-', '_')}-{wanted}.tar.gz"
    locked = locked_hash(wanted)
    if archive.is_file() and locked in (None, hashlib.sha256(archive.read_bytes()).hexdigest()):
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    requirement = folder / "requirement.txt"
    # pip itself holds the download against the hash, before it looks inside.
    requirement.write_text(f"{PACKAGE}=={wanted}" + (f" --hash=sha256:{locked}" if locked else "") + "\n")
    archive.unlink(missing_ok=True)
    options = ("--no-binary", ":all:", "--no-deps", "--no-build-isolation", "--dest", folder, "-r", requirement)
    run("fetch the source package", sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options)
    return archive


def locked_hash(wanted: str) -> str | None:
    """Return the hash that the lock file has for this version; None when it locks another one."""
    pinned = rf"^{PACKAGE}=={re.escape(wanted)} \\\n +--hash=sha256:([0-9a-f]{{64}})\n(?! +--hash)"
    found = re.search(pinned, LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


def unpacked(archive: Path, wanted: str) -> Path:
    """Return the folder of llama.cpp's source, unpacked unless it is there; a half unpacked one never is."""
    folder = PEERS / f"llama.cpp-{wanted}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=PEERS) as scratch, tarfile.open(archive) as packed:
            # Pythons before 3.11.4 know no filter; the hash has vouched for the file by now.
            packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            packed.extractall(scratch, members=members(packed))
            (found,) = Path(scratch).glob(f"*/{INSIDE}")
            found.rename(folder)
    return folder


def members(packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield what belongs to llama.cpp."""
    yield from (member for member in packed if member.name.partition("/")[2].startswith(f"{INSIDE}/"))


def compile_programs(source: Path, wanted: str) -> None:
    """Compile the programs, and put them into `BIN`. Raises BuildError."""
    build = PEERS / f"build-{wanted}"
    switches = [f"-D{name}={value}" for name, value in {**SWITCHES, "LLAMA_BUILD_COMMIT": wanted}.items()]
    generator = ("-G", "Ninja") if shutil.which("ninja", path=search_path()) else ()
    cmake = shutil.which("cmake", path=search_path())
    if cmake is None:
        raise BuildError("cmake is missing; install it with: pip install cmake")
    run("configure the build", cmake, "-S", source, "-B", build, *generator, *switches)
    run("compile", cmake, "--build", build, "--target", *PROGRAMS)
    BIN.mkdir(exist_ok=True)
    for name in PROGRAMS:
        # Under another name first: a program that runs right now cannot be written over.
        shutil.copy2(build / "bin" / name, BIN / f"{name}.new")
        (BIN / f"{name}.new").replace(BIN / name)
    (BIN / "version").write_text(wanted)


def search_path() -> str:
    """Return where programs are looked for: this Python's own tools first."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def run(what: str, *command: str | Path) -> None:
    """Run a command, its output on the terminal. Raises BuildError."""
    environ = {"CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count() or 1), **os.environ, "PATH": search_path()}
    if status := subprocess.run(command, check=False, env=environ).returncode:
        remedy = "what it said stands above; with that mended, the next run goes on from here"
        raise BuildError(f"to {what} ended with status {status}; {remedy}")


if __name__ == "__main__":
    sys.exit(main())
