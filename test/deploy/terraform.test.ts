import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from '@cdktf/hcl2json';
import { DEFINITIONS } from '../../scripts/package/clouds.ts';
import { readModule, references, type Module } from './helpers/terraform.ts';

const infra = path.resolve('infra');
const TERRAFORM = 'terraform';
const terraform = ((): string | undefined => {
  try {
    return execFileSync(TERRAFORM, ['version', '-json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
})();

const of = (map: ReadonlyMap<string, unknown>, key: string): Record<string, unknown> => {
  const found = map.get(key);
  if (found === undefined) throw new Error(`there is no ${key}`);
  return found as Record<string, unknown>;
};
const block = (from: Record<string, unknown>, name: string): Record<string, unknown> => {
  const [found] = (from[name] ?? []) as Record<string, unknown>[];
  if (found === undefined) throw new Error(`there is no block ${name}`);
  return found;
};
const typesOf = (module: Module): string[] => [...new Set([...module.resources.keys()].map((key) => key.split('.')[0] ?? ''))];

describe.each(['gcp', 'azure'])('infra/%s', (cloud) => {
  let module: Module;
  beforeAll(async () => {
    module = await readModule(path.join(infra, cloud));
  });

  it('parses, and what it names is there', () => {
    expect(module.files).toEqual(expect.arrayContaining(['main.tf', 'outputs.tf', 'variables.tf', 'versions.tf']));
    const known = new Set([
      ...[...module.variables.keys()].map((name) => `var.${name}`),
      ...[...module.locals.keys()].map((name) => `local.${name}`),
      ...module.resources.keys(),
      ...[...module.data.keys()].map((name) => `data.${name}`),
    ]);
    const found = references(module);
    expect(found.length).toBeGreaterThan(60);
    expect(found.filter(({ to }) => !known.has(to))).toEqual([]);
  });

  it('uses every variable, and documents each of them and each output', async () => {
    const used = new Set(references(module).map(({ to }) => to));
    expect([...module.variables.keys()].filter((name) => !used.has(`var.${name}`))).toEqual([]);
    const all = [...module.variables, ...module.outputs];
    expect(all.filter(([, each]) => typeof each['description'] !== 'string').map(([name]) => name)).toEqual([]);
    expect([...module.variables].filter(([, each]) => each['type'] === undefined).map(([name]) => name)).toEqual([]);
    const readme = await readFile(path.join(infra, cloud, 'README.md'), 'utf8');
    expect(all.map(([name]) => name).filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it('pins its providers to ranges with an end', () => {
    const versions = Object.values(module.providers).map(({ version }) => version);
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter((version) => !/^>= \d+\.\d+, < \d+\.\d+$/.test(version))).toEqual([]);
  });

  it('holds no key, password or connection string, and grants nothing to everybody', () => {
    const texts = module.strings.map(([, text]) => text);
    expect(texts.filter((text) => /access_key\b|connection_string_|AccountKey|primary_connection_string/.test(text))).toEqual([]);
    const members = [...module.resources].flatMap(([name, each]) =>
      typeof each['member'] === 'string' ? [`${name} ${each['member']}`] : [],
    );
    expect(members.filter((member) => /allUsers|allAuthenticatedUsers/.test(member))).toEqual([]);
  });

  it.skipIf(terraform === undefined)('is formatted as terraform does (skipped where it is not installed)', () => {
    const unformatted = execFileSync(TERRAFORM, ['fmt', '-check', '-recursive', '-list=true', path.join(infra, cloud)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });

    expect(unformatted).toBe('');
  });
});

describe('a Terraform file with a mistake', () => {
  it('does not pass the parser', async () => {
    await expect(parse('bad.tf', 'resource "a" "b" {')).rejects.toThrow();
  });

  it('is found by its reference to something that is not there', async () => {
    const module = await readModule(path.join(infra, 'gcp'));

    const found = references({ ...module, strings: [['x.tf', '${google_pubsub_topic.misspelt.id} ${local.nothing}']] });

    expect(found.map(({ to }) => to)).toEqual(['google_pubsub_topic.misspelt', 'local.nothing']);
  });
});

describe('the rights on Google Cloud', () => {
  let module: Module;
  beforeAll(async () => {
    module = await readModule(path.join(infra, 'gcp'));
  });

  it('are custom roles, on the named secrets and the one database', () => {
    const rotator = of(module.resources, 'google_project_iam_custom_role.rotator')['permissions'] as string[];
    expect(rotator).toEqual([
      'secretmanager.secrets.get',
      'secretmanager.secrets.update',
      'secretmanager.versions.access',
      'secretmanager.versions.add',
      'secretmanager.versions.destroy',
      'secretmanager.versions.get',
      'secretmanager.versions.list',
    ]);
    const journal = of(module.resources, 'google_project_iam_custom_role.journal')['permissions'] as string[];
    expect(journal.every((each) => /^datastore\.(entities\.|databases\.get$)/.test(each))).toBe(true);
    expect(block(of(module.resources, 'google_project_iam_member.journal'), 'condition')['expression']).toContain(
      'google_firestore_database.state.id',
    );
    // What is granted on the project as a whole: the journal with its condition, and what builds containers.
    const wide = [...module.resources.keys()].filter((key) => key.startsWith('google_project_iam_member'));
    expect(wide.sort()).toEqual(['google_project_iam_member.build', 'google_project_iam_member.journal']);
    expect(JSON.stringify(module.strings)).not.toMatch(/roles\/(owner|editor|secretmanager\.admin|datastore\.(user|owner))/);
  });

  it('let only Pub/Sub and the named callers call a function', () => {
    const invokers = [...module.resources].filter(([key]) => key.startsWith('google_cloud_run_service_iam_member'));
    const granted = invokers.map(([key, each]) => [key.split('.')[1], each['role'], each['for_each'], each['member']].join(' '));
    expect(granted.sort()).toEqual([
      'caller roles/run.invoker ${var.callers} ${each.value}',
      'delivery roles/run.invoker ${local.subscribed} ${google_service_account.delivery.member}',
    ]);
    const functions = of(module.locals, 'functions') as Record<string, { ingress: string }>;
    expect(Object.fromEntries(Object.entries(functions).map(([name, { ingress }]) => [name, ingress]))).toEqual({
      rotate: 'ALLOW_INTERNAL_ONLY',
      advance: 'ALLOW_INTERNAL_ONLY',
      manual: 'ALLOW_ALL',
      score: 'ALLOW_INTERNAL_ONLY',
      'score-tick': 'ALLOW_INTERNAL_ONLY',
      ack: 'ALLOW_ALL',
    });
    const push = block(of(module.resources, 'google_pubsub_subscription.this'), 'push_config');
    expect(block(push, 'oidc_token')['service_account_email']).toBe('${google_service_account.delivery.email}');
  });

  it('come with what keeps and removes state, and with dead letters', () => {
    expect(of(module.resources, 'google_firestore_database.state')).toMatchObject({
      type: 'FIRESTORE_NATIVE',
      delete_protection_state: 'DELETE_PROTECTION_ENABLED',
    });
    expect(block(of(module.resources, 'google_firestore_field.ttl'), 'ttl_config')).toEqual({});
    expect(block(of(module.resources, 'google_firestore_field.value'), 'index_config')).toEqual({});
    const delivered = of(module.resources, 'google_pubsub_subscription.this');
    expect(block(delivered, 'dead_letter_policy')['dead_letter_topic']).toBe('${google_pubsub_topic.dead_letter.id}');
    // A function ends before Pub/Sub gives it up.
    expect(of(new Map([['x', { seconds: module.locals.get('timeout_seconds') }]]), 'x')['seconds']).toBeLessThan(
      delivered['ack_deadline_seconds'] as number,
    );
    expect(typesOf(module)).toContain('google_cloud_scheduler_job');
    const member = of(module.resources, 'google_pubsub_topic_iam_member.rotate')['member'];
    expect(member).toBe('${google_project_service_identity.secret_manager.member}');
  });
});

describe('the rights on Azure', () => {
  let module: Module;
  beforeAll(async () => {
    module = await readModule(path.join(infra, 'azure'));
  });

  it('are for single secrets, one table and the host, and delete nothing in the vault', () => {
    const permissions = block(of(module.resources, 'azurerm_role_definition.rotator'), 'permissions');
    expect(permissions).toEqual({
      actions: [],
      data_actions: ['getSecret', 'readMetadata', 'setSecret', 'update'].map(
        (verb) => `Microsoft.KeyVault/vaults/secrets/${verb}/action`,
      ),
    });
    const assigned = [...module.resources].filter(([key]) => key.startsWith('azurerm_role_assignment.'));
    const granted = assigned.map(
      ([key, { role_definition_name: role = 'rotator', scope }]) =>
        `${key.split('.')[1] ?? ''}: ${role as string} on ${scope as string}`,
    );
    expect(granted.sort()).toEqual([
      'admin: Key Vault Secrets User on ${data.azurerm_key_vault.this.id}/secrets/${each.value}',
      'alert: EventGrid Data Sender on ${each.value}',
      'audit: Azure Event Hubs Data Receiver on ${azurerm_eventhub.audit.id}',
      'channel: Key Vault Secrets User on ${data.azurerm_key_vault.this.id}/secrets/${each.value}',
      'dead_letter: Storage Blob Data Contributor on ${azapi_resource.dead_letter.id}',
      'host: Storage Blob Data Owner on ${azurerm_storage_account.host.id}',
      'journal: Storage Table Data Contributor on ${azapi_resource.table.id}',
      'rotated: rotator on ${data.azurerm_key_vault.this.id}/secrets/${each.value}',
      'telemetry: Monitoring Metrics Publisher on ${azurerm_application_insights.this.id}',
    ]);
  });

  it('need no shared key anywhere', () => {
    const accounts = [...module.resources].filter(([key]) => key.startsWith('azurerm_storage_account.'));
    expect(accounts.map(([key]) => key).sort()).toEqual(['azurerm_storage_account.host', 'azurerm_storage_account.state']);
    for (const [, account] of accounts) {
      expect(account).toMatchObject({
        shared_access_key_enabled: false,
        allow_nested_items_to_be_public: false,
        min_tls_version: 'TLS1_2',
      });
    }
    expect(of(module.resources, 'azurerm_function_app_flex_consumption.this')).toMatchObject({
      storage_authentication_type: 'UserAssignedIdentity',
      https_only: true,
      webdeploy_publish_basic_authentication_enabled: false,
    });
  });

  it('come with the vault’s events, filtered, and with dead letters', async () => {
    const subscription = of(module.resources, 'azurerm_eventgrid_system_topic_event_subscription.rotate');
    expect(subscription['included_event_types']).toEqual([
      'Microsoft.KeyVault.SecretNearExpiry',
      'Microsoft.KeyVault.SecretExpired',
    ]);
    expect(block(subscription, 'azure_function_endpoint')['function_id']).toContain('/functions/rotate');
    expect(block(subscription, 'dead_letter_identity')['type']).toBe('SystemAssigned');
    expect(block(subscription, 'storage_blob_dead_letter_destination')).toBeDefined();
    // host.json's timeout is what the function is told.
    const host = (await DEFINITIONS.azure.beside(path.resolve('.'))).find(({ name }) => name === 'host.json');
    const { functionTimeout } = JSON.parse(Buffer.from(host?.bytes ?? []).toString()) as { functionTimeout: string };
    const [hours = 0, minutes = 0, seconds = 0] = functionTimeout.split(':').map(Number);
    expect(JSON.stringify(module.locals.get('app_settings'))).toContain(`KEYWHEEL_TIMEOUT_SECONDS`);
    expect(module.strings.some(([, text]) => text.includes(`"${hours * 3600 + minutes * 60 + seconds}"`))).toBe(true);
  });
});
