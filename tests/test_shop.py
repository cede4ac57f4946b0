"""The shop of the demo, as a WSGI application in this process; and its heap."""

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))

from shop import catalogue, sessions, views  # noqa: E402
from shop.app import LONGEST_FORM, app  # noqa: E402
from shop.cache import Cache  # noqa: E402
from shop.rendering import Markup, Template  # noqa: E402

# --- The application, in this process ---


def ask(method: str, path: str, body: bytes = b"", cookie: str = "", **more: str) -> tuple[str, dict[str, str], str]:
    """Status, headers and text of an answer, checked against the rules of WSGI."""
    path, _, query = path.partition("?")
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        **more,
    }
    setup_testing_defaults(environ)
    environ["wsgi.input"] = io.BytesIO(body)
    environ.setdefault("CONTENT_LENGTH", str(len(body)))
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    started = []
    pages = validator(app)(environ, lambda status, headers, *_: started.append((status, headers)) or (lambda _: None))
    text = b"".join(pages).decode()
    pages.close()
    ((status, headers),) = started
    assert len(dict(headers)) == len(headers)
    assert int(dict(headers)["Content-Length"]) == len(text.encode()) or method == "HEAD"
    return status, dict(headers), text


@pytest.fixture(autouse=True)
def empty_shop() -> Iterator[None]:
    yield
    sessions.by_token.clear()
    sessions.expire_after = None


def cookie_of(headers: dict[str, str]) -> str:
    return headers["Set-Cookie"].partition(";")[0]


def test_a_visitor_buys():
    status, headers, text = ask("GET", "/")
    assert status == "200 OK"
    assert "240 found" in text
    assert text.count("/item/") == catalogue.PER_PAGE
    cookie = cookie_of(headers)
    for count in (2, 1):
        form = urlencode({"item": 7, "count": count}).encode()
        status, headers, _ = ask("POST", "/cart", form, cookie)
        assert (status, headers["Location"]) == ("303 See Other", "/cart")
        assert "Set-Cookie" not in headers
    _, _, text = ask("GET", "/cart", cookie=cookie)
    item = catalogue.item(7)
    assert "Cart (3)" in text
    assert f"Total: {catalogue.price(3 * item.price)}" in text
    (session,) = sessions.by_token.values()
    assert [(line.item, line.count) for line in session.cart] == [(item, 3)]
    assert session.history == ["/", "/cart", "/cart", "/cart"]


def test_every_visitor_without_a_known_cookie_gets_a_session():
    tokens = {cookie_of(ask("GET", path)[1]) for path in ("/", "/item/1", "/cart", "/?q=lamp", "/")}
    assert len(tokens) == len(sessions.by_token) == 5
    stranger = ask("GET", "/", cookie="shop_session=nobody; other=1")
    assert "nobody" not in cookie_of(stranger[1])
    ask("GET", "/", cookie="broken\x7f;;==")
    assert len(sessions.by_token) == 7


def test_what_is_no_page_opens_no_session():
    for method, path in [
        ("GET", "/health"),
        ("GET", "/none"),
        ("GET", "/item/0"),
        ("PUT", "/cart"),
        ("GET", "/?page=0"),
    ]:
        assert "Set-Cookie" not in ask(method, path)[1]
    assert not sessions.by_token


def test_a_history_is_bounded():
    cookie = cookie_of(ask("GET", "/")[1])
    for number in range(1, 100):
        ask("GET", f"/item/{number}", cookie=cookie)
    (session,) = sessions.by_token.values()
    assert session.history == [f"/item/{number}" for number in range(80, 100)]


@pytest.mark.parametrize(
    ("method", "path", "body", "more", "expected"),
    [
        ("GET", "/item/241", b"", {}, "404"),
        ("GET", "/item/1x", b"", {}, "404"),
        ("GET", "/item/" + "9" * 5000, b"", {}, "404"),
        ("GET", "/?page=" + "9" * 5000, b"", {}, "404"),
        ("GET", "/?" + "a=1&" * 50, b"", {}, "400"),
        ("POST", "/", b"", {}, "405"),
        ("DELETE", "/cart", b"", {}, "405"),
        ("POST", "/cart", b"", {}, "400"),
        ("POST", "/cart", b"item=0", {}, "400"),
        ("POST", "/cart", b"item=1&count=100", {}, "400"),
        ("POST", "/cart", b"\xff\xfe", {}, "400"),
        ("POST", "/cart", b"item=1", {"CONTENT_LENGTH": "1000"}, "400"),
        ("POST", "/cart", b"x" * (LONGEST_FORM + 1), {}, "413"),
    ],
)
def test_bad_requests_are_refused(method, path, body, more, expected):
    status, headers, text = ask(method, path, body, **more)
    assert status.startswith(expected)
    assert "Back to the shop" in text
    assert ("Allow" in headers) == (expected == "405")
    assert not sessions.by_token


