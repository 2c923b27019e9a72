import { randomUUID } from 'node:crypto';
import type { Change, Checkpoint, Document, ReadStore } from '../../src/ports/read-store.ts';

/** A collection of one test, with a writer that keeps the checkpoint. */
export async function aCollection(store: ReadStore, indexes: readonly (readonly string[])[] = [], version = 1) {
  const name = `contract${randomUUID().replaceAll('-', '')}`;
  await store.ensure({ name, version, indexes: indexes.map((fields, n) => ({ name: `index${n}`, fields })) });
  let at: Checkpoint | null = null;
  const write = async (...changes: readonly Change[]): Promise<void> => {
    const position: bigint = (at?.position ?? 0n) + 1n;
    const to = { position, eventId: randomUUID() };
    await store.write({ projection: name, version, from: at, to, changes });
    at = to;
  };
  return { name, write, at: () => at };
}

export const put = (document: Document, position: bigint | number = 1): Change => ({
  kind: 'put',
  document,
  position: BigInt(position),
});
export const deletion = (id: string, position: bigint | number): Change => ({
  kind: 'delete',
  id,
  position: BigInt(position),
});
