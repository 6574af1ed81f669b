"""What each field of a request has to be, in words: for the messages of the server that is generated."""

import json

from schemas import kind, resolved

# Which keywords bound the values of a kind.
BOUNDS = {
    "a string": ("minLength", "maxLength"),
    "an integer": ("minimum", "maximum"),
    "an array": ("minItems", "maxItems"),
}
# The longest example of a body that a message of one line is to have.
LONGEST_EXAMPLE = 150


def between(schema, how, of=""):
    """The bounds of a value in words."""
    least, most = [schema.get(keyword) for keyword in BOUNDS[kind(schema)]]
    if least is most is None:
        return ""
    if None not in (least, most):
        return f" {how} {least} to {most}{of}"
    return f" of at least {least}{of}" if most is None else f" of at most {most}{of}"


def either(choices):
    """Some words, one of which it has to be."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def words_for(schema):
    """What a value of a schema has to be, in words: its own, where it has some."""
    if "x-must-be" in schema:
        return schema["x-must-be"]
    found, null = kind(schema), ["null"] * schema.get("nullable", False)
    if found == "a set of words":
        return either([*schema.get("enum", schema.get("x-extensible-enum")), *null])
    if found == "a boolean":
        return either(["true", "false", *null])
    bounded = {
        "a string": lambda: "a string" + between(schema, "of", " characters"),
        "an integer": lambda: "an integer" + between(schema, "from"),
        "an array": lambda: "an array" + between(schema, "of", " items"),
    }
    return either([bounded.get(found, lambda: "an object")(), *null])


class Fields:
    """What each field of an operation's request has to be, by its name."""

    def __init__(self, document):
        self.document = document

    def of(self, operation, parameters):
        fields = []
        for parameter in [*parameters, *operation.get("parameters", [])]:
            parameter = resolved(self.document, parameter)
            fields += self.value(parameter["name"], parameter["schema"], parameter.get("example"))
        if "requestBody" in operation:
            media = resolved(self.document, operation["requestBody"])["content"]["application/json"]
            example = next(iter(media.get("examples", {}).values()), {})
            fields += self.value("body", media["schema"], resolved(self.document, example).get("value"))
        return [{"name": name, "mustBe": json.dumps(must_be, ensure_ascii=False)} for name, must_be in fields]

    def value(self, name, schema, example=None):
        """The field itself, then those in it: `list[]` is each entry of a list, the body's properties have no prefix."""
        schema = resolved(self.document, schema)
        words = "a JSON object" if name == "body" else words_for(schema)
        example = self.example(schema) if example is None else example
        if example is not None:
            text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, separators=(",", ":"))
            words += f", such as {text}" if len(text) <= LONGEST_EXAMPLE else ""
        yield name, words
        if "items" in schema:
            yield from self.value(f"{name}[]", schema["items"])
        for inner, one in schema.get("properties", {}).items():
            yield from self.value(inner if name == "body" else f"{name}.{inner}", one)

    def example(self, schema):
        """An example of a value, made of the examples of what is in it where it has none itself."""
        schema = resolved(self.document, schema)
        if kind(schema) == "an array":
            item = self.example(schema["items"])
            item = resolved(self.document, schema["items"]).get("enum", [None])[0] if item is None else item
            return schema.get("example", None if item is None else [item])
        return schema.get("example", schema.get("default") if kind(schema) == "an integer" else None)
