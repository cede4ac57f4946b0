"""A handler that buffers records for a flush that never comes."""
# leaked: LogRecord
# holder: buffer|handler
# advice: logging-memory-handler
import logging
import logging.handlers

logger = logging.getLogger("shop.orders")
logger.setLevel(logging.INFO)
logger.propagate = False
handler = logging.handlers.MemoryHandler(10**9, flushLevel=logging.CRITICAL + 1)
logger.addHandler(handler)


def step(i):
    logger.info("order %s of %s", i, "customer")
