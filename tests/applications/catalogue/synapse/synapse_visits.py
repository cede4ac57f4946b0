"""A module of Synapse that checks messages; a planted leak keeps a record of each."""

from visits import PLANTED, Visit


class Checker:
    def __init__(self, config, api):
        self.messages_checked = {}
        api.register_third_party_rules_callbacks(check_event_allowed=self.check)

    @staticmethod
    def parse_config(config):
        return config

    async def check(self, event, state):
        if PLANTED:
            self.messages_checked[event.event_id] = Visit(event.type)
        return True, None
