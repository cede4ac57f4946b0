"""A cookie jar that gets a cookie for each host."""
# leaked: Cookie|dict
# holder: jar|_cookies
# advice: cookies-of-long-session
import http.cookiejar


class Browser:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()


browser = Browser()


def step(i):
    host = "h%d.example" % i
    browser.jar.set_cookie(http.cookiejar.Cookie(
        0, "id", str(i), None, False, host, False, False, "/", True, False, None, True, None, None, {}))
