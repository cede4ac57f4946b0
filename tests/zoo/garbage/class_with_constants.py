"""A class made for each request has instances as constants: ints, of which the collector does not see the class."""
# leaked: type|Level
# holder: uncollectable cycle through case\.step\.<locals>\.Level


def step(i):
    class Level(int):
        __slots__ = ()

    Level.LOW, Level.HIGH = Level(1), Level(2)
