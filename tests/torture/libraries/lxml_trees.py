"""Trees of lxml, proxies of parts of them, parsers in the middle of a document, transformations; threads that parse."""
# requires: lxml

from captures import Traffic, look
from lxml import etree, objectify

TEXT = (
    b"<shop>"
    + b"".join(b'<item id="%d"><name>item %d</name><!-- c --></item>' % (n, n) for n in range(500))
    + b"</shop>"
)
SHEET = b"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><all><xsl:value-of select="count(//item)"/></all></xsl:template></xsl:stylesheet>"""


def parse():
    tree = etree.fromstring(TEXT)
    return [one.get("id") for one in tree.iter("item")], etree.tostring(tree)


trees = [etree.fromstring(TEXT) for _ in range(5)]
proxies = [one for tree in trees for one in tree.iter()]
iterators = [tree.iter("item") for tree in trees] + [tree.iterchildren() for tree in trees]
for iterator in iterators:
    next(iterator)
feeding = []
for kind in (etree.XMLPullParser(events=("start", "end")), etree.XMLParser(target=etree.TreeBuilder())):
    kind.feed(TEXT[:3000])
    feeding.append(kind)
transform = etree.XSLT(etree.fromstring(SHEET))
results = [transform(tree) for tree in trees]
found = etree.XPath("//item[@id > $least]")(trees[0], least=400)
objects = objectify.fromstring(TEXT)
texts = trees[0].xpath("//name/text()")
errors = etree.XMLParser(recover=True)
etree.fromstring(b"<a><b></a>", errors)
look(
    [*trees, *proxies, *iterators, *feeding, transform, *results, *found, objects, *texts, errors.error_log],
    traffic=Traffic(parse, parse),
)
