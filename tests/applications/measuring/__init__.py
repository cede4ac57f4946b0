"""Measures mem_top on real applications: what `tools/applications.py` and its test use."""
