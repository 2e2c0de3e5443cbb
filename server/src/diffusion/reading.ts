import { allowOnly, impossible, logProbability as logProbabilityOf } from './logits';
import type { Logits, ModelLayout, TokenBlock } from './model';
import { mixInto } from './recall';
import type { Random } from './rng';
import { Sampler } from './sampler';
import { type FilledCandidate, type InfillTask, leadOf, mostTokens } from './task';

/** The most tokens of a hole. */
export function limitOf(task: InfillTask, hole: number, layout: ModelLayout): number {
  return Math.min(task.maxTokens[hole]!, mostTokens(task, layout));
}

/** A hole is never empty: its first token is no end. */
export interface Samplers {
  readonly first: Sampler;
  readonly later: Sampler;
}

export function samplersFor({ temperature, topP }: InfillTask, layout: ModelLayout): Samplers {
  const { vocabSize, firstText, eoh } = layout;
  return {
    first: new Sampler(temperature, topP, vocabSize, firstText),
    later: new Sampler(temperature, topP, vocabSize, firstText, eoh),
  };
}

export interface PlacedToken {
  readonly id: number;
  readonly position: number;
}

/** Where another likely token leaves a path: what is read up to there, and that token last. */
export interface Turning {
  readonly tokens: readonly number[];
  readonly confidences: readonly number[];
  readonly logProbabilities: readonly number[];
  /** The sum of the last. */
  readonly sum: number;
}

/** How the reading of one hole at temperature 0 begins. */
export interface ReadingStart {
  /** So many tokens are likelier than the one that it begins with. Its turnings are kept. */
  readonly way?: number;
  /** The only hole begins with these tokens. */
  readonly turning?: Turning;
}

/** One candidate while it is read token by token. */
export class Reading {
  /** Of one of several ways: the second likeliest token at each of its places but the first. */
  readonly turnings: Turning[] = [];

  /**
   * What the model has to read before it can say the next token: the one it said last, and at the start of a
   * hole the marker and the lead, too, so that the end of a hole and the start of the next take one pass.
   */
  unread: PlacedToken[] = [];
  isDone = false;

  private readonly tokens: number[][] = [];
  private readonly confidences: number[][] = [];
  private readonly logProbabilities: number[][] = [];
  private complete = true;
  /** Kept here, since whoever drafts appends to the context. */
  private readonly contextLength: number;
  /** Natural-log probability of the hole's tokens so far. */
  private sum = 0;
  /** The beginning of the hole that is the likeliest whole hole: how many tokens, the end's share, and all together. */
  private likeliest = { length: 0, end: 0, score: -Infinity };

  constructor(
    private readonly layout: ModelLayout,
    private readonly task: InfillTask,
    private readonly samplers: Samplers,
    private readonly random: Random,
    private readonly start: ReadingStart = {},
  ) {
    this.contextLength = task.context.length;
    this.open();
    if (start.turning !== undefined) this.beginWith(start.turning);
  }

  /** Which hole is being read. */
  get hole(): number {
    return this.tokens.length - 1;
  }

  /** How many tokens this hole may still get. */
  get room(): number {
    return limitOf(this.task, this.hole, this.layout) - this.tokens.at(-1)!.length;
  }

  /** The tokens of all holes so far. */
  fills(): Int32Array[] {
    return this.tokens.map((fill) => Int32Array.from(fill));
  }

  candidate(): FilledCandidate {
    return {
      fills: this.fills(),
      confidences: this.confidences.map((hole) => Float64Array.from(hole)),
      logProbabilities: this.logProbabilities.map((hole) => Float64Array.from(hole)),
      complete: this.complete,
      score: this.logProbabilities.flat().reduce((sum, value) => sum + value, 0),
    };
  }

  /**
   * Makes what the model says of the next token what is believed: only some may come first, where a word goes on, and
   * something may be recalled.
   */
  prepare(logits: Logits, row: number): void {
    const { vocabSize } = this.layout;
    const opening = this.task.openings?.[this.hole];
    const fill = this.tokens.at(-1)!;
    if (opening !== undefined && fill.length === 0) allowOnly(logits, row, vocabSize, opening.ids);
    mixInto(logits, row, vocabSize, this.task.memories?.[this.hole]?.at(fill));
  }

