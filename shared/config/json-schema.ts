// A name, not a place: nothing is fetched from it.
const ID = 'urn:keywheel:schema:keywheel.yaml:1';

/** The JSON Schema (draft 2020-12) of keywheel.yaml as users write it: before defaults and conversions. */
export async function configJsonSchema(): Promise<string> {
  const [z, { configSchema }] = await Promise.all([import('zod'), import('./schema.ts')]);
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' });
  const whole = {
    $schema,
    $id: ID,
    title: 'keywheel.yaml',
    description: 'What Keywheel rotates, where it keeps it, and how.',
    ...rest,
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
