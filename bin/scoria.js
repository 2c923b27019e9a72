#!/usr/bin/env node
// Plain JavaScript on purpose: it must be able to say which Node.js is needed, under one that is too old.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  console.error(`scoria needs Node.js 24.11 or newer; this is ${process.version}.`);
  process.exit(1);
}
const { existsSync } = await import('node:fs');
const { keepCompiled } = await import('./compile-cache.js');
keepCompiled();
// A checkout runs its source, whatever was built from it; a package has only what was built.
const source = new URL('../src/main.ts', import.meta.url);
const { runCommandLine } = await import(existsSync(source) ? source.href : '../dist/main.js');
await runCommandLine(process.argv);
