#!/usr/bin/env node
// What npm links as `portolan`: it stands in the repository, so that the link can be made before the first build.
require('../dist/bin.cjs');
