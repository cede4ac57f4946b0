"""FastAPI with uvicorn: pydantic models, dependencies, background tasks."""

from measuring.application import Application, Run


class App(Application):
    title = "FastAPI with uvicorn"
    kind = "asynchronous web framework"
    main = "fastapi"
    python = "3.13"
    planted = {"main": r"journal"}

    def start(self, run: Run) -> None:
        run.start("uvicorn", "--port", str(run.port), "--no-access-log", "items:app")
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        if number % 3 == 0:
            item = {"name": f"item {number}", "price": number % 100, "tags": [f"t{number % 7}", "x"]}
            run.post_json(f"/items/{number % 200}", item)
        else:
            run.get(f"/items?limit={number % 20}")
