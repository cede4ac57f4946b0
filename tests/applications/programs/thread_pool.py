"""A pool of threads that compress texts, with a queue between two stages."""

import concurrent.futures
import hashlib
import queue
import zlib

pool = concurrent.futures.ThreadPoolExecutor(8)
packed = queue.Queue()
index = {}


def work(number):
    text = "".join(f"{number}:{n}:{hashlib.sha256(b'%d' % n).hexdigest()}\n" for n in range(400))
    packed.put((number, zlib.compress(text.encode()), bytearray(text[:4000], "utf-8")))
    return number, text[:200]


def step(number):
    futures = [pool.submit(work, number * 600 + part) for part in range(600)]
    for future in concurrent.futures.as_completed(futures):
        found, text = future.result()
        index.setdefault(found % 100, set()).add(text)
