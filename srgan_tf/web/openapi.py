"""The description of the API in OpenAPI 3.1, at /openapi.json."""

from srgan_tf import __version__
from srgan_tf.web.options import FORMATS

_ERRORS = {
    "400": "An option is wrong, or the body is empty.",
    "401": "The token is missing or wrong; a server on loopback has none.",
    "403": "The request was sent by a page of another site.",
    "408": "The upload stopped.",
    "413": "The body, the picture or the result is too large.",
    "421": "The host name is not one of this server.",
    "422": "The body is not a valid image of a supported format.",
    "429": "Too many pictures are waiting; Retry-After says when to ask again, in seconds.",
    "503": "The worker process died while it worked on this picture. The next one gets a new worker.",
    "507": "Memory or disk space is not sufficient.",
}


def describe(models, limits):
    """The description.

    Args:
        models: from `options.models`.
        limits: a `Limits`.

    Returns:
        Dictionary of JSON values.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "srgan-tf", "version": __version__, "description": "Upscales images."},
        "paths": {
            "/upscale": {"post": _upscale(models, limits)},
            "/models": {"get": _get("The models, formats and limits.", _content("application/json"))},
            "/results/{id}": {
                "parameters": [_parameter("id", {"type": "string"}, "From the last line of progress.", "path")],
                "get": {
                    **_get("A result.", _pictures(), missing=True),
                    "parameters": [
                        _parameter("download", {"type": "string"}, "If given, browsers save it instead of showing it.")
                    ],
                },
                "delete": {
                    "summary": "Deletes a result.",
                    "responses": {"204": {"description": "Deleted."}, "404": _error("No such result.")},
                },
            },
            "/results.zip": {
                "get": {
                    **_get("Several results in a zip archive.", _content("application/zip"), missing=True),
                    "parameters": [
                        {
                            **_parameter("id", {"type": "array", "items": {"type": "string"}}, "Of each result."),
                            "required": True,
                            "explode": True,
                        }
                    ],
                }
            },
        },
        "components": {
            "schemas": {
                "Error": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
                "Progress": {
                    "type": "object",
                    "required": ["state"],
                    "properties": {
                        "state": {"enum": ["waiting", "loading", "running", "done", "failed", "cancelled"]},
                        "ahead": {"type": "integer", "description": "Number of pictures that come first."},
                        "done": {"type": "number", "minimum": 0, "maximum": 1},
                        "left": {"type": ["number", "null"], "description": "Estimated seconds."},
                        "input": {"type": "array", "items": {"type": "integer"}, "description": "Width, height."},
                        "size": {"type": "array", "items": {"type": "integer"}, "description": "Width, height."},
                        "seconds": {"type": "number"},
                        "result": {"type": "string", "description": "Path of the result."},
                        "before": {"type": "string", "description": "Path of the input as PNG, for rare formats."},
                        "notes": {"type": "array", "items": {"type": "string"}},
                        "status": {"type": "integer", "description": "The status of a failure."},
                        "error": {"type": "string"},
                    },
                },
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _upscale(models, limits):
    return {
        "summary": "Upscales a picture.",
        "description": f"The body is an image file of at most {limits.body} bytes and {limits.pixels} pixels. The "
        "answer is the result. With the header Accept: application/x-ndjson it is lines of JSON with the progress; the "
        "last one has the path of the result. Closing the connection ends the job.",
        "parameters": [
            _parameter("model", {"enum": list(models), "default": next(iter(models))}, "Name of the model."),
            _parameter("scale", {"type": "number", "minimum": 0.05, "maximum": 64}, "Factor; default: the model's."),
            _parameter(
                "size", {"type": "string", "pattern": "^[1-9][0-9]*x[1-9][0-9]*$"}, "Fit into WIDTHxHEIGHT pixels."
            ),
            _parameter(
                "strength",
                {"type": "number", "minimum": 0, "maximum": 1},
                "Between 0, the faithful counterpart of the model, and 1, the model.",
            ),
            _parameter("format", {"enum": list(FORMATS), "default": "png"}, "File format of the result."),
            _parameter("name", {"type": "string"}, "File name of the picture; that of the result is made from it."),
        ],
        "requestBody": {"required": True, "content": _content("image/*", "application/octet-stream")},
        "responses": {
            "200": {
                "description": "The result, or its progress.",
                "headers": {
                    "X-Size": {"schema": {"type": "string"}, "description": "WIDTHxHEIGHT of the result."},
                    "X-Notes": {"schema": {"type": "string"}, "description": "What was left out, if anything."},
                },
                "content": {
                    **_pictures(),
                    "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Progress"}},
                },
            },
            **{status: _error(text) for status, text in _ERRORS.items()},
        },
    }


def _parameter(name, schema, text, where="query"):
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": text}


def _content(*kinds):
    return {kind: {"schema": {"type": "object"} if kind == "application/json" else {}} for kind in kinds}


def _pictures():
    return _content(*FORMATS.values())


def _get(text, content, *, missing=False):
    responses = {"200": {"description": text, "content": content}}
    if missing:
        responses["404"] = _error("No such result.")
    return {"summary": text, "responses": responses}


def _error(text):
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
