"""A hundred users live in a session. Each commit empties their attributes, and the next use loads them again."""
# requires: sqlalchemy
# none: true
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
users = [User(id=n, name="user %d" % n) for n in range(100)]
session.add_all(users)
session.commit()


def step(i):
    for n in range(7):
        user = users[(i * 13 + n * n) % (20 + i // 300 * 25)]
        assert user.name
    user.name = "user, renamed by %d" % i
    if i % 40 == 0:
        session.commit()
