/** For a person whose platform has no native runtime, or one that cannot be loaded there. */
export function noNativeRuntime(error: string, platform = `${process.platform}-${process.arch}`): string {
  // Node adds the stack of `require`, which is about us.
  const [cause = ''] = error.split('\n');
  return (
    `Parafill's native runtime cannot be loaded on ${platform}. There are binaries for Linux x64 and arm64 with glibc, ` +
    `Windows x64 and arm64, and macOS arm64; the package for your platform has to be installed. (${cause})`
  );
}
