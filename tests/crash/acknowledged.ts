import type { Answer } from './client.ts';

/** A change that the server said it has made: it must be in the log for ever. */
export interface Acknowledgement {
  readonly requestId: string;
  readonly what: string;
  /** The volume it was about. */
  readonly volumeId: string;
  /** Sent before under the same key: the log names the first request. */
  readonly repeated: boolean;
}

/** A creation whose answer never came; sent again under its key it must still make one volume. */
export interface Unanswered {
  readonly project: string;
  readonly key: string;
  readonly body: unknown;
}

/** What the clients know: the other side of what the log says. */
export interface Acknowledged {
  noteSent(what: string): void;
  noteAnswer(answer: Answer, about: Omit<Acknowledgement, 'requestId'>): void;
  noteNoAnswer(): void;
  noteUnanswered(creation: Unanswered): void;
  /** Nobody can know any more whether this volume is to be there. */
  noteDeletion(volumeId: string): void;
  noteCreation(volumeId: string): void;
  /** What was acknowledged since this was asked last. */
  takeAcknowledged(): readonly Acknowledgement[];
  takeUnanswered(): readonly Unanswered[];
  /** Volumes that were acknowledged, and that nobody ever asked to delete. */
  readonly kept: ReadonlySet<string>;
  readonly figures: Figures;
}

export interface Figures {
  sent: number;
  acknowledged: number;
  refused: number;
  unavailable: number;
  unanswered: number;
  /** Acknowledged, by what was asked. */
  readonly by: Map<string, number>;
}

/** An answer that no client should ever get. */
export class Unexpected extends Error {}

export function createAcknowledged(): Acknowledged {
  const figures: Figures = { sent: 0, acknowledged: 0, refused: 0, unavailable: 0, unanswered: 0, by: new Map() };
  const kept = new Set<string>();
  const deleted = new Set<string>();
  let acknowledged: Acknowledgement[] = [];
  let unanswered: Unanswered[] = [];
  return {
    noteSent: () => {
      figures.sent += 1;
    },
    noteAnswer: ({ status, requestId, json }, about) => {
      if (status >= 200 && status < 300) {
        figures.acknowledged += 1;
        figures.by.set(about.what, (figures.by.get(about.what) ?? 0) + 1);
        acknowledged.push({ requestId, ...about });
      } else if (status === 503) figures.unavailable += 1;
      else if (status < 500) figures.refused += 1;
      else throw new Unexpected(`${about.what} of ${about.volumeId}: ${status} ${JSON.stringify(json)}`);
    },
    noteNoAnswer: () => {
      figures.unanswered += 1;
    },
    noteUnanswered: (creation) => {
      unanswered.push(creation);
    },
    noteDeletion: (volumeId) => {
      deleted.add(volumeId);
      kept.delete(volumeId);
    },
    noteCreation: (volumeId) => {
      if (!deleted.has(volumeId)) kept.add(volumeId);
    },
    takeAcknowledged: () => {
      const taken = acknowledged;
      acknowledged = [];
      return taken;
    },
    takeUnanswered: () => {
      const taken = unanswered;
      unanswered = [];
      return taken;
    },
    kept,
    figures,
  };
}
