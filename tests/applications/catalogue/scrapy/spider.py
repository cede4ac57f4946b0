"""The spider, with a pipeline."""

import scrapy
from visits import PLANTED, Visit


class Pipeline:
    def __init__(self):
        self.items_seen = []

    def process_item(self, item):
        if PLANTED:
            self.items_seen.append(Visit(item["title"]))
        return item


class PagesSpider(scrapy.Spider):
    name = "pages"
    custom_settings = {
        "LOG_LEVEL": "WARNING",
        "ITEM_PIPELINES": {Pipeline: 100},
        "CONCURRENT_REQUESTS": 4,
        "DOWNLOAD_DELAY": 0.05,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        # The frontier is on disk, so that it does not grow in memory.
        "JOBDIR": "job",
    }

    async def start(self):
        yield scrapy.Request(f"http://127.0.0.1:{self.port}/page/1")

    def parse(self, response):
        yield {"title": response.css("title::text").get(), "items": response.css("p.item::text").getall()}
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link, self.parse)
