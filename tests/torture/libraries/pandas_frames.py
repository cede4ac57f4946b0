"""Frames, series, indexes and groups of pandas; threads that aggregate."""
# requires: pandas
# unseen: 0.3 items of arrays of objects that the collector does not track are seen from outside alone

import numpy
import pandas
from captures import Traffic, look

frame = pandas.DataFrame(
    {
        "number": range(5000),
        "text": [f"text {number}" for number in range(5000)],
        "kind": pandas.Categorical(["a", "b", "c", "d"] * 1250),
        "when": pandas.date_range("2024-01-01", periods=5000, freq="h", tz="Europe/Berlin"),
        "share": numpy.linspace(0, 1, 5000),
        "maybe": pandas.array([1, None] * 2500, dtype="Int64"),
        "any": [[number] for number in range(5000)],
    }
)


def aggregate():
    return frame.groupby("kind", observed=True)["number"].sum(), frame.sort_values("share").head(10)


groups = frame.groupby("kind", observed=True)
rows = frame.iterrows()
tuples = frame.itertuples()
next(rows)
next(tuples)
indexes = [
    pandas.MultiIndex.from_product([["a", "b"], range(100)]),
    pandas.IntervalIndex.from_breaks(range(100)),
    pandas.PeriodIndex(pandas.period_range("2024-01", periods=100, freq="M")),
    frame.set_index("when").index,
]
values = [pandas.Timestamp("2024-01-01"), pandas.Timedelta("1h"), pandas.NaT, pandas.NA, pandas.Period("2024-01")]
values += [frame.iloc[0], frame["text"].str, frame["when"].dt, frame.rolling(5), frame.iloc[::7].copy(), frame.T]
for one in indexes:
    one.get_loc(one[5])
look([frame, groups, rows, tuples, *indexes, *values], traffic=Traffic(aggregate, aggregate))
