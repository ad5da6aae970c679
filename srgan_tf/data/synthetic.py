"""Pictures drawn from a seed, for training without files or a network connection.

The model is "dead leaves": opaque shapes with power-law sizes on top of each other. Its pictures have the occlusions,
the scale invariance and the edge statistics of photographs (Lee, Mumford & Huang 2001), and networks can learn from
them (Baradad et al. 2021). Here the shapes are flat, shaded or textured, sharp or slightly blurred. Thin lines and
letter-like strokes lie among them, since they show the quality of super-resolution.
"""

import itertools

import numpy as np

_SMALLEST_RADIUS = 5.0  # pixels
_COVERAGE = 3.0  # total area of the shapes over the picture's area


def draw_picture(seed, height, width):
    """Draws a dead-leaves picture.

    Args:
        seed: int or sequence of ints, 0 or more; the same seed and size give the same picture.
        height: pixels.
        width: pixels.

    Returns:
        uint8 [height, width, 3] array.
    """
    rng = np.random.default_rng(seed)
    canvas = np.empty((height, width, 3))
    textures = [_noise(rng, height, width) for _ in range(3)]
    window = (slice(0, height), slice(0, width))
    canvas[...] = _fill(rng, *_coordinates(window, width / 2, height / 2), max(height, width) / 2, textures, window)

    largest = max(2 * _SMALLEST_RADIUS, 0.3 * min(height, width))
    mean_area = np.pi * 2 * _SMALLEST_RADIUS**2 * np.log(largest / _SMALLEST_RADIUS)
    for _ in range(round(_COVERAGE * height * width / mean_area)):
        # Radii r with density ~ r^-3: every size covers the same area, so the picture is scale invariant.
        radius = (largest**-2 + rng.random() * (_SMALLEST_RADIUS**-2 - largest**-2)) ** -0.5
        x, y = rng.random() * width, rng.random() * height
        kind = rng.random()
        if kind < 0.86:
            _draw_leaf(rng, canvas, x, y, radius, textures)
        elif kind < 0.94:
            _draw_line(rng, canvas, x, y, 4 * radius)
        else:
            _draw_letters(rng, canvas, x, y, radius)
    return np.rint(canvas.clip(0, 1) * 255).astype(np.uint8)


def _draw_leaf(rng, canvas, x, y, radius, textures):
    window = _window(canvas, x, y, radius + 3)
    dx, dy = _coordinates(window, x, y)
    angle = rng.random() * 2 * np.pi
    u = np.cos(angle) * dx + np.sin(angle) * dy
    v = np.cos(angle) * dy - np.sin(angle) * dx
    aspect = 0.4 + 0.6 * rng.random()
    shape = rng.random()
    if shape < 0.4:
        distance = (np.hypot(u / radius, v / (aspect * radius)) - 1) * aspect * radius
    elif shape < 0.7:
        distance = np.maximum(np.abs(u) - 0.8 * radius, np.abs(v) - 0.8 * aspect * radius)
    else:
        sides = 3 + int(rng.random() * 4)
        directions = 2 * np.pi * (np.arange(sides) + 0.6 * rng.random(sides)) / sides
        distance = np.max([np.cos(d) * u + np.sin(d) * v for d in directions], axis=0) - 0.7 * radius
    softness = 1.0 if rng.random() < 0.7 else 1.0 + 2.0 * rng.random()
    _blend(canvas, window, _fill(rng, u, v, radius, textures, window), distance, softness)


def _draw_line(rng, canvas, x, y, length):
    angle = rng.random() * 2 * np.pi
    ends = (x, y), (x + length * np.cos(angle), y + length * np.sin(angle))
    _draw_strokes(canvas, [ends], 0.6 + 1.5 * rng.random(), _colour(rng))


