/**
 * The language server: the only place where its parts are made and joined.
 *
 *   node dist/server.js --stdio | --node-ipc | --socket=PORT | --pipe=NAME   [--model DIR]
 */
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import {
  createConnection,
  ProposedFeatures,
  TextDocuments,
  TextDocumentSyncKind,
  type Connection,
  type InitializeResult,
  type ServerCapabilities,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { errorMessage } from './base/async';
import { CPU } from './base/device';
import { DisposableStore } from './base/lifecycle';
import { CompletionCache } from './completion/cache';
import { Debounce } from './completion/debounce';
import { InlineCompleter } from './completion/inlineCompleter';
import { Latency } from './completion/latency';
import { SyntaxChecker } from './completion/syntaxCheck';
import { Benchmark } from './features/benchmark';
import { CheckModel } from './features/checkModel';
import { Configuration } from './features/configuration';
import type { Feature } from './features/feature';
import { FillHoles } from './features/fillHoles';
import { InlineCompletion } from './features/inlineCompletion';
import { ModelHost, type ModelChoice, type ModelHostOptions } from './features/modelHost';
import { Notebooks } from './features/notebooks';
import { Outcomes } from './features/outcomes';
import { record } from './features/parameters';
import { Regenerate } from './features/regenerate';
import { Status } from './features/status';
import { Turns } from './features/turns';
import { Workspace } from './features/workspace';
import { InferenceClient } from './inference/inferenceClient';
import { connectionLog } from './log';
import { DeviceChooser } from './providers/deviceChooser';
import { cacheFolder } from './providers/machine';

const USAGE = `The Parafill language server speaks LSP over one of these:
  --stdio         standard input and output
  --node-ipc      the channel of a Node parent process
  --socket=PORT   a local socket
  --pipe=NAME     a named pipe
Optional: --model DIR, the model to use instead of the bundled one.`;

function main(): void {
  let connection: Connection;
  try {
    connection = createConnection(ProposedFeatures.all);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n\n${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  serve(connection, bundledModel(process.argv));
}

function serve(connection: Connection, bundledPath: string): void {
  const store = new DisposableStore();
  const log = connectionLog(connection.console);
  const now = (): number => performance.now();

  const documents = new TextDocuments(TextDocument);
  const configuration = new Configuration(log);
  const settings = () => configuration.current;
  const latency = new Latency();
  const cache = new CompletionCache();
  const syntax = store.add(new SyntaxChecker(join(__dirname, 'grammars')));
  const outcomes = new Outcomes(log);
  const turns = new Turns(() => {
    status.refresh();
  });
  const workerPath = join(__dirname, 'worker.js');
  const startModel = ({
    modelPath,
    threads,
    device,
  }: Parameters<ModelHostOptions['create']>[0]): InferenceClient =>
    new InferenceClient({
      workerPath,
      modelPath,
      device,
      ...(threads === 0 ? {} : { threads }),
      log: log.debug,
    });
  const devices = new DeviceChooser({
    workerPath,
    cacheFolder: cacheFolder(),
    // The first seconds belong to the editor.
    delayMs: 10_000,
    log: log.info,
  });
  const host = store.add(new ModelHost({ create: startModel, devices, bundledPath, log }));
  const status = new Status({ model: () => host.model, settings, latency, isBusy: () => turns.isBusy });

  const provider = () => {
    const state = host.model?.state;
    return state?.kind === 'ready' ? state.info.provider : undefined;
  };
  const completer = new InlineCompleter({
    infiller: host,
    isReady: () => host.model?.state.kind === 'ready',
    cache,
    debounce: new Debounce(),
    latency,
    syntax,
    now,
  });
  const notebooks = new Notebooks(documents);
  const workspace = new Workspace({
    documents,
    settings,
    room: () => {
      const state = host.model?.state;
      return state?.kind === 'ready' ? state.info : undefined;
    },
    now,
  });
  const otherFiles: Workspace['otherFiles'] = (...place) => workspace.otherFiles(...place);
  const common = { documents, settings, otherFiles, turns, outcomes, provider, now };
  const features: readonly Feature[] = [
    configuration,
    status,
    outcomes,
    notebooks,
    workspace,
    new InlineCompletion({
      ...common,
      completer,
      codeAbove: (document) => notebooks.codeAbove(document),
      settled: (token) => host.settled(token),
    }),
    new FillHoles({ ...common, infiller: host, syntax }),
    new Regenerate({ ...common, infiller: host, syntax }),
    new Benchmark({ infiller: host, turns }),
    new CheckModel(async (modelPath) => {
      const client = store.add(startModel({ modelPath, threads: settings().threads, device: CPU }));
      try {
        return await client.ready();
      } finally {
        client.dispose();
      }
    }),
  ];

  const modelChoice = (): ModelChoice | undefined => {
    const { enable, modelPath, threads, provider } = settings();
    // A model that nobody may ask would only take memory.
    return enable ? { modelPath: modelPath === '' ? '' : resolve(modelPath), threads, provider } : undefined;
  };
  store.add(
    configuration.onChange(() => {
      // Steps, lengths and languages may all be others now.
      cache.clear();
      latency.clear();
      host.use(modelChoice());
      status.refresh();
    }),
  );
  store.add(
    host.onChange(() => {
      cache.clear();
      latency.clear();
      status.refresh();
    }),
  );
  store.add(
    documents.onDidChangeContent(({ document }) => {
      turns.documentChanged(document.uri);
    }),
  );
  store.add(
    documents.onDidClose(({ document }) => {
      turns.documentChanged(document.uri);
    }),
  );
  for (const feature of features) store.add(feature.register(connection));
  store.add(documents.listen(connection));

  let wantsStatus = false;
  connection.onInitialize((params): InitializeResult => {
    const { capabilities } = params;
    const initializationOptions: unknown = params.initializationOptions;
    workspace.initialize(params);
    configuration.initialize(capabilities, initializationOptions);
    wantsStatus = record(initializationOptions)['statusNotifications'] === true;
    const own: ServerCapabilities = { textDocumentSync: TextDocumentSyncKind.Incremental };
    return {
      capabilities: Object.assign(
        own,
        ...features.map((feature) => feature.capabilities),
      ) as ServerCapabilities,
      serverInfo: { name: 'parafill' },
    };
  });
  connection.onInitialized(() => {
    workspace.start(connection);
    void configuration.start(connection).then(() => {
      // Only now is it known which model is wanted; loading two would cost twice the time and memory.
      host.use(modelChoice());
      if (wantsStatus) status.start(connection);
    });
  });
  connection.onShutdown(() => {
    turns.cancelAll('The server shuts down.');
    store.dispose();
  });
  // However this process ends, the inference process must not stay behind. (It also watches its channel,
  // for the case that this one gets no chance to run anything.)
  process.on('exit', () => {
    store.dispose();
  });
  // What one request stumbles over must not end all others.
  process.on('unhandledRejection', (reason) => {
    log.error(`Something failed that nobody waited for: ${errorMessage(reason)}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(0));
  }
  connection.listen();
}

/** `--model DIR` or the folder that comes with the product. */
function bundledModel(argv: readonly string[]): string {
  const at = argv.indexOf('--model');
  const given = at === -1 ? undefined : argv[at + 1];
  return resolve(given ?? join(__dirname, '..', 'models', 'parafill-small'));
}

main();
