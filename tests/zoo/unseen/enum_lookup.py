"""An enumeration whose missing values are remembered."""
# leaked: Status
# holder: Status|_value2member_map_|_missing|_unknown
import enum


class Status(enum.Enum):
    OK = 200
    BAD = 400

    @classmethod
    def _missing_(cls, value):
        member = object.__new__(cls)
        member._name_ = "UNKNOWN_%d" % value
        member._value_ = value
        cls._value2member_map_[value] = member
        return member


def step(i):
    Status(1000 + i)
