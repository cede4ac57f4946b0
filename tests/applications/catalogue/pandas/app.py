"""A service that works with pandas: tables are sent, grouped, joined and answered; the last ten are kept."""

from measuring.application import Application, Run


class App(Application):
    title = "a service with pandas"
    kind = "data"
    main = "pandas"
    python = "3.13"
    planted = {"main": r"tables_by_city"}
    rate = 8
    warm_up = 200

    def start(self, run: Run) -> None:
        run.start("python", str(run.state["source"] / "tables_service.py"))
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        rows = "".join(f"city {n % 20},{n * number % 101},2026-01-{n % 28 + 1:02}\n" for n in range(200))
        run.request("POST", "/table", body=f"city,amount,day\n{rows}")
