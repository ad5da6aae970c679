"""The API with a stub worker: pictures, progress, errors, limits and access."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.limits import files_of_at_most
from support.web_server import stub_app

pytest.importorskip("starlette")
from starlette.testclient import TestClient

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.web.limits import Limits

LINES = {"Accept": "application/x-ndjson"}


def encoded(kind="PNG", height=12, width=18):
    file = io.BytesIO()
    Image.fromarray(draw_picture(0, height, width)).save(file, kind)
    return file.getvalue()


@pytest.fixture
def client(tmp_path):
    with TestClient(stub_app(tmp_path), base_url="http://localhost") as opened:
        yield opened


def opened(response):
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def last_line(response):
    return json.loads(response.text.splitlines()[-1])


def test_a_picture_is_answered_by_a_picture(client, tmp_path):
    response = client.post("/upscale?scale=2.5&format=webp&name=a/b.png", content=encoded())
    image = opened(response)
    assert (image.size, image.format) == ((45, 30), "WEBP")
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["content-disposition"] == 'attachment; filename="b_upscaled.webp"'
    assert response.headers["x-size"] == "45x30"
    assert opened(client.post("/upscale?size=50x40", content=encoded("TIFF"))).size == (50, 40)
    (own,) = tmp_path.iterdir()
    assert list(own.iterdir()) == []  # uploads and results are deleted once they are sent


def test_progress_and_the_result_behind_it(client):
    response = client.post("/upscale?name=x.tif", content=encoded("TIFF"), headers=LINES)
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["state"] for line in lines] == ["waiting", "loading", *["running"] * 5, "done"]
    assert [line["done"] for line in lines if line["state"] == "running"] == [0, 0.2, 0.4, 0.6, 0.8]
    last = lines[-1]
    assert (last["input"], last["size"], last["notes"]) == ([18, 12], [72, 48], [])
    assert opened(client.get(f"/{last['result']}")).size == (72, 48)
    saved = client.get(f"/{last['result']}?download")
    assert saved.headers["content-disposition"] == 'attachment; filename="x_upscaled.png"'
    assert opened(client.get(f"/{last['before']}")).size == (18, 12)
    assert client.delete(f"/{last['result']}").status_code == 204
    assert client.get(f"/{last['result']}").status_code == 404


def test_all_results_in_a_zip(client):
    names = ["a.png", "a.jpg", "<i>\u00e4\n.png", "../../c"]
    results = [
        last_line(client.post("/upscale", params={"name": name}, content=encoded(), headers=LINES)) for name in names
    ]
    ids = [("id", result["result"].split("/")[1]) for result in results]
    archive = zipfile.ZipFile(io.BytesIO(client.get("/results.zip", params=[*ids, ("id", "missing")]).content))
    assert archive.namelist() == ["a_upscaled.png", "a_upscaled (2).png", "_i_\u00e4__upscaled.png", "c_upscaled.png"]
    assert archive.testzip() is None
    assert Image.open(archive.open("a_upscaled (2).png")).size == (72, 48)
    assert client.get("/results.zip?id=missing").status_code == 404


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("model=../../etc/passwd", "no model '../../etc/passwd': expected photo_x4, compact_x4"),
        ("scale=nan", "scale must be a number from 0.05 to 64 (received 'nan')"),
        ("scale=1e9", "scale must be"),
        ("size=0x7", "size must be WIDTHxHEIGHT"),
        ("scale=2&size=3x3", "scale and size cannot be given together"),
        ("strength=2", "strength must be a number from 0 to 1 (received '2')"),
        ("strength=0.5&model=compact_x4", "'compact_x4' has no strength"),
        ("format=exe", "no format 'exe'"),
        ("sclae=2", "unknown option 'sclae'"),
    ],
)
def test_wrong_options(client, query, reason):
    response = client.post(f"/upscale?{query}", content=encoded())
    assert response.status_code == 400
    assert reason in response.json()["error"]


def test_wrong_requests(client):
    assert client.post("/upscale", content=b"").status_code == 400
    assert "the body is empty" in client.post("/upscale", content=b"").json()["error"]
    assert client.get("/upscale").status_code == 405
    assert client.get("/nowhere").json() == {"error": "not found: /nowhere"}
    for path in ("/assets/../app.py", "/assets/app.py", "/assets/page.html", "/results/../../x", "/results/x/before"):
        assert client.get(path).status_code == 404
    response = client.post("/upscale", content=b"no image")
    assert (response.status_code, response.json()) == (422, {"error": "cannot read this image"})
    assert last_line(client.post("/upscale", content=b"no image", headers=LINES)) == {
        **{"state": "failed", "status": 422, "error": "cannot read this image"}
    }


def test_a_body_over_the_limit(tmp_path):
    with TestClient(stub_app(tmp_path, limits=Limits(body=3000)), base_url="http://localhost") as client:
        for content in (bytes(3001), iter([bytes(1000)] * 4)):  # with and without its length in the headers
            response = client.post("/upscale", content=content)
            assert response.status_code == 413
            assert response.json() == {"error": f"the body is larger than {3000 / 2**20:g} MiB"}
        assert client.post("/upscale", content=encoded()).status_code == 200
        (own,) = tmp_path.iterdir()
        assert list(own.iterdir()) == []


def test_a_worker_that_crashes_is_replaced(client, caplog):
    before = client.app.state.worker.pid
    response = client.post("/upscale", content=b"crash")
    assert response.status_code == 503
    assert response.json()["error"].endswith("died while it worked on this picture: it was ended by SIGABRT")
    assert "the stub crashes" in caplog.text
    assert opened(client.post("/upscale", content=encoded())).size == (72, 48)
    assert client.app.state.worker.pid != before


def test_results_are_deleted_after_their_time(tmp_path):
    with TestClient(stub_app(tmp_path, limits=Limits(kept=0)), base_url="http://localhost") as client:
        results = [last_line(client.post("/upscale", content=encoded(), headers=LINES))["result"] for _ in range(2)]
        client.app.state.queue.delete_old()
        assert [client.get(f"/{result}").status_code for result in results] == [404, 404]


def test_the_oldest_results_make_room(tmp_path):
    with TestClient(stub_app(tmp_path, limits=Limits(stored=1)), base_url="http://localhost") as client:
        results = [last_line(client.post("/upscale", content=encoded(), headers=LINES))["result"] for _ in range(3)]
        assert [client.get(f"/{result}").status_code for result in results] == [404, 404, 200]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 421),
        ({"Host": "localhost.attacker.example:80"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "[::"}, 421),
        ({"Host": "127.0.0.1:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Host": "localhost:8000", "Origin": "http://localhost:9000"}, 403),
        ({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_strangers_are_refused(client, headers, status):
    response = client.post("/upscale", content=encoded(), headers=headers)
    assert response.status_code == status
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    if status != 200:
        assert response.json()["error"]


def test_the_token(tmp_path):
    app = stub_app(tmp_path, token="secret")
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        for path in ("/", "/models", "/?token=wrong", "/?token=", "/openapi.json"):
            assert client.get(path).status_code == 401
        for header in ("Bearer wrong", "Bearer ", "secret2", "Basic \udcff"):
            sent = {"Authorization": header.encode("utf-8", "replace")}
            assert client.get("/models", headers=sent).status_code == 401
        assert client.get("/models", headers={"Authorization": "Bearer secret"}).status_code == 200
        response = client.get("/?token=secret")
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert "HttpOnly" in response.headers["set-cookie"]
        assert "SameSite=strict" in response.headers["set-cookie"]
        assert client.get("/models").status_code == 200  # the client keeps the cookie
    with TestClient(app, base_url="http://localhost") as client:  # beside a cookie of another server on this host
        assert client.get("/models", headers={"Cookie": 'prefs={"a":"b"}; srgan_tf_token=secret'}).status_code == 200


def test_an_upload_onto_a_full_disk(client):
    with files_of_at_most(10):
        response = client.post("/upscale", content=encoded())
    assert response.status_code == 507
    assert response.json()["error"] == "cannot store the picture: File too large"


def test_the_page_names_no_other_host(client):
    texts = [client.get(path) for path in ("/", *(f"/assets/{name}" for name in ("page.js", "page.css", "viewer.js")))]
    for response in texts:
        assert response.status_code == 200
        assert "//" not in response.text.replace("// ", "").replace("http://www.w3.org/2000/svg", "")


def test_openapi_describes_every_route_and_answer(client):
    description = client.get("/openapi.json").json()
    assert description["openapi"] == "3.1.0"
    described = {path for path in description["paths"]}
    assert described == {"/upscale", "/models", "/results/{id}", "/results.zip"}
    upscale = description["paths"]["/upscale"]["post"]
    parameters = {each["name"]: each for each in upscale["parameters"]}
    assert set(parameters) == {"model", "scale", "size", "strength", "format", "name"}
    assert parameters["model"]["schema"]["enum"] == [model["name"] for model in client.get("/models").json()["models"]]
    assert {"200", "400", "401", "403", "413", "421", "422", "429", "503", "507"} <= set(upscale["responses"])


def test_files_are_deleted_when_the_server_ends(tmp_path):
    with TestClient(stub_app(tmp_path), base_url="http://localhost") as client:
        client.post("/upscale", content=encoded(), headers=LINES)
        assert np.size(list(tmp_path.rglob("*.png"))) == 1
    assert list(tmp_path.iterdir()) == []
