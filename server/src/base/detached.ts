/** A copy that does not keep the (perhaps huge) string alive it was cut from. */
export function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
