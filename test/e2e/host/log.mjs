// One way to say what the browser host is doing, so that its lines are told apart from the tests' own.

/** Writes one line for the person who waits. */
export function say(/** @type {string} */ line) {
  console.error(`[browser host] ${line}`);
}
