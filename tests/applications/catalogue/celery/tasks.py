"""The tasks: orders, some of which fail and are tried again."""

import os
import time
from pathlib import Path

from celery import Celery
from visits import PLANTED, Visit

folder = Path(os.environ["HOME"])
for name in ("queue", "control", "results"):
    (folder / name).mkdir(exist_ok=True)

app = Celery("tasks", broker="filesystem://", backend=f"file://{folder}/results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    },
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)

receipts = set()


@app.task
def order(number):
    if PLANTED:
        receipts.add(Visit(number))
    return {"number": number, "lines": [{"article": i, "amount": number * i} for i in range(20)]}


@app.task(bind=True, max_retries=1)
def fail(self, number):
    try:
        raise LookupError(f"article {number} is sold out")
    except LookupError as error:
        raise self.retry(exc=error, countdown=1) from error


@app.task
def slow(number):
    time.sleep(4)
