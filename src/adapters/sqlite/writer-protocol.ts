import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { WriteFailure } from './faults.ts';
import type { Packed } from './packed.ts';
import type { WriterSettings } from './store-file.ts';

/** Messages between a store and the thread that writes its file. */

/** One append: checked on its own, committed together with whatever else waits. */
export interface AppendUnit {
  readonly kind: 'append';
  readonly stream: string;
  /** Revision of the stream's last event as the writer expects it; -1: no stream. */
  readonly expected: number;
  readonly now: number;
  readonly events: readonly {
    readonly id: string;
    readonly type: string;
    readonly data: string;
    readonly metadata: string;
  }[];
}

export type AppendOutcome =
  | {
      readonly kind: 'appended';
      readonly revision: number;
      readonly position: number;
      /** Of all its events; null where they had been appended before. */
      readonly recordedAt: number | null;
    }
  | { readonly kind: 'conflict' };

/** Statements that take effect together. */
export interface StatementsUnit {
  readonly kind: 'statements';
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sql: string;
  /** One run for each row of parameters. */
  readonly rows: readonly (readonly SQLInputValue[])[];
  /** First statement only, with RETURNING: where it returns no row, the unit is refused and nothing of it is done. */
  readonly guard?: true;
  /** `sql` is what `putInto` makes; rows are id, document, position and the value of each column. */
  readonly put?: true;
}

export type StatementsOutcome =
  | {
      readonly kind: 'done';
      /** What the guard returned. */
      readonly row: readonly SQLOutputValue[] | null;
    }
  | { readonly kind: 'refused' };

export type Unit = AppendUnit | StatementsUnit;
export type Outcome = AppendOutcome | StatementsOutcome;
export type OutcomeOf<U extends Unit> = U extends AppendUnit ? AppendOutcome : StatementsOutcome;

export interface QueuedUnit {
  readonly id: number;
  /** False where losing the unit in a power failure is harmless: it does not wait for the disk. */
  readonly durable: boolean;
  readonly unit: Unit;
}

export interface StoreSettings extends WriterSettings {
  /** Benchmarks and tests: each commit that waits for the disk takes this much longer. */
  readonly simulateFsyncMs?: number;
}

export type ToWriter =
  | { readonly kind: 'open'; readonly store: number; readonly file: string; readonly settings: StoreSettings }
  | { readonly kind: 'write'; readonly store: number; readonly units: Packed }
  | { readonly kind: 'close'; readonly store: number };

export type FromWriter =
  | { readonly kind: 'opened'; readonly store: number; readonly failure?: WriteFailure }
  | { readonly kind: 'written'; readonly store: number; readonly outcomes: Packed }
  | { readonly kind: 'failed'; readonly store: number; readonly ids: readonly number[]; readonly failure: WriteFailure }
  | { readonly kind: 'closed'; readonly store: number };
