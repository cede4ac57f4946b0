"""Synapse, a Matrix server, with SQLite: messages, read receipts and syncs of three users."""

import hashlib
import hmac
import json

from measuring.application import Application, Run


class App(Application):
    title = "Synapse"
    kind = "chat server (Twisted)"
    main = "matrix-synapse"
    python = "3.11"
    planted = {"main": r"messages_checked"}
    rate = 8
    warm_up = 250

    def prepare(self, run: Run) -> None:
        run.call(
            *("python", "-m", "synapse.app.homeserver", "--server-name", "localhost", "--config-path", "server.yaml"),
            *("--generate-config", "--report-stats=no", "--data-directory", str(run.folder)),
        )
        more = {
            "listeners": [
                {
                    "port": run.port,
                    "type": "http",
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "registration_shared_secret": "only for measurements",
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "rc_message": {"per_second": 1000, "burst_count": 1000},
            "rc_login": {"address": {"per_second": 1000, "burst_count": 1000}},
            "modules": [{"module": "synapse_visits.Checker", "config": {}}],
            "log_config": None,
        }
        # JSON is YAML too; the later of two files wins.
        (run.folder / "more.yaml").write_text(json.dumps(more), encoding="utf-8")

    def start(self, run: Run) -> None:
        files = ["--config-path", "server.yaml", "--config-path", "more.yaml"]
        run.start("python", "-m", "synapse.app.homeserver", *files)
        run.wait_for("the server", lambda: run.get("/_matrix/client/versions").status == 200)
        users = run.state["users"] = [self.register(run, name) for name in ("ann", "bob", "eve")]
        rooms = []
        for user in users:
            room = self.call(run, user, "POST", "createRoom", {"preset": "public_chat"})["room_id"]
            rooms.append(room)
            for other in users:
                if other is not user:
                    self.call(run, other, "POST", f"join/{room}", {})
        run.state.update(rooms=rooms, since=[None] * 3, events={})

    def register(self, run: Run, name: str) -> str:
        path = "/_synapse/admin/v1/register"
        nonce = run.get(path).json()["nonce"]
        said = f"{nonce}\0{name}\0secret-{name}\0notadmin".encode()
        mac = hmac.new(b"only for measurements", said, hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": f"secret-{name}", "admin": False, "mac": mac}
        return str(run.post_json(path, body).json()["access_token"])

    def call(self, run: Run, token: str, method: str, path: str, content: object = None) -> dict:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content)
        return run.request(method, f"/_matrix/client/v3/{path}", body=body, headers=headers).json()

    def work(self, run: Run, number: int) -> None:
        who, room = number % 3, run.state["rooms"][number // 3 % 3]
        token = run.state["users"][who]
        if number % 4 == 3:
            since = run.state["since"][who]
            answer = self.call(run, token, "GET", "sync?timeout=0" + (f"&since={since}" if since else ""))
            run.state["since"][who] = answer["next_batch"]
        elif number % 4 == 2 and room in run.state["events"]:
            event = run.state["events"][room]
            self.call(run, token, "POST", f"rooms/{room}/receipt/m.read/{event}", {})
        else:
            message = {"msgtype": "m.text", "body": f"message {number}"}
            sent = self.call(run, token, "PUT", f"rooms/{room}/send/m.room.message/t{number}", message)
            run.state["events"][room] = sent["event_id"]

    def hold(self, run: Run) -> None:
        token = run.state["users"][0]
        now = self.call(run, token, "GET", "sync?timeout=0")["next_batch"]
        self.call(run, token, "GET", f"sync?timeout=4000&since={now}")
