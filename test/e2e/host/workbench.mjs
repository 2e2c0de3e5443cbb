// Shows a running VS Code server in Chromium.
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium } from './chromium.mjs';

/**
 * The address that opens a folder with extensions under development and, for tests, the module to run.
 * @param {string} serverUrl
 * @param {Pick<import('./arguments.mjs').Arguments, 'folder' | 'extensionDevelopmentPaths' | 'extensionTestsPath'>} what
 */
export function workbenchUrl(serverUrl, { folder, extensionDevelopmentPaths, extensionTestsPath }) {
  const remote = (/** @type {string} */ path) =>
    `vscode-remote://remote${pathToFileURL(absolute(path)).pathname}`;
  const payload = extensionDevelopmentPaths.map((path) => ['extensionDevelopmentPath', remote(path)]);
  if (extensionTestsPath !== undefined) payload.push(['extensionTestsPath', remote(extensionTestsPath)]);
  const url = new URL(serverUrl);
  if (folder !== undefined) url.searchParams.set('folder', absolute(folder));
  if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
  return url.href;
}

/**
 * Opens Chromium with an empty page. Playwright is loaded here and not at the top because it is only there
 * after the host has been installed.
 * @param {{ headless: boolean, width?: number, height?: number, scale?: number }} options
 */
export async function openBrowser({ headless, width = 1280, height = 800, scale = 1 }) {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath: findChromium(),
    headless,
    args: ['--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  const context = await browser.newContext({
    viewport: headless ? { width, height } : null,
    ...(headless ? { deviceScaleFactor: scale } : {}),
    // The clipboard is VS Code's own business; without the grants it asks about it.
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return { browser, page: await context.newPage() };
}

function absolute(/** @type {string} */ path) {
  return isAbsolute(path) ? path : resolve(path);
}
