"""Runs the tests that take their time, and writes what came of them; `options.py` has the words, `runs.py` what is run."""
