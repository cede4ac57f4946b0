"""Django logs every query of a connection while DEBUG is on."""
# leaked: dict|str
# holder: queries_log
# requires: django
# verdict: leak|inconclusive
# advice: django-debug-queries
import django
from django.conf import settings

settings.configure(
    DEBUG=True, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
)
django.setup()

from django.db import connection  # noqa: E402


def step(i):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [i])
