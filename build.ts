import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

/** Compiles `src` to `dist`: Node strips no types below node_modules, so an installed package needs JavaScript. */
rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
