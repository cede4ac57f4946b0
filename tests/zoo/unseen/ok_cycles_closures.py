"""Recursive inner functions are cycles of function, cell and closure."""
# none: true
def step(i):
    seen = []

    def visit(n):
        seen.append(n)
        if n:
            visit(n - 1)

    visit(i % 5)