def test_a_length_that_is_no_number_is_refused():
    started = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/cart", "CONTENT_LENGTH": "-5", "wsgi.input": io.BytesIO()}
    app(environ, lambda status, headers: started.append(status))
    app({**environ, "CONTENT_LENGTH": "many"}, lambda status, headers: started.append(status))
    assert started == ["400 Bad Request"] * 2


def test_head_has_the_headers_of_get():
    assert ask("HEAD", "/item/3")[2] == ""
    assert ask("HEAD", "/item/3")[1]["Content-Length"] == ask("GET", "/item/3")[1]["Content-Length"]


NASTY = """<script>alert("1") & '$name' ${x} $$</script>"""
ESCAPED = "&lt;script&gt;alert(&quot;1&quot;) &amp; &#x27;$name&#x27; ${x} $$&lt;/script&gt;"


def test_templates_escape_values_but_not_markup():
    template = Template("more.html")
    assert template.render(query=NASTY) == f'<p><a href="/?{ESCAPED}">More</a></p>\n'
    assert template.render(query=Markup("<b>")) == '<p><a href="/?<b>">More</a></p>\n'
    with pytest.raises(KeyError):
        template.render(other=1)


def test_what_a_visitor_sends_comes_back_escaped():
    assert ESCAPED in ask("GET", "/?q=" + quote(NASTY))[2]
    assert ESCAPED in ask("GET", "/" + NASTY)[2]
    assert "/é." in ask("GET", "/é".encode().decode("latin-1"))[2]
    assert "Elm &amp; Sons 10&quot; plate" in ask("GET", "/?q=plate")[2]


def test_the_cache_drops_what_was_not_used_for_longest():
    cache = Cache(3)
    made = []

    def get(key):
        return cache.text(key, lambda: made.append(key) or key * 2)

    assert [get(key) for key in "abca"] == ["aa", "bb", "cc", "aa"]
    get("d")
    assert [get(key) for key in "acdb"] == ["aa", "cc", "dd", "bb"]
    assert made == list("abcdb")
    assert len(cache) == 3


def test_the_cache_keeps_its_bound_among_threads():
    cache = Cache(10)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: cache.text(n % 37, lambda: str(n % 37)), range(5000)))
    assert texts == [str(n % 37) for n in range(5000)]
    assert len(cache) == 10


def test_the_cache_of_pages_keeps_its_bound():
    for number in range(2 * views.cache.limit):
        assert ask("GET", f"/?q=word{number}")[0] == "200 OK"
    assert len(views.cache) == views.cache.limit


def test_a_session_expires_unless_its_visitor_comes_back(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(sessions.time, "monotonic", lambda: now)
    sessions.expire_after = 10
    early, regular = (cookie_of(ask("GET", "/")[1]) for _ in range(2))
    now += 8
    late = cookie_of(ask("GET", "/")[1])
    assert "Set-Cookie" not in ask("GET", "/", cookie=regular)[1]
    now += 8
    assert sessions.count() == 2
    assert {"shop_session=" + token for token in sessions.by_token} == {late, regular}
    assert cookie_of(ask("GET", "/", cookie=early)[1]) != early
    now += 100
    assert sessions.count() == 0


# --- Its heap ---

DIFFERENTIAL = """
import importlib.util
import io
import sys

examples, tests, old_file = sys.argv[1:]
sys.path[:0] = [examples, tests]

from wsgiref.util import setup_testing_defaults

from shop import sessions
from shop.app import app
from test_differential import same


def ask(method, path, body=b"", cookie=""):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_COOKIE": cookie, "CONTENT_LENGTH": str(len(body))}
    setup_testing_defaults(environ)
    environ["wsgi.input"] = io.BytesIO(body)
    started = []
    b"".join(app(environ, lambda status, headers: started.append((status, dict(headers)))))
    (status, headers), = started
    assert status[0] in "23", status
    return headers.get("Set-Cookie", "").partition(";")[0]


for number in range(300):
    cookie = ask("GET", "/")
    ask("GET", f"/item/{1 + number % 240}", cookie=cookie)
    if number % 3:
        ask("POST", "/cart", b"item=%d" % (1 + number % 240), cookie)
    ask("GET", "/cart", cookie=cookie)
assert len(sessions.by_token) == 300

spec = importlib.util.spec_from_file_location("mem_top_0_2_1", old_file)
old = importlib.util.module_from_spec(spec)
spec.loader.exec_module(old)
for limit in (10, 50, 1000, None):
    same(old, limit=limit)
same(old, limit=100, width=1000)
same(old, verbose_types=[sessions.Session], verbose_file_name=None)
print("300\\t <class 'shop.sessions.Session'>" in old.mem_top(limit=None).splitlines())
"""


def test_the_rows_of_the_shop_are_those_of_the_old_one(old, python):
    out = python(DIFFERENTIAL, str(EXAMPLES), str(Path(__file__).parent), old.__file__).check()
    assert out == "True\n"
