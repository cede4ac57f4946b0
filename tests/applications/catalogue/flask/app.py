"""Flask with waitress: four threads, SQLAlchemy on SQLite."""

from measuring.application import Application, Run


class App(Application):
    title = "Flask with waitress, four threads, SQLAlchemy"
    kind = "web framework"
    main = "flask"
    python = "3.11"
    planted = {"main": r"visits_by_number"}

    def start(self, run: Run) -> None:
        run.start("waitress-serve", f"--listen=127.0.0.1:{run.port}", "notes:app")
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        if number % 3 == 0:
            run.post_json("/notes", {"text": f"note {number}"})
        else:
            run.get(f"/?last={number % 17}")
