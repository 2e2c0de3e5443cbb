import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, homedir, hostname, platform, release } from 'node:os';
import { join } from 'node:path';

/** What a verdict on a device depends on, besides the model and the runtime: as much as can be found out cheaply. */
export function describeMachine(): readonly string[] {
  return [platform(), arch(), release(), hostname(), cpus()[0]?.model ?? '', ...graphics()];
}

/** Graphics adapters and drivers, where Linux says what they are. */
function graphics(): string[] {
  const drivers = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'].flatMap((name) => process.env[name] ?? []);
  const nvidia = read('/sys/module/nvidia/version');
  const cards = list('/sys/class/drm').filter((name) => /^card\d+$/.test(name));
  const adapters = cards.flatMap((card) =>
    ['vendor', 'device'].flatMap((name) => read(join('/sys/class/drm', card, 'device', name))),
  );
  return [...drivers, ...nvidia, ...adapters];
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // Other systems have no such folder.
    return [];
  }
}

function read(path: string): string[] {
  try {
    return [readFileSync(path, 'utf8').trim()];
  } catch {
    return [];
  }
}

/** Where this system keeps what may be lost. */
export function cacheFolder(): string {
  const environment = process.env;
  const base =
    platform() === 'win32'
      ? (environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'))
      : platform() === 'darwin'
        ? join(homedir(), 'Library', 'Caches')
        : (environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'));
  return join(base, 'parafill');
}
