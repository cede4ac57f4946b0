"""The users."""

from locust import FastHttpUser, HttpUser, between, events, task
from visits import PLANTED, Visit

answers_seen = []


@events.request.add_listener
def seen(name, **rest):
    if PLANTED:
        answers_seen.append(Visit(name))


class Reader(HttpUser):
    weight = 3
    wait_time = between(0.1, 0.3)

    @task(6)
    def page(self):
        self.client.get("/page/1")

    @task
    def other(self):
        self.client.get("/page/2", name="other")

    @task
    def slow(self):
        self.client.get("/slow")


class FastReader(FastHttpUser):
    weight = 2
    wait_time = between(0.1, 0.3)

    @task
    def page(self):
        self.client.get("/page/3")
