"""A list is shuffled and sorted in place, and its ends are replaced."""
# none: true
import random

random.seed(1)


class Score:
    def __init__(self, n):
        self.n = n


board = [Score(n) for n in range(500)]


def step(i):
    random.shuffle(board)
    board[0] = Score(i)
    board.sort(key=lambda score: score.n)
