"""What the document promises and no schema can say, checked on every response of the fuzzer; and its examples made real."""

import json
import pathlib

import schemathesis

SEEDED = pathlib.Path(__file__).parent.parent / "target" / "contract"


def seeded(name):
    return [json.loads(line) for line in (SEEDED / f"{name}.dict").read_text().splitlines()]


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    """Holds open sets of words to the words of today: a gateway that says another one has it from elsewhere than this
    document. The schema check then names it."""
    close(raw_schema["components"]["schemas"])
    examples(raw_schema)


def close(node):
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        close(inner)
    if isinstance(node, dict) and "x-extensible-enum" in node:
        node["enum"] = node.pop("x-extensible-enum") + [None] * node.get("nullable", False)


def examples(raw_schema):
    """Puts what is there into the document's examples: the phases without chance call with them, and would see nothing
    but 404. Each path below a session gets a session of its own, because some of them end it."""
    parameters = raw_schema["components"]["parameters"]
    disposable = iter(seeded("disposable"))
    for path, item in raw_schema["paths"].items():
        if "{session}" in path:
            stays = "/groups" in path or "/actions" in path
            session = seeded("sessions")[0] if stays else next(disposable)
            item["parameters"] = [{**parameters["Session"], "example": session}]
        if "{gid}" in path:
            name = "leavable" if path.endswith("/leave") else "groups"
            item["parameters"].append({**parameters["Gid"], "example": seeded(name)[0]})
        if "{jid}" in path:
            item["parameters"].append({**parameters["Jid"], "example": seeded("people")[0]})
        if "{addition}" in path:
            item["parameters"].append({**parameters["Addition"], "example": seeded("additions")[0]})
        if "{key}" in path:
            item["parameters"] = [{**parameters["ApiKey"], "example": seeded("api-keys")[0]}]
        if "{action}" in path:
            item["parameters"].append({**parameters["Action"], "example": seeded("actions")[0]})


CODES = {
    "validation_error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal": 500,
    "not_implemented": 501,
    "upstream_error": 502,
    "unavailable": 503,
    "upstream_timeout": 504,
}


def header(response, name):
    return (response.headers.get(name.lower()) or [None])[0]


@schemathesis.check
def error_envelope(ctx, response, case):
    """Every error has the one shape, and its code belongs to its status."""
    if response.status_code < 400:
        return
    assert header(response, "content-type") == "application/json", "an error is application/json"
    body = json.loads(response.content)
    assert set(body) == {"error"}, "an error is {error} and nothing else"
    error = body["error"]
    assert set(error) == {"code", "message", "details"}, "error is {code, message, details} and nothing else"
    assert CODES.get(error["code"]) == response.status_code, f"{error['code']} does not belong to {response.status_code}"
    assert isinstance(error["message"], str) and error["message"], "message is text"
    assert isinstance(error["details"], dict), "details is an object"


@schemathesis.check
def no_content_is_empty(ctx, response, case):
    """204 has no body and says nothing of one."""
    if response.status_code == 204:
        assert not response.content, "204 has a body"
        assert header(response, "content-type") is None, "204 names a content type"


@schemathesis.check
def headers_of_refusals(ctx, response, case):
    """401 names the scheme, 405 the methods, 429 and 503 when to come back."""
    if response.status_code == 401:
        assert header(response, "www-authenticate") == "Bearer", "401 without WWW-Authenticate: Bearer"
    if response.status_code == 405:
        assert header(response, "allow"), "405 without Allow"
    if response.status_code in (429, 503):
        assert (header(response, "retry-after") or "").isdigit(), f"{response.status_code} without Retry-After"
