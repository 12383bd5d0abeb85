"""Runs the example server's script; the arguments are the script and its own.

It imports the library for images, which a llama-cpp-python built for text has not; an empty one stands in for it, since
nothing but text is asked.
"""

from __future__ import annotations

import runpy
import sys
from types import ModuleType

if __name__ == "__main__":
    sys.modules["llama_cpp.mtmd_cpp"] = ModuleType("llama_cpp.mtmd_cpp")
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
