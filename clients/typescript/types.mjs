// Writes gateway.d.ts, or with --check fails where it is not what the document gives. Beyond the command line of
// openapi-typescript: an open set of words is its words and any other string.
import { readFileSync, writeFileSync } from 'node:fs';

import openapiTS, { astToString, COMMENT_HEADER, NULL, STRING, tsLiteral, tsUnion } from 'openapi-typescript';
import ts from 'typescript';

const DOCUMENT = new URL('../../openapi/gateway.yaml', import.meta.url);
const TYPES = new URL('gateway.d.ts', import.meta.url);

// `string & {}`: a bare `string` would swallow the words, and editors would offer none. openapi-fetch
// takes it for an object from 0.17 on, so that stays at 0.16.
const OTHER = ts.factory.createIntersectionTypeNode([STRING, ts.factory.createTypeLiteralNode([])]);

const types = await openapiTS(DOCUMENT, {
  defaultNonNullable: false,
  transform(schema) {
    const words = schema['x-extensible-enum'];
    return words && tsUnion([...words.map(tsLiteral), OTHER, ...(schema.nullable ? [NULL] : [])]);
  },
});
const fresh = COMMENT_HEADER + astToString(types);
if (!process.argv.includes('--check')) {
  writeFileSync(TYPES, fresh);
} else if (readFileSync(TYPES, 'utf8') !== fresh) {
  console.error('clients/typescript/gateway.d.ts is not what the document gives: run make types');
  process.exitCode = 1;
}