def _draw_letters(rng, canvas, x, y, radius):
    """A short word: each letter is three strokes between nodes of a 3x3 grid."""
    size = 6 + radius
    angle = (rng.random() - 0.5) * (0.2 if rng.random() < 0.8 else 3.0)
    cos, sin = np.cos(angle), np.sin(angle)
    strokes = []
    for letter in range(2 + int(rng.random() * 5)):
        nodes = (rng.random((4, 2)) * 3).astype(int) / 2.0 * (0.55 * size, size) + (0.8 * size * letter, 0)
        points = [(x + cos * px - sin * py, y + sin * px + cos * py) for px, py in nodes]
        strokes.extend(itertools.pairwise(points))
    _draw_strokes(canvas, strokes, max(0.8, 0.12 * size), _colour(rng))


def _draw_strokes(canvas, strokes, thickness, colour):
    points = np.array(strokes).reshape(-1, 2)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    reach = max(right - left, bottom - top) / 2 + thickness + 2
    x, y = (left + right) / 2, (top + bottom) / 2
    window = _window(canvas, x, y, reach)
    dx, dy = _coordinates(window, 0, 0)
    distance = np.inf
    for (ax, ay), (bx, by) in strokes:
        length2 = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        along = (((dx - ax) * (bx - ax) + (dy - ay) * (by - ay)) / length2).clip(0, 1)
        distance = np.minimum(distance, np.hypot(dx - ax - along * (bx - ax), dy - ay - along * (by - ay)))
    _blend(canvas, window, colour, distance - thickness / 2, 1.0)


def _fill(rng, u, v, radius, textures, window):
    """Colours of a shape at local coordinates: flat, shaded, textured, striped or chequered."""
    colour = _colour(rng)
    kind = rng.random()
    if kind < 0.25:
        return colour
    other = _colour(rng)
    if kind < 0.5:
        blend = (0.5 + 0.5 * u / radius).clip(0, 1)
    elif kind < 0.75:
        blend = textures[int(rng.random() * len(textures))][window]
        other = colour + (other - colour) * (0.2 + 0.6 * rng.random())
    else:
        period = 5.0 + 15.0 * rng.random()
        phase = rng.random() * period
        blend = 0.5 + 0.5 * np.sin(2 * np.pi * (u + phase) / period)
        if kind > 0.9:
            blend = np.abs(blend - (0.5 + 0.5 * np.sin(2 * np.pi * (v + phase) / period)))
    return colour + (other - colour) * blend[..., np.newaxis]


def _colour(rng):
    """A random colour, more often dull than vivid."""
    vividness = rng.random() ** 2
    grey = rng.random()
    return (1 - vividness) * grey + vividness * rng.random(3)


def _noise(rng, height, width):
    """A 1/f texture over the whole picture, between 0 and 1: the amplitude spectrum of natural images (Field 1987)."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf  # no constant part
    spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency ** (0.7 + 0.6 * rng.random())
    texture = np.fft.irfft2(spectrum, (height, width))
    return (0.5 + texture / (4 * texture.std() + 1e-12)).clip(0, 1)


def _window(canvas, x, y, reach):
    """The part of the canvas within `reach` pixels of a point; may be empty."""
    height, width = canvas.shape[:2]
    rows = slice(max(0, int(y - reach)), max(0, min(height, int(y + reach) + 1)))
    columns = slice(max(0, int(x - reach)), max(0, min(width, int(x + reach) + 1)))
    return rows, columns


def _coordinates(window, x, y):
    """Horizontal and vertical distance of every pixel of a window from a point, broadcastable."""
    rows, columns = window
    return np.arange(columns.start, columns.stop)[np.newaxis] - x, np.arange(rows.start, rows.stop)[:, np.newaxis] - y


def _blend(canvas, window, colours, distance, softness):
    """Paints where the signed distance (pixels, negative inside) is below zero, with an edge `softness` pixels wide."""
    opacity = (0.5 - distance / softness).clip(0, 1)[..., np.newaxis]
    canvas[window] += opacity * (colours - canvas[window])
