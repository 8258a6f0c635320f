"""Measures runner-cache against rsync, cp and tar with zstd; `options.py` has the words, `measure.py` the run."""
