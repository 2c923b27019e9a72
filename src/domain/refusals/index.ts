import { accepted, type Decider } from '../kernel/decider.ts';
import type { RefusalsCommand } from './commands.ts';
import { type RefusalsEvent, refusalsEvents } from './events.ts';

export type { RefusalsCommand } from './commands.ts';
export type { RefusalsEvent } from './events.ts';

/** Refusals kept of one project and day: a client that is refused in a loop must not fill the log. */
export const MAX_REFUSALS_PER_STREAM = 1_000;

export interface Refusals {
  readonly recorded: number;
}

export const refusalsDecider: Decider<RefusalsCommand, Refusals, RefusalsEvent> = {
  initial: { recorded: 0 },
  decide: ({ type: _, ...refusal }, { recorded }) =>
    recorded < MAX_REFUSALS_PER_STREAM ? accepted({ type: 'CommandRefused', data: refusal }) : accepted(),
  evolve: (refusals, event) => {
    switch (event.type) {
      case 'CommandRefused':
        return { recorded: refusals.recorded + 1 };
    }
  },
};

/** Audit facts of refused commands, on the stream `refusals-<projectId>-<day>`. */
export const refusals = { decider: refusalsDecider, catalogue: refusalsEvents };
