"""A small web shop that leaks: it keeps a session for every visitor, and visitors never come back.

A real server with real requests, for mem_top to be tried on. The leak is the kind that programs have: nothing is
wrong in any line, something is missing (`--expire` is what). Beside it stands a cache that is full and does not leak.

Only the standard library is used, in the syntax of Python 3.8, so that the shop runs on old interpreters too.
"""
