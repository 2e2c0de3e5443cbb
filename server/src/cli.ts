/** The engine from a terminal: fills the holes of a file, or answers requests line by line. */
import { errorMessage } from './base/async';
import { UsageError } from './cli/arguments';
import { fillFile, fillHelp } from './cli/fillFile';
import { fillJsonl, infillHelp } from './cli/fillJsonl';

interface Command {
  readonly help: string;
  /** @returns the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

const commands: ReadonlyMap<string, Command> = new Map([
  ['fill', { help: fillHelp, run: fillFile }],
  ['infill', { help: infillHelp, run: fillJsonl }],
]);

const usage = [...commands.values()].map((command) => command.help).join('\n\n');

async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const command = commands.get(name);
  if (command === undefined) {
    const isQuestion = name === '--help' || name === '-h' || name === 'help';
    (isQuestion ? process.stdout : process.stderr).write(`${usage}\n`);
    return isQuestion ? 0 : 2;
  }
  try {
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(`${command.help}\n`);
      return 0;
    }
    return await command.run(rest);
  } catch (error) {
    process.stderr.write(`parafill: ${errorMessage(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${command.help}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

// A reader that has seen enough (`| head`) closes the pipe: that ends the work and is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
