"""Sessions, rows, results half read and statements of SQLAlchemy with its C parts; a thread that queries."""
# requires: sqlalchemy

from captures import Traffic, look
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, select, text
from sqlalchemy.orm import Session, declarative_base, relationship
from sqlalchemy.pool import StaticPool

Base = declarative_base()


class Customer(Base):
    __tablename__ = "customers"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    orders = relationship("Order", back_populates="customer")


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    customer_id = Column(ForeignKey("customers.id"))
    customer = relationship("Customer", back_populates="orders")


def filled():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Customer(name=f"customer {one}", orders=[Order() for _ in range(3)]) for one in range(200))
        session.commit()
    return engine


engine, others = filled(), filled()


def work():
    with Session(others) as session:
        return [(one.name, len(one.orders)) for one in session.scalars(select(Customer).limit(20))]


session = Session(engine)
customers = session.scalars(select(Customer)).all()
orders = [one.orders for one in customers[:50]]
session.add(Customer(name="pending"))
customers[0].name = "dirty"
connection = engine.connect()
rows = connection.execute(text("select id, name from customers")).fetchall()
half = connection.execute(text("select * from orders"))
half.fetchmany(10)
mappings = [one._mapping for one in rows[:50]]
statements = [select(Customer).where(Customer.id > number) for number in range(20)]
compiled = [one.compile(engine) for one in statements]
look(
    [session, *customers, *orders, connection, *rows, half, *mappings, *statements, *compiled],
    traffic=Traffic(work),
)
