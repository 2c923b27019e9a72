import type { Actor } from '../domain/kernel/event.ts';

/** Who sends a request, as every rule sees it. `admin` implies `member`, `member` implies `reader`. */
export interface Caller {
  readonly userId: string;
  readonly projectId: string;
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  /** Ready for the metadata of events. */
  readonly actor: Actor;
}

export type Authentication =
  | { readonly kind: 'authenticated'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly reason: string; readonly challenge: string };

/** The port of identity. May answer at once or later; throws when the identity service cannot be asked. */
export interface Authenticator {
  authenticate(token: string | undefined): Authentication | Promise<Authentication>;
}

const PROJECT_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** What a column of the original holds; a token goes into every event its sender causes. */
const MAX_USER_ID_LENGTH = 255;
const MAX_TOKEN_LENGTH = 1_024;
const REQUIRES = 'The request you have made requires authentication.';

export const callerOf = (userId: string, projectId: string, roles: readonly string[]): Caller => ({
  userId,
  projectId,
  roles,
  isAdmin: roles.includes('admin'),
  actor: { userId, projectId, roles, kind: 'user' },
});

/**
 * No identity service: the token is `user:project[:role,role]` and is believed. Without roles the caller is an
 * administrator, as in the original. A project id is `[A-Za-z0-9_-]{1,64}` and none of `reserved`, the first path
 * segments of the API, so that `/v3/volumes` never means a project.
 */
export function createNoAuthAuthenticator(reserved: ReadonlySet<string> = new Set()): Authenticator {
  const known = new Map<string, Authentication>();
  const refused = (reason: string): Authentication => ({ kind: 'refused', reason, challenge: 'Keystone' });

  const parse = (token: string): Authentication => {
    const [userId, projectId = userId, roleList, ...rest] = token.split(':');
    if (userId === undefined || userId === '' || rest.length > 0) return refused(REQUIRES);
    if (userId.length > MAX_USER_ID_LENGTH) return refused(`${REQUIRES} The token names no usable user id.`);
    if (projectId === undefined || !PROJECT_ID.test(projectId) || reserved.has(projectId)) {
      return refused(`${REQUIRES} The token names no usable project id.`);
    }
    const roles =
      roleList === undefined || roleList === '' ? ['admin'] : roleList.split(',').map((role) => role.trim());
    return { kind: 'authenticated', caller: callerOf(userId, projectId, roles) };
  };

  return {
    authenticate: (token) => {
      if (token === undefined || token === '' || token.length > MAX_TOKEN_LENGTH) return refused(REQUIRES);
      const before = known.get(token);
      if (before !== undefined) return before;
      const authentication = parse(token);
      if (known.size >= 1_000) known.clear();
      known.set(token, authentication);
      return authentication;
    },
  };
}
