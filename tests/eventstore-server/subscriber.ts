import type { AllStreamSubscription, Position, StreamSubscription } from '@eventstore/db-client';
import { numberOf } from './client.ts';

/** A subscription of the official client, with what it has been told so far. */
export interface Subscriber {
  readonly numbers: unknown[];
  readonly streams: string[];
  readonly types: string[];
  readonly positions: (Position | undefined)[];
  /** Events and the word that it has caught up, in the order they came. */
  readonly story: unknown[];
  readonly error: Promise<Error>;
  /** Resolves once it has been told so much; throws where that takes too long. */
  until(enough: (subscriber: Subscriber) => boolean): Promise<void>;
  stop(): Promise<void>;
}

const PATIENCE_MS = 15_000;

/** Resolves once the server has confirmed the subscription. */
export async function follow(subscription: AllStreamSubscription | StreamSubscription): Promise<Subscriber> {
  const waiting = new Set<() => void>();
  const told = (): void => {
    for (const look of waiting) look();
  };
  let failed: (error: Error) => void = () => undefined;
  const error = new Promise<Error>((resolve) => {
    failed = resolve;
  });
  const subscriber: Subscriber = {
    numbers: [],
    streams: [],
    types: [],
    positions: [],
    story: [],
    error,
    until: (enough) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`waited in vain; so far: ${JSON.stringify(subscriber.story)}`));
        }, PATIENCE_MS);
        const look = (): void => {
          if (!enough(subscriber)) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    stop: () => subscription.unsubscribe(),
  };
  const confirmed = new Promise<void>((resolve, reject) => {
    subscription.once('confirmation', () => resolve());
    subscription.once('error', reject);
  });
  subscription.on('error', (reason: Error) => failed(reason));
  subscription.on('caughtUp', () => {
    subscriber.story.push('caught up');
    told();
  });
  subscription.on('data', ({ event }) => {
    if (event === undefined) return;
    subscriber.numbers.push(numberOf(event));
    subscriber.streams.push(event.streamId);
    subscriber.types.push(event.type);
    subscriber.positions.push(event.position);
    subscriber.story.push(numberOf(event) ?? event.type);
    told();
  });
  await confirmed;
  return subscriber;
}
