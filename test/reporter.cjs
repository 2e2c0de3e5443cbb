// mocha's spec reporter, which also appends {passed, failed, pending, failures, retried} as one line of JSON to the
// file that PARAFILL_TEST_COUNTS names: test/run.mjs puts these lines together for its closing summary.
'use strict';
const { appendFileSync } = require('node:fs');
const Mocha = require('mocha');

/** The full title and the first line of what went wrong. */
function summaryOf(test, error) {
  const [message] = String(error?.message ?? error).split('\n');
  return `${test.fullTitle()}: ${message}`;
}

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    const retried = [];
    runner.on('fail', (test, error) => failures.push(summaryOf(test, error)));
    runner.on('retry', (test, error) => retried.push(summaryOf(test, error)));
    runner.once('end', () => {
      const file = process.env.PARAFILL_TEST_COUNTS;
      if (!file) return;
      const { passes: passed, failures: failed, pending } = this.stats;
      appendFileSync(file, `${JSON.stringify({ passed, failed, pending, failures, retried })}\n`);
    });
  }
}

module.exports = CountingReporter;
