#!/usr/bin/env node
import '../dist/cli/efms.js';
