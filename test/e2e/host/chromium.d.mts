/** The path of a Chromium, installed now if need be. @throws an error that says how to get one. */
export function findChromium(): string;
