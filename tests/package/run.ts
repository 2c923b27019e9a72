import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * `npm run test:package`: what a user installs works. Packs the project, installs the package (its compiled form, since
 * Node strips no types below node_modules) into an empty project and serves with it.
 */
const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'scoria-package-'));
const npm = (args: readonly string[], cwd: string): string => execFileSync('npm', [...args], { cwd, encoding: 'utf8' });
let passed = 0;

function check(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  passed += 1;
  console.log(`ok      ${what}`);
}

try {
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], ROOT)) as [
    { filename: string; files: { path: string }[] },
  ];
  const paths = packed.files.map(({ path }) => path);
  check(
    'the package has the compiled code and no sources of tests',
    paths.includes('dist/main.js') && !paths.some((path) => path.startsWith('tests/')),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  npm(['install', '--no-fund', '--no-audit', join(folder, packed.filename)], folder);
  const scoria = join(folder, 'node_modules', '.bin', 'scoria');
  const env = {
    ...process.env,
    PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
    SCORIA_PORT: '0',
    SCORIA_DATA_DIR: join(folder, 'data'),
  };
  const reference = execFileSync(scoria, ['config', 'reference'], { encoding: 'utf8', env });
  check(
    'scoria config reference prints the keys',
    reference.includes('server.port') && reference.includes('SCORIA_PORT'),
  );
  const server = spawn(scoria, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = await urlOf(server.stdout);
    const answer = await fetch(`${url}/v3/`);
    check('scoria serve answers version discovery', answer.status === 200);
    const types = await fetch(`${url}/v3/demo/types`, { headers: { 'x-auth-token': 'admin:demo' } });
    check('and lists the default type', (await types.text()).includes('__DEFAULT__'));
  } finally {
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('exit', resolve));
  }
  console.log(`${passed} passed, 0 failed`);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The address in the log line that says that the server serves. */
async function urlOf(stdout: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stdout) {
    text += chunk;
    const found = /"url":"(http:[^"]+)"/.exec(text);
    if (found?.[1] !== undefined) {
      stdout.resume();
      return found[1];
    }
  }
  throw new Error(`the server ended without listening: ${text}`);
}
