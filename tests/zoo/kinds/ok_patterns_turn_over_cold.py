"""Patterns made from what users typed: the module's cache has a bound, and so has the program's, whose entries turn over."""
# requires: regex
# none: true
from collections import OrderedDict

import regex

compiled = OrderedDict()


class Rule:
    def __init__(self, text):
        self.pattern = regex.compile(text)
        self.hits, self.groups, self.flags = {}, {"text": text}, {}


def step(i):
    rule = Rule(r"(?P<word>\w+)-%d" % i)
    rule.hits["word-%d" % i] = rule.pattern.match("word-%d" % i).span()
    compiled[i] = rule
    if len(compiled) > 200 - i // 300 * 5:
        compiled.popitem(last=False)
        compiled.popitem(last=False)
