"""What scripts/prepare_document.py has to refuse: each case is an edit of features.yaml, and the first line that it gives.

Used by scripts/check-regeneration alone. No case starts the generator, so all of them together take a blink.
"""

import copy
import sys
from pathlib import Path

import yaml

sys.path.insert(0, "scripts")
from prepare_document import Document  # noqa: E402

FEATURES = Path("openapi/regeneration/features.yaml")

READ = "paths", "/features/{id}", "get"
WRITE = "paths", "/features/{id}", "put"
QUERY = *READ, "parameters", 1
TEXT = *READ, "parameters", 6
COLORS = *READ, "parameters", 7
HEADER = *WRITE, "parameters", 1
BODY = *WRITE, "requestBody"
JSON = "content", "application/json"
OK = *WRITE, "responses", "200"
PROPERTIES = "components", "schemas", "Feature", "properties"
COLOR = {"$ref": "#/components/schemas/Color"}
FEATURE = {"$ref": "#/components/schemas/Feature"}
KEY = {"$ref": "#/components/schemas/Key"}
ADDED = {"description": "Added."}
REMOVED = object()

# Where, what stands there instead, and what is said of it.
REFUSALS = [
    # The document as a whole.
    (("security",), [], "security: the templates authenticate every operation, in one way"),
    (("security",), [{"bearer": []}, {}], "security: the templates authenticate every operation, in one way"),
    (("servers",), [{"url": "/a"}, {"url": "/b"}], "servers: the templates know one, whose url is a path"),
    (("webhooks",), {}, "the document: the templates do not know webhooks of the document"),
    (("components", "callbacks"), {}, "components: the templates do not know callbacks of components"),
    (("paths", "/{id}:start"), {}, "/{id}:start: the templates know parameters as whole segments of a path"),
    (("paths", "/new"), {"options": {}}, "/new: the templates do not know options of a path"),
    # Operations.
    ((*READ, "security"), [], "readFeature: the templates do not know security of an operation"),
    ((*READ, "callbacks"), {}, "readFeature: the templates do not know callbacks of an operation"),
    ((*READ, "servers"), [], "readFeature: the templates do not know servers of an operation"),
    ((*READ, "tags"), ["Features", "Others"], "readFeature: an operation needs one tag, whose trait it goes to"),
    ((*READ, "tags"), REMOVED, "readFeature: an operation needs one tag, whose trait it goes to"),
    ((*READ, "x-capability"), REMOVED, "readFeature: x-capability has to be one of read, send, manage, not None"),
    ((*READ, "x-capability"), "write", "readFeature: x-capability has to be one of read, send, manage, not write"),
    ((*READ, "operationId"), REMOVED, "GET /features/{id}: an operation needs an operationId in camelCase"),
    ((*READ, "operationId"), "writeFeature", "writeFeature: there is another operation with this operationId"),
    # Parameters.
    ((*QUERY, "in"), "cookie", "readFeature, parameter since: the templates know no cookie parameters"),
    ((*QUERY, "name"), "not_camel", "readFeature, parameter not_camel: the name has to be in camelCase"),
    ((*QUERY, "name"), "crate", "readFeature, parameter crate: the name can't be written in Rust"),
    ((*HEADER, "name"), "Accept",
     "writeFeature, parameter Accept: OpenAPI has another place for this header, or it is no name for one"),
    ((*QUERY, "style"), "deepObject", "readFeature, parameter since: the templates do not know style of a parameter"),
    ((*COLORS, "explode"), False, "readFeature, parameter colors: the templates do not know explode of a parameter"),
    ((*QUERY, "schema"), REMOVED, "readFeature, parameter since: a parameter needs a schema"),
    ((*QUERY, "schema"), FEATURE, "readFeature, parameter since: a query parameter can't be an object"),
    ((*QUERY, "schema"), {"type": "number"},
     "readFeature, parameter since: a query parameter can't be one with type: number"),
    ((*QUERY, "schema", "format"), REMOVED, "readFeature, parameter since: an integer needs the format int32 or int64"),
    ((*QUERY, "schema", "exclusiveMinimum"), True,
     "readFeature, parameter since: the templates do not know exclusiveMinimum of a query parameter that is an integer"),
    ((*QUERY, "schema", "nullable"), True,
     "readFeature, parameter since: the templates do not know nullable of a query parameter that is an integer"),
    (("components", "schemas", "State", "nullable"), True,
     "deleteCount, parameter state: the templates do not know nullable of a path parameter"),
    ((*TEXT, "schema", "format"), "date-time",
     "readFeature, parameter text: the templates do not know format of a query parameter that is a string, and times are integers"),
    ((*TEXT, "schema", "format"), "uuid",
     "readFeature, parameter text: the templates do not know format of a query parameter that is a string"),
    ((*TEXT, "schema", "default"), "abc",
     "readFeature, parameter text: the templates do not know default of a query parameter that is a string"),
    ((*TEXT, "schema"), {"type": "string", "pattern": "^a$"},
     "readFeature, parameter text: a query parameter can't be a string with a pattern: give it a schema of its own"),
    ((*TEXT, "schema"), {"type": "string", "enum": ["a"]},
     "readFeature, parameter text: a query parameter can't be a set of words: give it a schema of its own"),
    ((*COLORS, "required"), True, "readFeature, parameter colors: the templates know no required array"),
    ((*COLORS, "schema", "items"), {"type": "array", "items": COLOR},
     "readFeature, parameter colors[]: an item of a query can't be an array"),
    ((*COLORS, "schema", "items"), {"type": "string", "maxLength": 1},
     "readFeature, parameter colors[]: the templates do not know maxLength of an item of a query that is a string"),
    ((*HEADER, "schema"), {"type": "array", "items": COLOR},
     "writeFeature, parameter Idempotency-Key: a header parameter can't be an array"),
    ((*READ, "parameters", 2, "required"), True,
     "readFeature, parameter flag: a parameter with a default is not required"),
    # Bodies of requests.
    ((*BODY, *JSON, "schema"), {"type": "string"},
     "writeFeature, request body: JSON has to be an object with a schema of its own"),
    ((*BODY, *JSON, "schema"), COLOR, "writeFeature, request body: JSON has to be an object with a schema of its own"),
    ((*BODY, "content"), {"application/merge-patch+json": {"schema": FEATURE}},
     "writeFeature, request body: the templates read application/json, and nothing else"),
    ((*BODY, "content", "text/plain"), {"schema": {"type": "string"}},
     "writeFeature, request body: the templates read application/json, and nothing else"),
    ((*BODY, *JSON, "encoding"), {}, "writeFeature, request body: the templates do not know encoding of a media type"),
    # Successes.
    ((*WRITE, "responses", "default"), ADDED,
     "writeFeature, response default: the templates know as successes 200, 201, 202, 204, and errors by their number"),
    ((*WRITE, "responses", "302"), ADDED,
     "writeFeature, response 302: the templates know as successes 200, 201, 202, 204, and errors by their number"),
    ((*WRITE, "responses", "206"), ADDED,
     "writeFeature, response 206: the templates know as successes 200, 201, 202, 204, and errors by their number"),
    ((*WRITE, "responses"), {"404": ADDED}, "writeFeature: an operation needs a success"),
    ((*WRITE, "responses", "204", "content"), {"application/json": {"schema": FEATURE}},
     "writeFeature, response 204: a 204 has no body"),
    ((*OK, *JSON, "schema"), {"type": "string"},
     "writeFeature, response 200, application/json: JSON has to be an object with a schema of its own"),
    ((*OK, *JSON, "schema"), {"type": "array", "items": FEATURE},
     "writeFeature, response 200, application/json: JSON has to be an object with a schema of its own"),
    ((*OK, "content"), {"application/hal+json": {"schema": FEATURE}},
     "writeFeature, response 200, application/hal+json: the templates do not know this media type"),
    ((*OK, "content"), {"text/event-stream": {"schema": {"type": "string"}}},
     "writeFeature, response 200, text/event-stream: the templates do not know this media type"),
    ((*OK, "content"), {"text/plain": {"schema": FEATURE}},
     "writeFeature, response 200, text/plain: text has the schema type: string"),
    ((*OK, "content"), {"image/png": {"schema": {"type": "string"}}},
     "writeFeature, response 200, image/png: what is neither JSON nor text has the schema type: string, format: binary"),
    ((*OK, "content", "text/plain"), {"schema": {"type": "string"}},
     "writeFeature: the templates know several media types for one status of an operation"),
    ((*OK, "headers", "Preference-Applied", "schema"), {"type": "integer", "format": "int32"},
     "writeFeature, response 200, header Preference-Applied: a header of a success can't be an integer"),
    ((*OK, "headers", "Preference-Applied", "schema"), KEY,
     "writeFeature, response 200, header Preference-Applied: a header of a success can't be a string with a pattern"),
    ((*OK, "headers", "Content-Type"), {"schema": {"type": "string"}},
     "writeFeature, response 200, header Content-Type: it is no name for a header, or content says it"),
    # Schemas.
    ((*PROPERTIES, "added"), {"type": "string", "format": "date-time"},
     "Feature.added: the templates do not know format of a property that is a string, and times are integers"),
    ((*PROPERTIES, "added"), {"type": "string", "pattern": "^a$"},
     "Feature.added: a property can't be a string with a pattern: give it a schema of its own"),
    ((*PROPERTIES, "added"), {"type": "string", "default": "a"},
     "Feature.added: the templates do not know default of a property that is a string"),
    ((*PROPERTIES, "self"), {"type": "boolean"}, "Feature.self: the name can't be written in Rust"),
    ((*PROPERTIES, "rSquared"), {"type": "boolean"}, "Feature.rSquared: the name can't be written in Rust"),
    ((*PROPERTIES, "more", "nullable"), True,
     "Feature.more: a property with a default is neither required nor nullable"),
    ((*PROPERTIES, "added"), {"type": "object", "properties": {"a": COLOR}},
     "Feature.added: a property can't be an object: give it a schema of its own"),
    ((*PROPERTIES, "added"), {"type": "object"}, "Feature.added: a property can't be one with type: object"),
    ((*PROPERTIES, "added"), {"type": "object", "additionalProperties": {"type": "string"}},
     "Feature.added: a free object has additionalProperties: true"),
    ((*PROPERTIES, "added"), {"type": "array", "items": {"type": "array", "items": COLOR}},
     "Feature.added[]: an item can't be an array"),
    ((*PROPERTIES, "added"), {"type": "array", "uniqueItems": True, "items": COLOR},
     "Feature.added: the templates do not know uniqueItems of a property that is an array"),
    ((*PROPERTIES, "added"), {**COLOR, **ADDED}, "Feature.added: beside a $ref nothing is read"),
    ((*PROPERTIES, "added"), {"allOf": [COLOR]}, "Feature.added: a property can't be one with allOf"),
    (("components", "schemas", "New"), {"oneOf": [FEATURE, KEY]}, "New: a schema can't be one with oneOf"),
    (("components", "schemas", "New"), {"type": "array", "items": FEATURE}, "New: a schema can't be an array"),
    (("components", "schemas", "New"), {"type": "string"}, "New: a schema can't be a string"),
    (("components", "schemas", "Feature", "additionalProperties"), False,
     "Feature: an object that says so may have more properties, and none may not"),
    (("components", "schemas", "Feature", "additionalProperties"), True,
     "readFeature, response 200, application/json: the templates know additionalProperties of errors alone, beside properties"),
    (("components", "schemas", "Feature", "discriminator"), {},
     "Feature: the templates do not know discriminator of a schema that is an object"),
    (("components", "schemas", "Key", "title"), "Other", "Key: the title has to be the schema's name"),
    (("components", "schemas", "Key", "title"), REMOVED, "Key: the title has to be the schema's name"),
    (("components", "schemas", "Key", "maxLength"), 3,
     "Key: the templates do not know maxLength of a schema that is a string with a pattern"),
    (("components", "schemas", "Key", "x-must-be"), REMOVED,
     "Key: a pattern needs x-must-be, which says in words what it takes"),
    (("components", "schemas", "Key", "pattern"), "^(?!a)b$",
     "Key: Rust's regex knows no lookaround and no backreference"),
    (("components", "schemas", "Key", "pattern"), r"^\d$",
     r"Key: \d, \w, \s and \b hold for all of Unicode in Rust: write the characters out"),
    (("components", "schemas", "Color", "enum"), ["light-blue", "red"],
     "Color: the description has to end in a list of the words, in their order, each as - `word`: meaning"),
    (("components", "schemas", "State"), {"type": "string", "description": "- `True`: On.", "enum": [True]},
     "State: words are strings; on, off, yes and no are none in YAML unless they are quoted"),
]


def edited(document, where, value):
    document = copy.deepcopy(document)
    *parents, last = where
    holder = document
    for key in parents:
        holder = holder[key]
    if value is REMOVED:
        del holder[last]
    else:
        holder[last] = value
    return document


def main():
    features = yaml.safe_load(FEATURES.read_text())
    wrong = [f"features.yaml as it is: {refusal}" for refusal in Document(features).refusals]
    for where, value, sentence in REFUSALS:
        refusals = Document(edited(features, where, value)).refusals
        if refusals[:1] != [sentence]:
            wrong.append(f"{' '.join(map(str, where))}: {refusals} instead of\n  {sentence}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(REFUSALS)} documents are refused, each with its sentence")


main()
