import type { Reporter, TestModule } from 'vitest/node';

/** Ends a test run with one plain line that any tool can read: `tests: 312 passed, 0 failed, 2 skipped`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) count.failed += 1;
    }
    const skipped = count.skipped + count.pending;
    process.stdout.write(
      `\ntests: ${count.passed} passed, ${count.failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`,
    );
  }
}
