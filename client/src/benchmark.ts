import { cpus, totalmem } from 'node:os';
import * as vscode from 'vscode';
import { benchmarkReport, WAYS, type MeasuredWay } from './benchmarkReport';
import type { Client } from './client';

/** Registers Run Benchmark on This Machine. */
export function registerBenchmark(client: Client, version: string): vscode.Disposable {
  return vscode.commands.registerCommand('parafill.runBenchmark', () => runBenchmark(client, version));
}

/** Measures every way of filling and shows the report as a document of its own. */
async function runBenchmark(client: Client, version: string): Promise<void> {
  const { t } = vscode.l10n;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: t('Parafill: measuring this machine'),
    cancellable: true,
  };
  const measured = await vscode.window.withProgress(options, async (progress, token) => {
    const ways: MeasuredWay[] = [];
    for (const way of WAYS) {
      progress.report({ message: way.name, increment: 100 / WAYS.length });
      const result = await client.benchmark(way.params, token);
      if (result.kind === 'cancelled') return undefined;
      if (result.kind === 'failed') {
        void vscode.window.showErrorMessage(`Parafill: ${result.reason}`);
        return undefined;
      }
      ways.push({ name: way.name, result });
    }
    return ways;
  });
  if (measured === undefined) return;
  const { model, provider = '' } = await client.status();
  const processors = cpus();
  const content = benchmarkReport(measured, {
    date: new Date(),
    model: model === undefined ? '' : `${model.name} ${model.version}`,
    provider,
    processor: processors[0]?.model.trim() ?? '',
    cores: processors.length,
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    parafill: version,
    editor: vscode.version,
  });
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.window.showTextDocument(document);
}
