"""A map written in Rust, which shares its parts with its earlier versions; all versions are kept."""
# requires: rpds
# leaked: HashTrieMap
# holder: versions
import rpds

versions = [rpds.HashTrieMap()]


def step(i):
    versions.append(versions[-1].insert("key-%d" % (i % 200), "value-%d" % i))
