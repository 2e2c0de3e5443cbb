import * as vscode from 'vscode';
import type { Candidate } from './fillTarget';
import { lineBreaksIn } from './textEdits';

const LABEL_LENGTH = 80;

/** The first line with something in it, of the first hole that has one. */
export function headlineOf({ edits }: Candidate): string {
  const lines = edits.flatMap(({ newText }) => newText.split(/\r\n|\r|\n/));
  const line = lines.find((text) => text.trim() !== '')?.trim() ?? vscode.l10n.t('(nothing)');
  return line.length > LABEL_LENGTH ? `${line.slice(0, LABEL_LENGTH)}…` : line;
}

/**
 * What is known about a candidate in comparison with the others: facts, not percentages. What decides comes first,
 * because a narrow window shows no more than the beginning.
 */
export function factsOf(candidate: Candidate, all: readonly Candidate[]): readonly string[] {
  const { t } = vscode.l10n;
  const { parses, complete, edits, score } = candidate;
  const facts: string[] = [];
  if (parses !== undefined) facts.push(parses ? t('parses') : t('does not parse'));
  if (!complete) facts.push(t('cut off'));
  if (all.length > 1) {
    const rank = all.filter((other) => other.score > score).length + 1;
    facts.push(t('score rank {0}', rank));
  }
  const lines = edits.reduce((sum, { newText }) => sum + lineBreaksIn(newText) + 1, 0);
  facts.push(lines === 1 ? t('one line') : t('{0} lines', lines));
  const characters = edits.reduce((sum, { newText }) => sum + newText.length, 0);
  facts.push(characters === 1 ? t('one character') : t('{0} characters', characters));
  return facts;
}
