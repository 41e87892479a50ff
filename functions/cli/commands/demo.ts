import { KeywheelError } from '../../../shared/errors.ts';
import type { CommandModule } from '../context.ts';

export const demo: CommandModule = {
  examples: [
    ['keywheel demo', 'a real database under load, and rotations that no client notices'],
    ['keywheel demo --json', 'the same, with one line of figures at the end'],
  ],
  configure(command) {
    command
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
    const { runDemo } = await import('../demo/index.ts');
    const report = flags['out'];
    return runDemo({
      json: out.json,
      ...(seconds === undefined ? {} : { seconds }),
      ...(typeof report === 'string' ? { out: report } : {}),
      ...(flags['keep'] === true ? { keep: true } : {}),
    });
  },
};
