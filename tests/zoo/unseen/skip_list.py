"""A skip list, in which nodes are linked in several levels."""
# leaked: Node|list
# holder: index|head
import random

random.seed(3)


class Node:
    __slots__ = ("key", "next")

    def __init__(self, key, height):
        self.key = key
        self.next = [None] * height


class SkipList:
    def __init__(self):
        self.head = Node(None, 8)

    def insert(self, key):
        height = 1
        while height < 8 and random.random() < 0.5:
            height += 1
        new = Node(key, height)
        node = self.head
        for level in reversed(range(8)):
            while node.next[level] is not None and node.next[level].key < key:
                node = node.next[level]
            if level < height:
                new.next[level] = node.next[level]
                node.next[level] = new


index = SkipList()


def step(i):
    index.insert(i * 7919 % 100003)
