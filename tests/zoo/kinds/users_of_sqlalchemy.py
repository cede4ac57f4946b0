"""Users that were loaded in a session are kept in a list of the program's; a commit empties them, and they stay."""
# requires: sqlalchemy
# leaked: User|InstanceState
# holder: greeted
import sqlalchemy
from sqlalchemy import orm


class Base(orm.DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id = orm.mapped_column(sqlalchemy.Integer, primary_key=True)
    name = orm.mapped_column(sqlalchemy.String)


engine = sqlalchemy.create_engine("sqlite://")
Base.metadata.create_all(engine)
session = orm.Session(engine)
greeted = []


def step(i):
    user = User(id=i, name="user %d" % i)
    session.add(user)
    session.flush()
    greeted.append(user)
    if i % 30 == 29:
        session.commit()
