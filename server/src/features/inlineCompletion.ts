import type {
  CancellationToken,
  Connection,
  InlineCompletionItem,
  InlineCompletionParams,
  ServerCapabilities,
  TextDocuments,
} from 'vscode-languageserver';
import { InlineCompletionTriggerKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Disposable } from '../base/lifecycle';
import { excludedBy } from '../completion/exclude';
import type { InlineCompleter } from '../completion/inlineCompleter';
import type { CompletionCandidate, CompletionOutcome } from '../completion/outcome';
import { fromLf, lineEndingOf } from '../completion/text';
import type { OutcomeKind } from '../protocol';
import { isLanguageEnabled, wantedEffort, type Settings } from '../settings';
import type { Feature } from './feature';
import { toEffort, type Outcomes } from './outcomes';
import { offsetOfCursor } from './positions';
import type { Turn, Turns } from './turns';
import type { Workspace } from './workspace';

export interface InlineCompletionParts {
  readonly documents: TextDocuments<TextDocument>;
  readonly settings: () => Settings;
  readonly completer: InlineCompleter;
  /** Code that comes before a document without being a part of it: the cells above a cell. */
  readonly codeAbove: (document: TextDocument) => string;
  /** What other files give for the text around a place. */
  readonly otherFiles: Workspace['otherFiles'];
  readonly turns: Turns;
  readonly outcomes: Outcomes;
  /** Resolves once a model is ready, or none will be. */
  readonly settled: (cancellation: Turn['token']) => Promise<void>;
  /** What the model runs on, for the explanation. */
  readonly provider: () => string | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** An automatic answer later than this helps nobody who is typing. */
const AUTOMATIC_LIMIT_MS = 5_000;

/** Standard `textDocument/inlineCompletion` of LSP 3.18: ghost text, automatic and by hand. */
export class InlineCompletion implements Feature {
  readonly capabilities: ServerCapabilities = { inlineCompletionProvider: true };

  constructor(private readonly parts: InlineCompletionParts) {}

  register(connection: Connection): Disposable {
    return connection.languages.inlineCompletion.on((params, token) => this.answer(params, token));
  }

  private async answer(
    params: InlineCompletionParams,
    cancellation: CancellationToken,
  ): Promise<InlineCompletionItem[]> {
    const { documents, outcomes, provider, now } = this.parts;
    const started = now();
    const { uri } = params.textDocument;
    const document = documents.get(uri);
    const version = document?.version ?? -1;
    const asked = document === undefined ? notOpen(uri) : await this.ask(params, document, cancellation);

    const current = documents.get(uri)?.version;
    const stale = document !== undefined && current !== version;
    const { outcome, note } = asked;
    const candidates = outcome.kind === 'candidates' && !stale ? outcome.candidates : [];
    const effort = outcome.kind === 'candidates' ? outcome.effort : undefined;
    const reason = stale
      ? `The document changed from version ${version} to ${String(current ?? 'closed')} meanwhile.`
      : reasonFor(outcome);
    const provided = provider();
    const totalMs = now() - started;
    outcomes.record({
      request: 'inlineCompletion',
      kind: stale ? 'stale' : kindOf(outcome),
      reason: note === undefined ? reason : `${reason} ${note}`,
      uri,
      version,
      totalMs,
      candidatesComputed: outcome.kind === 'candidates' ? outcome.computed : 0,
      candidatesOffered: candidates.length,
      filters: outcome.kind === 'candidates' ? outcome.filters : [],
      ...(effort === undefined ? {} : { effort: toEffort(effort, totalMs) }),
      ...(provided === undefined ? {} : { provider: provided }),
    });
    return document === undefined ? [] : candidates.map((candidate) => toItem(candidate, params, document));
  }

