"""Each kind of break, and each kind of addition, on a small document. `make check-breaking` runs it."""

import copy
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import yaml

loader = SourceFileLoader("check_breaking", str(Path(__file__).with_name("check-breaking")))
check_breaking = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(check_breaking)

RELEASED = yaml.safe_load("""
servers: [{url: /api/v1}]
security: [{bearer: []}]
paths:
  /things:
    get:
      operationId: listThings
      x-capability: read
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 1000, default: 100}}
        - {name: cursor, in: query, explode: true, schema: {type: string, pattern: '^[a-z]+$'}}
      responses:
        '200':
          description: A page.
          content:
            application/json: {schema: {$ref: '#/components/schemas/List'}}
            text/plain: {schema: {type: string}}
        '401': {$ref: '#/components/responses/Unauthorized'}
    post:
      operationId: createThing
      x-capability: manage
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Create'}}
          text/plain: {schema: {type: string}}
      responses: {'201': {description: Made., content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}}
    parameters:
      - {name: trace, in: header, schema: {type: string}}
  /things/{id}:
    delete:
      operationId: deleteThing
      x-capability: manage
      parameters: [{$ref: '#/components/parameters/Id'}]
      responses: {'204': {description: Gone.}}
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer, description: A token.}
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: string, maxLength: 20}}
  responses:
    Unauthorized:
      description: No.
      headers:
        WWW-Authenticate: {required: true, schema: {type: string}}
        Retry-After: {schema: {type: integer, minimum: 0}}
  schemas:
    Create:
      type: object
      required: [kind]
      properties:
        kind: {type: string, enum: [big, small]}
        label: {type: string, nullable: true, maxLength: 100}
        tags: {type: array, minItems: 1, maxItems: 10, items: {type: string}}
        count: {type: integer, format: int64}
        price: {type: number}
        mood: {type: string, x-extensible-enum: [glad, sad]}
        extra: {type: object, additionalProperties: true}
    Thing:
      type: object
      required: [id, kind, label]
      properties:
        id: {type: string, pattern: '^[A-Z]+$', maxLength: 26}
        kind: {type: string, enum: [big, small]}
        label: {type: string, nullable: true}
        note: {type: string}
        mood: {type: string, x-extensible-enum: [glad, sad]}
        weight: {type: number}
        parent: {$ref: '#/components/schemas/Thing'}
        extra: {type: object, additionalProperties: {type: string}}
    List:
      type: object
      required: [data]
      properties:
        data: {type: array, items: {$ref: '#/components/schemas/Thing'}}
""")

LIST = "paths /things get"
POST = "paths /things post"
LIMIT = f"{LIST} parameters 0"
CREATE = "components schemas Create"
THING = "components schemas Thing"
HEADERS = "components responses Unauthorized headers"


def put(place, value):
    """An edit that sets what is at `place`, steps parted by spaces; `None` removes it."""

    def edit(document):
        *steps, last = [int(step) if step.isdecimal() and len(step) < 3 else step for step in place.split()]
        node = document
        for step in steps:
            node = node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return edit


def add(place, value):
    """An edit that appends to the list at `place`."""

    def edit(document):
        node = document
        for step in place.split():
            node = node[step]
        node.append(value)

    return edit


