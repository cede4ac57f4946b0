"""Text is formatted, joined, split and thrown away."""
# none: true
last = ""


def step(i):
    global last
    rows = ["%s=%r" % (k, k * i) for k in range(50)]
    last = "; ".join(rows)
    rows = last.split("; ")
    f"{i:>10} {rows[0]!r}"
