"""A ledger of decimals, fractions and dates."""
# leaked: Decimal|Fraction|date|tuple
# holder: ledger
import datetime
import decimal
import fractions

ledger = []


def step(i):
    ledger.append((datetime.date(2026, 1, 1) + datetime.timedelta(i % 300), decimal.Decimal(i) / 7, fractions.Fraction(i, 7)))
