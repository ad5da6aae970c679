"""Comparison strips: the same picture by several methods, side by side, with one place enlarged."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_MARGIN = 4
_BACKGROUND = (255, 255, 255)
_INK = (20, 20, 20)
_MARK = (255, 64, 32)


def strip(columns, *, inset=None, zoom=4):
    """Draws labelled pictures of one size in a row, and under each the same detail enlarged.

    Args:
        columns: mapping of a label to a uint8 [height, width, 3] picture, all of one size; labels may hold newlines.
        inset: (top, left, height, width) of the detail in pixels; None takes none.
        zoom: factor of the enlargement, by whole pixels so that nothing is smoothed.

    Returns:
        uint8 [height, width, 3] array.
    """
    shapes = {picture.shape for picture in columns.values()}
    if len(shapes) != 1:
        raise ValueError(f"`columns` must hold pictures of one size. Received: {sorted(shapes)}")
    font = ImageFont.load_default(max(11, min(24, next(iter(shapes))[1] // 16)))
    lines = max(label.count("\n") + 1 for label in columns)
    caption_height = 2 * _MARGIN + lines * (sum(font.getmetrics()) + _MARGIN)
    panels = [_panel(label, picture, font, caption_height, inset, zoom) for label, picture in columns.items()]
    height = max(panel.height for panel in panels)
    width = sum(panel.width for panel in panels) + _MARGIN * (len(panels) - 1)
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + _MARGIN
    return np.asarray(sheet)


def nearest(image, scale):
    """Enlarges by repeating pixels: an LR picture at the size of its SR, undisguised."""
    return np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)


def busiest_inset(picture, zoom):
    """The place with the most detail whose enlargement by `zoom` is as large as the picture.

    Args:
        picture: [height, width, channels].
        zoom: factor, at least 1.

    Returns:
        (top, left, height, width) in pixels: the box with the largest sum of gradients of the grey picture.
    """
    grey = np.asarray(picture, np.float64).mean(axis=-1)
    height, width = (max(1, size // zoom) for size in grey.shape)
    detail = np.hypot(*np.gradient(grey)) if min(grey.shape) > 1 else np.zeros_like(grey)
    sums = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(np.argmax(boxes), boxes.shape)
    return int(top), int(left), height, width


def _panel(label, picture, font, caption_height, inset, zoom):
    image = Image.fromarray(picture)
    parts = [image]
    if inset is not None:
        top, left, height, width = inset
        box = (left, top, left + width, top + height)
        detail = image.crop(box).resize((zoom * width, zoom * height), Image.Resampling.NEAREST)
        marked = image.copy()
        ImageDraw.Draw(marked).rectangle((left, top, left + width - 1, top + height - 1), outline=_MARK, width=2)
        parts = [marked, detail]
    caption_width = max(int(font.getlength(line)) for line in label.split("\n")) + 2 * _MARGIN
    width = max(caption_width, *(part.width for part in parts))
    panel = Image.new("RGB", (width, caption_height + sum(part.height + _MARGIN for part in parts)), _BACKGROUND)
    ImageDraw.Draw(panel).multiline_text((_MARGIN, _MARGIN), label, fill=_INK, font=font)
    y = caption_height
    for part in parts:
        panel.paste(part, (0, y))
        y += part.height + _MARGIN
    return panel
