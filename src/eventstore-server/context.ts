import type { Metadata } from '@grpc/grpc-js';
import type { EventStore } from '../ports/event-store.ts';
import type { Access } from './access.ts';
import type { ActiveCalls } from './active-calls.ts';
import type { Writer } from './content.ts';
import type { StreamWriter } from './stream-writer.ts';

/** What every call is served with. */
export interface ServerContext {
  readonly eventStore: EventStore;
  readonly writer: StreamWriter;
  readonly access: Access;
  readonly now: () => number;
  readonly maxAppendBytes: number;
  readonly calls: ActiveCalls;
  readonly onFault: (error: unknown) => void;
}

interface Caller {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** Who writes with this call. Throws where he may not. */
export const writerOf = (context: ServerContext, call: Caller): Writer => ({
  userId: context.access.userOf(call.metadata),
  origin: addressOf(call.getPeer()),
  at: context.now(),
});

/** The address without its port, as Scoria records where commands come from. */
const addressOf = (peer: string): string | null => {
  const colon = peer.lastIndexOf(':');
  return colon <= 0 ? null : peer.slice(0, colon);
};
