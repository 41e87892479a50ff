import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from './index.ts';

const published = path.resolve(import.meta.dirname, '../../infra/schemas/keywheel.schema.json');

describe('the published JSON Schema', () => {
  it('is what the code says now (if not: node scripts/schemas.ts)', async () => {
    const text = await readFile(published, 'utf8');

    expect(text).toBe(await configJsonSchema());
  });

  it('is draft 2020-12, has an id, and describes what users type', async () => {
    const schema = JSON.parse(await configJsonSchema());

    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'urn:keywheel:schema:keywheel.yaml:1',
      additionalProperties: false,
      required: ['version', 'state', 'stores', 'secrets'],
    });
    // Durations are text for people; numbers only inside.
    expect(schema.properties.secrets.additionalProperties.properties.grace).toMatchObject({ type: 'string' });
  });
});
