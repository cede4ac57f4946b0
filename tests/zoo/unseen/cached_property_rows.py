"""Documents hold their parsed form in a cached property; the folder holds all documents."""
# leaked: Document
# holder: documents|folder
import functools


class Document:
    def __init__(self, text):
        self.text = text

    @functools.cached_property
    def words(self):
        return self.text.split()


class Folder:
    def __init__(self):
        self.documents = []

    def add(self, document):
        self.documents.append(document)
        return len(document.words)


folder = Folder()


def step(i):
    folder.add(Document("the %d quick brown foxes of %d" % (i, i + 1)))
