"""A worker that is slower than its clients are patient. Started by run.py; the argument is host:port."""

import sys
import time

import python3_gearman


def mail(worker: object, job: object) -> str:
    return "sent"


def thumbnail(worker: object, job: object) -> str:
    time.sleep(0.02)
    return "a small picture"


def main() -> None:
    worker = python3_gearman.GearmanWorker([sys.argv[1]])
    worker.register_task("mail", mail)
    worker.register_task("thumbnail", thumbnail)
    worker.work()


if __name__ == "__main__":
    main()
