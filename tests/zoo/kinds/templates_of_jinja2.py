"""A template for each page, in an environment that keeps them all."""
# requires: jinja2
# leaked: Template
# holder: cache
# advice: jinja-template-cache
import jinja2

pages = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: "<p>{{ user }} on %s</p>" % name), cache_size=-1)


def step(i):
    assert pages.get_template("page-%d" % i).render(user="anna")
