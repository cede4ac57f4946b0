"""Trees of XML, of the standard library and of lxml."""

import xml.etree.ElementTree

import lxml.etree

trees = []
TEXT = (
    "<all>"
    + "".join(f"<item n='{n}'><name>item {n}</name><note>{'x' * 40}</note></item>" for n in range(3000))
    + "</all>"
)


def step(number):
    for part in range(4):
        trees.append(xml.etree.ElementTree.fromstring(TEXT))
        trees.append(lxml.etree.fromstring(TEXT))
