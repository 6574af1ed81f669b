// Lists the groups of a session and adds someone to one of them. `make run` writes the variables to .demo/env.
import createClient from 'openapi-fetch';

import type { components, paths } from './gateway.js';

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Every error has the one shape, so one function reads them all. */
function failed({ error }: components['schemas']['Error']): Error {
  return new Error(`${error.code}: ${error.message} ${JSON.stringify(error.details)}`);
}

const session = setting('GATEWAY_SESSION');
const gateway = createClient<paths>({
  baseUrl: `${setting('GATEWAY_URL')}/api/v1`,
  headers: { Authorization: `Bearer ${setting('GATEWAY_API_KEY')}` },
});

async function groups(cursor?: string) {
  const { data, error } = await gateway.GET('/sessions/{session}/groups', {
    params: { path: { session }, query: cursor ? { cursor } : {} },
  });
  if (error) throw failed(error);
  return data;
}

for (let page = await groups(); ; page = await groups(page.nextCursor)) {
  for (const group of page.data) console.log(`${group.groupJid}  ${group.subject ?? ''}`);
  if (page.nextCursor === null) break;
}

const { data, error } = await gateway.POST('/sessions/{session}/groups/{gid}/members', {
  params: { path: { session, gid: setting('GATEWAY_GROUP') }, header: { Prefer: 'return=representation' } },
  body: { participants: [setting('GATEWAY_MEMBER')] },
});
if (error) throw failed(error);
for (const { participant, outcome } of data?.data ?? []) console.log(`${participant}  ${outcome}`);
