/**
 * `npm run simulate -- --seed N --years Y [--seeds K] [--strategy NAME] [--print]`: runs the simulator from one seed (or K seeds from N on), prints progress,
 * the rate and the digest of each history, and on a violation the shortest history that still breaks the invariant. `--exhaustive [NAME]` runs the
 * exhaustive check in full instead. Exit code 1 when an invariant does not hold, 2 for wrong arguments.
 */
import { parseArgs } from 'node:util';
import { explore, FULL } from '../test/sim/exhaustive.ts';
import { shrink } from '../test/sim/shrink.ts';
import { CYCLES_A_YEAR, strategyNamed, STRATEGIES, type Scenario } from '../test/sim/scenario.ts';
import { cyclesOf, simulate, type SimulationResult } from '../test/sim/simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    years: { type: 'string', default: '100' },
    strategy: { type: 'string' },
    print: { type: 'boolean', default: false },
    exhaustive: { type: 'boolean', default: false },
  },
});

function number(name: 'seed' | 'seeds' | 'years'): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`simulate: --${name} wants a number, not ${values[name]}`);
  process.exit(2);
}

function chosen(): Scenario['strategy'] | undefined {
  if (values.strategy === undefined) return undefined;
  const found = strategyNamed(values.strategy);
  if (found !== undefined) return found;
  console.error(`simulate: --strategy wants one of ${STRATEGIES.join(', ')}, not ${values.strategy}`);
  process.exit(2);
}

const strategy = chosen();
process.exitCode = values.exhaustive ? exhaustive() : simulateAll(number('seed'), number('seeds'), number('years'));

function simulateAll(first: number, count: number, years: number): number {
  const began = performance.now();
  let cycles = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    let told = performance.now();
    const options = { seed, cycles: cyclesOf(years), ...(strategy === undefined ? {} : { strategy }) };
    const result = simulate({
      ...options,
      ...(values.print ? { trace: (line: string) => console.log(line) } : {}),
      onCycle: (cycle) => {
        if (performance.now() - told < 2000) return;
        told = performance.now();
        console.error(`seed ${seed}: year ${Math.floor(cycle / CYCLES_A_YEAR)} of ${years}, ${rate(cycles + cycle, began)}`);
      },
    });
    cycles += result.cycles;
    console.log(line(result));
    if (result.violation !== undefined) return broken(options, result);
  }
  console.log(`${(cycles / CYCLES_A_YEAR).toFixed(0)} simulated years, 0 violations, ${rate(cycles, began)}`);
  return 0;
}

function line(result: SimulationResult): string {
  const { seed, scenario, cycles, calls, rotations, injected, digest } = result;
  const told = `${cycles} cycles, ${calls} calls, ${rotations} rotations, ${injected.length} injections`;
  return `seed ${seed} (${scenario.strategy}): ${told}, digest ${digest}`;
}

function rate(cycles: number, began: number): string {
  return `${Math.round(cycles / CYCLES_A_YEAR / ((performance.now() - began) / 60_000))} simulated years a minute`;
}

function broken(options: Parameters<typeof simulate>[0], result: SimulationResult): number {
  console.log(`VIOLATION ${result.violation?.code} in cycle ${result.violation?.cycle}: ${result.violation?.message}`);
  console.error('looking for the shortest history that still breaks it');
  const short = shrink(options, result);
  console.log(JSON.stringify(short.result.scenario, undefined, 2));
  for (const each of short.history) console.log(each);
  console.log(`shortest found: ${short.only.length} injections, ${short.history.length} lines, from cycle ${short.fromCycle}`);
  console.log(`injections: ${short.only.join(' ')}`);
  return 1;
}

function exhaustive(): number {
  // Errors are ordinary here, by the million; nobody reads where they were made.
  Error.stackTraceLimit = 0;
  for (const each of strategy === undefined ? STRATEGIES : [strategy]) {
    const began = performance.now();
    const { violation, states, transitions, worlds, ends, complete } = explore(each, FULL);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${each}: ${states} states, ${transitions} transitions, ${worlds} worlds, ${ends} ends, complete ${complete}, ${seconds} s`,
    );
    if (violation === undefined) continue;
    console.log(`VIOLATION ${violation.code}: ${violation.message}`);
    for (const act of violation.history) console.log(`  ${act}`);
    return 1;
  }
  return 0;
}
