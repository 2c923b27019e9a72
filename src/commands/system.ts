import type { CommandContext } from './handle.ts';

/** Who Scoria is when nobody asked: at its start, for its own services, for charges that lapse. */
export function systemContext(
  commandId: string,
  why: { readonly causationId: string; readonly correlationId?: string; readonly projectId?: string },
): CommandContext {
  const { causationId, correlationId = `req-${commandId}`, projectId = 'scoria' } = why;
  return { commandId, correlationId, causationId, actor: { userId: 'scoria', projectId, roles: [], kind: 'system' } };
}
