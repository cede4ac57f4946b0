"""Images that are drawn, made smaller and encoded, with Pillow."""

import io

from PIL import Image, ImageDraw

gallery = []


def step(number):
    for part in range(6):
        image = Image.new("RGB", (900, 700), (part * 20, number * 20 % 255, 90))
        drawing = ImageDraw.Draw(image)
        for line in range(200):
            drawing.line((0, line * 3, 900, 700 - line * 2), fill=(line, 255 - line, part))
        file = io.BytesIO()
        image.save(file, "PNG")
        gallery.append((image, image.resize((300, 200)), file.getvalue()))
