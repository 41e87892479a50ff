import { KeywheelError } from '../../../shared/errors.ts';
import type { Label, SecretVersion } from '../../../shared/stores/index.ts';
import { nearest } from '../../../shared/config/index.ts';
import type { CommandModule, Context, Flags } from '../context.ts';
import { EXIT } from '../../../shared/reply/index.ts';
import { harmless, jsonLine } from '../text.ts';

const LABELS: readonly Label[] = ['current', 'pending', 'previous'];

function labelOf(flags: Flags): Label {
  const asked = String(flags['label']);
  const label = LABELS.find((one) => one === asked);
  if (label !== undefined) return label;
  const near = nearest(asked, LABELS);
  throw new KeywheelError(
    'ERR_USAGE',
    `unknown label ${JSON.stringify(asked)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
    {
      hint: `labels are ${LABELS.join(', ')}`,
    },
  );
}

/** The version, or its one field. Printing it is what the command is for; errors name fields, never values. */
function print({ out }: Context, name: string, label: Label, found: SecretVersion, field: string | undefined): void {
  const { id: version, createdAt } = found;
  if (field === undefined) {
    if (out.json) out.record({ name, label, version, createdAt, value: found.value });
    else out.line(jsonLine(found.value));
    return;
  }
  const value = Object.hasOwn(found.value, field) ? found.value[field] : undefined;
  if (value === undefined) {
    const fields = Object.keys(found.value);
    const near = nearest(field, fields);
    throw new KeywheelError(
      'ERR_USAGE',
      `${name} has no field ${JSON.stringify(field)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
      {
        hint: `its fields are ${fields.join(', ')}`,
      },
    );
  }
  if (out.json) out.record({ name, label, version, createdAt, field, value });
  // A program that reads it gets exactly the value; a terminal is kept from obeying it.
  else out.line(out.stdout.isTTY === true ? harmless(String(value)) : String(value));
}

export const get: CommandModule = {
  examples: [
    ['keywheel get app/db', 'the current value as JSON'],
    ['keywheel get app/db --field password', 'one field, bare'],
    ['keywheel get app/db --label previous', 'the value before the last rotation'],
  ],
  configure(command) {
    command
      .argument('<name>', 'the secret')
      .option('--label <label>', 'current, pending or previous', 'current')
      .option('--field <field>', 'print only this field, without quotes')
      .option('--store <store>', 'the store, for a secret that is not in secrets');
  },
  async run(context, [name = ''], flags) {
    const label = labelOf(flags);
    const config = await context.config();
    const { notFound, readingGate, withStore } = await import('../stores.ts');
    const opening = { config, env: context.env, gate: readingGate };
    const found = await withStore(opening, name, flags['store'] as string | undefined, async (store) => {
      const version = await store.read(name, label);
      if (version === undefined && (await store.describe(name)) === undefined) throw notFound(config, name);
      return version;
    });
    if (found === undefined) {
      throw new KeywheelError('ERR_SECRET_NOT_FOUND', `${name} has no ${label} version`, {
        hint: 'see what it has with: keywheel status',
        subject: name,
      });
    }
    print(context, name, label, found, flags['field'] as string | undefined);
    return EXIT.done;
  },
};
