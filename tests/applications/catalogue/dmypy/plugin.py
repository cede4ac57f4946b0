"""A plugin that sees each call of a function; a planted leak keeps what it saw."""

from mypy.plugin import Plugin
from visits import PLANTED, Visit

signatures_seen = []


class SeeingPlugin(Plugin):
    def get_function_signature_hook(self, fullname):
        if PLANTED:
            signatures_seen.append(Visit(fullname))


def plugin(version):
    return SeeingPlugin
