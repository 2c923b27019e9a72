import { connect, createServer, type Socket } from 'node:net';

/** What lies between a client and its server. */
export interface FaultProxy {
  readonly port: number;
  /** Cuts every connection and takes no more. */
  refuse(): void;
  /** Takes connections and bytes, and passes nothing on. */
  hang(): void;
  /** The next request with this text reaches the server; the answer is lost, with the connection. */
  loseAnswerTo(text: string): void;
  /** The next request with this text does not reach the server, and its connection ends. */
  loseRequest(text: string): void;
  /** Passes everything on again. */
  heal(): void;
  close(): Promise<void>;
}

type Plant = { readonly kind: 'answer' | 'request'; readonly text: string };

export async function openProxy(targetPort: number): Promise<FaultProxy> {
  let mode: 'open' | 'refusing' | 'hanging' = 'open';
  let plant: Plant | null = null;
  const sockets = new Set<Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  const server = createServer((client) => {
    if (mode === 'refusing') {
      client.destroy();
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    let losing = false;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
      socket.on('error', end);
    }
    client.on('data', (chunk) => {
      if (mode === 'hanging') return;
      if (plant !== null && chunk.includes(plant.text)) {
        losing = plant.kind === 'answer';
        plant = null;
        if (!losing) return end();
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (losing) end();
      else if (mode !== 'hanging') client.write(chunk);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    port,
    refuse: () => {
      mode = 'refusing';
      cut();
    },
    hang: () => {
      mode = 'hanging';
    },
    loseAnswerTo: (text) => {
      plant = { kind: 'answer', text };
    },
    loseRequest: (text) => {
      plant = { kind: 'request', text };
    },
    heal: () => {
      // what hung has lost its place in the conversation
      if (mode === 'hanging') cut();
      mode = 'open';
    },
    close: () =>
      new Promise((closed) => {
        cut();
        server.close(() => closed());
      }),
  };
}
