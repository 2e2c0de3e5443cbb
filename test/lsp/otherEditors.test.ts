import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';

// A client that knows LSP 3.18 and nothing of Parafill: no library, no custom method, no custom option.

/** What a server may send to a client that declared no more than we do. */
const KNOWN = new Set(['window/logMessage', 'window/showMessage', 'telemetry/event', '$/logTrace']);

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

class PlainClient {
  readonly received: Message[] = [];
  readonly exited: Promise<number | null>;
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, (answer: Message) => void>();
  private buffer = Buffer.alloc(0);
  private next = 1;

  constructor() {
    this.process = spawn(process.execPath, ['bin/parafill-server.js', '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      while (this.take());
    });
  }

  notify(method: string, params: unknown): void {
    this.send({ method, params });
  }

  request(method: string, params: unknown): { readonly id: number; readonly answer: Promise<Message> } {
    const id = this.next++;
    const answer = new Promise<Message>((resolve) => this.waiting.set(id, resolve));
    this.send({ id, method, params });
    return { id, answer };
  }

  /** The result of a request that has one. */
  async result(method: string, params: unknown): Promise<unknown> {
    const { result, error } = await this.request(method, params).answer;
    assert.equal(error, undefined, JSON.stringify(error));
    return result;
  }

  private send(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.process.stdin?.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.process.stdin?.write(body);
  }

  /** Takes one whole message from what has arrived. */
  private take(): boolean {
    const end = this.buffer.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.subarray(0, end).toString())?.[1]);
    const start = end + 4;
    if (this.buffer.length < start + length) return false;
    const message = JSON.parse(this.buffer.subarray(start, start + length).toString()) as Message;
    this.buffer = this.buffer.subarray(start + length);
    this.received.push(message);
    if (message.method === undefined && message.id !== undefined) this.waiting.get(message.id)?.(message);
    return true;
  }
}

describe('an editor that knows only LSP 3.18', () => {
  const client = new PlainClient();
  const uri = 'file:///work/space/first.py';
  const text = 'first = load("first.json")\nsecond = load("second.json")\nthird = ';
  const cursor = { line: 2, character: 8 };

  it('gets an error, and not silence, before it has initialized', async () => {
    const { error } = await client.request('textDocument/inlineCompletion', {}).answer;
    assert.ok(error);
  });

  it('is told what the server can do', async () => {
    const result = (await client.result('initialize', {
      processId: process.pid,
      clientInfo: { name: 'plain' },
      rootUri: null,
      workspaceFolders: null,
      capabilities: { textDocument: { inlineCompletion: { dynamicRegistration: false } } },
    })) as { readonly capabilities: Readonly<Record<string, unknown>>; readonly serverInfo: object };
    assert.equal(result.capabilities['inlineCompletionProvider'], true);
    assert.equal(result.capabilities['textDocumentSync'], 2);
    assert.deepEqual(result.serverInfo, { name: 'parafill' });
    client.notify('initialized', {});
  });

  for (const [name, triggerKind, most] of [
    ['asked', 1, 16],
    ['typing', 2, 1],
  ] as const) {
    it(`gets items when ${name}`, async () => {
      const place = `${uri}.${name}`;
      client.notify('textDocument/didOpen', {
        textDocument: { uri: place, languageId: 'python', version: 1, text },
      });
      const params = { textDocument: { uri: place }, position: cursor, context: { triggerKind } };
      const items = (await client.result('textDocument/inlineCompletion', params)) as readonly {
        readonly insertText: string;
        readonly range: unknown;
      }[];
      assert.ok(items.length <= most);
      if (name === 'asked') assert.ok(items.length > 0);
      for (const item of items) {
        assert.deepEqual(Object.keys(item).sort(), ['insertText', 'range']);
        assert.notEqual(item.insertText, '');
        assert.deepEqual(item.range, { start: cursor, end: cursor });
      }
    });
  }

  it('can change, cancel, save and close', async () => {
    const place = `${uri}.asked`;
    client.notify('textDocument/didChange', {
      textDocument: { uri: place, version: 2 },
      contentChanges: [{ range: { start: cursor, end: cursor }, text: 'lo' }],
    });
    const position = { line: 2, character: 10 };
    const context = { triggerKind: 1 };
    const { id, answer } = client.request('textDocument/inlineCompletion', {
      textDocument: { uri: place },
      position,
      context,
    });
    client.notify('$/cancelRequest', { id });
    const { error, result } = await answer;
    assert.ok(error?.code === -32800 || Array.isArray(result));
    client.notify('textDocument/didSave', { textDocument: { uri: place } });
    client.notify('textDocument/didClose', { textDocument: { uri: place } });
    const params = { textDocument: { uri: place }, position, context };
    assert.deepEqual(await client.result('textDocument/inlineCompletion', params), []);
  });

  it('is told that there is no such request, and not bothered about an unknown notification', async () => {
    client.notify('other/notification', {});
    const { error } = await client.request('textDocument/hover', { textDocument: { uri }, position: cursor })
      .answer;
    assert.equal(error?.code, -32601);
  });

  it('says goodbye, and was never sent anything it cannot know', async () => {
    assert.equal(await client.result('shutdown', null), null);
    client.notify('exit', undefined);
    assert.equal(await client.exited, 0);
    const sent = client.received.flatMap(({ method }) => method ?? []);
    assert.deepEqual(
      sent.filter((method) => !KNOWN.has(method)),
      [],
    );
  });
});
