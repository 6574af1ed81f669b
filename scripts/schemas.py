"""What the schemas of a document are."""


def kind(schema):
    """Which kind of schema it is, by the table KINDS of prepare_document.py; what it has where it is none."""
    if "properties" in schema:
        return "an object"
    if "enum" in schema or "x-extensible-enum" in schema:
        return "a set of words"
    if "pattern" in schema:
        return "a string with a pattern"
    if "additionalProperties" in schema:
        return "a free object"
    of_type = {"string": "a string", "integer": "an integer", "boolean": "a boolean", "array": "an array"}
    told = [f"type: {value}" if key == "type" else key for key, value in schema.items() if key != "description"]
    return of_type.get(schema.get("type"), f"one with {', '.join(told) or 'nothing'}")


def resolved(document, node):
    """What a node is, or what it points to."""
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
