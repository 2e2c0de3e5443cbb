#!/usr/bin/env node
// The language server as a command, for editors other than VS Code: parafill-server --stdio
require('../dist/server.js');
