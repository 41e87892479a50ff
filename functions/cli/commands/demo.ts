import { KeywheelError } from '../../../shared/errors.ts';
import type { CommandModule } from '../context.ts';
import { PLATFORMS, type PlatformName } from '../demo/platform.ts';

export const demo: CommandModule = {
  examples: [
    ['keywheel demo', 'a real database under load, and rotations that no client notices'],
    ['keywheel demo --json', 'the same, with one line of figures at the end'],
    ['keywheel demo --platform aws', 'the same under AWS’s own runtime client, from a checkout'],
  ],
  configure(command) {
    command
      .option('--platform <name>', `rotate on another platform: ${PLATFORMS.join(', ')}`)
      .option('--seconds <n>', 'how long the clients run')
      .option('--out <file>', 'where to write the report')
      .option('--keep', 'keep the folder that it worked in');
  },
  async run({ out }, _args, flags) {
    const seconds = flags['seconds'] === undefined ? undefined : Number(flags['seconds']);
    if (seconds !== undefined && !(seconds > 0 && Number.isFinite(seconds))) {
      throw new KeywheelError('ERR_USAGE', '--seconds must be a number greater than 0', {
        hint: 'for example: keywheel demo --seconds 20',
      });
    }
    const platform = await platformOf(flags['platform']);
    const { runDemo } = await import('../demo/index.ts');
    const report = flags['out'];
    return runDemo({
      json: out.json,
      ...(platform === undefined ? {} : { platform }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(typeof report === 'string' ? { out: report } : {}),
      ...(flags['keep'] === true ? { keep: true } : {}),
    });
  },
};

async function platformOf(wanted: string | boolean | undefined): Promise<PlatformName | undefined> {
  if (typeof wanted !== 'string') return undefined;
  const found = PLATFORMS.find((name) => name === wanted);
  if (found !== undefined) return found;
  const { nearest } = await import('../../../shared/config/index.ts');
  const near = nearest(wanted, PLATFORMS);
  throw new KeywheelError(
    'ERR_USAGE',
    `unknown platform ${JSON.stringify(wanted)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
    { hint: `--platform is one of ${PLATFORMS.join(', ')}; without it everything is on this machine` },
  );
}
