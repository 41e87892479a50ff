/** From any world, one worker alone must bring the rotation to its end: the liveness half of the exhaustive check. */
import { advance } from '../../shared/rotation/index.ts';
import { TICK, type ModelWorld } from './exhaustive-world.ts';
import { Violation } from './ledger.ts';
import { editWorld } from './people.ts';

const CALLS = 24;

export function finish(model: ModelWorld): void {
  const { world, ledger, policy } = model;
  world.target.endSessions();
  for (let calls = 0; calls < CALLS; calls += 1) {
    const engine = advance(world.context('last', policy), { start: true, after: null, reason: 'model', resume: true });
    let step = engine.next();
    while (step.done !== true) {
      const op = step.value;
      const before = ledger.before(true);
      const outcome = model.call(9, op, 100 + calls);
      if ('error' in outcome) {
        step = engine.throw(outcome.error);
        continue;
      }
      ledger.effect(op, before);
      ledger.check();
      step = engine.next(outcome.value);
    }
    const record = world.journal()?.rotation;
    if (record?.phase === 'closed') return ledger.tidy();
    // A person follows the hint of an in-place rotation that an edit stopped.
    const current = world.labelled('current');
    if (record?.hold?.code === 'edited' && current !== undefined && !world.target.accepts(current.value)) {
      editWorld({ world, ledger, inWindow: () => false }, 'fresh', 'hint');
    }
    world.now += TICK;
    ledger.check();
  }
  const record = world.journal()?.rotation;
  throw new Violation(
    'not-converged',
    `in ${record?.phase} (${record?.hold?.code ?? record?.failure?.code ?? ''}) after ${CALLS} calls alone`,
  );
}
