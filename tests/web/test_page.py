"""The page in a headless Chromium, with a stub worker."""

import io
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image
from support.browser import find
from support.hostile import png
from support.waiting import wait_until
from support.web_server import serve, stub_app

pytest.importorskip("uvicorn")
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.web.limits import Limits

pytestmark = pytest.mark.slow  # half a minute; tests/web/test_app.py covers the server

HOSTILE_NAME = "<img src=x onerror=alert(1)>&amp;.png"
DROP = """
    const transfer = new DataTransfer();
    for (const [name, type, text] of arguments[0]) {
      transfer.items.add(new File([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))], name, { type }));
    }
    const target = document.querySelector(arguments[1]);
    for (const kind of ["dragenter", "dragover", "drop"]) {
      target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUB_STEP", "0.2")
        yield stub_app(tmp_path_factory.mktemp("server"), limits=Limits(body=1 << 20))


@pytest.fixture(scope="module")
def url(app):
    with serve(app) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def page(browser, url):
    browser.get(url)
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    wait_until(lambda: find(browser, "#model option"))
    yield browser
    names = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith((url, f"blob:{url}")) for name in names)
    serious = [entry["message"] for entry in browser.get_log("browser") if "status of 4" not in entry["message"]]
    assert serious == []
    browser.execute_script(
        "stop(); removeEventListener('beforeunload', null); for (const item of [...items]) remove(item)"
    )


def encoded(kind, size=(40, 60)):
    import base64

    file = io.BytesIO()
    Image.fromarray(draw_picture(0, *size)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def drop(page, *files, target="#view"):
    page.execute_script(DROP, files, target)


def states(page):
    return page.execute_script("return items.map(item => item.state)")


def texts(page):
    return [row.text for row in find(page, "#list small")]


def upscale(page):
    find(page, "#go")[0].click()
    wait_until(lambda: page.execute_script("return running === null"), 30)


def test_three_pictures_of_different_kinds(page, url):
    kinds = (("a.png", "image/png", "PNG"), ("b.jpg", "image/jpeg", "JPEG"), ("c.tif", "image/tiff", "TIFF"))
    drop(page, *((name, kind, encoded(format_)) for name, kind, format_ in kinds))
    wait_until(lambda: len(texts(page)) == 3)
    assert find(page, "#go")[0].text == "Upscale 3 pictures"
    wait_until(lambda: find(page, "#outcome")[0].text == "60\u2009\u00d7\u200940 becomes 240\u2009\u00d7\u2009160")
    find(page, "#go")[0].click()
    seen = []
    while page.execute_script("return running !== null"):
        bar = page.execute_script("return document.querySelector('#list progress').value")
        if find(page, "#list progress")[0].is_displayed() and bar:
            seen.append((bar, texts(page)[0]))
    assert len(set(seen)) > 3
    assert [bar for bar, _ in seen] == sorted(bar for bar, _ in seen)
    assert any("% \u00b7 1 s left" in text for _, text in seen)
    assert states(page) == ["done"] * 3
    assert texts(page)[0].startswith("240\u2009\u00d7\u2009160 \u00b7 ")
    # Each row and the zip have the results.
    links = [link.get_attribute("href") for link in find(page, "#list .save")]
    assert [Image.open(io.BytesIO(requests.get(link).content)).size for link in links] == [(240, 160)] * 3
    archive = zipfile.ZipFile(io.BytesIO(requests.get(find(page, "#zip")[0].get_attribute("href")).content))
    assert archive.namelist() == ["a_upscaled.png", "b_upscaled.png", "c_upscaled.png"]
    # The TIFF, which browsers do not show, is shown through its preview.
    find(page, "#list .row")[2].click()
    wait_until(
        lambda: page.execute_script("return [...document.querySelectorAll('.stage img')].every(i => i.naturalWidth)")
    )
    widths = page.execute_script("return [...document.querySelectorAll('.stage img')].map(image => image.naturalWidth)")
    assert widths == [60, 240]


def test_the_slider_and_zoom_in_step(page):
    drop(page, ("a.png", "image/png", encoded("PNG")))
    upscale(page)
    stage, slider = find(page, ".stage")[0], find(page, ".slider")[0]
    cut = lambda: page.execute_script("return getComputedStyle(arguments[0]).getPropertyValue('--cut')", stage)  # noqa: E731
    assert cut() == "0.5"
    slider.send_keys("\ue014" * 5)  # arrow right
    assert cut() == "0.505"
    find(page, "body")[0].send_keys("++")
    assert find(page, "#viewer output")[0].text == "4\u00d7"
    transforms = page.execute_script(
        "return [...document.querySelectorAll('.stage img')].map(image => getComputedStyle(image).transform)"
    )
    assert transforms[0] == transforms[1] != "none"


def test_hostile_files_and_names(page):
    import base64

    bomb = base64.b64encode(png(60_000, 60_000, data=b"")).decode()
    svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").decode()
    drop(
        page,
        (HOSTILE_NAME, "image/png", encoded("PNG")),
        ("bomb.png", "image/png", bomb),
        ("x.svg", "image/svg+xml", svg),
        ("empty.png", "image/png", ""),
        ("cut.png", "image/png", encoded("PNG")[:80]),
        ("large.bin", "image/png", base64.b64encode(bytes(1_100_000)).decode()),
    )
    assert find(page, "#list b")[0].text == HOSTILE_NAME
    assert find(page, "#list b img") == []
    upscale(page)
    assert states(page) == ["done", *["failed"] * 5]
    assert texts(page)[1:] == [
        *["cannot read this image"] * 2,
        "the body is empty: send a picture, as with curl --data-binary @photo.jpg",
        "cannot read this image",
        "larger than 1 MiB",
    ]
    find(page, "#list .row")[1].click()
    assert find(page, "#hint")[0].text == "cannot read this image"
    assert find(page, "#go")[0].get_attribute("disabled")


def test_stopping_and_the_second_try(page, app):
    import base64

    sleep = base64.b64encode(b"sleep").decode()
    drop(page, ("a.png", "image/png", sleep), ("b.png", "image/png", encoded("PNG")))
    find(page, "#go")[0].click()
    wait_until(lambda: "7 s left" in texts(page)[0] or "6 s left" in texts(page)[0])
    assert find(page, "#go")[0].text == "Stop"
    find(page, "#go")[0].click()
    wait_until(lambda: page.execute_script("return running === null"))
    assert states(page) == ["ready", "ready"]
    wait_until(lambda: app.state.queue._running is None)
    find(page, "#list .remove")[0].click()
    upscale(page)
    assert states(page) == ["done"]
    # Another setting makes the button active again.
    assert find(page, "#go")[0].get_attribute("disabled")
    find(page, ".segments label")[0].click()
    assert find(page, "#go")[0].text == "Upscale again"
    upscale(page)
    assert texts(page)[0].startswith("120\u2009\u00d7\u200980")


def test_keyboard(page):
    drop(page, ("a.png", "image/png", encoded("PNG")), ("b.png", "image/png", encoded("PNG")))
    body = find(page, "body")[0]
    body.send_keys("j")
    assert page.execute_script("return chosen.file.name") == "b.png"
    body.send_keys("\ue017")  # Delete
    assert page.execute_script("return items.map(item => item.file.name)") == ["a.png"]
    body.send_keys("\ue007")  # Enter
    wait_until(lambda: states(page) == ["done"])
    body.send_keys("?")
    assert find(page, "#keys")[0].is_displayed()
    find(page, "#keys button")[0].click()
    assert not find(page, "#keys")[0].is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_and_can_be_read(page, scheme, width):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    if width < 1000:
        phone = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        drop(page, (f"{'long name ' * 20}.png", "image/png", encoded("PNG", (200, 300))))
        upscale(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        stage = find(page, ".stage")[0].rect
        assert 250 < stage["width"] <= width
        assert stage["y"] + stage["height"] < 900
        shot = np.asarray(Image.open(io.BytesIO(page.get_screenshot_as_png())).convert("L"), float)
        assert (shot[:20].mean() > 128) == (scheme == "light")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_files_are_chosen_and_saved(page, tmp_path):
    Image.fromarray(draw_picture(0, 20, 30)).save(tmp_path / "mine.png")
    downloads = tmp_path / "downloads"
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    find(page, "#files")[0].send_keys(str(tmp_path / "mine.png"))
    upscale(page)
    find(page, "#download")[0].click()
    wait_until(lambda: (downloads / "mine_upscaled.png").is_file())
    with Image.open(downloads / "mine_upscaled.png") as saved:
        assert saved.size == (120, 80)
