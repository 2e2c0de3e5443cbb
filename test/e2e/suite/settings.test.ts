import * as assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { OutcomeExplanation } from '../../../server/src/protocol';
import { closeEverything, editorWith, eventually, openFile, parafill, readyParafill, type } from './editor';

const CODE = `function area(width: number, height: number): number {
  return |;
}
`;

async function set(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
}

/** What becomes of the next request for ghost text that fits. */
async function outcomeOf(
  act: () => Thenable<unknown>,
  fits: (outcome: OutcomeExplanation) => boolean = () => true,
): Promise<OutcomeExplanation> {
  const api = await parafill();
  const uri = vscode.window.activeTextEditor?.document.uri.toString();
  const before = (await api.lastOutcome())?.at ?? 0;
  await act();
  return eventually('what became of the request', async () => {
    const outcome = await api.lastOutcome();
    if (outcome === null || outcome.at <= before || outcome.uri !== uri) return undefined;
    return outcome.request === 'inlineCompletion' && fits(outcome) && outcome;
  });
}

const ask = (): Thenable<unknown> => vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
const hide = (): Thenable<unknown> => vscode.commands.executeCommand('editor.action.inlineSuggest.hide');

/** An outcome that ran the model, which says how. */
function computed({ effort, kind }: OutcomeExplanation): boolean {
  return effort !== undefined && (kind === 'filled' || kind === 'empty');
}

/** Types a character and expects the request to be left alone for this reason. */
async function skippedBecause(reason: RegExp): Promise<void> {
  const outcome = await outcomeOf(
    () => type('a'),
    ({ kind }) => kind === 'skipped',
  );
  assert.match(outcome.reason, reason);
}

describe('the setting', () => {
  const touched = new Set<string>();

  /** Sets it for one test. */
  async function use(name: string, value: unknown): Promise<void> {
    touched.add(name);
    await set(name, value);
  }

  beforeEach(readyParafill);

  afterEach(async () => {
    await closeEverything();
    for (const name of touched) await set(name, undefined);
    touched.clear();
  });

  it('parafill.enable switches everything off', async () => {
    const api = await parafill();
    await use('parafill.enable', false);
    await eventually('the switch', () => api.status?.kind === 'paused');
    assert.match(api.status?.reason ?? '', /parafill\.enable\./);
    await editorWith(CODE);
    assert.match((await outcomeOf(ask)).reason, /parafill\.enable\./);
  });

  it('parafill.languages leaves a language alone', async () => {
    await use('parafill.languages', { typescript: false });
    await editorWith(CODE);
    await skippedBecause(/language typescript by the setting parafill\.languages/);
  });

  it('parafill.exclude leaves a file alone', async () => {
    await use('parafill.exclude', ['Untitled-*']);
    await editorWith(CODE);
    await skippedBecause(/excluded by "Untitled-\*"/);
  });

  it('parafill.completeInComments leaves comments alone', async () => {
    await use('parafill.completeInComments', false);
    await editorWith('// The |\nconst a = 1;\n');
    await skippedBecause(/in a comment/);
  });

  it('parafill.maxFileSize leaves large files alone', async () => {
    await use('parafill.maxFileSize', 1000);
    await editorWith(`${'const a = 1;\n'.repeat(100)}|`);
    await skippedBecause(/more than parafill\.maxFileSize \(1000\)/);
  });

  for (const [name, value, most] of [
    ['parafill.quality', 'fast', 2],
    ['parafill.steps', 1, 1],
  ] as const) {
    it(`${name} decides how many steps there are`, async () => {
      await use(name, value);
      await editorWith(CODE);
      const { effort } = await outcomeOf(ask, computed);
      assert.ok(effort !== undefined && effort.steps >= 1 && effort.steps <= most, JSON.stringify(effort));
    });
  }

  it('parafill.workspaceContext shows the model other files, if it knows them, or not', async () => {
    const api = await readyParafill();
    const copy = mkdtempSync(join(tmpdir(), 'parafill-model-'));
    try {
      cpSync(api.status?.model?.path ?? '', copy, { recursive: true });
      const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8')) as object;
      writeFileSync(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, fileShare: 0.25 }));
      await use('parafill.modelPath', copy);
      await eventually(
        'the other model',
        () => api.status?.kind === 'ready' && api.status.model?.path === copy,
      );
      await openFile('src/vector.ts');
      await editorWith(
        'const first: Vector = add(left, right);\nconst second: Vector = |\nsubtract(left, right);\n',
      );
      assert.ok(((await outcomeOf(ask, computed)).effort?.chunks ?? 0) > 0);
      await use('parafill.workspaceContext', false);
      await hide();
      assert.equal((await outcomeOf(ask, computed)).effort?.chunks, 0);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('parafill.candidates decides how many are offered', async () => {
    await use('parafill.candidates', 1);
    await editorWith(CODE);
    assert.equal((await outcomeOf(ask, computed)).candidatesOffered, 1);
    await closeEverything();
    await use('parafill.candidates', 5);
    await editorWith(CODE.replace('area', 'region'));
    assert.ok((await outcomeOf(ask, computed)).candidatesOffered > 1);
  });

  it('parafill.maxTokens keeps fills short', async () => {
    await use('parafill.maxTokens', 1);
    const { document } = await editorWith('const text = ⟦⟧;\n|');
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => !document.getText().includes('⟦'));
    assert.ok(document.lineAt(0).text.length < 'const text = ;'.length + 40, document.getText());
  });

  it('parafill.temperature draws anew every time', async () => {
    await editorWith(CODE);
    await outcomeOf(ask, computed);
    await hide();
    assert.equal((await outcomeOf(ask)).kind, 'cached');
    await use('parafill.temperature', 1);
    await hide();
    await outcomeOf(ask, computed);
    await hide();
    assert.notEqual((await outcomeOf(ask)).kind, 'cached');
  });

  it('parafill.provider falls back to the CPU, and says so, where there is no such device', async () => {
    const api = await readyParafill();
    const absent = process.platform === 'win32' ? 'coreml' : 'dml';
    await use('parafill.provider', absent);
    await eventually('the complaint', () =>
      api.status?.warning?.includes(`The provider ${absent} cannot be used`),
    );
    await readyParafill();
    assert.equal(api.status?.provider, 'cpu');
  });

  it('parafill.threads starts the model anew', async () => {
    const api = await readyParafill();
    const pid = api.status?.inferencePid;
    await use('parafill.threads', 1);
    await eventually('another process', async () => {
      return (await readyParafill()).status?.inferencePid !== pid;
    });
  });
});
