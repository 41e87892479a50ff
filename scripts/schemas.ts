// Writes the published JSON Schemas and the page of detectors. Tests check that the committed files are what this writes.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { configJsonSchema } from '../shared/config/index.ts';
import { detectorsPage } from './detectors-page.ts';

const folder = path.resolve(import.meta.dirname, '../infra/schemas');
await mkdir(folder, { recursive: true });
await writeFile(path.join(folder, 'keywheel.schema.json'), await configJsonSchema());
await writeFile(path.resolve(import.meta.dirname, '../docs/detectors.md'), detectorsPage());
