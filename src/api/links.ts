import type { Call } from './call.ts';
import type { ApiDependencies } from './dependencies.ts';

/** Links as bodies carry them (contract/errors.md §5). */
export interface Link {
  readonly rel: string;
  readonly href: string;
}

/** Scheme, host and port under which the client sees the API: the configured endpoint, else what the request says. */
export function baseUrlOf(call: Pick<Call, 'request'> & { readonly deps: Pick<ApiDependencies, 'config'> }): string {
  const { publicEndpoint } = call.deps.config;
  if (publicEndpoint !== null) return publicEndpoint;
  const { headers } = call.request;
  const forwarded = headers['x-forwarded-host'];
  const host =
    typeof forwarded === 'string' ? (forwarded.split(',', 1)[0] ?? '').trim() : (headers.host ?? 'localhost');
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
  return `${scheme}://${host}`;
}

/** `/<project>` when the request's URL had the project, else nothing. */
const projectSegmentOf = (call: Call): string => {
  const projectId = call.params.project_id;
  return projectId === undefined ? '' : `/${projectId}`;
};

/** `self` and `bookmark` of one resource; the bookmark drops the version. `collection` is e.g. `volumes`. */
export function resourceLinks(call: Call, collection: string, id: string): readonly Link[] {
  const base = baseUrlOf(call);
  const rest = `${projectSegmentOf(call)}/${collection}/${id}`;
  return [
    { rel: 'self', href: `${base}/v3${rest}` },
    { rel: 'bookmark', href: `${base}${rest}` },
  ];
}

/** The `next` link of a list: the request's query with the marker replaced. `path` is e.g. `/volumes/detail`. */
export function nextLink(call: Call, path: string, marker: string): Link {
  const query = new URLSearchParams(call.query);
  query.set('marker', marker);
  return { rel: 'next', href: `${baseUrlOf(call)}/v3${projectSegmentOf(call)}${path}?${query}` };
}
