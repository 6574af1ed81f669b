#!/usr/bin/env python3
"""Refuses what the templates would pass over in silence of an OpenAPI document, and writes it in the generator's terms.

    prepare_document.py DOCUMENT PREPARED

The tables below list what the templates know. Anything else would be missing in the server that is generated, so it is
refused, with a line that names the operation or the schema. scripts/generate runs this before the generator.
"""

import json
import re
import sys

import yaml

from request_fields import Fields
from schemas import kind, resolved

# What each object of the document may have.
KEYWORDS = {
    "the document": "openapi info servers security tags paths components",
    "components": "securitySchemes parameters headers links schemas responses examples requestBodies",
    "a path": "parameters get post put patch delete",
    "an operation": "operationId tags x-capability x-live summary description deprecated parameters requestBody responses",
    "a parameter": "name in required description deprecated schema example examples",
    "a request body": "description required content",
    "a success": "description headers content links",
    "a media type": "schema example examples",
    "a header of a success": "description required schema example",
}

# What each kind of schema may have; `kind` tells them apart.
KINDS = {
    "an object": "type title description deprecated required properties additionalProperties example",
    "a set of words": "type title description deprecated nullable enum x-extensible-enum example",
    "a string with a pattern": "type title description deprecated nullable pattern x-checked-by-service x-must-be example",
    "a string": "type description deprecated nullable minLength maxLength example",
    "an integer": "type format description deprecated nullable minimum maximum default x-must-be example",
    "a boolean": "type description deprecated nullable default example",
    "an array": "type description deprecated nullable items minItems maxItems x-must-be example",
    "a free object": "type additionalProperties description deprecated nullable example",
}

# Which kinds a place takes, and which of their keywords it does not take. A schema of its own is taken by reference.
NAMED = {"an object", "a set of words", "a string with a pattern"}
PLAIN = {"a string", "an integer", "a boolean"}
WORDS = {"a set of words", "a string with a pattern"}
PLACES = {
    "a schema": (NAMED, ""),
    "a property": (PLAIN | NAMED | {"an array", "a free object"}, ""),
    "an item": (PLAIN | NAMED, "nullable minLength maxLength minimum maximum default"),
    "a path parameter": (PLAIN | WORDS, "nullable default"),
    "a header parameter": (PLAIN | WORDS, "nullable"),
    "a query parameter": (PLAIN | WORDS | {"an array"}, "nullable minItems"),
    "an item of a query": (PLAIN | WORDS, "nullable minLength maxLength minimum maximum default"),
    "a header of a success": ({"a string"}, "nullable minLength maxLength"),
}

CAPABILITIES = ["read", "send", "manage"]
SUCCESSES = ["200", "201", "202", "204"]
METHODS = ["get", "post", "put", "patch", "delete"]
CAMEL_CASE = r"[a-z][a-z0-9]*([A-Z][a-z0-9]+)*"
# Rust's keywords get `r_` or `param_` before them, which is taken off again where it is `r_`.
TAKEN = r"r[A-Z].*|crate|extern|self|super"
HEADER = r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z][A-Za-z0-9]*)*"


