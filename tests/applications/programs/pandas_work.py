"""Work with pandas: frames of numbers and texts are read, grouped and joined, and the results are kept."""

import io

import pandas as pd

results = []
TEXT = "city,name,amount\n" + "".join(f"city {n % 50},name {n},{n * 3 % 1000}\n" for n in range(20_000))


def step(number):
    for part in range(4):
        frame = pd.read_csv(io.StringIO(TEXT))
        frame["when"] = pd.date_range("2026-01-01", periods=len(frame), freq="min")
        frame["share"] = frame["amount"] / frame.groupby("city")["amount"].transform("sum")
        top = frame.sort_values("share").groupby("city").tail(3)
        results.append((frame.merge(top[["city", "name"]], on="name", how="left"), top, number, part))
