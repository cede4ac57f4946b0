"""A document like a browser's: nodes have parents and siblings; removed nodes stay in the list of those that changed."""
# leaked: Element
# holder: mutations|document|body
class Element:
    def __init__(self, tag, parent=None):
        self.tag = tag
        self.parent = parent
        self.children = []
        self.attributes = {}
        if parent:
            parent.children.append(self)

    def remove(self):
        self.parent.children.remove(self)


class Document:
    def __init__(self):
        self.body = Element("body")
        self.mutations = []


document = Document()


def step(i):
    div = Element("div", document.body)
    span = Element("span", div)
    span.attributes["id"] = i
    div.remove()
    document.mutations.append(div)
