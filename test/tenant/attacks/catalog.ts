/** Every attack, and how one comes into a tenant's stream. */
import { createRandom } from '../random.ts';
import type { Injection } from '../stream.ts';
import type { Store } from '../types.ts';
import { ACCESS } from './access.ts';
import { CHANGES } from './changes.ts';
import { RECORDED } from './recorded.ts';
import { createStage, type Attack } from './stage.ts';
import { SWEEPS } from './sweeps.ts';

export const ATTACKS: readonly Attack[] = [...SWEEPS, ...ACCESS, ...CHANGES, ...RECORDED];

/** Acts of it carry the attack's id and `mark`; the victim's own go in unmarked. */
export function injectionOf(attack: Attack, store: Store, at: number, seed: string, mark = attack.id): Injection {
  return {
    at,
    inject(world, emit) {
      const random = createRandom(`${seed}/${attack.id}/${store.name}`);
      attack.run(
        createStage(world, random, store, at, (act) => {
          act.attack = act.attack === 'benign' ? undefined : mark;
          emit(act);
        }),
      );
    },
  };
}
