import type { Project } from './model.ts';

export interface Ask {
  readonly method: string;
  /** Without `/v3` and the project. */
  readonly path: string;
  readonly body?: unknown;
  readonly project: Project;
  /** Asks as an administrator of the project; by default as a member. */
  readonly admin?: boolean;
  /** Leaves the project out of the path. */
  readonly short?: boolean;
  /** An Idempotency-Key. */
  readonly key?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
  readonly json: any;
}

/** The server, as one run sees it: two projects of its own. */
export interface Real {
  readonly url: string;
  /** Names of projects, types and volumes begin with it. */
  readonly tag: string;
  readonly projectIds: Readonly<Record<Project, string>>;
  ask(ask: Ask): Promise<Answer>;
}

export function createReal(url: string, tag: string): Real {
  const projectIds = { a: `${tag}-a`, b: `${tag}-b` };
  return {
    url,
    tag,
    projectIds,
    ask: async ({ method, path, body, project, admin = false, short = false, key }) => {
      const projectId = projectIds[project];
      const response = await fetch(`${url}/v3${short ? '' : `/${projectId}`}${path}`, {
        method,
        headers: {
          'X-Auth-Token': `${project}:${projectId}:${admin ? 'admin' : 'member'}`,
          'OpenStack-API-Version': 'volume 3.71',
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = text !== '' && response.headers.get('content-type') === 'application/json';
      return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined };
    },
  };
}
