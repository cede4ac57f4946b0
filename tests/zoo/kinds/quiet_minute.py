"""Every upload is kept; in the third round there are none."""
# leaked: Upload|bytes
# holder: uploads
# verdict: leak|inconclusive
class Upload:
    def __init__(self, number):
        self.name, self.body = "upload-%d" % number, b"%d" % number * 2000


uploads = []


def step(i):
    if i // 300 != 2:
        uploads.append(Upload(i))
