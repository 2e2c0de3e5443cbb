import { setTimeout as wait } from 'node:timers/promises';
import { CancellationTokenSource, InlineCompletionTriggerKind } from 'vscode-languageserver/node';
import type { OutcomeExplanation } from '../../server/src/protocol';
import type { LanguageServer } from '../../test/lsp/languageServer';
import type { TypingEvent, TypingScript } from './script';

/** What became of the request that one edit made. */
export interface Asked {
  readonly event: TypingEvent;
  /** From the edit to the answer, milliseconds. */
  readonly answeredMs: number;
  /** From the next edit to the answer, where that came before the answer. */
  readonly stoppedMs?: number;
  /** The text that was offered. */
  readonly ghost?: string;
  /** How the server came to its answer, where no later one has taken its place meanwhile. */
  readonly outcome?: OutcomeExplanation;
}

/** A request as long as nobody knows its answer. */
interface Open {
  /** @param at when the next edit was made. */
  supersede(at: number): void;
  readonly asked: Promise<Asked>;
}

/**
 * Types a script into the server as VS Code does: each edit is told, the request before it is cancelled if
 * it is not answered yet, and a new one is made.
 *
 * @param speed pauses are divided by it.
 */
export async function replay(
  server: LanguageServer,
  { initial, events }: TypingScript,
  language: string,
  speed: number,
): Promise<Asked[]> {
  const uri = await server.open(initial, language);
  const asked: Promise<Asked>[] = [];
  let open: Open | undefined;
  for (const event of events) {
    await wait(event.pauseMs / speed);
    if (event.kind === 'jump') continue;
    const edited = performance.now();
    await server.replace(uri, event.offset, event.offset + event.removed, event.inserted);
    open?.supersede(edited);
    open = ask(server, uri, event, edited);
    asked.push(open.asked);
  }
  return Promise.all(asked);
}

function ask(server: LanguageServer, uri: string, event: TypingEvent, edited: number): Open {
  const source = new CancellationTokenSource();
  const { version } = server.document(uri);
  let supersededAt: number | undefined;
  let isAnswered = false;
  const answer = async (): Promise<Asked> => {
    const context = { triggerKind: InlineCompletionTriggerKind.Automatic };
    const [item] = await server.inlineCompletion(uri, event.cursor, context, source.token);
    const answered = performance.now();
    isAnswered = true;
    const answeredMs = answered - edited;
    if (supersededAt !== undefined) return { event, answeredMs, stoppedMs: answered - supersededAt };
    const outcome = await server.lastOutcome();
    return {
      event,
      answeredMs,
      ...(item === undefined ? {} : { ghost: textOf(item.insertText) }),
      ...(outcome.version === version && outcome.uri === uri ? { outcome } : {}),
    };
  };
  return {
    supersede: (at) => {
      if (isAnswered) return;
      supersededAt = at;
      source.cancel();
    },
    asked: answer(),
  };
}

function textOf(insertText: string | { readonly value: string }): string {
  return typeof insertText === 'string' ? insertText : insertText.value;
}
