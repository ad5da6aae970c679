"""report.html, as text and in a headless Chromium."""

import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image
from support.browser import find
from support.samples import Shifted

from srgan_tf.data.pairs import make_pair
from srgan_tf.data.sources import Source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import WorkError
from srgan_tf.evaluation.driver import evaluate_sources
from srgan_tf.inference.upscalers import BicubicUpscaler


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of three models on two data sets, with names that need escaping and a picture that failed."""

    def fail():
        raise WorkError("cannot read <b>'x & y'</b>")

    output = tmp_path_factory.mktemp("page")
    pairs = [make_pair(f"{name}", draw_picture(index, 96, 128), 4) for index, name in enumerate(("a<i>", 'b"', "c"))]
    sources = [
        Source("first", [lambda pair=pair: pair for pair in pairs]),
        Source("second", [fail, lambda: make_pair("d", draw_picture(7, 72, 60), 4)]),
    ]
    models = [BicubicUpscaler(4), Shifted("dark", -30), Shifted("bright <&>", 8)]
    evaluate_sources(models, sources, output)
    return output / "report.html"


class Reader(html.parser.HTMLParser):
    """Checks that tags nest, and collects them."""

    VOID = ("meta", "img", "input", "path", "use", "br")

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_complete_and_self_contained(page):
    text = page.read_text()
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert "default-src 'none'" in text
    for tag, attributes in reader.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/webp;base64,")), tag
    assert not re.search(r"url\(|@import|https?://", text)
    # LR, three models and HR of four pictures.
    alts = [attributes["alt"] for tag, attributes in reader.tags if tag == "img"]
    assert len(alts) == 20
    assert all(re.match(r"(first|second)/", alt) for alt in alts)
    assert re.search(r"first/a<i>, dark, \d\d\.\d\d / 0\.\d{4}", "\n".join(alts))
    assert "&lt;b&gt;&#39;x &amp; y&#39;&lt;/b&gt;" in text


def test_the_tables(page):
    text = page.read_text()
    rows = re.findall(r"<tr>(<td.*?)</tr>", text[: text.index('id="pictures"')], re.DOTALL)
    names = [re.findall(r'<td class="name">(.*?)</td>', row) for row in rows]
    models = ["bicubic", "dark", "bright &lt;&amp;&gt;"]
    assert names[:6] == [[data, model] for data in ("first (3)", "second (1)") for model in models]
    assert names[6] == ["first", "dark - bicubic"]
    assert names[-1] == ["second", "bright &lt;&amp;&gt; - dark"]
    assert 'class="best"' in rows[0]
    assert re.search(r'<td data-value="-[\d.]+">-\d+\.\d\d<small>\[-[\d.]+, -[\d.]+\]</small></td>', rows[6])


def test_at_most_n_pictures_are_shown_evenly_spread(tmp_path):
    pairs = [make_pair(f"p{index}", draw_picture(index, 48, 48), 4) for index in range(10)]
    source = Source("mine", [lambda pair=pair: pair for pair in pairs])
    evaluate_sources([BicubicUpscaler(4)], [source], tmp_path, page_pictures=4)
    text = (tmp_path / "report.html").read_text()
    assert re.findall(r"<figcaption>mine/(p\d)", text) == ["p0", "p3", "p5", "p8"]
    evaluate_sources([BicubicUpscaler(4)], [source], tmp_path, page_pictures=0)
    assert '<figure class="viewer"' not in (tmp_path / "report.html").read_text()


@pytest.fixture
def opened(browser, page):
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def column(table, index):
    return [row.find_elements("css selector", "td")[index].text.split("\n")[0] for row in find(table, "tbody tr")]


def test_sorting_sorts_by_number_and_back(opened):
    table = find(opened, "#scores table")[0]
    heading = find(table, "th")[2]
    before = column(table, 2)
    find(heading, "button")[0].click()
    ascending = column(table, 2)
    assert ascending == sorted(before, key=float) != before
    assert heading.get_attribute("aria-sort") == "ascending"
    find(heading, "button")[0].send_keys("\ue007")  # Enter
    assert column(table, 2) == ascending[::-1]
    assert heading.get_attribute("aria-sort") == "descending"
    name = find(table, "th")[1]
    find(name, "button")[0].click()
    assert column(table, 1) == sorted(column(table, 1))
    assert heading.get_attribute("aria-sort") == "none"


def brightness(driver, stage):
    """Mean level of what the screen shows between three and four tenths of the stage's width."""
    picture = np.asarray(Image.open(io.BytesIO(stage.screenshot_as_png)).convert("L"), float)
    height, width = picture.shape
    return picture[: height // 2, 3 * width // 10 : 4 * width // 10].mean()


def test_the_slider_moves_by_keys_and_by_dragging(opened):
    from selenium.webdriver import ActionChains

    viewer = find(opened, ".viewer")[0]
    stage, slider = find(viewer, ".stage")[0], find(viewer, ".slider")[0]
    left, right = find(viewer, "select")
    left.send_keys("dark")
    right.send_keys("bright")
    dark = brightness(opened, stage)
    slider.send_keys("\ue011")  # Home: the boundary is at the far left
    assert slider.get_attribute("value") == "0"
    assert brightness(opened, stage) > dark + 20  # 38 levels, where none saturates
    slider.send_keys("\ue014" * 3)  # arrow right
    assert slider.get_attribute("value") == "3"
    size = stage.size
    ActionChains(opened).move_to_element(stage).click_and_hold().move_by_offset(
        size["width"] // 4, 0
    ).release().perform()
    assert int(slider.get_attribute("value")) == pytest.approx(750, abs=10)
    assert brightness(opened, stage) == pytest.approx(dark, abs=2)


def places(driver, viewer):
    """What the panes that are shown look at: [zoom, x, y] in widths and heights of a pane, without repetitions."""
    script = """
        const shown = [...arguments[0].querySelectorAll(".pane")].filter(pane => pane.offsetWidth);
        return shown.map(pane => {
          const box = pane.getBoundingClientRect();
          const matrix = new DOMMatrix(getComputedStyle(pane.firstElementChild).transform);
          return [matrix.a, matrix.e / box.width, matrix.f / box.height].map(value => value.toFixed(2)).join(" ");
        });
    """
    return driver.execute_script(script, viewer)


def test_zoom_moves_all_views_together(opened):
    viewer = find(opened, ".viewer")[0]
    stage = find(viewer, ".stage")[0]
    assert places(opened, viewer) == ["1.00 0.00 0.00"] * 2
    stage.send_keys("++")
    assert find(viewer, "output")[0].text == "4\u00d7"
    assert places(opened, viewer) == ["4.00 -1.50 -1.50"] * 2  # about the middle: 0.5 - 4 * 0.5
    stage.send_keys("\ue014\ue013")  # arrows right and up, a tenth of a pane each
    assert places(opened, viewer) == ["4.00 -1.60 -1.40"] * 2
    find(viewer, ".toggle")[0].click()
    assert places(opened, viewer) == ["4.00 -1.60 -1.40"] * 5
    find(viewer, ".out")[0].click()
    assert {place.split()[0] for place in places(opened, viewer)} == {"2.00"}
    find(viewer, ".reset")[0].click()
    assert places(opened, viewer) == ["1.00 0.00 0.00"] * 5


def test_the_page_fits_a_phone(opened):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        opened.refresh()
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
        stage = find(opened, ".stage")[0]
        assert stage.size["width"] <= 390
        find(opened, ".toggle")[0].click()
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
