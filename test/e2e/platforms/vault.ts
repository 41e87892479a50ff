/** Vault: a real OpenBao, logins by AppRole with the documented policies and nothing more, and the terminal, which is the host here. */
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { keywheel } from '../../../functions/cli/demo/cli.ts';
import { appRole, newMount, rotatorPolicy } from '../../contract/vault.ts';
import type { Definition, Output } from './cloud.ts';
import { needed } from './peers.ts';

export const vault: Definition = {
  needs: ['openbao'],
  async open(job, secret) {
    const bao = await (await needed('openbao'))({});
    try {
      const { client, address } = bao;
      await client.write('sys/auth/approle', { type: 'approle' });
      const mount = await newMount(client);
      const rotator = await appRole(client, 'rotator', rotatorPolicy(mount));
      const application = await appRole(client, 'application', `path "${mount}/data/${secret}" { capabilities = ["read"] }`);
      const login = { method: 'approle', roleIdEnv: 'ROLE_ID', secretIdEnv: 'SECRET_ID' } as const;
      const said: Output[] = [];
      return {
        title: 'the terminal, with OpenBao’s KV v2',
        sections: {
          store: { kind: 'vault', address, mount, login: rotator.login },
          state: { kind: 'sqlite', path: path.join(job.folder, 'state.db') },
        },
        env: rotator.env,
        consumers: { store: { kind: 'vault', address, mount, login }, env: application.env },
        rotator: () => ({
          run(args) {
            const run = keywheel(args, job.watch);
            run.done.then(
              (ended) => said.push({ where: `keywheel ${args[0] ?? ''}, process ${said.length + 1}`, text: ended.said }),
              () => undefined,
            );
            return run;
          },
          output: async () => [...said, { where: 'the log of OpenBao', text: await readFile(bao.logFile, 'utf8') }],
        }),
        stop: () => bao.stop(),
      };
    } catch (error) {
      await bao.stop();
      throw error;
    }
  },
};