class Document:
    """A document, and what of it the templates do not know."""

    def __init__(self, document):
        self.document = document
        self.refusals = []
        self.check()

    def refuse(self, where, why):
        self.refusals.append(f"{where}: {why}")

    def need(self, holds, where, why):
        if not holds:
            self.refuse(where, why)

    def resolved(self, node):
        return resolved(self.document, node)

    def known(self, what, node, where):
        for keyword in node:
            self.need(str(keyword) in KEYWORDS[what].split(), where, f"the templates do not know {keyword} of {what}")

    def check(self):
        document = self.document
        self.known("the document", document, "the document")
        self.known("components", document.get("components", {}), "components")
        security = document.get("security", [])
        why = "the templates authenticate every operation, in one way"
        self.need(len(security) == 1 and len(security[0]) == 1, "security", why)
        urls = [server["url"] for server in document.get("servers", [])]
        why = "the templates know one, whose url is a path"
        self.need(len(urls) == 1 and re.fullmatch(r"(/[\w.-]+)+", urls[0]), "servers", why)
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            self.schema("a schema", schema, name, named=name)
        ids = []
        for path, item in document["paths"].items():
            self.known("a path", item, path)
            why = "the templates know parameters as whole segments of a path"
            self.need(re.fullmatch(r"(/[\w.-]+|/\{\w+\})+", path), path, why)
            for method in METHODS:
                if method in item:
                    self.operation(item[method], f"{method.upper()} {path}", item.get("parameters", []), ids)

    def operation(self, operation, where, parameters, ids):
        where = operation.get("operationId", where)
        self.known("an operation", operation, where)
        self.need(re.fullmatch(CAMEL_CASE, where), where, "an operation needs an operationId in camelCase")
        self.need(where.lower() not in ids, where, "there is another operation with this operationId")
        ids.append(where.lower())
        self.need(len(operation.get("tags", [])) == 1, where, "an operation needs one tag, whose trait it goes to")
        capability = operation.get("x-capability")
        why = f"x-capability has to be one of {', '.join(CAPABILITIES)}, not {capability}"
        self.need(capability in CAPABILITIES, where, why)
        for parameter in [*parameters, *operation.get("parameters", [])]:
            parameter = self.resolved(parameter)
            self.parameter(parameter, f"{where}, parameter {parameter['name']}")
        if "requestBody" in operation:
            self.request_body(self.resolved(operation["requestBody"]), f"{where}, request body")
        self.responses(operation["responses"], where)

    def parameter(self, parameter, where):
        self.known("a parameter", parameter, where)
        name, place = parameter["name"], parameter["in"]
        if place not in ["path", "query", "header"]:
            return self.refuse(where, f"the templates know no {place} parameters")
        if place == "header":
            own = name.lower() not in ["accept", "authorization", "content-type"]
            why = "OpenAPI has another place for this header, or it is no name for one"
            self.need(own and re.fullmatch(HEADER, name), where, why)
        else:
            self.need(re.fullmatch(CAMEL_CASE, name), where, "the name has to be in camelCase")
            self.need(not re.fullmatch(TAKEN, name), where, "the name can't be written in Rust")
        schema = parameter.get("schema")
        if not schema:
            return self.refuse(where, "a parameter needs a schema")
        self.schema(f"a {place} parameter", schema, where)
        rules = self.resolved(schema)
        default = "default" in rules
        self.need(not (parameter.get("required") and default), where, "a parameter with a default is not required")
        why = "the templates know no required array"
        self.need(not (parameter.get("required") and kind(rules) == "an array"), where, why)

    def request_body(self, body, where):
        self.known("a request body", body, where)
        why = "the templates read application/json, and nothing else"
        self.need(list(body["content"]) == ["application/json"], where, why)
        for media in body["content"].values():
            self.known("a media type", media, where)
            self.json(media.get("schema", {}), where)

    def json(self, schema, where):
        why = "JSON has to be an object with a schema of its own"
        self.need("$ref" in schema and kind(self.resolved(schema)) == "an object", where, why)
        why = "the templates know additionalProperties of errors alone, beside properties"
        self.need(not self.is_open(schema), where, why)

    def is_open(self, schema):
        """Whether an object of a schema, or one in it, has more properties than it names."""
        schema = self.resolved(schema)
        inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return "properties" in schema and "additionalProperties" in schema or any(map(self.is_open, inner))

    def responses(self, responses, where):
        negotiated = 0
        for status, response in responses.items():
            status, there = str(status), f"{where}, response {status}"
            if re.fullmatch("[45][0-9][0-9]", status):
                continue  # Errors are made by the implementation, not by the templates.
            if status not in SUCCESSES:
                why = f"the templates know as successes {', '.join(SUCCESSES)}, and errors by their number"
                self.refuse(there, why)
                continue
            response = self.resolved(response)
            self.known("a success", response, there)
            for name, header in response.get("headers", {}).items():
                self.header(name, self.resolved(header), f"{there}, header {name}")
            content = response.get("content", {})
            self.need(not (content and status == "204"), there, "a 204 has no body")
            negotiated += len(content) > 1
            for media_type, media in content.items():
                self.media_type(media_type, media, f"{there}, {media_type}")
        self.need(any(str(status) in SUCCESSES for status in responses), where, "an operation needs a success")
        self.need(negotiated < 2, where, "the templates know several media types for one status of an operation")

    def header(self, name, header, where):
        self.known("a header of a success", header, where)
        why = "it is no name for a header, or content says it"
        self.need(name.lower() != "content-type" and re.fullmatch(HEADER, name), where, why)
        self.schema("a header of a success", header.get("schema", {}), where)

    def media_type(self, media_type, media, where):
        self.known("a media type", media, where)
        schema = {key: value for key, value in media.get("schema", {}).items() if key != "description"}
        if media_type == "application/json":
            self.json(schema, where)
        elif re.search("json|event-stream|multipart|;", media_type):
            self.refuse(where, "the templates do not know this media type")
        elif media_type.startswith("text/"):
            self.need(schema == {"type": "string"}, where, "text has the schema type: string")
        else:
            binary = {"type": "string", "format": "binary"}
            why = "what is neither JSON nor text has the schema type: string, format: binary"
            self.need(schema == binary, where, why)

    def schema(self, place, schema, where, named=None):
        allowed, without = PLACES[place]
        if "$ref" in schema:
            self.need(len(schema) == 1, where, "beside a $ref nothing is read")
            target = self.resolved(schema)
            self.need(kind(target) in allowed, where, f"{place} can't be {kind(target)}")
            # What else is wrong with the target is told once, where it stands.
            for keyword in without.split():
                self.need(keyword not in target, where, f"the templates do not know {keyword} of {place}")
            return
        found = kind(schema)
        if found not in allowed or (found in NAMED and not named):
            hint = ": give it a schema of its own" if found in allowed else ""
            return self.refuse(where, f"{place} can't be {found}{hint}")
        for keyword in schema:
            is_known = keyword in KINDS[found].split() and keyword not in without.split()
            hint = ", and times are integers" if str(schema[keyword]).startswith("date") else ""
            self.need(is_known, where, f"the templates do not know {keyword} of {place} that is {found}{hint}")
        {
            "an object": self.object,
            "a set of words": self.words,
            "a string with a pattern": self.pattern,
            "an integer": self.integer,
            "an array": self.array,
            "a free object": self.free_object,
        }.get(found, lambda *_: None)(schema, where, place)
        if named:
            # The generator loses the name of a string schema behind a $ref; the templates take the title for it.
            title = schema.get("title", None if found == "a string with a pattern" else named)
            self.need(title == named, where, "the title has to be the schema's name")

    def object(self, schema, where, _):
        self.need(schema["properties"], where, "an object needs properties")
        why = "an object that says so may have more properties, and none may not"
        self.need(schema.get("additionalProperties", True) is True, where, why)
        for name, one in schema["properties"].items():
            self.schema("a property", one, f"{where}.{name}")
            self.need(not re.fullmatch(TAKEN, name), f"{where}.{name}", "the name can't be written in Rust")
            both = "default" in one and ("nullable" in one or name in schema.get("required", []))
            self.need(not both, f"{where}.{name}", "a property with a default is neither required nor nullable")

    def words(self, schema, where, _):
        words = schema.get("enum", schema.get("x-extensible-enum"))
        strings = schema.get("type") == "string" and all(isinstance(word, str) for word in words)
        self.need(strings, where, "words are strings; on, off, yes and no are none in YAML unless they are quoted")
        why = "the description has to end in a list of the words, in their order, each as - `word`: meaning"
        self.need([word for word, _ in listed(schema)] == words, where, why)

    def pattern(self, schema, where, _):
        pattern = schema["pattern"]
        why = "Rust's regex knows no lookaround and no backreference"
        self.need(not re.search(r"\(\?[=!<]|\\[1-9]", pattern), where, why)
        why = "\\d, \\w, \\s and \\b hold for all of Unicode in Rust: write the characters out"
        self.need(not re.search(r"\\[dDwWsSbB]", pattern), where, why)
        self.need('"#' not in pattern, where, 'the templates can\'t write "# in a pattern')
        self.need("x-must-be" in schema, where, "a pattern needs x-must-be, which says in words what it takes")

    def integer(self, schema, where, _):
        self.need(schema.get("format") in ["int32", "int64"], where, "an integer needs the format int32 or int64")

    def array(self, schema, where, place):
        item = "an item of a query" if place == "a query parameter" else "an item"
        self.schema(item, schema.get("items", {}), f"{where}[]")

    def free_object(self, schema, where, _):
        self.need(schema["additionalProperties"] is True, where, "a free object has additionalProperties: true")


