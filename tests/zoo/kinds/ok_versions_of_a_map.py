"""A map and a set written in Rust, with twenty earlier versions."""
# requires: rpds
# none: true
from collections import deque

import rpds

versions = deque([rpds.HashTrieMap()], maxlen=20)
seen = deque([rpds.HashTrieSet()], maxlen=20)


def step(i):
    versions.append(versions[-1].insert("key-%d" % (i % 200), "value-%d" % i))
    seen.append(seen[-1].insert(i % 200))
