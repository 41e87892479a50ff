/**
 * What serverless.yml needs beyond osls: the package is built by the same code for every cloud (serverless-esbuild would put source maps into it, and
 * cannot add the configuration), and roles are made from keywheel.yaml.
 *   ${keywheel:statements.rotate}   the IAM statements of a function
 *   ${keywheel:table}               the name of the state's table
 *   ${keywheel:sources}             the resources of the audit sources that custom.keywheel names
 *   ${keywheel:ackUrl}              who may call the function behind Slack's button: everybody, whom it asks for Slack's signature, or nobody without Slack
 *   ${keywheel:vpc}                 the subnets and security groups, or nothing
 */
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../../shared/config/index.ts';
import { isKeywheelError, KeywheelError } from '../../../shared/errors.ts';
import { ARTIFACT, writeArtifact } from '../artifact.ts';
import { configToPackage, type PackagedConfig } from '../config.ts';
import { sourcesOf } from './sources.ts';
import { statementsOf, type FunctionName, type PolicyOptions } from './policy.ts';

/** The part of osls that is used. https://github.com/oss-serverless/osls/tree/main/docs */
interface Serverless {
  readonly serviceDir: string;
  readonly service: { package: { artifact?: string }; readonly custom?: { readonly keywheel?: Settings } };
  readonly configSchemaHandler: { defineCustomProperties(schema: object): void };
}

/** custom.keywheel in serverless.yml. */
interface Settings {
  readonly config: string;
  readonly artifact: string;
  readonly secretPrefix: string;
  readonly kmsKeyArn: string;
  readonly subnetIds: string;
  readonly securityGroupIds: string;
  readonly trailBucket: string;
  readonly trailLogGroup: string;
  readonly auditStreamArn: string;
}

interface Resolving {
  readonly address: string;
  readonly resolveConfigurationProperty: (path: readonly string[]) => Promise<unknown>;
}

const text = { type: 'string' } as const;
const KEYS = [
  'config',
  'artifact',
  'secretPrefix',
  'kmsKeyArn',
  'subnetIds',
  'securityGroupIds',
  'trailBucket',
  'trailLogGroup',
  'auditStreamArn',
] as const satisfies readonly (keyof Settings)[];
const SCHEMA = {
  type: 'object',
  properties: {
    keywheel: {
      type: 'object',
      properties: Object.fromEntries(KEYS.map((key) => [key, text])),
      required: KEYS,
      additionalProperties: false,
    },
  },
};

const words = (list: string): string[] => list.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));
const FUNCTIONS: readonly FunctionName[] = ['rotate', 'advance', 'manual', 'score', 'scoreTick', 'ack'];

/** osls shows an error's message and nothing else of it. */
async function withHint<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isKeywheelError(error) || error.hint === undefined) throw error;
    throw new KeywheelError(error.code, `${error.message}\nhint: ${error.hint}`, { cause: error });
  }
}

/** Both lists or none. */
function vpcOf({ subnetIds, securityGroupIds }: Settings): { subnetIds: string[]; securityGroupIds: string[] } | null {
  const vpc = { subnetIds: words(subnetIds), securityGroupIds: words(securityGroupIds) };
  const given = Object.values(vpc).filter((list) => list.length > 0).length;
  if (given === 1) {
    throw new KeywheelError('ERR_USAGE', 'a VPC needs subnetIds and securityGroupIds', {
      hint: 'pass both as --param, or neither',
    });
  }
  return given === 0 ? null : vpc;
}

// A class, because osls calls `new` on what a plugin exports.
export default class KeywheelPlugin {
  readonly hooks = { 'before:package:createDeploymentArtifacts': () => withHint(() => this.build()) };
  readonly configurationVariablesSources = {
    keywheel: {
      resolve: (resolving: Resolving) => withHint(async () => ({ value: await this.resolve(resolving) })),
    },
  };
  readonly #serverless: Serverless;
  #config: Promise<PackagedConfig> | undefined;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    serverless.configSchemaHandler.defineCustomProperties(SCHEMA);
  }

  #read({ config }: Settings): Promise<PackagedConfig> {
    this.#config ??= configToPackage(path.resolve(this.#serverless.serviceDir, config));
    return this.#config;
  }

  async resolve({ address, resolveConfigurationProperty }: Resolving): Promise<unknown> {
    const settings = (await resolveConfigurationProperty(['custom', 'keywheel'])) as Settings;
    const vpc = vpcOf(settings);
    if (address === 'vpc') return vpc;
    if (address === 'sources') return { Resources: sourcesOf(settings) };
    const { config } = await this.#read(settings);
    if (address === 'table') return tableOf(config, await resolveConfigurationProperty(['provider', 'region']));
    if (address === 'ackUrl') {
      const slack = config.audit?.alerts.channels.some(({ kind }) => kind === 'slack') === true;
      return slack ? true : { authorizer: 'aws_iam' };
    }
    const name = FUNCTIONS.find((each) => address === `statements.${each}`);
    if (name === undefined) throw new TypeError(`no variable keywheel:${address}`);
    const { secretPrefix, kmsKeyArn, trailBucket, auditStreamArn } = settings;
    const options: PolicyOptions = {
      ...(secretPrefix === '' ? {} : { secretPrefix }),
      ...(kmsKeyArn === '' ? {} : { kmsKeyArn }),
      ...(trailBucket === '' ? {} : { trailBucket }),
      ...(auditStreamArn === '' ? {} : { auditStreamArn }),
      vpc: vpc !== null,
    };
    return statementsOf(name, config, options);
  }

  async build(): Promise<void> {
    const { serviceDir, service } = this.#serverless;
    const settings = service.custom?.keywheel;
    if (settings === undefined) throw new TypeError('serverless.yml has no custom.keywheel');
    // Beside the templates, so that `serverless deploy --package` finds all in one folder.
    const folder = path.join(serviceDir, '.serverless');
    service.package.artifact = path.join('.serverless', ARTIFACT);
    if (settings.artifact === '') {
      const { files } = await this.#read(settings);
      await writeArtifact({ cloud: 'aws', root: serviceDir, configuration: files, folder });
    } else {
      await mkdir(folder, { recursive: true });
      await copyFile(path.resolve(serviceDir, settings.artifact), path.join(folder, ARTIFACT));
    }
  }
}

/** The stack makes the table, in its own region. */
function tableOf({ state }: Config, region: unknown): string {
  if (state.kind !== 'dynamodb') {
    throw new KeywheelError('ERR_CONFIG_INVALID', `state is ${state.kind}, and functions on AWS keep it in DynamoDB`, {
      hint: 'write state: { kind: dynamodb, table: keywheel }',
    });
  }
  if (state.region !== undefined && state.region !== region) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `state.region is ${state.region}, and the stack is for ${String(region)}`, {
      hint: 'leave state.region out, or deploy there with --region',
    });
  }
  return state.table;
}
