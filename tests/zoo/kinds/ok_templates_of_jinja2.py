"""A template for each page: the environment keeps the last fifty."""
# requires: jinja2
# none: true
import jinja2

pages = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: "<p>{{ user }} on %s</p>" % name), cache_size=50)


def step(i):
    assert pages.get_template("page-%d" % i).render(user="anna")
