import { expect } from 'vitest';
import type { Decider, Decision } from '../../src/domain/kernel/decider.ts';
import type { DomainEvent } from '../../src/domain/kernel/event.ts';
import type { RejectionCode } from '../../src/domain/kernel/rejection.ts';
import type { Instant } from '../../src/domain/kernel/units.ts';

/** What a decision came to, and what may be claimed of it. Each `then…` throws when the claim is false. */
export interface Then<State, E extends DomainEvent> {
  /** Accepted with exactly these events, in this order. */
  then(...events: readonly E[]): void;
  /** Refused with this code; `mentioning` are words that the sentence must hold. */
  thenRejected(code: RejectionCode, ...mentioning: readonly string[]): void;
  /** Accepted, and nothing is to be appended. */
  thenNothing(): void;
  /** The types of the accepted events, in order. */
  thenTypes(...types: readonly E['type'][]): void;
  /** A claim about the state after the accepted events. */
  thenState(claim: (state: State) => void): void;
  readonly decision: Decision<E>;
}

export interface When<Command, State, E extends DomainEvent> {
  when(command: Command, now?: Instant): Then<State, E>;
  /** The state that the given events make. */
  readonly state: State;
}

/**
 * `givenDecider(volumeDecider).given(...events).when(command).then(...events)`: folds the events, decides the
 * command on the result, and compares. `now` is 0 where the command does not look at the clock.
 */
export function givenDecider<Command, State, E extends DomainEvent>(decider: Decider<Command, State, E>) {
  return {
    given: (...history: readonly E[]): When<Command, State, E> => {
      const state = history.reduce<State>(decider.evolve, decider.initial);
      return {
        state,
        when: (command, now = 0) => thenOf(decider, state, decider.decide(command, state, now)),
      };
    },
  };
}

function thenOf<Command, State, E extends DomainEvent>(
  decider: Decider<Command, State, E>,
  state: State,
  decision: Decision<E>,
): Then<State, E> {
  const acceptedEvents = (): readonly E[] => {
    if (decision.kind === 'rejected') expect.fail(`rejected ${decision.rejection.code}: ${decision.rejection.message}`);
    return decision.events;
  };
  return {
    decision,
    // biome-ignore lint/suspicious/noThenProperty: given/when/then are the words of the tests; nothing awaits this object.
    then: (...events) => expect(acceptedEvents()).toEqual(events),
    thenRejected: (code, ...mentioning) => {
      if (decision.kind === 'accepted') {
        expect.fail(`accepted [${decision.events.map((event) => event.type).join(', ')}] instead of rejected ${code}`);
      }
      expect(decision.rejection.code, decision.rejection.message).toBe(code);
      for (const words of mentioning) expect(decision.rejection.message).toContain(words);
    },
    thenNothing: () => expect(acceptedEvents()).toEqual([]),
    thenTypes: (...types) => expect(acceptedEvents().map((event) => event.type)).toEqual(types),
    thenState: (claim) => claim(acceptedEvents().reduce<State>(decider.evolve, state)),
  };
}
