/**
 * Loaded before a server (`node --import`): its disk takes 10 ms for every sync, in the writer threads, where SQLite waits
 * for it, and in the file driver.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

const SYNC_MS = 10;

/** Connections whose commits do not wait for the disk. */
const unsynced = new WeakSet<DatabaseSync>();
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function slowExec(sql: string): void {
  exec.call(this, sql);
  const synchronous = /PRAGMA synchronous = (FULL|NORMAL)/.exec(sql)?.[1];
  if (synchronous === 'NORMAL') unsynced.add(this);
  if (synchronous === 'FULL') unsynced.delete(this);
  if (sql === 'COMMIT' && !unsynced.has(this)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SYNC_MS);
};

const { fsync } = fs;
fs.fsync = ((descriptor, done) =>
  fsync(descriptor, (error) => setTimeout(() => done(error), SYNC_MS))) as typeof fs.fsync;
syncBuiltinESMExports();
