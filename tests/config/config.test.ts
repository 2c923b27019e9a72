import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  backendDirectory,
  ConfigError,
  isLoopback,
  loadConfig,
  parseConfig,
  withoutPasswords,
} from '../../src/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'scoria-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (text: string): string => {
  const path = join(folder, 'scoria.yaml');
  writeFileSync(path, text);
  return path;
};

describe('the configuration', () => {
  it('needs no file: everything has a default', () => {
    const config = loadConfig({ env: {} });
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8776 });
    expect(config.storage.backends.map(({ name }) => name)).toEqual(['file']);
    expect(config.quota).toMatchObject({ volumes: 10, gigabytes: 1000, perVolumeGigabytes: -1 });
  });

  it('comes from a YAML file, and variables win over it', () => {
    const env = {
      SCORIA_CONFIG: file('server: {port: 1234, maxLimit: 5}\nlogLevel: warn\n'),
      SCORIA_PORT: '4321',
      SCORIA_HOST: '',
    };
    const config = loadConfig({ env });
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 4321, maxLimit: 5 });
    expect(config.logLevel).toBe('warn');
  });

  it('takes real engines, by variable too', () => {
    const env = { SCORIA_EVENTSTORE: 'esdb+discover://cluster.example?tls=true' };
    const config = loadConfig({ file: file('readStore: mongodb://a:1,b:2/scoria?replicaSet=rs0'), env });
    expect(config).toMatchObject({
      eventStore: 'esdb+discover://cluster.example?tls=true',
      readStore: 'mongodb://a:1,b:2/scoria?replicaSet=rs0',
    });
  });

  it('is shown without the passwords of its engines', () => {
    const eventStore = 'esdb://scoria:secret%40@h1:2113,h2:2113?tls=true';
    const readStore = 'mongodb://scoria:sec@secret@h1:27017,h2:27017/scoria';
    const shown = JSON.stringify(withoutPasswords(parseConfig({ eventStore, readStore })));
    expect(shown).not.toContain('secret');
    expect(shown).toContain('esdb://scoria:***@h1:2113,h2:2113?tls=true');
    expect(shown).toContain('mongodb://scoria:***@h1:27017,h2:27017/scoria');
    expect(withoutPasswords(parseConfig({})).eventStore).toBe('sqlite');
  });

  it('may be an empty file', () => {
    expect(loadConfig({ file: file(''), env: {} }).server.port).toBe(8776);
  });

  it.each([
    ['an unknown key', 'srever: {}', /srever/],
    ['an unknown key further down', 'server: {prot: 1}', /server.*prot/s],
    ['a wrong type', 'server: {port: many}', /server\.port/],
    ['a port that is none', 'server: {port: 70000}', /server\.port/],
    [
      'two backends of one name',
      'storage: {backends: [{name: a, pools: [{name: p}]}, {name: a, pools: [{name: p}]}]}',
      /storage\.backends.*same name/s,
    ],
    ['a backend without pools', 'storage: {backends: [{name: a, pools: []}]}', /storage\.backends\.0\.pools/],
    ['an address beyond loopback without authentication', 'server: {host: 0.0.0.0}', /server\.host.*not a loopback/s],
    [
      'a role that nobody would have',
      'roles: [api]',
      /roles: projections, operations, storage .*eventStore and readStore are one/,
    ],
    ['a log served beside other roles', 'roles: [api, eventstore]', /roles: eventstore stands alone/],
    [
      'a log served that is elsewhere',
      'roles: [eventstore]\neventStore: esdb://u:secret@h',
      /^(?!.*secret).*eventStore: role eventstore/,
    ],
    ['an unknown role', 'roles: [cook]', /roles/],
    ['a log that is nowhere', 'eventStore: postgres://h', /eventStore: sqlite, or a connection string/],
    ['a log without a host', 'eventStore: "esdb://?tls=false"', /eventStore/],
    ['read models that are nowhere', 'readStore: http://h', /readStore: sqlite, or a URL/],
    [
      'a part of the roles where one store is embedded',
      'roles: [api]\neventStore: esdb://h',
      /roles: projections, operations, storage .*readStore is one/,
    ],
    ['a list at the top', '- a', /mapping is expected/],
    ['no YAML', 'a: [', /not YAML/],
  ])('refuses %s and names it', (_what, text, message) => {
    const load = () => loadConfig({ file: file(text), env: {} });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(message);
  });

  it('has every role but eventstore by default, and any of them over engines that are shared', () => {
    expect(loadConfig({ env: {} }).roles).toEqual(['api', 'projections', 'operations', 'storage']);
    const env = { SCORIA_EVENTSTORE: 'esdb://h', SCORIA_READSTORE: 'mongodb://h', SCORIA_ROLES: 'api, storage' };
    expect(loadConfig({ env }).roles).toEqual(['api', 'storage']);
    expect(loadConfig({ env, roles: 'projections' })).toMatchObject({ roles: ['projections'], server: { port: null } });
  });

  it('gives the roles the ports of their protocols, where no other is said', () => {
    const alone = { ...loadConfig({ env: {}, roles: 'eventstore' }) };
    expect(alone).toMatchObject({ server: { port: null }, eventStoreServer: { port: 2113 } });
    const env = { SCORIA_PORT: '1', SCORIA_EVENTSTORE_PORT: '2' };
    expect(loadConfig({ env, roles: 'eventstore' })).toMatchObject({
      server: { port: 1 },
      eventStoreServer: { port: 2 },
    });
    expect(loadConfig({ env: {} })).toMatchObject({ server: { port: 8776 }, eventStoreServer: { port: null } });
  });

  it('refuses a variable that is no number where one is expected', () => {
    expect(() => loadConfig({ env: { SCORIA_PORT: 'eight' } })).toThrow(/server\.port/);
  });

  it('names a file that cannot be read', () => {
    expect(() => loadConfig({ file: join(folder, 'nowhere.yaml'), env: {} })).toThrow(/nowhere\.yaml cannot be read/);
  });

  it('knows loopback when it sees it', () => {
    expect(['localhost', '::1', '127.0.0.1', '127.8.9.10'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org'].some(isLoopback)).toBe(false);
  });

  it('puts a backend below the data directory where nothing else is said', () => {
    const config = parseConfig({
      dataDir: '/d',
      storage: {
        backends: [
          { name: 'a', pools: [{ name: 'p' }] },
          { name: 'b', directory: '/e', pools: [{ name: 'p' }] },
        ],
      },
    });
    expect(config.storage.backends.map((backend) => backendDirectory(config, backend))).toEqual([
      '/d/backends/a',
      '/e',
    ]);
  });
});
