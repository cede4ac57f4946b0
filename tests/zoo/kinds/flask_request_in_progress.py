"""A middleware of Flask keeps each request. After every second round a response is being sent."""
# requires: flask
# leaked: Visit
# holder: visits
import flask


class Visit:
    def __init__(self, environ):
        self.path, self.agent = environ["PATH_INFO"], environ.get("HTTP_USER_AGENT", "")


class Audit:
    def __init__(self, application):
        self.application = application
        self.visits = []

    def __call__(self, environ, start_response):
        self.visits.append(Visit(environ))
        return self.application(environ, start_response)


app = flask.Flask("shop")
app.wsgi_app = Audit(app.wsgi_app)


@app.route("/page/<int:number>")
def page(number):
    def lines():
        for line in range(3):
            yield "line %d of %d\n" % (line, number)

    return flask.Response(flask.stream_with_context(lines()))


client = app.test_client()
sending = None


def step(i):
    global sending
    if sending is not None:
        sending.close()
    sending = client.get("/page/%d" % i, buffered=False)
    next(sending.iter_encoded())
    if i // 300 % 2 == 0:
        sending.close()
        sending = None
