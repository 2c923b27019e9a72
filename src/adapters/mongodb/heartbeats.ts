import type { MongoClient } from 'mongodb';

/** What the monitors of a client do, and how long they may take. */
type Watched = Pick<MongoClient, 'on' | 'off' | 'connect' | 'close'> & {
  readonly options: { readonly connectTimeoutMS: number; readonly heartbeatFrequencyMS: number };
};

/** Beside the driver's own limits: a process that stood still sees its timers before the answers that wait for it. */
const GRACE_MS = 1_000;
const AGAIN_MS = 1_000;

/**
 * Connects a client anew when a heartbeat of it does not end. The driver (7.9) writes one on a socket that the engine's end
 * has destroyed but that has not told so yet, then waits without a limit for it to drain, and looks for that server never
 * again. A heartbeat has to connect and to be answered, each within connectTimeoutMS; one that is awaited may take
 * heartbeatFrequencyMS more. Does nothing where the URL sets no limit (0). Calls under way are cut off, as by a lost connection.
 */
export function reconnectWhenStuck(client: Watched): { stop(): Promise<void> } {
  const { connectTimeoutMS, heartbeatFrequencyMS } = client.options;
  const open = new Map<string, NodeJS.Timeout>();
  let stopped = false;
  let connecting: Promise<void> | null = null;

  const ended = ({ connectionId }: { readonly connectionId: string }): void => {
    clearTimeout(open.get(connectionId));
    open.delete(connectionId);
  };

  const connectAnew = async (): Promise<void> => {
    for (const timer of open.values()) clearTimeout(timer);
    open.clear();
    await client.close().catch(() => undefined);
    while (!stopped) {
      try {
        await client.connect();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  };

  const stuck = (): void => {
    connecting ??= connectAnew().finally(() => {
      connecting = null;
    });
  };

  const started = (event: { readonly connectionId: string; readonly awaited: boolean }): void => {
    ended(event);
    const limitMs = 2 * connectTimeoutMS + (event.awaited ? heartbeatFrequencyMS : 0);
    const overdue = (): void => {
      open.set(event.connectionId, setTimeout(stuck, GRACE_MS));
    };
    open.set(event.connectionId, setTimeout(overdue, limitMs));
  };

  if (connectTimeoutMS > 0) {
    client.on('serverHeartbeatStarted', started);
    client.on('serverHeartbeatSucceeded', ended);
    client.on('serverHeartbeatFailed', ended);
    client.on('serverClosed', ({ address }) => ended({ connectionId: address }));
  }
  return {
    /** Before the client is closed for good. */
    stop: async () => {
      stopped = true;
      client.off('serverHeartbeatStarted', started);
      for (const timer of open.values()) clearTimeout(timer);
      open.clear();
      // a client that is being connected is closed by that: it ends at once then
      if (connecting !== null) await client.close().catch(() => undefined);
      await connecting;
    },
  };
}
