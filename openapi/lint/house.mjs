// The rules that redocly does not have.

/** A response of 4xx or 5xx is `application/json` with the schema Error, and nothing else. */
function envelope() {
  return {
    Operation({ responses }, { resolve, report, location }) {
      for (const [status, response] of Object.entries(responses ?? {})) {
        if (/^[123]/.test(status)) continue;
        const content = resolve(response).node?.content ?? {};
        const schema = content['application/json']?.schema?.$ref;
        if (schema !== '#/components/schemas/Error' || Object.keys(content).length !== 1) {
          report({
            message: `The response ${status} has to be application/json with the schema Error, and nothing else.`,
            location: location.child(['responses', status]),
          });
        }
      }
    },
  };
}

/** An operation names what a credential needs for it. */
function capability() {
  return {
    Operation(operation, { report, location }) {
      if (!['read', 'send', 'manage'].includes(operation['x-capability'])) {
        report({ message: 'An operation needs an x-capability: read, send or manage.', location });
      }
    },
  };
}

/** A response says in words when it comes. */
function responseDescribed() {
  return {
    Response({ description }, { report, location }) {
      if (!description?.trim()) report({ message: 'A response needs a description.', location });
    },
  };
}

/** A named schema and each property of a schema say in words what they are, if need be where they point. */
function schemaDescribed() {
  const check = (schemas, { resolve, report, location }) => {
    for (const [name, schema] of Object.entries(schemas ?? {})) {
      if (!(schema.description ?? resolve(schema).node?.description)?.trim()) {
        report({ message: `The schema of ${name} needs a description.`, location: location.child(name) });
      }
    }
  };
  return { NamedSchemas: check, SchemaProperties: check };
}

/** Every body that is text has an example: of a request as of a response. */
function mediaTypeExample() {
  return {
    MediaType(media, { report, location, key }) {
      const examples = [media.example, ...Object.values(media.examples ?? {})].filter((one) => one !== undefined);
      if (examples.length === 0 && !String(key).startsWith('image/')) {
        report({ message: `A body that is ${key} needs an example.`, location });
      }
    },
  };
}

/** An open set is of words that are written alike, each once, and it is the only one of its schema. */
function openSet() {
  return {
    Schema(schema, { report, location }) {
      const words = schema['x-extensible-enum'];
      if (!words) return;
      const alike = words.every((word) => /^[a-z]+(_[a-z]+)*$/.test(word));
      if (!alike || new Set(words).size !== words.length || schema.type !== 'string') {
        report({
          message: 'An open set is of strings: words in snake_case, each once.',
          location: location.child('x-extensible-enum'),
        });
      }
    },
  };
}

/** Reads an open set as an enum, so that the rules on examples hold them to its words. */
function openSetAsEnum() {
  return {
    Schema: {
      leave(schema) {
        const words = schema['x-extensible-enum'];
        if (words) schema.enum = schema.nullable ? [...words, null] : words;
      },
    },
  };
}

export default function house() {
  return {
    id: 'house',
    preprocessors: { oas3: { 'open-set-as-enum': openSetAsEnum } },
    rules: {
      oas3: {
        envelope,
        capability,
        'response-described': responseDescribed,
        'schema-described': schemaDescribed,
        'media-type-example': mediaTypeExample,
        'open-set': openSet,
      },
    },
  };
}