BREAKS = [
    ("server-removed", "/api/v1", put("servers 0 url", "/api/v2")),
    ("path-removed", "/things/{id}", put("paths /things/{id}", None)),
    ("operation-removed", "POST /things", put(POST, None)),
    ("operation-id-changed", "listThings", put(f"{LIST} operationId", "getThings")),
    ("capability-changed", "listThings", put(f"{LIST} x-capability", "manage")),
    ("capability-changed", "listThings", put(f"{LIST} x-capability", None)),
    ("security-changed", "listThings", put(f"{LIST} security", [])),
    ("security-changed", "listThings", put("security", [{}])),
    ("security-changed", "listThings", put("components securitySchemes bearer scheme", "basic")),
    ("parameter-removed", "listThings limit", put(LIMIT, None)),
    ("parameter-removed", "listThings trace", put("paths /things parameters", None)),
    ("parameter-removed", "listThings limit", put(f"{LIMIT} in", "header")),
    ("parameter-required", "listThings limit", put(f"{LIMIT} required", True)),
    (
        "parameter-required",
        "listThings query",
        add(f"{LIST} parameters", {"name": "query", "in": "query", "required": True}),
    ),
    ("parameter-changed", "listThings cursor", put(f"{LIST} parameters 1 explode", False)),
    ("request-body-removed", "createThing body", put(f"{POST} requestBody", None)),
    ("request-body-required", "createThing body", put(f"{POST} requestBody required", True)),
    ("request-body-required", "listThings body", put(f"{LIST} requestBody", {"required": True, "content": {}})),
    ("request-media-type-removed", "createThing body text/plain", put(f"{POST} requestBody content text/plain", None)),
    ("request-property-removed", "schemas/Create.label", put(f"{CREATE} properties label", None)),
    ("request-property-required", "schemas/Create.label", put(f"{CREATE} required", ["kind", "label"])),
    ("request-type-changed", "schemas/Create.label", put(f"{CREATE} properties label type", "integer")),
    ("request-type-changed", "schemas/Create.price", put(f"{CREATE} properties price type", "integer")),
    ("request-type-changed", "schemas/Create.tags[]", put(f"{CREATE} properties tags items type", "integer")),
    ("request-nullable-removed", "schemas/Create.label", put(f"{CREATE} properties label nullable", False)),
    ("request-enum-value-removed", "schemas/Create.kind small", put(f"{CREATE} properties kind enum", ["big"])),
    ("request-enum-value-removed", "schemas/Create.label anything", put(f"{CREATE} properties label enum", ["x"])),
    ("request-default-changed", "listThings limit", put(f"{LIMIT} schema default", 50)),
    ("request-default-changed", "listThings limit", put(f"{LIMIT} schema default", None)),
    ("request-tightened", "listThings limit minimum", put(f"{LIMIT} schema minimum", 2)),
    ("request-tightened", "listThings limit maximum", put(f"{LIMIT} schema maximum", 500)),
    ("request-tightened", "listThings cursor pattern", put(f"{LIST} parameters 1 schema pattern", "^[a-f]+$")),
    ("request-tightened", "listThings cursor pattern", put(f"{LIST} parameters 1 schema pattern", "^([a-f]+|[a-z]+x)$")),
    ("request-tightened", "listThings cursor pattern", put(f"{LIST} parameters 1 schema pattern", "^([a-z]+|(x)y)$")),
    ("request-tightened", "listThings cursor pattern", put(f"{LIST} parameters 1 schema pattern", "^([a-z]+|x)y$")),
    ("request-tightened", "deleteThing id maxLength", put("components parameters Id schema maxLength", 10)),
    ("request-tightened", "deleteThing id minLength", put("components parameters Id schema minLength", 1)),
    ("request-tightened", "schemas/Create.label pattern", put(f"{CREATE} properties label pattern", "^x")),
    ("request-tightened", "schemas/Create.label maxLength", put(f"{CREATE} properties label maxLength", 99)),
    ("request-tightened", "schemas/Create.tags minItems", put(f"{CREATE} properties tags minItems", 2)),
    ("request-tightened", "schemas/Create.tags maxItems", put(f"{CREATE} properties tags maxItems", 9)),
    ("request-tightened", "schemas/Create.tags uniqueItems", put(f"{CREATE} properties tags uniqueItems", True)),
    ("request-tightened", "schemas/Create.count format", put(f"{CREATE} properties count format", "int32")),
    (
        "request-tightened",
        "schemas/Create.extra additionalProperties",
        put(f"{CREATE} properties extra additionalProperties", False),
    ),
    ("response-status-removed", "listThings 401", put(f"{LIST} responses 401", None)),
    (
        "response-media-type-removed",
        "listThings 200 text/plain",
        put(f"{LIST} responses 200 content text/plain", None),
    ),
    ("response-header-removed", "responses/Unauthorized WWW-Authenticate", put(f"{HEADERS} WWW-Authenticate", None)),
    (
        "response-header-optional",
        "responses/Unauthorized WWW-Authenticate",
        put(f"{HEADERS} WWW-Authenticate required", False),
    ),
    ("response-property-removed", "schemas/Thing.id", put(f"{THING} properties id", None)),
    ("response-property-removed", "schemas/Thing.note", put(f"{THING} properties note", None)),
    ("response-property-optional", "schemas/Thing.label", put(f"{THING} required", ["id", "kind"])),
    ("response-type-changed", "schemas/Thing.id", put(f"{THING} properties id type", "integer")),
    ("response-type-changed", "schemas/List.data", put("components schemas List properties data type", "object")),
    ("response-type-changed", "responses/Unauthorized Retry-After", put(f"{HEADERS} Retry-After schema type", "string")),
    ("response-nullable-added", "schemas/Thing.id", put(f"{THING} properties id nullable", True)),
    (
        "response-enum-value-added",
        "schemas/Thing.kind huge",
        put(f"{THING} properties kind enum", ["big", "small", "huge"]),
    ),
    ("response-enum-value-added", "schemas/Thing.kind anything", put(f"{THING} properties kind enum", None)),
    ("response-loosened", "schemas/Thing.id pattern", put(f"{THING} properties id pattern", None)),
    ("response-loosened", "schemas/Thing.id maxLength", put(f"{THING} properties id maxLength", 30)),
    (
        "response-loosened",
        "schemas/Thing.extra additionalProperties",
        put(f"{THING} properties extra additionalProperties", True),
    ),
    (
        "response-loosened",
        "responses/Unauthorized Retry-After minimum",
        put(f"{HEADERS} Retry-After schema minimum", None),
    ),
    ("open-word-removed", "schemas/Thing.mood sad", put(f"{THING} properties mood x-extensible-enum", ["glad"])),
    ("open-word-removed", "schemas/Create.mood sad", put(f"{CREATE} properties mood x-extensible-enum", ["glad"])),
    (
        "request-enum-value-removed",
        "schemas/Create.mood anything",
        put(f"{CREATE} properties mood", {"type": "string", "enum": ["glad", "sad"]}),
    ),
    (
        "response-enum-value-added",
        "schemas/Thing.kind anything",
        put(f"{THING} properties kind", {"type": "string", "x-extensible-enum": ["big", "small"]}),
    ),
]

