import type { Reporter, TestModule } from 'vitest/node';

/** How many cases of each contract passed, failed and were skipped on each adapter, when the run has ended. */
export function casesPerAdapter(): Reporter {
  return {
    onTestRunEnd: (modules) => {
      console.log('\ncases per adapter');
      for (const module of [...modules].sort((one, other) => one.moduleId.localeCompare(other.moduleId))) {
        for (const [name, counts] of countsOf(module)) {
          console.log(`  ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
        }
      }
    },
  };
}

type Counts = { passed: number; failed: number; skipped: number };

/** By outermost suite, which is named after the contract and the adapter. */
function countsOf(module: TestModule): ReadonlyMap<string, Counts> {
  const counts = new Map<string, Counts>();
  if (!/[\\/]contracts[\\/]/.test(module.moduleId)) return counts;
  for (const suite of module.children.suites()) {
    const count: Counts = { passed: 0, failed: 0, skipped: 0 };
    for (const test of suite.children.allTests()) {
      const { state } = test.result();
      count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
    }
    counts.set(suite.name, count);
  }
  return counts;
}
