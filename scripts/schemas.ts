// Writes the published JSON Schemas. A test checks that the committed files are what this writes.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { configJsonSchema } from '../shared/config/index.ts';

const folder = path.resolve(import.meta.dirname, '../infra/schemas');
await mkdir(folder, { recursive: true });
await writeFile(path.join(folder, 'keywheel.schema.json'), await configJsonSchema());
