"""A figure is drawn for each report, and pyplot keeps it until it is closed."""
# leaked: .
# holder: figs|pyplot
# requires: matplotlib
# advice: matplotlib-figures
import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt  # noqa: E402

plt.rcParams["figure.max_open_warning"] = 0


def step(i):
    if i % 30 == 0:
        plt.figure()
