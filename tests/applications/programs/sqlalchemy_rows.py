"""Rows of a database in memory, loaded as objects that a session keeps."""

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "article"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    text: Mapped[str]
    price: Mapped[float]


engine = create_engine("sqlite://", poolclass=StaticPool)
Base.metadata.create_all(engine)
session = Session(engine)
kept = []


def step(number):
    first = number * 6000
    session.add_all(
        Article(id=first + n, name=f"article {n}", text=f"text {n} " * 20, price=n / 3) for n in range(1, 6001)
    )
    session.commit()
    kept.extend(session.scalars(select(Article).where(Article.id > first)))
