"""A trie of the words that were searched, one node a letter."""
# leaked: Node|dict
# holder: root|trie|children
class Node:
    __slots__ = ("children", "count")

    def __init__(self):
        self.children = {}
        self.count = 0


class Trie:
    def __init__(self):
        self.root = Node()

    def add(self, word):
        node = self.root
        for letter in word:
            node = node.children.setdefault(letter, Node())
        node.count += 1


trie = Trie()


def step(i):
    trie.add("%06d" % (i * 7919 % 1000000))
