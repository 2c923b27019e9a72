import { join } from 'node:path';
import { command, type Result } from './environment.ts';

export interface Tour {
  /** Runs one check; a throw is a failure, which is printed and counted, and the tour goes on. */
  check(what: string, run: () => Promise<void>): Promise<void>;
  /** The `openstack` client as a project; throws when it fails. */
  openstack(args: readonly string[], project?: string): Promise<string>;
  /** The same with `-f json`, parsed. */
  openstackJson(args: readonly string[], project?: string): Promise<Readonly<Record<string, unknown>>>;
  /** The `cinder` client as a project; throws when it fails. */
  cinder(args: readonly string[], project?: string): Promise<string>;
  /** A command that must fail, with this in what it says. */
  refused(run: () => Promise<unknown>, text: string): Promise<void>;
  /** Asks until the answer is right, for 60 s at the most. */
  until(what: string, ask: () => Promise<boolean>): Promise<void>;
  passed(): number;
  failed(): number;
}

const POLL_MS = 200;
const PATIENCE_MS = 60_000;

export function createTour({
  bin,
  url,
  cloudsFile,
}: {
  readonly bin: string;
  readonly url: string;
  readonly cloudsFile: string;
}): Tour {
  let passed = 0;
  let failed = 0;

  const succeed = (args: readonly string[], { status, stdout, stderr }: Result): string => {
    if (status !== 0) throw new Error(`${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  };

  const openstack: Tour['openstack'] = async (args, project = 'demo') => {
    const env = { OS_CLIENT_CONFIG_FILE: cloudsFile, OS_CLOUD: project };
    return succeed(['openstack', ...args], await command(join(bin, 'openstack'), args, env));
  };

  const cinder: Tour['cinder'] = async (args, project = 'demo') => {
    const env = { OS_AUTH_TYPE: 'noauth', OS_USER_ID: 'admin', OS_PROJECT_ID: project, CINDER_ENDPOINT: `${url}/v3` };
    return succeed(['cinder', ...args], await command(join(bin, 'cinder'), args, env));
  };

  return {
    openstack,
    cinder,
    openstackJson: async (args, project) => JSON.parse(await openstack([...args, '-f', 'json'], project)),
    check: async (what, run) => {
      const startedAt = performance.now();
      try {
        await run();
        passed += 1;
        console.log(`ok      ${what} (${Math.round(performance.now() - startedAt)} ms)`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED  ${what}\n${error instanceof Error ? error.message : error}`);
      }
    },
    refused: async (run, text) => {
      let message: string;
      try {
        await run();
        message = '';
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
      }
      if (message === '') throw new Error(`it succeeded, but must be refused with: ${text}`);
      if (!message.includes(text)) throw new Error(`it was refused, but not with "${text}":\n${message}`);
    },
    until: async (what, ask) => {
      const deadline = Date.now() + PATIENCE_MS;
      while (Date.now() < deadline) {
        if (await ask()) return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    },
    passed: () => passed,
    failed: () => failed,
  };
}

/** Fails with both values when they differ. */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}
