import { createServer } from 'node:net';

/** A port that was free a moment ago, for a server that is to be started on it again. */
export const reservedPort = (): Promise<number> =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
