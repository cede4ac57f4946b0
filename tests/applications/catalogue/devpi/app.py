"""devpi-server, an index of packages: uploads, listings, downloads."""

import base64

from measuring.application import Application, Run


class App(Application):
    title = "devpi-server"
    kind = "package index (Pyramid)"
    main = "devpi-server"
    python = "3.11"
    planted = {"main": r"requests_by_path"}
    rate = 10
    warm_up = 250

    def prepare(self, run: Run) -> None:
        run.call("devpi-init", "--serverdir", str(run.folder / "data"), "--no-root-pypi")

    def start(self, run: Run) -> None:
        server = str(run.folder / "data")
        run.start("devpi-server", "--serverdir", server, "--host", "127.0.0.1", "--port", str(run.port), "--offline")
        run.wait_for("the first page", lambda: run.get("/+api").status == 200)
        run.request("PUT", "/ann", body='{"password": "secret"}', headers={"Content-Type": "application/json"})
        token = run.post_json("/+login", {"user": "ann", "password": "secret"}).json()["result"]["password"]
        run.state["auth"] = base64.b64encode(f"ann:{token}".encode()).decode()
        headers = {"Content-Type": "application/json", "X-Devpi-Auth": run.state["auth"]}
        run.request("PUT", "/ann/dev", body='{"bases": [], "volatile": true}', headers=headers)
        self.upload(run, 0)

    def upload(self, run: Run, number: int) -> None:
        name, version = f"thing{number % 20}", f"1.{number}"
        fields = {":action": "file_upload", "name": name, "version": version, "metadata_version": "1.0"}
        boundary = "boundary-of-the-upload"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]
        file = f'form-data; name="content"; filename="{name}-{version}.tar.gz"'
        parts.append(f"--{boundary}\r\nContent-Disposition: {file}\r\n\r\ncontent {number}\r\n--{boundary}--\r\n")
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-Devpi-Auth": run.state["auth"]}
        run.request("POST", "/ann/dev/", body="".join(parts), headers=headers)

    def work(self, run: Run, number: int) -> None:
        if number % 10 == 5:
            self.upload(run, number)
        elif number % 2:
            run.get(f"/ann/dev/+simple/thing{number % 20}/", accept=range(200, 405))
        else:
            run.get("/ann/dev", headers={"Accept": "application/json"})

    def hold(self, run: Run) -> None:
        run.get("/+api?wait=3")
