"""A service for notes."""

import itertools
import os
import time

from flask import Flask, g, render_template_string, request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from visits import PLANTED, Visit

app = Flask(__name__)
engine = create_engine(f"sqlite:///{os.environ['HOME']}/notes.sqlite")
numbers = itertools.count()
PAGE = "<html>{% for note in notes %}<p>{{ note.id }} {{ note.text }}</p>{% endfor %}</html>"


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


Base.metadata.create_all(engine)


@app.before_request
def begin():
    g.session = Session(engine)
    if PLANTED:
        app.extensions.setdefault("visits_by_number", {})[f"visit-{next(numbers)}"] = Visit(request.path)


@app.teardown_request
def end(error):
    g.session.close()


@app.get("/")
def index():
    last = request.args.get("last", 10, int)
    notes = g.session.scalars(select(Note).order_by(Note.id.desc()).limit(last)).all()
    return render_template_string(PAGE, notes=notes)


@app.post("/notes")
def add():
    note = Note(text=request.get_json()["text"])
    g.session.add(note)
    g.session.commit()
    return {"id": note.id}


@app.get("/slow")
def slow():
    time.sleep(4)
    return "done"
