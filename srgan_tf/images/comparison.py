"""Comparison strips: results of several methods side by side, with zoomed crops."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from srgan_tf.images.positions import axis_positions, scaled_size

_MARGIN = 4
_BACKGROUND = (255, 255, 255)
_INK = (20, 20, 20)
_FRAME = 2
_MARKS = ((255, 64, 32), (0, 150, 255), (160, 0, 200))


def strip(columns, *, insets=(), zoom=4):
    """Draws labelled images in a row, and under each the same zoomed crops.

    Args:
        columns: mapping of labels to uint8 [height, width, 3] images of the same size; labels may have newlines.
        insets: (top, left, height, width) of each crop, pixels.
        zoom: integer zoom factor; pixels are repeated.

    Returns:
        uint8 [height, width, 3] array.
    """
    shapes = {picture.shape for picture in columns.values()}
    if len(shapes) != 1:
        raise ValueError(f"`columns` must have images of one size. Received: {sorted(shapes)}")
    font = ImageFont.load_default(max(11, min(24, next(iter(shapes))[1] // 16)))
    lines = max(label.count("\n") + 1 for label in columns)
    line_height = sum(font.getmetrics())  # pyright: ignore[reportAttributeAccessIssue]
    caption_height = 2 * _MARGIN + lines * (line_height + _MARGIN)
    panels = [_panel(label, picture, font, caption_height, insets, zoom) for label, picture in columns.items()]
    height = max(panel.height for panel in panels)
    width = sum(panel.width for panel in panels) + _MARGIN * (len(panels) - 1)
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + _MARGIN
    return np.asarray(sheet)


def nearest(image, scale):
    """Nearest-neighbour upscaling by any factor; sizes are rounded to the nearest pixel."""
    rows, columns = (axis_positions(size, scaled_size(size, scale))[:, 0].astype(np.int64) for size in image.shape[:2])
    return image[rows][:, columns]


def busiest_inset(picture, zoom):
    """The crop with the most detail. Zoomed by `zoom` it is as large as the image.

    Args:
        picture: [height, width, channels].
        zoom: zoom factor, at least 1.

    Returns:
        (top, left, height, width) in pixels of the crop with the largest sum of gradient magnitudes of the grey image.
    """
    grey = np.asarray(picture, np.float64).mean(axis=-1)
    detail = np.hypot(*np.gradient(grey)) if min(grey.shape) > 1 else np.zeros_like(grey)
    (box,) = _largest_boxes(detail, 1, zoom)
    return box


def differing_insets(pictures, count, zoom):
    """The crops where images differ most. Zoomed by `zoom` they fit side by side under an image.

    Args:
        pictures: two or more [height, width, channels] arrays of the same size.
        count: maximum number of crops.
        zoom: zoom factor, at least 1.

    Returns:
        List of at most `count` boxes (top, left, height, width) in pixels that do not overlap, the largest sum of
        squared ranges first. Fewer if the image is too small.
    """
    stack = np.stack(pictures).astype(np.float64)
    spread = np.square(stack.max(axis=0) - stack.min(axis=0)).mean(axis=-1)
    return _largest_boxes(spread, count, zoom)


def _largest_boxes(weight, count, zoom):
    """Greedy choice of non-overlapping boxes with the largest sums of `weight`, sized as in `differing_insets`."""
    between = (count - 1) * _MARGIN
    height, width = (max(1, (size - between) // (count * zoom)) for size in weight.shape)
    sums = np.pad(weight.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    held = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    boxes = []
    while len(boxes) < count and np.isfinite(held).any():
        top, left = (int(index) for index in np.unravel_index(np.argmax(held), held.shape))
        boxes.append((top, left, height, width))
        held[max(0, top - height + 1) : top + height, max(0, left - width + 1) : left + width] = -np.inf
    return boxes


def _panel(label, picture, font, caption_height, insets, zoom):
    marked = Image.fromarray(picture)
    draw = ImageDraw.Draw(marked)
    details = []
    for (top, left, height, width), mark in zip(insets, _MARKS, strict=False):
        detail = Image.fromarray(picture[top : top + height, left : left + width])
        detail = detail.resize((zoom * width, zoom * height), Image.Resampling.NEAREST)
        if len(insets) > 1:
            ImageDraw.Draw(detail).rectangle((0, 0, detail.width - 1, detail.height - 1), outline=mark, width=_FRAME)
        details.append(detail)
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline=mark, width=_FRAME)
    details_width = sum(detail.width for detail in details) + _MARGIN * (len(details) - 1)
    caption_width = max(int(font.getlength(line)) for line in label.split("\n")) + 2 * _MARGIN
    width = max(caption_width, marked.width, details_width)
    details_top = caption_height + marked.height + _MARGIN
    height = details_top + max((detail.height + _MARGIN for detail in details), default=0)
    panel = Image.new("RGB", (width, height), _BACKGROUND)
    ImageDraw.Draw(panel).multiline_text((_MARGIN, _MARGIN), label, fill=_INK, font=font)
    panel.paste(marked, (0, caption_height))
    x = 0
    for detail in details:
        panel.paste(detail, (x, details_top))
        x += detail.width + _MARGIN
    return panel
