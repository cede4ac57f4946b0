"""A Flask app that keeps its sessions."""

from flask import Flask, render_template_string, request

app = Flask(__name__)
sessions = {}


@app.post("/visit/<name>")
def visit(name):
    basket = {"name": name, "lines": [{"article": f"article {n}", "amount": n} for n in range(10)]}
    sessions[name] = {
        "basket": basket,
        "agent": request.headers.get("User-Agent"),
        "text": request.get_data(as_text=True),
    }
    return render_template_string("<p>{{ count }} sessions</p>", count=len(sessions))


def step(number):
    client = app.test_client()
    for visitor in range(2500):
        client.post(f"/visit/{number}-{visitor}", data="x" * 1000)
