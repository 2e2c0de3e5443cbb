import { runTestsOf } from './runner';

/** Called by VS Code inside its extension host. */
export function run(): Promise<void> {
  return runTestsOf(__dirname);
}
