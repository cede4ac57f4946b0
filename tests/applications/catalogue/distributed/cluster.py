"""The cluster, with a page that runs a graph and one that runs a slow task."""

import http.server
import os

import dask
import graphs
from distributed import Client, LocalCluster

if __name__ == "__main__":
    dask.config.set({"distributed.worker.memory.terminate": False})
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    client = Client(cluster)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/slow":
                # A different key each time, or the scheduler answers from what it has.
                client.submit(graphs.slow, 0, pure=False).result()
            else:
                number = int(self.path.partition("=")[2] or 0)
                parts = [dask.delayed(graphs.part)(number, index) for index in range(8)]
                client.compute(dask.delayed(graphs.total)(parts)).result()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"done")

        def log_message(self, *arguments):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
