import os from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Random } from '../../shared/deps.ts';
import { holderIsDead, holderName } from '../../shared/rotation/index.ts';
import { enginePorts, factsOf, rotationId } from '../../shared/rotation/ports.ts';
import { scene } from './scene.ts';

const chance = (byte: number): Random => ({ bytes: (length) => new Uint8Array(length).fill(byte), uniform: () => 0 });

describe('rotationId', () => {
  it('sorts by time, whatever chance adds', () => {
    const time = fc.integer({ min: 0, max: 32 ** 10 - 2 });
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 1e12 }), byte, byte, (at, later, first, second) => {
        const then = Math.min(at + later, 32 ** 10 - 1);
        expect(rotationId(at, chance(first)) < rotationId(then, chance(second))).toBe(true);
      }),
    );
  });

  it('is r- and 20 characters that every store takes in a name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        expect(rotationId(at, chance(byte))).toMatch(/^r-[0-9a-hjkmnp-tv-z]{20}$/);
      }),
    );
    expect(rotationId(Date.UTC(2026, 0, 1), chance(0))).not.toBe(rotationId(Date.UTC(2026, 0, 1), chance(1)));
  });
});

describe('holderIsDead', () => {
  // Above the largest pid_max that Linux takes, so there is no such process.
  const nobody = 2 ** 22 + 1;

  it.each([
    { what: 'this process', holder: holderName(chance(7)), dead: false },
    { what: 'a process of this machine that ended', holder: `${os.hostname()}/${nobody}/ab`, dead: true },
    { what: 'a process that may not be signalled', holder: `${os.hostname()}/1/ab`, dead: false },
    { what: 'a process of another machine', holder: `elsewhere/${nobody}/ab`, dead: false },
    { what: 'a function without a process id', holder: os.hostname(), dead: false },
    { what: 'a name that is no process id', holder: `${os.hostname()}/not-a-pid/ab`, dead: false },
  ])('of $what is $dead', ({ holder, dead }) => {
    expect(holderIsDead(holder)).toBe(dead);
  });
});

describe('enginePorts', () => {
  it('hands acquire the way to tell a dead holder, so that what a killed process held is taken over at once', async () => {
    const world = scene();
    world.state.acquire('lease/app', `${os.hostname()}/${2 ** 22 + 1}/ab`, 60_000);
    const ports = enginePorts(world.open, world.clock, world.deps.random);
    expect(await ports.state.acquire('lease/app', 'w1', 1000)).toMatchObject({ holder: 'w1', fence: 2 });
  });

  it('says so when the engine asks a target for what it cannot do', () => {
    const world = scene();
    const ports = enginePorts(world.open, world.clock, world.deps.random);
    expect(() => ports.target.find('r-1')).toThrow('fake cannot find minted credentials; the engine should not have asked');
    expect(factsOf(world.open.target)).toMatchObject({ description: 'fake target', slots: ['app_a', 'app_b'], usage: true });
  });
});
