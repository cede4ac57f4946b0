"""Documents are parsed, changed and thrown away."""
# none: true
import json
import xml.etree.ElementTree as ET

latest = {}


def step(i):
    document = json.loads(json.dumps({"n": i, "rows": [{"k": k} for k in range(10)]}))
    latest["json"] = document
    tree = ET.fromstring("<a><b n='%d'/><c>text</c></a>" % i)
    latest["xml"] = tree
