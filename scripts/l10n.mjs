// Collects what the client says to people into l10n/bundle.l10n.json, which translations start from.
//   npm run l10n              writes the bundle
//   npm run l10n -- --check   fails when it is not what the client says
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { globSync } from './files.mjs';

const root = dirname(import.meta.dirname);
const bundle = join(root, 'l10n/bundle.l10n.json');

/** The first argument of every call of `t` or `vscode.l10n.t` in a file. */
function messagesOf(/** @type {string} */ path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {string[]} */
  const messages = [];
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isCallExpression(node) && /^((vscode\.)?l10n\.)?t$/.test(node.expression.getText(source))) {
      const [message] = node.arguments;
      if (message === undefined || !ts.isStringLiteralLike(message)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        throw new Error(
          `${relative(root, path)}:${line + 1}: the message has to be one plain text, so that it can be translated.`,
        );
      }
      messages.push(message.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return messages;
}

const files = globSync(root, 'client/src', (path) => path.endsWith('.ts'));
const messages = [...new Set(files.flatMap(messagesOf))].sort();
const text = `${JSON.stringify(Object.fromEntries(messages.map((message) => [message, message])), null, 2)}\n`;

if (!process.argv.includes('--check')) {
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(bundle, text);
  console.log(`${messages.length} messages in ${relative(root, bundle)}`);
} else if (!existsSync(bundle) || readFileSync(bundle, 'utf8') !== text) {
  console.error(`${relative(root, bundle)} is not what the client says; run "npm run l10n".`);
  process.exitCode = 1;
}
