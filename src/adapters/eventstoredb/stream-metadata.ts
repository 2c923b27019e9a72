import { createClientSessions } from './client-session.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { createLogReader } from './log-reader.ts';

/** What the server keeps about streams (`$$<stream>`, type `$metadata`), of all of them, in the order of the log. */
export async function* readStreamMetadata(
  connectionString: string,
): AsyncGenerator<{ readonly stream: string; readonly data: unknown }> {
  const sessions = createClientSessions(connectionString);
  try {
    const reader = createLogReader(sessions, DEFAULT_LIMITS);
    for await (const entry of reader.readLog({ after: null, direction: 'forwards', pageEntries: null })) {
      if (entry.stream.startsWith('$$')) yield { stream: entry.stream, data: entry.event(entry.createdAt).data };
    }
  } finally {
    sessions.close();
  }
}
