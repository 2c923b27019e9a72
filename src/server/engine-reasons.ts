import { StoreUnavailable } from '../ports/event-store.ts';

/** What a part of Scoria is kept in, where an engine keeps it. */
export type EngineName = 'event store' | 'read store' | 'coordination';

/** Why an engine cannot be used, in words for the log and `/readyz`. */
export interface EngineFailure {
  readonly engine: EngineName;
  /** Without addresses' credentials. */
  readonly reason: string;
  /** It does not answer; false where it (or its client) refuses: wrong credentials, say. */
  readonly passing: boolean;
}

/** Engines that are configured and cannot be opened now. */
export class EnginesAway extends Error {
  readonly failures: readonly EngineFailure[];

  constructor(failures: readonly EngineFailure[]) {
    super(failures.map(wordsOf).join('; '));
    this.name = 'EnginesAway';
    this.failures = failures;
  }
}

const LONGEST_REASON = 300;

/** Clients quote what they were given: whatever stands where a URL has its credentials is left out. */
export function failureOf(engine: EngineName, error: unknown): EngineFailure {
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  const reason = message.replaceAll(/:\/\/\S*@/g, '://***@').replaceAll(/\s+/g, ' ');
  const shown = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}...` : reason;
  return { engine, reason: shown, passing: error instanceof StoreUnavailable };
}

export const wordsOf = ({ engine, reason }: EngineFailure): string => `${engine}: ${reason}`;
