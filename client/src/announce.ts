import type { Config } from './config';
import { tell } from './documents';

/**
 * Says to who uses a screen reader what others see at a glance: notifications are read out, the status bar and
 * decorations are not.
 */
export function announce(config: Config, sentence: string): void {
  if (config.usesScreenReader) tell(sentence);
}
