import type { DomainEvent } from '../domain/kernel/event.ts';
import { reject } from '../domain/kernel/rejection.ts';
import type { KeyedCommandDocument } from '../projections/keyed-commands.ts';
import { type Call, commandContextOf } from './call.ts';
import { faultOf } from './faults.ts';

/** For routes whose success has an empty body. */
export const answersNothing = (): undefined => undefined;

/**
 * How to answer a request whose command was done before under the same Idempotency-Key; null where it was not, or where
 * the route goes on as usual. Throws the 409 of a key that came with another request, whatever that was about.
 */
export async function againOf(call: Call): Promise<(() => unknown) | null> {
  const { route, deps } = call;
  if (route.method === 'GET') return null;
  const context = commandContextOf(call);
  const done = await deps.queries.keyedCommands.get(context.commandId);
  if (done === null) return null;
  if (done.requestHash === context.requestHash) {
    const { again } = route;
    return again === undefined ? null : () => again(call, done);
  }
  const rejection = reject('IdempotencyKeyReused');
  deps.onRefused?.({ stream: done.stream, command: route.id, rejection, context });
  throw faultOf(rejection);
}

/** What was done, of one type. */
export function eventOf<E extends DomainEvent>(
  { events }: KeyedCommandDocument,
  type: E['type'],
): { readonly at: number; readonly data: E['data'] } {
  const found = events.find((event) => event.type === type);
  if (found === undefined) throw new Error(`nothing of type ${type} was done`);
  return found;
}
