import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isKeywheelError, KeywheelError } from '../../../shared/errors.ts';
import type { CommandModule } from '../context.ts';
import { EXIT } from '../../../shared/reply/index.ts';
import { TEMPLATE, TEMPLATE_FOLDER, TEMPLATE_KEY } from '../template.ts';

/** Whole or not at all; only with `force` over a file that is there. */
async function writeWhole(file: string, text: string, force: boolean): Promise<void> {
  try {
    if (!force) return await writeFile(file, text, { flag: 'wx' });
    const draft = `${file}.${process.pid}.tmp`;
    try {
      await writeFile(draft, text, { flag: 'wx' });
      await rename(draft, file);
    } finally {
      await rm(draft, { force: true });
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    if (code === 'EEXIST') {
      throw new KeywheelError('ERR_USAGE', `${file} exists already, nothing was written`, {
        hint: 'use --force to replace it, or --config FILE to write another',
      });
    }
    throw new KeywheelError('ERR_CONFIG_INVALID', `${file} cannot be written (${code})`, {
      hint: 'check the folder and its permissions',
    });
  }
}

/** A key that exists is kept, with --force too: without it, what is in the store is lost. */
async function makeKey(file: string): Promise<boolean> {
  const { createLocalStoreKey } = await import('../../../shared/stores/index.ts');
  try {
    createLocalStoreKey(file);
    return true;
  } catch (error) {
    if (isKeywheelError(error, 'ERR_STORE_KEY') && error.message.includes('exists')) return false;
    throw error;
  }
}

export const init: CommandModule = {
  examples: [
    ['keywheel init', 'write keywheel.yaml and a store key here'],
    ['keywheel init --config other.yaml', 'write another file'],
  ],
  configure(command) {
    command.option('--force', 'replace a keywheel.yaml that is there (never the key)');
  },
  async run({ out, configFile }, _args, flags) {
    const folder = path.dirname(path.resolve(configFile));
    await writeWhole(configFile, TEMPLATE, flags['force'] === true);
    const keyFile = path.join(folder, TEMPLATE_KEY);
    const madeKey = await makeKey(keyFile);
    // The store, its key and the state are no part of a repository.
    await mkdir(path.join(folder, TEMPLATE_FOLDER), { recursive: true, mode: 0o700 });
    await writeFile(path.join(folder, TEMPLATE_FOLDER, '.gitignore'), '*\n');
    if (out.json) out.record({ config: configFile, keyFile, keyCreated: madeKey });
    out.say(`wrote ${configFile}`);
    out.say(madeKey ? `wrote a new store key to ${keyFile}, mode 0600; back it up` : `kept the store key in ${keyFile}`);
    out.hint(`edit ${configFile}, then run: keywheel doctor`);
    return EXIT.done;
  },
};
