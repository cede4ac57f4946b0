"""Each profile was a large table once and holds one entry now: a dict does not give its table back."""
# leaked: dict
# holder: profiles
# explained: true
profiles = []


def step(i):
    profile = {"field-%d" % n: None for n in range(100)}
    for n in range(1, 100):
        del profile["field-%d" % n]
    profiles.append(profile)
