"""The pages of the shop."""

import time

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from shop.models import Order


class OrderForm(forms.ModelForm):
    class Meta:
        model = Order
        fields = ["name", "amount"]


def index(request):
    request.session["seen"] = request.session.get("seen", 0) + 1
    orders = Paginator(Order.objects.order_by("-id"), 20).get_page(request.GET.get("page"))
    return render(request, "shop/index.html", {"orders": orders})


def order(request):
    form = OrderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "ordered")
        return redirect("/order/")
    return render(request, "shop/order.html", {"form": form})


def slow(request):
    time.sleep(4)
    return HttpResponse("done")


urlpatterns = [path("", index), path("order/", order), path("slow", slow)]
