import { API_PORT, loadConfig } from '../config.ts';
import type { CommonOptions } from './program.ts';

/** Who the command line says it is to a server without authentication: an administrator of a project of its own. */
const TOKEN = 'scoria:admin';

/**
 * Sends one request to the running server and gives its JSON answer. What the command line changes goes through the
 * server, so that there is one writer. Throws with the server's own words, or says that none answers.
 */
export async function askServer(
  options: CommonOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const url = `${baseUrl(options)}/v3${path}`;
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers: { 'x-auth-token': TOKEN, 'openstack-api-version': 'volume latest', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Error(`no server answers at ${url}: this is done through the running server`);
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the server answered ${answer.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Whether a server answers where the configuration says. */
export const serverAnswers = (options: CommonOptions): Promise<boolean> =>
  fetch(`${baseUrl(options)}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

function baseUrl(options: CommonOptions): string {
  const { server } = loadConfig({ file: options.config });
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return `http://${host}:${server.port ?? API_PORT}`;
}
