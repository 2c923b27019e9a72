import type { Coordination, OpenWork } from '../../src/ports/coordination.ts';
import type { Checkpoint } from '../../src/ports/read-store.ts';

/** Unfinished work and feed checkpoints that survive the runners of one test. */
export interface MemoryCoordination extends Coordination {
  readonly work: ReadonlyMap<string, OpenWork>;
  readonly checkpoint: Checkpoint | null;
  /** Calls of these names fail as often as is asked for. */
  failNext(call: 'putWork' | 'removeWork' | 'saveFeedCheckpoint', times: number): void;
}

export function createMemoryCoordination(): MemoryCoordination {
  const work = new Map<string, OpenWork>();
  const failing = new Map<string, number>();
  let checkpoint: Checkpoint | null = null;
  const unused = async (): Promise<never> => {
    throw new Error('the feed makes no such call');
  };
  const mayFail = (call: string): void => {
    const left = failing.get(call) ?? 0;
    if (left === 0) return;
    failing.set(call, left - 1);
    throw new Error(`${call} fails`);
  };
  return {
    work,
    get checkpoint() {
      return checkpoint;
    },
    failNext: (call, times) => failing.set(call, times),
    putWork: async (items) => {
      if (items.length > 0) mayFail('putWork');
      for (const item of items) work.set(`${item.kind} ${item.id}`, structuredClone(item));
    },
    removeWork: async (kind, ids) => {
      mayFail('removeWork');
      for (const id of ids) work.delete(`${kind} ${id}`);
    },
    listWork: async (kind) => [...work.values()].filter((one) => one.kind === kind),
    feedCheckpoint: async () => checkpoint,
    saveFeedCheckpoint: async (_feed, to) => {
      mayFail('saveFeedCheckpoint');
      checkpoint = to;
    },
    acquire: unused,
    renew: unused,
    release: unused,
    releaseAll: unused,
    beat: unused,
    heartbeats: unused,
    forget: unused,
    close: async () => {},
  };
}
