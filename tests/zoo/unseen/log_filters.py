"""Each request adds a filter to the logger that all share."""
# leaked: RequestFilter
# holder: filters
import logging

logger = logging.getLogger("web.access")
logger.propagate = False
logger.addHandler(logging.NullHandler())


class RequestFilter(logging.Filter):
    def __init__(self, request_id):
        super().__init__()
        self.request_id = request_id

    def filter(self, record):
        record.request_id = self.request_id
        return True


def step(i):
    logger.addFilter(RequestFilter("r%d" % i))
    if i % 50 == 0:
        logger.warning("hello")
