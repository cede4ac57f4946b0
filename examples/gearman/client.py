"""A client of Gearman that leaks, watched by mem_top(). Started by run.py; arguments: host:port, jobs a round, rounds."""

import sys

import python3_gearman

from mem_top import mem_top


def main() -> None:
    server, jobs, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    client = python3_gearman.GearmanClient([server])
    for number in range(rounds):
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
