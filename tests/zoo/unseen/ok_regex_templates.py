"""A bounded set of patterns and templates, and the library's own caches."""
# none: true
import re
import string


def step(i):
    re.compile("a{%d}b" % (i % 90)).match("aaab")
    string.Template("$a and $b").substitute(a=i, b=i + 1)
