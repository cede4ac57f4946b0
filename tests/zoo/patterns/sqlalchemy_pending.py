"""Objects are added to one long session, which is never committed and never closed."""
# leaked: User|InstanceState
# holder: session
# requires: sqlalchemy
# advice: sqlalchemy-session-kept
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    number: Mapped[int] = mapped_column(primary_key=True)


session = Session(create_engine("sqlite://"), autoflush=False)


def step(i):
    session.add(User(number=i))
