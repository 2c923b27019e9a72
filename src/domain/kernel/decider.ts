import type { DomainEvent } from './event.ts';
import type { Rejection } from './rejection.ts';
import type { Instant } from './units.ts';

/** What a decision comes to: the events to append (none when it is already so), or a refusal. */
export type Decision<E extends DomainEvent> =
  | { readonly kind: 'accepted'; readonly events: readonly E[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

export const accepted = <E extends DomainEvent>(...events: readonly E[]): Decision<E> => ({ kind: 'accepted', events });

export const rejected = (rejection: Rejection): Decision<never> => ({ kind: 'rejected', rejection });

/** Three pure functions: no I/O, no clock, no randomness. `evolve` never throws. */
export interface Decider<Command, State, E extends DomainEvent> {
  readonly initial: State;
  decide(command: Command, state: State, now: Instant): Decision<E>;
  evolve(state: State, event: E): State;
}
