// mocha's spec reporter, which also appends {"passed": n, "failed": n, "pending": n} as one line to the
// file that PARAFILL_TEST_COUNTS names: test/run.mjs adds these lines up for its closing summary.
'use strict';
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env.PARAFILL_TEST_COUNTS;
      if (!file) return;
      const { passes, failures, pending } = this.stats;
      appendFileSync(file, `${JSON.stringify({ passed: passes, failed: failures, pending })}\n`);
    });
  }
}

module.exports = CountingReporter;