def listed(schema):
    """What the description says of each word, in the list that ends it."""
    return re.findall(r"^- `(.+?)`: (.+)$", schema.get("description", ""), flags=re.MULTILINE)


def camel_case(name):
    """A name as it comes back from Rust: `clientDataJSON` is `client_data_json` there, which comes back as `clientDataJson`."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    first, *rest = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower().split("_")
    return first + "".join(map(str.capitalize, rest))


def prepare(document):
    """Puts a document that keeps the rules into the generator's own terms, and gives it back."""
    fields = Fields(document)
    for item in document["paths"].values():
        for method in METHODS:
            if method in item:
                # While the schemas are still as the document has them.
                item[method]["x-fields"] = fields.of(item[method], item.get("parameters", []))

    def walk(node):
        if isinstance(node, list):
            for one in node:
                walk(one)
        if not isinstance(node, dict):
            return
        words = node.get("x-extensible-enum", node.get("enum"))
        if isinstance(words, list):
            # What a description says of each word goes to the word; an open set is an enum that is marked.
            node["x-enum-descriptions"] = [meaning for _, meaning in listed(node)]
            node["x-open"] = "x-extensible-enum" in node
            node["description"] = node["description"].partition("\n- `")[0]
            node["enum"] = words
            node.pop("x-extensible-enum", None)
        if "properties" in node:
            # Errors alone have more properties than are named, and no error is made by a model.
            node.pop("additionalProperties", None)
            names = [name for name in node["properties"] if name != camel_case(name)]
            node["x-names"] = [{"camelCase": camel_case(name), "name": name} for name in names]
        if node.pop("x-checked-by-service", False):
            # The server takes every string, so that the implementation names all that it refuses in one answer.
            node["pattern"] = "^"
        if "default" in node and "type" in node:
            # The generator's own default of a property is an Option, and there even without one in the document.
            node["x-default"] = json.dumps(node["default"])
        if isinstance(node.get("headers"), dict):
            # The generator loses the description of a header behind a $ref.
            node["headers"] = {name: resolved(document, header) for name, header in node["headers"].items()}
        if node.get("deprecated") is True:
            node["description"] = f"Deprecated. {node.get('description', '')}"
        if isinstance(node.get("description"), str) and "operationId" not in node:
            # One line, as `///` needs it. An operation's is in a comment of several.
            node["description"] = " ".join(node["description"].split())
        for key, one in node.items():
            if key == "properties":
                # Its keys are names: a property may be called `enum`.
                walk(list(one.values()))
            elif key not in ["example", "examples", "default"]:
                walk(one)

    walk(document)
    return document


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        document = yaml.safe_load(file)
    refusals = Document(document).refusals
    if refusals:
        sys.exit("\n".join(f"{sys.argv[1]}: {refusal}" for refusal in refusals))
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(prepare(document), file, ensure_ascii=False, default=str)


if __name__ == "__main__":
    main()
