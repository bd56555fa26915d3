// SPDX-License-Identifier: Apache-2.0
export { Proctor } from './src/client.js';
export { BrowserTest } from './src/browsertest.js';
export { ProctorError, UnreachableError, TimeoutError } from './src/errors.js';
