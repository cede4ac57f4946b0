"""The planted leak: a middleware that keeps a record of each request."""

from visits import Visit


class VisitorsMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response
        self.visitors = []

    def __call__(self, request):
        response = self.get_response(request)
        self.visitors.append(Visit(request.path))
        return response
