// SPDX-License-Identifier: Apache-2.0
// A server as a worker sees it: polls, artifacts, bundles. A test scripts it by giving leases and
// directives, and waits for what arrives. It keeps to docs/protocol/worker.md and refuses the rest.
'use strict';
const http = require('node:http');
const crypto = require('node:crypto');
const { EventEmitter } = require('node:events');

class FakeServer extends EventEmitter {
  constructor({ leaseMs = 15000, token = 'secret-of-the-test' } = {}) {
    super();
    this.setMaxListeners(0);
    Object.assign(this, { leaseMs, token });
    this.queue = [];        // leases not yet given
    this.open = new Map();  // run → lease, given and not finished
    this.results = [];
    this.events = [];
    this.artifacts = new Map(); // "run/name" → { body, query, type }
    this.bundles = new Map();
    this.directives = [];
    this.returned = [];     // runs that a claiming poll no longer held
    this.polls = [];
    this.parked = null;
    this.frames = [];       // { run, body, query }
    this.looks = true;      // else a picture is answered with 410
    this.answerNext = [];   // statuses to answer instead of working
    this.lastN = new Map();
    this.http = http.createServer((req, res) => this.#serve(req, res));
    this.http.keepAliveTimeout = 60000;
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
    this.port = this.http.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async close() {
    if (this.parked) this.#unpark();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  lease(test, extra = {}) {
    const run = crypto.randomUUID();
    this.queue.push({ run, fence: 1, job: crypto.randomUUID(), jobName: 'job', incarnation: 1,
      iteration: 1, testIndex: 0, attempt: 1, config: {}, params: {}, timeoutMs: 0, ...extra, test });
    this.#wake();
    return run;
  }

  direct(directive) {
    this.directives.push(directive);
    this.#wake();
  }

  // Resolves with probe()'s value once it is true.
  until(probe, what = 'the event') {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off('news', check);
        reject(new Error(`${what} did not come; results: ${JSON.stringify(this.results)}`));
      }, 25000);
      const check = () => {
        const value = probe();
        if (!value) return;
        clearTimeout(timer);
        this.off('news', check);
        resolve(value);
      };
      this.on('news', check);
      check();
    });
  }

  result(run) {
    return this.until(() => this.results.find((r) => r.run === run), `the result of ${run}`);
  }

  event(run, type) {
    return this.until(() => this.events.find((e) => e.run === run && e.type === type),
      `${type} of ${run}`);
  }

  eventsOf(run, type) {
    return this.events.filter((e) => e.run === run && (!type || e.type === type));
  }

  #wake() {
    if (this.parked && (this.queue.length || this.directives.length)) this.#unpark();
  }

  #unpark() {
    const { poll, res, timer } = this.parked;
    clearTimeout(timer);
    this.parked = null;
    this.#answer(poll, res);
  }

  #answer(poll, res) {
    const leases = [];
    if (poll.claim)
      while (this.queue.length && this.open.size < poll.capacity) {
        const lease = this.queue.shift();
        this.open.set(lease.run, lease);
        leases.push(lease);
      }
    const directives = poll.claim ? this.directives.splice(0) : [];
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ leaseMs: this.leaseMs, pollMs: 5000, leases, directives }));
    this.emit('news');
  }

  #take(poll) {
    for (const event of poll.events) {
      const key = `${event.run}/${event.fence}`;
      const last = this.lastN.get(key) || 0;
      if (event.n <= last) continue;
      if (event.n !== last + 1) this.emit('error', new Error(`event ${event.n} after ${last}`));
      this.lastN.set(key, event.n);
      this.events.push(event);
    }
    for (const result of poll.results)
      if (this.open.delete(result.run)) this.results.push(result);
    if (poll.claim) {
      const held = new Set(poll.holds.map((hold) => hold.run));
      for (const run of [...this.open.keys()])
        if (!held.has(run)) {
          this.open.delete(run);
          this.returned.push(run);
        }
    }
    this.emit('news');
  }

  #poll(body, res) {
    const poll = { results: [], events: [], holds: [], ...JSON.parse(body) };
    this.polls.push(poll);
    this.#take(poll);
    if (!poll.claim || this.queue.length || this.directives.length || poll.waitMs === 0) {
      this.#answer(poll, res);
      return;
    }
    if (this.parked) this.#unpark();
    const parked = { poll, res };
    parked.timer = setTimeout(() => this.parked === parked && this.#unpark(),
      poll.holds.length ? Math.min(poll.waitMs, this.leaseMs / 3) : poll.waitMs);
    res.on('close', () => {
      if (this.parked === parked) {
        clearTimeout(parked.timer);
        this.parked = null;
        this.emit('news');
      }
    });
    this.parked = parked;
    this.emit('news');
  }

  #serve(req, res) {
    const chunks = [];
    req.on('error', () => {});
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      const url = new URL(req.url, this.url);
      if (req.url.includes(this.token)) this.emit('error', new Error('token in an address'));
      if (req.headers.authorization !== `Bearer ${this.token}`) {
        res.writeHead(401).end();
        return;
      }
      const status = this.answerNext.shift();
      if (status === 0) return void req.socket.destroy();
      if (status) return void res.writeHead(status).end();
      const artifact = /^\/api\/v1\/runs\/([^/]+)\/artifacts\/(.+)$/.exec(url.pathname);
      const screen = /^\/api\/v1\/runs\/([^/]+)\/screen$/.exec(url.pathname);
      const bundle = /^\/api\/v1\/bundles\/([0-9a-f]+)$/.exec(url.pathname);
      if (url.pathname === '/api/v1/workers/poll' && req.method === 'POST') {
        this.#poll(body, res);
      } else if (artifact && req.method === 'PUT') {
        const [, run, name] = artifact;
        if (!this.open.has(run)) return void res.writeHead(409).end();
        this.artifacts.set(`${run}/${decodeURIComponent(name)}`,
          { body, type: req.headers['content-type'], query: Object.fromEntries(url.searchParams) });
        res.writeHead(201).end('{}');
        this.emit('news');
      } else if (screen && req.method === 'POST') {
        this.frames.push({ run: screen[1], body, type: req.headers['content-type'],
          query: Object.fromEntries(url.searchParams) });
        res.writeHead(this.looks ? 204 : 410).end();
        this.emit('news');
      } else if (bundle && this.bundles.has(bundle[1])) {
        res.end(this.bundles.get(bundle[1]));
      } else {
        res.writeHead(404).end();
      }
    });
  }
}

module.exports = { FakeServer };
