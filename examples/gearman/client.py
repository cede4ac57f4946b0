"""A client of Gearman, watched by mem_top(). Started by run.py; arguments: host:port, jobs a round, rounds, which client.

The client is "leaking", the library's own; "fixed", that of fixed.py; or "renewed", the library's own, but a new one
for each round.
"""

import gc
import sys

import python3_gearman
from fixed import FixedClient

from mem_top import mem_top


def main() -> None:
    server, jobs, rounds, which = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    make = FixedClient if which == "fixed" else python3_gearman.GearmanClient
    client = make([server])
    for number in range(rounds):
        if which == "renewed":
            client = make([server])
            # The old one is in cycles: only a collection frees it.
            gc.collect()
        for job in range(jobs):
            # Some are sent off and forgotten, as a web request sends a mail. Others are waited for, but not for long:
            # the page is shown without the picture then.
            client.submit_job("mail", f"user-{job}@example.org", background=True, wait_until_complete=False)
            client.submit_job("thumbnail", f"picture-{job}.jpg", poll_timeout=0.001)
        report = mem_top(
            limit=8,
            refs_format="{num}\t{growth}\t{type} {obj}",
            bytes_format="{num}\t{growth}\t{obj}",
            types_format="{num}\t{growth}\t{obj}",
        )
        print(f"== round {number + 1} of {rounds}: {2 * jobs * (number + 1):,} jobs\n{report}", flush=True)


if __name__ == "__main__":
    main()
