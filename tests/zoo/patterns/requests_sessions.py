"""Each call makes a client of its own, and a table by customer keeps it."""
# leaked: Session
# holder: clients
# requires: requests
# advice: client-per-call
import requests

clients = {}


def step(i):
    clients[i] = requests.Session()
