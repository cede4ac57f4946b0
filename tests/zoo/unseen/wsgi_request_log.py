"""A WSGI application keeps a summary of each request in its registry, for a debug page that nobody opens."""
# leaked: dict|RequestInfo
# holder: history|_requests
class RequestInfo:
    def __init__(self, environ):
        self.method = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"]
        self.headers = {k: v for k, v in environ.items() if k.startswith("HTTP_")}


class DebugPanel:
    def __init__(self):
        self.history = []

    def record(self, info):
        self.history.append(info)


class App:
    def __init__(self):
        self.extensions = {"debug": DebugPanel()}
        self.routes = {}

    def route(self, path):
        def register(view):
            self.routes[path] = view
            return view

        return register

    def __call__(self, environ, start_response):
        self.extensions["debug"].record(RequestInfo(environ))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.routes["/"](environ)]


app = App()


@app.route("/")
def index(environ):
    return ("Hello " + environ["HTTP_USER_AGENT"]).encode()


def step(i):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/u/%d" % i, "HTTP_USER_AGENT": "curl/%d" % i, "HTTP_HOST": "a"}
    b"".join(app(environ, lambda status, headers: None))
