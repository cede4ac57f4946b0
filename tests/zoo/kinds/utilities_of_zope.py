"""Each request registers a utility and does not unregister it; the registry has caches that are made from it."""
# requires: zope.interface
# leaked: Translator
# holder: \._utility_registrations\b|\.utilities\b
from zope.interface import Interface, implementer
from zope.interface.registry import Components


class ITranslator(Interface):
    pass


@implementer(ITranslator)
class Translator:
    def __init__(self, number):
        self.language = "language %d" % number


registry = Components("shop")


def step(i):
    registry.registerUtility(Translator(i), ITranslator, name="translator-%d" % i, event=False)
    registry.queryUtility(ITranslator, name="translator-%d" % i)
