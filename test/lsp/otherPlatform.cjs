// Loaded before everything else by a process of a test (NODE_OPTIONS=--require): the same machine under the name of one
// that nobody makes a native runtime for.
Object.defineProperty(process, 'arch', { value: 'riscv64' });
