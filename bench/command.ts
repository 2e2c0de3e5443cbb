import { errorMessage } from '../server/src/base/async';
import { UsageError } from '../server/src/cli/arguments';

/** One of the benchmarks as a command of the terminal. */
export interface Command {
  readonly help: string;
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** Runs the command with this process' arguments; what goes wrong is said on standard error. */
export async function runCommand({ help, run }: Command): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${help}\n`);
    return;
  }
  try {
    await run(args);
  } catch (error) {
    const isMisuse = error instanceof UsageError;
    process.stderr.write(`bench: ${errorMessage(error)}\n${isMisuse ? `\n${help}\n` : ''}`);
    process.exitCode = isMisuse ? 2 : 1;
  }
}

/** Says what is being measured; a run takes minutes. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
