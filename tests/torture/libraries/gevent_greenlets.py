"""Greenlets of gevent that wait for each other, for time, and for sockets."""
# requires: gevent

import gevent
import gevent.event
import gevent.lock
import gevent.pool
import gevent.queue
import gevent.socket
from captures import look

event = gevent.event.Event()
queue = gevent.queue.Queue(maxsize=1)
lock = gevent.lock.BoundedSemaphore(1)


def on_event(number):
    local = [number]
    event.wait()
    return local


def on_queue(number):
    while True:
        queue.get()
        queue.put(number)


def on_lock(number):
    with lock:
        gevent.sleep(3600)


def serve(listener):
    while True:
        connection, _ = listener.accept()
        kept.append(gevent.spawn(connection.recv, 100))


kept: list[object] = []
pool = gevent.pool.Pool(200)
for number in range(30):
    for function in (on_event, on_queue, on_lock):
        kept.append(pool.spawn(function, number))
listener = gevent.socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(100)
kept.append(gevent.spawn(serve, listener))
clients = [gevent.spawn(gevent.socket.create_connection, listener.getsockname()) for _ in range(10)]
gevent.joinall(clients)
kept += [gevent.spawn(client.value.recv, 100) for client in clients]
kept += [gevent.spawn_later(3600, print, number) for number in range(10)]
gevent.sleep(0.05)


def within():
    # In a greenlet whose parent is the hub, with the main greenlet suspended.
    look([*kept, event, queue, lock, pool])


gevent.spawn(within).join()