  private async ask(
    params: InlineCompletionParams,
    document: TextDocument,
    cancellation: CancellationToken,
  ): Promise<Asked> {
    const { completer, turns } = this.parts;
    const settings = this.parts.settings();
    const automatic = params.context.triggerKind === InlineCompletionTriggerKind.Automatic;
    const text = document.getText();
    const impossible = whyImpossible(settings, text.length, automatic);
    if (impossible !== undefined) return { outcome: impossible };
    const unwanted = automatic ? whyUnwanted(settings, document) : undefined;

    const turn = automatic
      ? turns.beginAutomatic(document.uri, cancellation)
      : turns.beginExplicit('inlineCompletion', document.uri, cancellation);
    if (turn === undefined) {
      const reason = 'A fill that was asked for explicitly is being computed.';
      return { outcome: { kind: 'skipped', rule: 'busy', reason } };
    }
    try {
      const { offset, clamped } = offsetOfCursor(document, params.position);
      // The limit is for the work, not for the start of the model that the first request waits for.
      if (automatic) {
        void this.parts.settled(turn.token).then(() => {
          turn.limit(AUTOMATIC_LIMIT_MS);
        });
      }
      const { selectedCompletionInfo: selected } = params.context;
      const above = this.parts.codeAbove(document);
      const outcome = await completer.complete(
        {
          language: document.languageId,
          text: above + text,
          offset: above.length + offset,
          trigger: automatic ? 'automatic' : 'invoked',
          candidates: automatic ? 1 : settings.candidates,
          maxTokens: settings.maxTokens,
          temperature: settings.temperature,
          ...(unwanted === undefined ? {} : { unwanted }),
          otherFiles: (segments) => this.parts.otherFiles(document, offset, segments),
          inComments: settings.completeInComments,
          ...wantedEffort(settings),
          ...(selected === undefined
            ? {}
            : {
                selected: {
                  range: {
                    start: above.length + document.offsetAt(selected.range.start),
                    end: above.length + document.offsetAt(selected.range.end),
                  },
                  text: selected.text,
                },
              }),
        },
        turn.token,
      );
      const because = turn.cancelledBecause;
      return {
        outcome:
          outcome.kind === 'cancelled' && because !== undefined ? { ...outcome, reason: because } : outcome,
        ...(clamped === undefined ? {} : { note: clamped }),
      };
    } finally {
      turn.dispose();
    }
  }
}

interface Asked {
  readonly outcome: CompletionOutcome;
  /** Something else a person should know. */
  readonly note?: string;
}

function notOpen(uri: string): Asked {
  return { outcome: { kind: 'failed', reason: `The document ${uri} is not open in the server.` } };
}

type Skipped = Extract<CompletionOutcome, { kind: 'skipped' }>;

/** Without any request to the model or the cache: it is off, or the text too large to look at per keystroke. */
function whyImpossible(settings: Settings, size: number, automatic: boolean): Skipped | undefined {
  if (!settings.enable) {
    return { kind: 'skipped', rule: 'disabled', reason: 'Switched off by the setting parafill.enable.' };
  }
  if (automatic && size > settings.maxFileSize) {
    const reason = `The file has ${size} characters, more than parafill.maxFileSize (${settings.maxFileSize}).`;
    return { kind: 'skipped', rule: 'file-too-large', reason };
  }
  return undefined;
}

/** Why the person does not want ghost text here unasked. */
function whyUnwanted(settings: Settings, { uri, languageId }: TextDocument): Skipped | undefined {
  if (!settings.enableAutomaticCompletions) {
    const reason = 'Switched off by the setting parafill.enableAutomaticCompletions.';
    return { kind: 'skipped', rule: 'automatic-disabled', reason };
  }
  if (!isLanguageEnabled(settings, languageId)) {
    const reason = `Switched off for the language ${languageId} by the setting parafill.languages.`;
    return { kind: 'skipped', rule: 'language-disabled', reason };
  }
  const glob = excludedBy(uri, settings.exclude);
  if (glob !== undefined) {
    const reason = `The file is excluded by "${glob}" in the setting parafill.exclude.`;
    return { kind: 'skipped', rule: 'excluded', reason };
  }
  return undefined;
}

function toItem(
  candidate: CompletionCandidate,
  params: InlineCompletionParams,
  document: TextDocument,
): InlineCompletionItem {
  const text = fromLf(candidate.text, lineEndingOf(document.getText().slice(0, 20_000)));
  const { selectedCompletionInfo: selected } = params.context;
  if (selected === undefined) {
    return { insertText: text, range: { start: params.position, end: params.position } };
  }
  // An editor shows ghost text next to its suggestion list only if it begins with the selected entry.
  return { insertText: selected.text + text, range: selected.range };
}

function kindOf(outcome: CompletionOutcome): OutcomeKind {
  if (outcome.kind !== 'candidates') return outcome.kind;
  if (outcome.candidates.length === 0) return 'empty';
  return outcome.source === 'cache' ? 'cached' : 'filled';
}

function reasonFor(outcome: CompletionOutcome): string {
  if (outcome.kind !== 'candidates') return outcome.reason;
  const { candidates, computed, filters, source } = outcome;
  if (candidates.length > 0) {
    return source === 'cache'
      ? 'Continued an earlier answer without running the model.'
      : 'The model was run.';
  }
  if (source === 'cache') return 'At this very place there was nothing to offer a moment ago.';
  if (computed === 0) return 'The model gave no candidate.';
  return `The model had nothing useful: ${computed} candidates were left out (${filters.join(', ')}).`;
}
