import * as vscode from 'vscode';
import type { Config } from './config';
import { DOCUMENTS } from './documents';
import { selectedHoles } from './fillTarget';
import { findHoles, type HoleMarker } from './holeMarkers';

/** The most tokens that the server gives a hole alone, and each of several. */
const LONGEST_FILL = 512;
const LONGEST_JOINT_FILL = 128;

/** What a hover may run. */
const COMMANDS = [
  'parafill.fillAllHoles',
  'parafill.compareCandidates',
  'parafill.previousHole',
  'parafill.nextHole',
];

/** Says of a hole what will become of it and how long that may be, with links to the commands. */
export function registerHoleHover(config: Config): vscode.Disposable {
  return vscode.languages.registerHoverProvider([...DOCUMENTS], {
    provideHover(document, position) {
      if (!config.enabled) return undefined;
      const holes = findHoles(document);
      const index = holes.findIndex(({ range }) => range.contains(position));
      const hole = holes[index];
      if (hole === undefined) return undefined;
      const editor = vscode.window.activeTextEditor;
      const selected = editor?.document === document ? selectedHoles(editor).length : 0;
      return new vscode.Hover(describe(hole, index, holes.length, selected, config), hole.range);
    },
  });
}

/** @param selected how many of the holes are selected, as one is that was gone to */
function describe(
  hole: HoleMarker,
  index: number,
  count: number,
  selected: number,
  config: Config,
): vscode.MarkdownString {
  const { t } = vscode.l10n;
  const text = new vscode.MarkdownString(undefined, true);
  text.isTrusted = { enabledCommands: COMMANDS };
  const title = count === 1 ? t('Hole') : t('Hole {0} of {1}', index + 1, count);
  text.appendMarkdown(`**${title}** · ${sizeInWords(hole, count, config)}\n\n`);
  const isAll = selected === 0 || selected === count;
  const all = t(
    'Parafill fills all {0} holes together, so that they fit each other; one undo takes it back.',
    count,
  );
  const part =
    selected === 1
      ? t('Parafill fills the one that is selected; all {0} together where none is.', count)
      : t('Parafill fills the {0} that are selected; all {1} together where none is.', selected, count);
  const one = t('Parafill replaces it with code that fits before and after.');
  text.appendMarkdown(`${count === 1 ? one : isAll ? all : part}\n\n`);
  const links: readonly (readonly [string, string])[] = [
    [count === 1 || !isAll ? t('Fill') : t('Fill All Holes'), 'parafill.fillAllHoles'],
    [t('Compare Candidates'), 'parafill.compareCandidates'],
    ...(count === 1
      ? []
      : ([
          [t('Previous'), 'parafill.previousHole'],
          [t('Next'), 'parafill.nextHole'],
        ] as const)),
  ];
  text.appendMarkdown(links.map(([label, command]) => `[${label}](command:${command})`).join(' | '));
  return text;
}

function sizeInWords({ size }: HoleMarker, count: number, config: Config): string {
  const { t } = vscode.l10n;
  const most = count === 1 ? LONGEST_FILL : LONGEST_JOINT_FILL;
  if (size === undefined || size === 0)
    return t('at most {0} tokens; write {1} for fewer', config.maxTokens, '`⟦16⟧`');
  if (size > most)
    return count === 1
      ? t('at most {0} tokens, which is the most a hole can get', most)
      : t('at most {0} tokens, which is the most one of several holes can get', most);
  return size === 1 ? t('at most one token') : t('at most {0} tokens', size);
}
