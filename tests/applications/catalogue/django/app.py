"""Django with gunicorn: two workers, sessions in SQLite, forms, templates and the ORM."""

import urllib.parse

from measuring.application import Application, Run


class App(Application):
    title = "Django with gunicorn, two workers"
    kind = "web framework"
    main = "django"
    python = "3.12"
    planted = {"worker": r"visitors"}
    holds = 2

    def prepare(self, run: Run) -> None:
        run.call("python", "-m", "django", "migrate", "--settings", "shop_settings", "--verbosity", "0")

    def start(self, run: Run) -> None:
        run.start("gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{run.port}", "shop_settings:application")
        run.wait_for("the first page", lambda: run.get("/").status == 200)
        run.wait_for("two workers", lambda: len(run.children()) == 2)

    def work(self, run: Run, number: int) -> None:
        if number % 4 == 0:
            page = run.get("/order/")
            cookie = page.headers["set-cookie"].partition(";")[0]
            token = page.body.partition(b'name="csrfmiddlewaretoken" value="')[2].partition(b'"')[0].decode()
            form = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "name": f"n{number}", "amount": number % 9})
            headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
            run.request("POST", "/order/", body=form, headers=headers)
        else:
            run.get(f"/?page={number % 50}")

    def processes(self, run: Run) -> dict[int, str]:
        return {run.pid: "arbiter", **dict.fromkeys(run.children(), "worker")}
