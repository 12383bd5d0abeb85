"""The figures of README.md, measured; `python -m benchmarks` runs them all."""
