import type { Delivery, Position, RecordedEvent } from '../ports/event-store.ts';

/** What a subscription had to give at once: some events, or the word that there are no more. */
export interface Batch {
  readonly events: readonly RecordedEvent[];
  /** End of the log where all of it was delivered; else null. */
  readonly caughtUpAt: Position | null;
}

/** Takes what is there: up to `size` events, and no waiting once the subscription has caught up. */
export async function* batchesOf(deliveries: AsyncIterable<Delivery>, size: number): AsyncGenerator<Batch> {
  let events: RecordedEvent[] = [];
  for await (const delivery of deliveries) {
    if (delivery.kind === 'event') events.push(delivery.event);
    if (delivery.kind === 'event' && events.length < size) continue;
    yield { events, caughtUpAt: delivery.kind === 'caught-up' ? delivery.position : null };
    events = [];
  }
}
