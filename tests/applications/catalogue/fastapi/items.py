"""A service for items, 200 at most."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from pydantic import BaseModel, Field
from visits import PLANTED, Visit


class Item(BaseModel):
    name: str
    price: float = Field(ge=0)
    tags: list[str] = []


class Journal:
    def __init__(self):
        self.entries = []
        self.total = 0

    def count(self):
        self.total += 1


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.items = {}
    app.state.journal = Journal()
    yield


app = FastAPI(lifespan=lifespan)


def journal(request: Request) -> Journal:
    found = request.app.state.journal
    if PLANTED:
        found.entries.append(Visit(request.url.path))
    return found


@app.get("/")
async def index():
    return {"items": len(app.state.items)}


@app.get("/items")
async def items(journal: Annotated[Journal, Depends(journal)], limit: int = 10) -> list[Item]:
    await asyncio.sleep(0)
    return list(app.state.items.values())[:limit]


@app.post("/items/{number}")
async def put(number: int, item: Item, tasks: BackgroundTasks, journal: Annotated[Journal, Depends(journal)]) -> Item:
    app.state.items[number] = item
    tasks.add_task(journal.count)
    return item


@app.get("/slow")
async def slow(journal: Annotated[Journal, Depends(journal)]):
    await asyncio.sleep(4)
    return "done"
