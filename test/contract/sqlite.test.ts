/** What every SQLite file of ours is opened with, and how it is made. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite } from '../../shared/sqlite.ts';
import type { SqliteFile, SqliteKind } from '../../shared/sqlite.ts';
import { scratch } from './harness.ts';

const KIND: SqliteKind = {
  noun: 'test file',
  applicationId: 7,
  schemaVersion: 1,
  schema: ['CREATE TABLE t (a TEXT) STRICT'],
  codes: { corrupt: 'ERR_STATE_CORRUPT', full: 'ERR_STATE_FULL', unavailable: 'ERR_STATE_UNAVAILABLE' },
};

let directory: ReturnType<typeof scratch>;
let opened: SqliteFile[];
beforeEach(() => {
  directory = scratch();
  opened = [];
});
afterEach(() => {
  for (const file of opened) file.close();
  directory.remove();
});

function open(name = 'f.db', fill: () => void = () => undefined): SqliteFile {
  const file = openSqlite(KIND, path.join(directory.path, name), { fill, nonce: 'n', rehearsing: false });
  opened.push(file);
  return file;
}

describe('a SQLite file', () => {
  it.each([
    ['journal_mode', 'wal'],
    ['synchronous', 2], // FULL: each commit is on the disk before it is said to be done
    ['secure_delete', 1],
    ['trusted_schema', 0],
    ['cell_size_check', 1],
    ['temp_store', 2], // memory
  ])('has %s %s, also when it was there already', (name, value) => {
    expect(open().read((tx) => tx.get(`PRAGMA ${name}`)?.[name])).toBe(value);
    expect(open().read((tx) => tx.get(`PRAGMA ${name}`)?.[name])).toBe(value);
  });

  it('waits five seconds for another writer', () => {
    expect(open().read((tx) => tx.get('PRAGMA busy_timeout')?.['timeout'])).toBe(5000);
  });

  it('appears whole or not at all, and leaves nothing beside it when it could not be made', () => {
    const failing = () => {
      expect(existsSync(path.join(directory.path, 'f.db'))).toBe(false);
      throw new Error('the fill failed');
    };
    expect(() => open('f.db', failing)).toThrow('the fill failed');
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it('bears names that a URL or SQLite would read otherwise', () => {
    for (const name of ['file:x?mode=memory', ':memory:', 'a b%20#?.db']) {
      open(name).write((tx) => tx.run('INSERT INTO t VALUES (?)', name));
      expect(open(name).read((tx) => tx.all('SELECT a FROM t'))).toEqual([expect.objectContaining({ a: name })]);
      expect(existsSync(path.join(directory.path, name))).toBe(true);
    }
  });

  it('undoes all that a failed transaction did', () => {
    const file = open();
    const work = () =>
      file.write((tx) => {
        tx.run("INSERT INTO t VALUES ('x')");
        throw new TypeError('a bug');
      });
    expect(work).toThrow(TypeError);
    expect(file.read((tx) => tx.all('SELECT a FROM t'))).toEqual([]);
  });

  it('is unavailable where a directory stands in its place', () => {
    mkdirSync(path.join(directory.path, 'f.db'));
    writeFileSync(path.join(directory.path, 'f.db', 'x'), '');
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_UNAVAILABLE', message: expect.stringContaining('f.db') }),
    );
  });
});