ADDITIONS = [
    ("nothing", lambda document: None),
    ("a server", add("servers", {"url": "/api/v2"})),
    ("a path", put("paths /others", {"get": {"operationId": "listOthers", "responses": {}}})),
    ("an operation", put("paths /things put", {"operationId": "putThings", "responses": {}})),
    ("an optional parameter", add(f"{LIST} parameters", {"name": "query", "in": "query"})),
    ("a parameter said to be optional", put(f"{LIMIT} required", False)),
    ("an optional body", put(f"{LIST} requestBody", {"content": {}})),
    ("a request media type", put(f"{POST} requestBody content image/png", {})),
    ("an optional request property", put(f"{CREATE} properties size", {"type": "integer"})),
    ("a request property that need not be there any more", put(f"{CREATE} required", [])),
    ("a request enum value", put(f"{CREATE} properties kind enum", ["big", "small", "huge"])),
    ("a request that may be null", put(f"{CREATE} properties kind nullable", True)),
    ("a wider request limit", put(f"{LIMIT} schema maximum", 2000)),
    ("a request limit less", put(f"{CREATE} properties label maxLength", None)),
    ("a wider request type", put(f"{CREATE} properties count type", "number")),
    ("an alternative of a request's pattern", put(f"{LIST} parameters 1 schema pattern", r"^([a-z]+|\+[0-9 ()|]+)$")),
    ("a request default", put(f"{CREATE} properties price default", 1)),
    ("a response status", put(f"{LIST} responses 429", {"description": "Slow down."})),
    ("a response media type", put(f"{LIST} responses 200 content image/png", {})),
    ("a response header", put(f"{HEADERS} X-Request-Id", {"schema": {"type": "string"}})),
    ("a response property", put(f"{THING} properties size", {"type": "integer"})),
    ("a response property that is always there", put(f"{THING} required", ["id", "kind", "label", "note"])),
    ("a response enum value less", put(f"{THING} properties kind enum", ["big"])),
    ("a response that is never null", put(f"{THING} properties label nullable", False)),
    ("a narrower response", put(f"{THING} properties id maxLength", 20)),
    ("a narrower response type", put(f"{THING} properties weight type", "integer")),
    ("a word of an open set", put(f"{THING} properties mood x-extensible-enum", ["glad", "sad", "proud"])),
    ("an open set that is closed", put(f"{THING} properties mood", {"type": "string", "enum": ["glad", "sad"]})),
    (
        "a set that what is sent no longer has to be of",
        put(f"{CREATE} properties kind", {"type": "string", "x-extensible-enum": ["big", "small"]}),
    ),
    ("a tag", put(f"{LIST} tags", ["Things"])),
    ("a description", put(f"{THING} properties id description", "Its id.")),
    ("an example", put(f"{LIMIT} example", 3)),
    ("a word about the scheme", put("components securitySchemes bearer description", "Another.")),
]


def breaks(edit):
    document = copy.deepcopy(RELEASED)
    edit(document)
    return list(check_breaking.Comparison(RELEASED, document).breaks)


class CheckBreaking(unittest.TestCase):
    def test_each_break_is_named(self):
        for kind, place, edit in BREAKS:
            with self.subTest(kind, place=place):
                found = breaks(edit)
                self.assertIn((kind, place), found)
                self.assertEqual({kind}, {other for other, _ in found})

    def test_every_kind_is_tested(self):
        self.assertEqual(set(check_breaking.KINDS), {kind for kind, _, _ in BREAKS})

    def test_additions_pass(self):
        for name, edit in ADDITIONS:
            with self.subTest(name):
                self.assertEqual([], breaks(edit))

    def test_what_is_accepted_is_what_breaks_today(self):
        found = check_breaking.Comparison(*map(check_breaking.load, check_breaking.DOCUMENTS)).breaks
        self.assertEqual(check_breaking.ACCEPTED, found.keys())

    def test_a_component_is_reported_once(self):
        self.assertEqual([("response-property-removed", "schemas/Thing.id")], breaks(put(f"{THING} properties id", None)))

    def test_what_it_cannot_compare_it_refuses(self):
        for edit in (put(f"{THING} allOf", []), put(f"{THING} properties note", {"$ref": "other.yaml"})):
            with self.assertRaises(SystemExit):
                breaks(edit)


if __name__ == "__main__":
    unittest.main()
