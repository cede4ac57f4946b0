"""Events of sched.scheduler far in the future."""
# leaked: Event|Reminder|method
# holder: scheduler|_queue
import sched

clock = [0.0]
scheduler = sched.scheduler(lambda: clock[0], lambda seconds: None)


class Reminder:
    def __init__(self, n):
        self.n = n

    def fire(self):
        print(self.n)


def step(i):
    clock[0] = float(i)
    scheduler.enter(10**6, 1, Reminder(i).fire)
    scheduler.run(blocking=False)
