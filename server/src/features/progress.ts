import { ProgressType, type Connection } from 'vscode-languageserver';
import type { FillProgress } from '../protocol';
import { record } from './parameters';

export type FillReport = (progress: FillProgress) => void;

const FILL_PROGRESS = new ProgressType<FillProgress>();

/** Sends the progress of a request to the one who asked for it; undefined when nobody did. */
export function reporterFor(connection: Connection, params: unknown): FillReport | undefined {
  const { progressToken } = record(params);
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return undefined;
  return (progress) => void connection.sendProgress(FILL_PROGRESS, progressToken, progress);
}
