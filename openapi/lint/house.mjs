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
      const alike = words.every((word) => /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(word));
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

const CAPABILITIES = ['read', 'send', 'manage'];

/** An operation has a known capability, and its prose and its 403 name that one. */
function capability() {
  return {
    Operation(operation, { resolve, report, location }) {
      const own = operation['x-capability'];
      const told = [...prose(operation).matchAll(/\*\*Capability:\*\* `(\w*)`\./g)].map((match) => match[1]);
      const missing = errors(operation, 403, resolve).filter(({ details }) => details?.reason === 'missing_capability');
      const named = missing.map(({ message, details }) => message.endsWith(` ${own}`) && details.capability);
      hold(report, location, [
        [CAPABILITIES.includes(own), `x-capability has to be one of ${CAPABILITIES}`],
        [told.join() === own, `the description has to say once: **Capability:** \`${own}\`.`],
        [named.join() === own, `403 needs one example of a missing capability, ${own}: see the responses there are`],
      ]);
    },
  };
}

/** What an operation may need of WhatsApp; each word includes those before it. */
const NEEDS = ['session', 'group', 'admin'];
const LIVE = '**Live:** the session has to be connected, else 501 `not_implemented`';
const ADMIN = '; and its account has to be an admin of the group (a super admin is one), else 403 `forbidden`';

/** `x-live` alone says that an operation is refused without a connected session, and what else it needs: refusals and prose
 * follow. Without it an operation may still ask WhatsApp, or wait for it. */
function live() {
  return {
    Operation(operation, { resolve, report, location }) {
      const own = operation['x-live'];
      const isLive = own !== undefined;
      const needs = (word) => NEEDS.indexOf(own) >= NEEDS.indexOf(word);
      const has = (status, right) => errors(operation, status, resolve).some(right);
      const only = (wanted) => (wanted ? 'has to have' : 'must not have');
      const told = prose(operation).split('**Live:**').length - 1;
      const wanted = needs('admin') ? LIVE + ADMIN : `${LIVE}.`;
      hold(report, location, [
        [!isLive || NEEDS.includes(own), `x-live has to be one of ${NEEDS}`],
        [!needs('group') || location.pointer.includes('{gid}'), `x-live ${own} needs a {gid} in the path`],
        [has(501, ({ code }) => code === 'not_implemented') === isLive, `it ${only(isLive)} 501 not_implemented`],
        [
          has(403, ({ details }) => details?.reason === 'not_group_admin') === needs('admin'),
          `403 ${only(needs('admin'))} the reason not_group_admin`,
        ],
        [
          operation.responses?.['503']?.$ref?.endsWith('/RoleUnknown') === needs('admin'),
          `503 ${only(needs('admin'))} the response RoleUnknown`,
        ],
        [!needs('group') || has(404, ({ details }) => details?.resource === 'group'), '404 has to have the resource group'],
        ...['404', '429', '502', '503', '504'].map((status) => [
          !isLive || status in (operation.responses ?? {}),
          `a live operation has ${status}`,
        ]),
        [
          isLive ? told === 1 && prose(operation).includes(wanted) : told === 0,
          isLive ? `the description has to say once: ${wanted}` : 'without x-live the description says nothing of **Live:**',
        ],
      ]);
    },
  };
}

/** Reports what does not hold of a list of conditions with their messages. */
function hold(report, location, conditions) {
  for (const [holds, message] of conditions) if (!holds) report({ message, location });
}

/** An operation's description, on one line. */
function prose({ description }) {
  return (description ?? '').replace(/\s+/g, ' ');
}

/** The errors that an operation has as examples of a status. */
function errors({ responses }, status, resolve) {
  const response = responses?.[status] && resolve(responses[status]).node;
  const examples = Object.values(response?.content?.['application/json']?.examples ?? {});
  return examples.map((example) => resolve(example).node?.value?.error ?? {});
}

export default function house() {
  return {
    id: 'house',
    preprocessors: { oas3: { 'open-set-as-enum': openSetAsEnum } },
    rules: {
      oas3: {
        envelope,
        'response-described': responseDescribed,
        'schema-described': schemaDescribed,
        'media-type-example': mediaTypeExample,
        'open-set': openSet,
        capability,
        live,
      },
    },
  };
}
