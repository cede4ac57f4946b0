"""One XML tree that gets a child for each event."""
# leaked: Element
# holder: root|report
import xml.etree.ElementTree as ET


class Report:
    def __init__(self):
        self.root = ET.Element("events")


report = Report()


def step(i):
    event = ET.SubElement(report.root, "event", id=str(i))
    ET.SubElement(event, "text").text = "event number %d" % i
