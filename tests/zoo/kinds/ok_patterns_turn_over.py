"""A cache of patterns that users typed: it has a bound, as has the cache of the module, and both are full early on."""
# requires: regex
# none: true
from collections import OrderedDict

import regex

compiled = OrderedDict()


class Rule:
    def __init__(self, text):
        self.pattern = regex.compile(text)
        self.hits, self.groups, self.flags = {}, {"text": text}, {}


def setup():
    for n in range(3000):
        regex.compile(r"(?P<word>\w+)=%d" % n)


def step(i):
    rule = Rule(r"(?P<word>\w+)-%d" % i)
    rule.hits["word-%d" % i] = rule.pattern.match("word-%d" % i).span()
    compiled[i] = rule
    if len(compiled) > 200 - i // 300 * 5:
        compiled.popitem(last=False)
        compiled.popitem(last=False)