  /** Decides what follows. @returns how many of the tokens read last are no part of the hole after all. */
  choose(logits: Logits, row: number): number {
    const { vocabSize, eoh } = this.layout;
    const { hole } = this;
    const fill = this.tokens[hole]!;
    this.prepare(logits, row);
    const opening = this.task.openings?.[hole];
    const isFirst = hole === 0 && fill.length === 0;
    const isEmpty = fill.length === 0 || (fill.length === 1 && fill[0] === opening?.bare);
    const isDrawn = this.task.temperature > 0;
    const sampler = isDrawn && !isEmpty ? this.samplers.later : this.samplers.first;
    for (let likelier = isFirst ? (this.start.way ?? 0) : 0; likelier > 0; likelier--) {
      logits[row * vocabSize + sampler.choose(logits, row, this.random).token] = impossible;
    }
    const { token, confidence } = sampler.choose(logits, row, this.random);
    const ofToken = logProbabilityOf(logits, row, vocabSize, token);
    if (ofToken <= impossible) return this.giveUp();
    const logProbability = ofToken + (fill.length === 0 ? (opening?.logShare ?? 0) : 0);
    if (!isDrawn && !isEmpty) {
      this.considerEnd(logProbabilityOf(logits, row, vocabSize, eoh));
      // What goes on is less likely still than its beginning.
      if (this.sum + logProbability <= this.likeliest.score) return this.endAtLikeliest();
    }
    if (this.start.way !== undefined && !isFirst && this.room > 1) this.addTurning(logits, row, token);
    const position = this.unread.at(-1)!.position + 1;
    if (token === eoh) {
      this.end(logProbability, position);
      return 0;
    }
    fill.push(token);
    this.confidences[hole]!.push(confidence);
    this.logProbabilities[hole]!.push(logProbability);
    this.sum += logProbability;
    this.unread = [{ id: token, position }];
    if (!isDrawn && this.sum < Math.log(this.task.least ?? 0)) return this.giveUp();
    if (this.room > 0) return 0;
    this.complete = false;
    this.next();
    return 0;
  }

  private beginWith({ tokens, confidences, logProbabilities, sum }: Turning): void {
    const { position } = this.unread.at(-1)!;
    this.tokens[0]!.push(...tokens);
    this.confidences[0]!.push(...confidences);
    this.logProbabilities[0]!.push(...logProbabilities);
    this.sum = sum;
    this.unread.push(...tokens.map((id, i) => ({ id, position: position + 1 + i })));
  }

  private addTurning(logits: Logits, row: number, likeliest: number): void {
    const { vocabSize } = this.layout;
    const at = row * vocabSize + likeliest;
    const kept = logits[at]!;
    logits[at] = impossible;
    const { token, confidence } = this.samplers.first.choose(logits, row, this.random);
    logits[at] = kept;
    const logProbability = logProbabilityOf(logits, row, vocabSize, token);
    if (logProbability <= impossible) return;
    this.turnings.push({
      tokens: [...this.tokens[0]!, token],
      confidences: [...this.confidences[0]!, confidence],
      logProbabilities: [...this.logProbabilities[0]!, logProbability],
      sum: this.sum + logProbability,
    });
  }

  /** Leaves it at what is read; holes to come stay empty. @returns how many tokens read last are no part of it: none. */
  giveUp(): number {
    while (this.tokens.length < this.task.holes) this.open();
    this.complete = false;
    this.isDone = true;
    return 0;
  }

  /** Remembers the tokens so far as a whole hole, if none of its beginnings is a likelier one. */
  private considerEnd(end: number): void {
    if (this.sum + end <= this.likeliest.score) return;
    this.likeliest = { length: this.tokens.at(-1)!.length, end, score: this.sum + end };
  }

  private endAtLikeliest(): number {
    const { length, end } = this.likeliest;
    const tooMany = this.tokens.at(-1)!.length - length;
    for (const values of [this.tokens, this.confidences, this.logProbabilities])
      values.at(-1)!.length = length;
    this.end(end, this.unread.at(-1)!.position + 1 - tooMany);
    return tooMany;
  }

  private end(logProbability: number, position: number): void {
    this.logProbabilities.at(-1)!.push(logProbability);
    this.unread = [{ id: this.layout.eoh, position }];
    this.next();
  }

  private next(): void {
    if (this.tokens.length < this.task.holes) this.open();
    else this.isDone = true;
  }

  /** Begins the next hole. */
  private open(): void {
    const { layout, task } = this;
    const hole = this.tokens.length;
    const marker = this.contextLength + layout.holeStride * hole;
    for (const [i, id] of [layout.fill[hole]!, ...leadOf(task, hole)].entries()) {
      this.unread.push({ id, position: marker + i });
    }
    this.sum = 0;
    this.likeliest = { length: 0, end: 0, score: -Infinity };
    this.tokens.push([]);
    this.confidences.push([]);
    this.logProbabilities.push([]);
  }
}

/** Rows read in order, the logits behind the last token of each wanted. */
export function causalBlock(rows: readonly (readonly PlacedToken[])[], pad: number): TokenBlock {
  const columns = Math.max(...rows.map((tokens) => tokens.length));
  const size = rows.length * columns;
  const ids = new Int32Array(size).fill(pad);
  const positions = new Int32Array(size);
  for (const [row, tokens] of rows.entries()) {
    for (const [column, { id, position }] of tokens.entries()) {
      ids[row * columns + column] = id;
      positions[row * columns + column] = position;
    }
  }
  return {
    rows: rows.length,
    columns,
    ids,
    positions,
    order: Int32Array.from(ids, (_, i) => i % columns),
    wanted: Int32Array.from(rows, (tokens, row) => row * columns + tokens.length - 1),
  };
}
