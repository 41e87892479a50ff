/** Many secrets are read: fast, slow, in one call, by many hands. */
import { browser } from '../names.ts';
import { HOUR, MINUTE } from '../types.ts';
import { ALL, type Attack, type Stage, type Victim } from './stage.ts';

type Reader = (stage: Stage) => { chair: ReturnType<Stage['fresh']>; victim: Victim | undefined };

const outside: Reader = (stage) => {
  const victim = stage.service();
  return { victim, chair: stage.steal(victim) };
};
/** From the victim's own machine: its network, its client. */
const inside: Reader = (stage) => {
  const victim = stage.person();
  return { victim, chair: victim.chair };
};
const insideService: Reader = (stage) => {
  const victim = stage.service();
  return { victim, chair: victim.chair };
};
const console: Reader = (stage) => {
  const victim = stage.person();
  return { victim, chair: stage.steal(victim, stage.address(), browser(stage.random)) };
};
const somebodyNew: Reader = (stage) => ({ victim: undefined, chair: stage.fresh() });

function sweep(reader: Reader, seconds: number, count: number, listed: boolean, order: 'drawn' | 'sorted' = 'drawn') {
  return (stage: Stage): void => {
    const { chair, victim } = reader(stage);
    const secrets = stage.others(victim, count);
    if (order === 'sorted') secrets.sort((one, other) => (one.name < other.name ? -1 : 1));
    if (listed) stage.do(chair, -20_000, 'list');
    const next = stage.pace(seconds);
    for (const secret of secrets) stage.do(chair, next(), 'read', secret);
  };
}

const of = (id: string, run: Attack['run'], more: Partial<Attack> = {}): Attack => ({
  id,
  families: ['S'],
  hints: ['S1'],
  stores: ALL,
  by: 8,
  counts: 'reads',
  run,
  ...more,
});

export const SWEEPS: readonly Attack[] = [
  of('sweep/fast', sweep(outside, 1.5, 20, false), { families: ['S', 'I', 'N'] }),
  of('sweep/listed', sweep(outside, 2, 20, true), { families: ['S', 'I', 'N'], hints: ['S1', 'S4'] }),
  of('sweep/ten-minutes', sweep(outside, 29, 20, false), { families: ['S', 'I', 'N'] }),
  of('sweep/per-minute', sweep(outside, 60, 20, false), { families: ['S', 'I', 'N'], by: 20 }),
  of('sweep/new-identity', sweep(somebodyNew, 2, 20, true), { families: ['S', 'N'] }),
  of('sweep/inside-person', sweep(inside, 3, 20, false), { families: ['S', 'N', 'T'] }),
  of('sweep/inside-service', sweep(insideService, 2, 20, false), { families: ['S', 'N'] }),
  of('sweep/browser', sweep(console, 4, 20, true), { families: ['S', 'N', 'I', 'T'] }),
  of('sweep/sorted', sweep(insideService, 1, 20, false, 'sorted'), { families: ['S', 'N'], hints: ['S1', 'S9'] }),
  of(
    'sweep/pauses',
    (stage) => {
      // Seven at a time, and then nothing for longer than a window.
      const victim = stage.service();
      const chair = stage.steal(victim);
      for (const [index, secret] of stage.others(victim, 28).entries())
        stage.do(chair, Math.floor(index / 7) * 12 * MINUTE + (index % 7) * 4_000, 'read', secret);
    },
    { families: ['S', 'N', 'I'], by: 21, hints: ['S2', 'N1'] },
  ),
  of(
    'slow/hourly',
    (stage) => {
      const victim = stage.service();
      for (const [index, secret] of stage.others(victim, 20).entries())
        stage.do(victim.chair, index * HOUR + stage.random.unit() * 20 * MINUTE, 'read', secret);
    },
    { families: ['N', 'S', 'X'], hints: ['N1', 'S2', 'S3'], by: 20 },
  ),
  of(
    'slow/hourly-outside',
    (stage) => {
      const victim = stage.service();
      const chair = stage.steal(victim);
      for (const [index, secret] of stage.others(victim, 20).entries())
        stage.do(chair, index * HOUR + stage.random.unit() * 20 * MINUTE, 'read', secret);
    },
    { families: ['N', 'S', 'X', 'I'], hints: ['N1', 'N4', 'S2'], by: 20 },
  ),
  of(
    'slow/half-day-person',
    (stage) => {
      const victim = stage.person();
      for (const [index, secret] of stage.others(victim, 16).entries())
        stage.do(victim.chair, index * 25 * MINUTE, 'read', secret);
    },
    { families: ['N', 'S', 'X', 'T'], hints: ['N1', 'S2'], by: 16 },
  ),
  of(
    'split/five',
    (stage) => {
      const address = stage.address();
      const client = stage.client();
      const next = stage.pace(20);
      const secrets = stage.others(undefined, 25);
      const chairs = Array.from({ length: 5 }, () =>
        stage.steal(stage.random.chance(0.5) ? stage.service() : stage.person(), address, client),
      );
      for (const [index, secret] of secrets.entries()) stage.do(chairs[index % 5] ?? stage.fresh(), next(), 'read', secret);
    },
    { families: ['X', 'S', 'N', 'I'], hints: ['X4', 'N4'], by: 20 },
  ),
  of(
    'split/five-scattered',
    (stage) => {
      const next = stage.pace(25);
      const chairs = Array.from({ length: 5 }, () => stage.steal(stage.service(), stage.address()));
      for (const [index, secret] of stage.others(undefined, 25).entries())
        stage.do(chairs[index % 5] ?? stage.fresh(), next(), 'read', secret);
    },
    { families: ['X', 'S', 'N', 'I'], hints: ['N1', 'N4'], by: 25 },
  ),
  of(
    'batch/named',
    (stage) => {
      const { chair, victim } = outside(stage);
      const chosen = stage.others(victim, 40);
      const type = chosen[0]?.type;
      const secrets = chosen.filter((secret) => secret.type === type).slice(0, type === 'param' ? 10 : 20);
      stage.do(chair, 0, 'readMany', undefined, 'ok', { secrets });
      stage.do(chair, 2_000, 'readMany', undefined, 'ok', { secrets: secrets.slice(0, 8) });
    },
    { families: ['S', 'N', 'I'], hints: ['S1', 'N10'], stores: ['aws'], by: 1 },
  ),
  of(
    'batch/all',
    (stage) => {
      const { chair, victim } = outside(stage);
      const secrets = stage.others(victim, 20).filter(({ type }) => type === 'secret');
      stage.do(chair, 0, 'readAll', undefined, 'ok', { secrets, detail: `!${stage.random.pick(['a', 'x', 'team', 'none'])}` });
    },
    { hints: ['S7'], families: ['S'], stores: ['aws'], by: 1 },
  ),
  of(
    'path/root',
    (stage) => {
      const { chair } = outside(stage);
      for (let page = 0; page < 4; page += 1)
        stage.do(chair, page * 900, 'readPath', undefined, 'ok', { secrets: stage.store.secrets.slice(0, 1), name: '/' });
    },
    { hints: ['S8'], stores: ['aws'], by: 1 },
  ),
  of(
    'history/all',
    (stage) => {
      const { chair, victim } = inside(stage);
      const next = stage.pace(2);
      for (const secret of stage.others(victim, 15)) {
        stage.do(chair, next(), 'history', secret);
        stage.do(chair, next(), 'readOld', secret);
      }
    },
    { hints: ['S10', 'N10', 'S1'], families: ['S', 'N', 'T'], by: 12 },
  ),
];
