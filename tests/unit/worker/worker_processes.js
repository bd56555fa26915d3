// SPDX-License-Identifier: Apache-2.0
// The worker with real runner processes against a scripted server: what is run, what is reported,
// and above all what is left behind, which must be nothing.
'use strict';
const { test, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const { spawn, execFileSync } = require('node:child_process');
const { once } = require('node:events');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { FakeServer } = require('./fake_server.js');

const PROGRAM = process.env.WORKER_PROGRAM;
assert(PROGRAM, 'WORKER_PROGRAM names the worker program');

const cleanups = [];
afterEach(async () => {
  while (cleanups.length) await cleanups.pop()();
});

function scratch() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pw-'));
  cleanups.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function server(options) {
  const it = await new FakeServer(options).listen();
  cleanups.push(() => it.close());
  return it;
}

function worker(url, { data = scratch(), capacity = 2, grace = 1000, disk = 0, env = {} } = {}) {
  const child = spawn(PROGRAM, ['worker', url, data, capacity, grace, disk].map(String),
    { stdio: ['pipe', 'inherit', 'pipe'], env: { ...process.env, ...env } });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  child.data = data;
  child.log = () => log;
  /* The log comes by a pipe of its own, after what it tells of. */
  child.logged = async (word) => {
    while (!word.test(log)) await once(child.stderr, 'data', { signal: AbortSignal.timeout(10000) });
  };
  child.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  cleanups.push(async () => {
    if (process.env.SHOW_LOG) console.error(log);
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 15000);
    await child.ended;
    clearTimeout(timer);
    const bad = /AddressSanitizer|runtime error|LeakSanitizer|Assertion/.exec(log);
    assert(!bad, log);
  });
  return child;
}

// Processes that carry the mark in their command line or environment.
function marked(mark) {
  const found = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const text = fs.readFileSync(`/proc/${pid}/environ`, 'latin1') +
        fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const state = /\) (.)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))[1];
      if (text.includes(mark) && state !== 'Z' && state !== 'X') found.push(Number(pid));
    } catch { /* it has just ended */ }
  }
  return found;
}

// The death of other processes is no event that reaches us: the only place where we look again.
async function gone(mark) {
  for (let i = 0; i < 300; i++) {
    if (marked(mark).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const left = marked(mark).map((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  assert.fail(`left behind: ${JSON.stringify(left)}`);
}

function folders(data) {
  return fs.readdirSync(path.join(data, 'worker')).filter((name) => name.startsWith('w-'));
}

const command = (argv, more = {}) => ({ name: 't', kind: 'command', argv, ...more });
const shell = (script, more) => command(['/bin/sh', '-c', script], more);

test('a run is carried out, its log kept, its result sent once', async () => {
  const it = await server();
  worker(it.url);
  const run = it.lease(shell('echo hello; echo "PROCTOR_RUN=$PROCTOR_RUN"; pwd; ls -A'));
  const result = await it.result(run);
  assert.equal(result.outcome, 'passed', JSON.stringify(result));
  assert.equal(result.fence, 1);
  assert(result.durationMs >= 0);
  const log = it.artifacts.get(`${run}/output.log`);
  assert.equal(log.type, 'text/plain; charset=utf-8');
  assert.deepEqual(log.query, { fence: '1', kind: 'log' });
  const [hello, id, dir] = log.body.toString().split('\n');
  assert.equal(hello, 'hello');
  assert.equal(id, `PROCTOR_RUN=${run}`);
  assert(!fs.existsSync(path.join(dir, 'x')));
  assert.equal(it.eventsOf(run, 'run.started').length, 1);
  assert.deepEqual(it.eventsOf(run, 'run.log').map((e) => e.data.text),
    ['hello', `PROCTOR_RUN=${run}`, dir]);
});

test('exit status, signal and a missing program have their own outcomes', async () => {
  const it = await server();
  worker(it.url, { capacity: 4 });
  const outcomes = {};
  const runs = {
    exit: it.lease(shell('exit 3')),
    signal: it.lease(shell('kill -SEGV $$')),
    exec: it.lease(command(['/no/such/program'])),
    config: it.lease({ kind: 'command', argv: [] }),
    kind: it.lease({ kind: 'playwright', script: '' }),
    env: it.lease(shell('test "$A" = 1 && test "$B" = "x y" && test -z "$PROCTOR_WORKER_TOKEN"',
      { env: { A: 1, B: 'x y' } })),
    files: it.lease(shell('test "$(cat a/b.txt)" = content && ./run.sh',
      { files: { 'a/b.txt': 'content', 'run.sh': '#!/bin/sh\nexit 0\n' } })),
    cwd: it.lease(shell('test -f b.txt', { files: { 'a/b.txt': '' }, cwd: 'a' })),
    stdin: it.lease(command(['/bin/grep', '-q', 'needle'], { stdin: 'hay\nneedle\n' })),
    escape: it.lease(shell('true', { files: { '../x': '' } })),
  };
  for (const [name, run] of Object.entries(runs)) {
    const { outcome, reason } = await it.result(run);
    outcomes[name] = reason ? `${outcome} ${reason}` : outcome;
  }
  assert.deepEqual(outcomes, { exit: 'failed exit_status', signal: 'errored signal',
    exec: 'errored exec', config: 'errored config', kind: 'errored kind', env: 'passed',
    files: 'passed', cwd: 'passed', stdin: 'passed', escape: 'errored config' });
});

test('reports become cases: JUnit, TAP and a JSON line', async () => {
  const it = await server();
  worker(it.url, { capacity: 3 });
  const xml = '<testsuite name="s"><testcase name="a" time="0.5"/><testcase name="b">' +
    '<failure message="broken">at line 3</failure></testcase></testsuite>';
  const junit = it.lease(shell('true', { files: { 'r.xml': xml }, parse: 'junit', report: '*.xml' }));
  const tap = it.lease(shell('printf "1..2\\nok 1 - one\\nok 2 - two # SKIP later\\n"', { parse: 'tap' }));
  const json = it.lease(shell(`echo noise; echo '{"outcome":"skipped","output":{"x":1}}'`, { parse: 'json' }));
  const a = await it.result(junit);
  assert.equal(a.outcome, 'failed');
  assert.match(a.error.message, /b: broken/);
  assert.deepEqual(a.result.counts, { passed: 1, failed: 1, skipped: 0, flaky: 0 });
  assert.deepEqual(it.eventsOf(junit, 'run.case').map((e) => e.data.status), ['passed', 'failed']);
  const b = await it.result(tap);
  assert.equal(b.outcome, 'passed');
  assert.equal(b.result.counts.skipped, 1);
  const c = await it.result(json);
  assert.equal(c.outcome, 'skipped');
  assert.deepEqual(c.result.output, { x: 1 });
});

test('the http runner checks a response and tells connect from dns', async () => {
  const it = await server();
  worker(it.url, { capacity: 3 });
  const shop = require('node:http').createServer((req, res) => {
    res.setHeader('x-shop', 'open');
    res.end(JSON.stringify({ status: 'ok', n: 3, path: req.url, method: req.method }));
  });
  await new Promise((resolve) => shop.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => { shop.closeAllConnections(); shop.close(); });
  const url = `http://127.0.0.1:${shop.address().port}`;
  const good = it.lease({ kind: 'http', request: `GET ${url}/health`, expect: { status: '2xx',
    headers: { 'X-Shop': { matches: '^op' } }, json: { '/status': 'ok', '/n': { min: 3 } }, within: '10s' } });
  const bad = it.lease({ kind: 'http', request: { method: 'POST', url, json: { a: 1 } },
    expect: { json: { '/status': 'down' } } });
  const dead = net.createServer();
  await new Promise((resolve) => dead.listen(0, '127.0.0.1', resolve));
  const port = dead.address().port;
  await new Promise((resolve) => dead.close(resolve));
  const refused = it.lease({ kind: 'http', request: `http://127.0.0.1:${port}/` });
  const unknown = it.lease({ kind: 'http', request: 'http://name.invalid/' });
  const a = await it.result(good);
  assert.equal(a.outcome, 'passed', JSON.stringify(a));
  assert.equal(it.eventsOf(good, 'run.step').length, 5);
  assert.equal(a.result.output.status, 200);
  const b = await it.result(bad);
  assert.equal(`${b.outcome} ${b.reason}`, 'failed assertion');
  assert.equal(b.error.actual, 'ok');
  assert(it.artifacts.has(`${bad}/response`));
  assert.equal((await it.result(refused)).reason, 'connect');
  const d = await it.result(unknown);
  assert.equal(`${d.outcome} ${d.reason}`, 'errored dns');
});

// A runner in JavaScript that does what its test's `script` says, in the playwright runner's place.
const RUNNER = `
const fs = require('node:fs');
let rest = '';
const send = (m) => fs.writeSync(4, JSON.stringify(m) + '\\n');
require('node:net').Socket({ fd: 3 }).on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    if (message.type === 'hello') send({ type: 'ready', version: 1, kinds: ['playwright'], name: 'fake' });
    else if (message.type === 'run') new Function('m', 'send', 'fs', 'require', message.test.script)(message, send, fs, require);
    else if (message.type === 'bye') process.exit(0);
  }
}).on('end', () => process.exit(0));
`;

function scriptedRunner() {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'playwright/node_modules/@playwright/test'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'playwright/node_modules/@playwright/test/package.json'), '{}');
  fs.writeFileSync(path.join(dir, 'playwright/runner.js'), RUNNER);
  return { WITH_PLAYWRIGHT: '1', PROCTOR_RUNNERS_DIR: dir, PROCTOR_CHROMIUM: '/bin/true' };
}

const script = (text) => ({ name: 's', kind: 'playwright', script: text });
const DONE = "send({ type: 'result', run: m.run, outcome: 'passed' });";

test('artifacts: files and trees are kept, what lies outside is not', async () => {
  const it = await server();
  worker(it.url, { env: scriptedRunner() });
  const run = it.lease(script(`
    const a = m.artifacts;
    const say = (name, path, more) => send({ type: 'artifact', run: m.run, name, path, contentType: '', kind: 'file', ...more });
    fs.writeFileSync(a + '/a b.png', 'picture');
    say('shots/a b.png', 'a b.png', { contentType: 'image/png', kind: 'screenshot', case: 'c 1' });
    fs.mkdirSync(a + '/report/data', { recursive: true });
    fs.writeFileSync(a + '/report/index.html', '<p>');
    fs.writeFileSync(a + '/report/data/x.json', '{}');
    fs.symlinkSync('/etc/passwd', a + '/report/passwd');
    say('report', 'report', { kind: 'report' });
    fs.symlinkSync('/etc/passwd', a + '/leak'); say('leak', 'leak');
    say('up', '../output.log'); say('abs', '/etc/passwd'); say('../bad', 'a b.png'); say('none', 'none');
    require('node:child_process').execFileSync('mkfifo', [a + '/pipe']); say('pipe', 'pipe');
    fs.writeFileSync(a + '/big', ''); fs.truncateSync(a + '/big', 600 * 1048576); say('big', 'big');
    ${DONE}`));
  const result = await it.result(run);
  assert.equal(result.outcome, 'passed');
  const kept = [...it.artifacts.keys()].map((key) => key.slice(run.length + 1)).sort();
  assert.deepEqual(kept, ['report/data/x.json', 'report/index.html', 'shots/a b.png']);
  const shot = it.artifacts.get(`${run}/shots/a b.png`);
  assert.deepEqual(shot.query, { fence: '1', kind: 'screenshot', case: 'c 1' });
  assert.equal(shot.type, 'image/png');
  assert.equal(it.artifacts.get(`${run}/report/index.html`).type, 'text/html; charset=utf-8');
  assert.equal(result.result.warnings.length, 7);
  assert.equal(it.eventsOf(run, 'run.warning').length, 7);
});

test('an upload is tried again, the result waits for it', async () => {
  const it = await server();
  worker(it.url, { env: scriptedRunner() });
  const run = it.lease(script(`fs.writeFileSync(m.artifacts + '/f', 'x'.repeat(3000000));
    send({ type: 'artifact', run: m.run, name: 'f', path: 'f', contentType: 'text/plain', kind: 'file' }); ${DONE}`));
  it.answerNext.push(undefined, 503, 0, 503);
  assert.equal((await it.result(run)).outcome, 'passed');
  assert.equal(it.artifacts.get(`${run}/f`).body.length, 3000000);
});

test('a runner that breaks the protocol or ends early is to blame', async () => {
  const it = await server();
  worker(it.url, { capacity: 4, env: scriptedRunner() });
  const runs = {
    'protocol_error garbage': it.lease(script("fs.writeSync(4, 'hello?\\n');")),
    'protocol_error type': it.lease(script("send({ type: 'dance', run: m.run });")),
    'protocol_error long': it.lease(script("fs.writeSync(4, 'x'.repeat(60000)); fs.writeSync(4, 'x'.repeat(60000)); const t = 'x'.repeat(60000); for (let i = 0; i < 5; i++) fs.writeSync(4, t);")),
    'protocol_error outcome': it.lease(script("send({ type: 'result', run: m.run, outcome: 'great' });")),
    'runner_exited status': it.lease(script('process.exit(7);')),
    'runner_exited signal': it.lease(script("process.kill(process.pid, 'SIGKILL');")),
    'runner_exited closed': it.lease(script('fs.closeSync(4); setInterval(() => {}, 1000);')),
  };
  for (const [name, run] of Object.entries(runs)) {
    const { outcome, reason, error } = await it.result(run);
    assert.equal(`${outcome} ${reason}`, `errored ${name.split(' ')[0]}`, name);
    if (name.endsWith('status')) assert.match(error.message, /status 7/);
  }
  const late = it.lease(script(`${DONE} ${DONE} send({ type: 'log', run: m.run, text: 'late' });`));
  assert.equal((await it.result(late)).outcome, 'passed');
});

test('a result that the server would refuse is made acceptable', async () => {
  const it = await server();
  worker(it.url, { env: scriptedRunner() });
  const run = it.lease(script(`const long = 'x'.repeat(50000);
    send({ type: 'result', run: m.run, outcome: 'failed', reason: long, error: { message: long, stack: long, snippet: long } });`));
  const result = await it.result(run);
  assert.equal(result.outcome, 'failed');
  assert.equal(result.reason.length, 100);
  assert(JSON.stringify(result.error).length < 65536);
  const deep = it.lease(script(`const output = JSON.parse('['.repeat(60) + ']'.repeat(60));
    send({ type: 'result', run: m.run, outcome: 'passed', output });`));
  assert.equal((await it.result(deep)).reason, 'protocol_error');
});

test('a prepared runner that dies before it gets a run is replaced', async () => {
  const it = await server();
  const child = worker(it.url, { env: scriptedRunner() });
  assert.equal((await it.result(it.lease(script(DONE)))).outcome, 'passed');
  await it.until(() => true);
  const prepared = await new Promise((resolve) => {
    const look = () => {
      const pids = marked(child.data).filter((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('node') ||
        /runner\.js\0$/.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')) && !/shepherd/.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')));
      if (pids.length) resolve(pids[0]); else setImmediate(look);
    };
    look();
  });
  const run = it.lease(script(DONE));
  process.kill(prepared, 'SIGKILL');
  assert.equal((await it.result(run)).outcome, 'passed');
});

test('messages of a run become events', async () => {
  const it = await server();
  worker(it.url, { env: scriptedRunner() });
  const run = it.lease(script(`
    send({ type: 'started', run: m.run, total: 2 });
    send({ type: 'case', run: m.run, id: 'a', title: 'a', path: ['f'], status: 'running', attempt: 1 });
    send({ type: 'step', run: m.run, case: 'a', title: 'click', status: 'passed', durationMs: 3 });
    for (let i = 0; i < 200; i++) send({ type: 'progress', run: m.run, percent: i / 2 });
    send({ type: 'log', run: m.run, level: 'warn', text: 'careful' });
    send({ type: 'step', run: m.run, title: 'big', status: 'failed', error: { message: 'm', stack: 'x'.repeat(100000) } });
    send({ type: 'result', run: m.run, outcome: 'failed', reason: 'assertion', error: { message: 'no', file: 'f', line: 3 },
      counts: { passed: 1, failed: 1 }, timings: { a: 1.5 }, warnings: ['w'] });`),
  { target: 'chromium', iteration: 2, attempt: 3, config: { c: 1 }, params: { p: 1 } });
  const result = await it.result(run);
  assert.deepEqual(result.error, { message: 'no', file: 'f', line: 3 });
  assert.deepEqual(result.result, { counts: { passed: 1, failed: 1 }, timings: { a: 1.5 }, warnings: ['w'] });
  assert.deepEqual(it.eventsOf(run, 'run.started')[0].data, { total: 2 });
  assert.equal(it.eventsOf(run, 'run.case')[0].data.status, 'running');
  const [click, big] = it.eventsOf(run, 'run.step');
  assert.deepEqual(click.data, { case: 'a', title: 'click', status: 'passed', durationMs: 3 });
  assert.equal(big.data.error.stack, undefined);
  assert(it.eventsOf(run, 'run.progress').length <= 3);
  assert.deepEqual(it.eventsOf(run, 'run.log')[0].data, { level: 'warn', text: 'careful' });
});

test('a stop is asked, then enforced; a program that ignores SIGTERM dies all the same', async () => {
  const it = await server();
  worker(it.url, { grace: 300 });
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell(`trap "" TERM; echo up; while :; do sleep 1; done`, { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  assert(marked(mark).length > 0);
  it.direct({ run, fence: 1, do: 'stop', reason: 'asked' });
  const result = await it.result(run);
  assert.equal(`${result.outcome} ${result.reason}`, 'cancelled asked');
  await gone(mark);
});

test('a time limit ends a run', async () => {
  const it = await server();
  worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell('sleep 1000', { env: { MARK: mark } }), { timeoutMs: 300 });
  const result = await it.result(run);
  assert.equal(`${result.outcome} ${result.reason}`, 'timed_out timeout');
  await gone(mark);
});

const NASTY = `
  trap "" TERM INT HUP
  setsid sh -c 'trap "" TERM; (setsid sleep 1000 &) ; sleep 1000' &
  (setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' > /dev/null 2>&1 < /dev/null &)
  env -i MARK=$MARK setsid sleep 1000 &
  i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done
  echo up
`;

test('whatever a finished run started is gone, double-forked and in sessions of its own', async () => {
  const it = await server();
  const child = worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell(`${NASTY} exit 0`, { env: { MARK: mark } }));
  assert.equal((await it.result(run)).outcome, 'passed');
  assert.deepEqual(marked(mark), []); // already when the result arrives
  const next = it.lease(shell('echo again; ls -A'));
  assert.equal((await it.result(next)).outcome, 'passed');
  assert.equal(it.artifacts.get(`${next}/output.log`).body.toString(), 'again\n');
  assert.equal(folders(child.data).length, 1);
});

test('a fork bomb of modest size is outrun', async () => {
  const it = await server({ leaseMs: 1500 });
  worker(it.url, { grace: 200 });
  const mark = `mark-${crypto.randomUUID()}`;
  const bomb = 'f() { sleep 0.01; [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)) & }; while :; do sleep 0.05; done; }; f 6';
  const run = it.lease(shell(`echo up; ${bomb}`, { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  it.direct({ run, fence: 1, do: 'drop', reason: 'lost' });
  await it.until(() => it.polls.at(-1).claim && it.polls.at(-1).holds.length === 0);
  await gone(mark);
  assert.equal(it.results.length, 0);
});

test('a run that fills the disk is stopped', async () => {
  const it = await server();
  const child = worker(it.url, { disk: 8 << 20 });
  const many = it.lease(shell('i=0; while :; do head -c 1000000 /dev/zero > f$i; i=$((i+1)); sleep 0.01; done'));
  const one = it.lease(shell('exec cat /dev/zero > big'));
  const a = await it.result(many);
  assert.equal(`${a.outcome} ${a.reason}`, 'errored limit_disk');
  const b = await it.result(one);
  assert.equal(`${b.outcome} ${b.reason}`, 'errored limit_disk');
  assert.equal(folders(child.data).length, 1);
});

test('a flood of output is cut, then stopped', async () => {
  const it = await server();
  worker(it.url);
  const cut = it.lease(shell('head -c 20000000 /dev/zero | tr "\\0" "x" | fold -w 100'));
  const a = await it.result(cut);
  assert.equal(a.outcome, 'passed');
  const log = it.artifacts.get(`${cut}/output.log`).body;
  assert(log.length > (8 << 20) && log.length < (8 << 20) + 200, `${log.length} bytes`);
  assert.equal(it.eventsOf(cut, 'run.log').length, 2000);
  const flood = it.lease(shell('yes'));
  const b = await it.result(flood);
  assert.equal(`${b.outcome} ${b.reason}`, 'errored limit_log');
});

test('kill -9 of the worker leaves no process and no run folder', async () => {
  const it = await server();
  const child = worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell(`${NASTY} while :; do sleep 1000; done`, { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  assert(marked(mark).length > 30);
  child.kill('SIGKILL');
  await child.ended;
  await gone(mark);
  await gone(child.data);
  await it.until(() => !it.parked, 'the end of its poll');
  const again = worker(it.url, { data: child.data });
  const next = it.lease(shell('true'));
  assert.equal((await it.result(next)).outcome, 'passed');
  assert.equal(folders(again.data).length, 1); // the dead one's is gone
});

test('kill -9 of the shepherd, by the test itself, leaves nothing either', async () => {
  const it = await server();
  worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  // $PPID is the runner; its parent is the shepherd.
  const run = it.lease(shell(`${NASTY} kill -9 $(cut -d" " -f4 /proc/$PPID/stat); sleep 1000`, { env: { MARK: mark } }));
  const result = await it.result(run);
  assert.equal(`${result.outcome} ${result.reason}`, 'errored runner_exited');
  assert.deepEqual(marked(mark), []);
  const next = it.lease(shell('true'));
  assert.equal((await it.result(next)).outcome, 'passed');
});

test('kill -9 of worker and shepherd at once: the next worker cleans up', async () => {
  const it = await server();
  const child = worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell('setsid sh -c "trap : TERM; while :; do sleep 1000; done" & echo up; wait', { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  const shepherds = marked('runner-shepherd').filter((pid) => marked(child.data).includes(pid));
  process.kill(child.pid, 'SIGKILL');
  for (const pid of shepherds) process.kill(pid, 'SIGKILL');
  await child.ended;
  await it.until(() => !it.parked, 'the end of its poll');
  worker(it.url, { data: child.data });
  const next = it.lease(shell('true'));
  assert.equal((await it.result(next)).outcome, 'passed');
  await gone(mark);
});

test('SIGTERM gives unfinished runs back and leaves nothing', async () => {
  const it = await server();
  const child = worker(it.url, { grace: 300 });
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell(`${NASTY} sleep 1000`, { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  child.kill('SIGTERM');
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.deepEqual(it.returned, [run]);
  assert.equal(it.results.length, 0);
  assert.deepEqual(marked(mark), []);
  assert.deepEqual(folders(child.data), []);
});

test('a run that ends in the grace time of a drain is reported', async () => {
  const it = await server();
  const child = worker(it.url, { grace: 10000 });
  const run = it.lease(shell('echo up; while [ ! -e go ]; do sleep 0.01; done'));
  await it.event(run, 'run.log');
  it.direct({ do: 'drain' });
  await it.until(() => it.polls.at(-1).capacity === 0, 'a draining poll');
  const dir = fs.readdirSync(path.join(child.data, 'worker', folders(child.data)[0])).find((n) => /^\d+$/.test(n));
  fs.writeFileSync(path.join(child.data, 'worker', folders(child.data)[0], dir, 'run', 'go'), '');
  assert.equal((await it.result(run)).outcome, 'passed');
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});

test('the end of stdin ends everything at once', async () => {
  const it = await server();
  const child = worker(it.url, { grace: 60000 });
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell(`${NASTY} sleep 1000`, { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  child.stdin.end();
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  await gone(mark);
  assert.deepEqual(folders(child.data), []);
});

test('results survive a server that is away; events keep their order', async () => {
  const it = await server();
  worker(it.url);
  const run = it.lease(shell('for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.05; done'));
  await it.event(run, 'run.log');
  it.answerNext.push(503, 0, 500, 0, 503, 429);
  const result = await it.result(run);
  assert.equal(result.outcome, 'passed', JSON.stringify(result));
  assert.equal(it.eventsOf(run, 'run.log').length, 9); // FakeServer checks that none is missing
});

test('a run that comes after an idle time longer than a lease is carried out', async () => {
  const it = await server({ leaseMs: 400 });
  const child = worker(it.url);
  await it.until(() => it.parked, 'a parked poll');
  await new Promise((resolve) => setTimeout(resolve, 900)); // the idle time is the point
  const run = it.lease(shell('sleep 0.6; echo done')); // also longer than a lease
  assert.equal((await it.result(run)).outcome, 'passed');
  assert(!child.log().includes('lease_ended'), child.log());
});

test('a lease without contact ends the runs', async () => {
  const it = await server({ leaseMs: 600 });
  worker(it.url);
  const mark = `mark-${crypto.randomUUID()}`;
  const run = it.lease(shell('echo up; sleep 1000', { env: { MARK: mark } }));
  await it.event(run, 'run.log');
  await it.close();
  await gone(mark);
});

test('a bundle is fetched once, checked, unpacked for each run', async () => {
  const it = await server();
  worker(it.url, { capacity: 2 });
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'hello.txt'), 'from the bundle');
  fs.symlinkSync('hello.txt', path.join(dir, 'link.txt'));
  const bytes = execFileSync('tar', ['-C', dir, '-cz', '.'], { maxBuffer: 1 << 24 });
  const hex = crypto.createHash('sha256').update(bytes).digest('hex');
  it.bundles.set(hex, bytes);
  const check = shell('test "$(cat link.txt)" = "from the bundle" && rm -f hello.txt', { bundle: `sha256:${hex}` });
  for (const run of [it.lease(check), it.lease(check), it.lease(check)])
    assert.equal((await it.result(run)).outcome, 'passed');
  it.bundles.clear();
  assert.equal((await it.result(it.lease(check))).outcome, 'passed'); // from the cache
  const missing = await it.result(it.lease(shell('true', { bundle: `sha256:${'0'.repeat(64)}` })));
  assert.equal(`${missing.outcome} ${missing.reason}`, 'errored bundle');
});

test('what a power cut left of a bundle is fetched again', async () => {
  const it = await server();
  const data = scratch();
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'hello.txt'), 'whole');
  const bytes = execFileSync('tar', ['-C', dir, '-cz', '.'], { maxBuffer: 1 << 24 });
  const hex = crypto.createHash('sha256').update(bytes).digest('hex');
  const cache = path.join(data, 'worker', 'cache', 'bundles');
  fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(cache, hex), bytes.subarray(0, bytes.length / 2));
  it.bundles.set(hex, bytes);
  worker(it.url, { data });
  const check = shell('test "$(cat hello.txt)" = whole', { bundle: `sha256:${hex}` });
  const run = it.lease(check), other = it.lease(check);
  assert.equal((await it.result(run)).outcome, 'passed');
  assert.equal((await it.result(other)).outcome, 'passed');
  assert(fs.readFileSync(path.join(cache, hex)).equals(bytes));
  assert.deepEqual(fs.readdirSync(cache), [hex]);
});

test('a whole bundle of an earlier process is not fetched again', async () => {
  const it = await server();
  const data = scratch();
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'hello.txt'), 'whole');
  const bytes = execFileSync('tar', ['-C', dir, '-cz', '.'], { maxBuffer: 1 << 24 });
  const hex = crypto.createHash('sha256').update(bytes).digest('hex');
  const cache = path.join(data, 'worker', 'cache', 'bundles');
  fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(cache, hex), bytes);
  worker(it.url, { data });
  const run = it.lease(shell('test "$(cat hello.txt)" = whole', { bundle: `sha256:${hex}` }));
  assert.equal((await it.result(run)).outcome, 'passed');
});

test('a refused token is an error at once', async () => {
  const it = await server({ token: 'another' });
  const child = worker(it.url);
  assert.deepEqual(await child.ended, { code: 3, signal: null });
  assert(!child.log().includes('secret-of-the-test'));
});

test('fifty runs in a row through warm runners', async () => {
  const it = await server();
  worker(it.url, { capacity: 2 });
  const runs = Array.from({ length: 50 }, (_, i) => it.lease(shell(`echo ${i} > f; test $(ls | wc -l) = 1`)));
  for (const run of runs) assert.equal((await it.result(run)).outcome, 'passed');
});

// --- browsers: warm runners that keep their children; the runner is a stand-in ---

const BROWSER = { WITH_BROWSER: '1', PROCTOR_CHROMIUM: '/bin/sleep' };
const browser = (what, more = {}) => ({ name: 't', kind: 'browser', do: what, ...more });
const JOB = '0193aaaa-0000-7000-8000-000000000001';

async function browsed(it, test, extra) {
  const result = await it.result(it.lease(test, extra));
  assert.equal(result.outcome, 'passed', JSON.stringify(result));
  return result.result.output;
}

test('a browser and its profile stay warm between runs, a run\'s folder does not', async () => {
  const it = await server();
  const mark = `warm-${crypto.randomUUID()}`;
  const child = worker(it.url, { capacity: 1, env: BROWSER });
  const first = await browsed(it, browser('pass', { mark }));
  const second = await browsed(it, browser('pass', { mark }));
  assert.deepEqual([first.hadProfile, first.hasFolder], [false, false]);
  assert.deepEqual([second.hadProfile, second.hasFolder], [true, false]);
  assert.deepEqual([second.runner, second.browser], [first.runner, first.browser]);
  assert.equal(marked(mark).length, 1);
  child.stdin.end();
  await child.ended;
  await gone(mark);
  assert.deepEqual(folders(child.data), []);
});

test('kill -9 of the worker, or of the runner, takes the warm browser along', async () => {
  const it = await server();
  const mark = `killed-${crypto.randomUUID()}`;
  const child = worker(it.url, { capacity: 1, env: BROWSER });
  const first = await browsed(it, browser('pass', { mark }));
  process.kill(first.runner, 'SIGKILL');
  await gone(mark);
  const second = await browsed(it, browser('pass', { mark }));
  assert.notEqual(second.browser, first.browser);
  child.kill('SIGKILL');
  await child.ended;
  await gone(mark);
});

test('a warm runner that dies before the test has begun is no end of the run', async () => {
  const it = await server();
  worker(it.url, { capacity: 1, env: BROWSER });
  const first = await browsed(it, browser('pass'));
  const second = await browsed(it, browser('die unless new'));
  assert.notEqual(second.runner, first.runner);
  // A new one that dies of it says something about the run.
  const end = await it.result(it.lease(browser('die')));
  assert.deepEqual([end.outcome, end.reason], ['errored', 'runner_exited']);
});

test('a run goes to the runner that served its connection last', async () => {
  const it = await server();
  worker(it.url, { capacity: 3, env: BROWSER });
  const at = (group, connection, job = JOB) => ({ job, group, connection });
  const places = [[0, 1], [0, 2], [1, 1]];
  const busy = places.map(([g, c]) => it.lease(browser('show'), at(g, c)));
  for (const run of busy) await it.event(run, 'run.started');
  for (const run of busy) it.direct({ run, fence: 1, do: 'watch' });
  for (const run of busy) await it.until(() => it.frames.find((f) => f.run === run), 'a picture');
  it.looks = false; // all three end now, each in a runner of its own
  for (const run of busy) await it.result(run);
  const home = {};
  for (const [g, c] of places)
    home[`${g}/${c}`] = (await browsed(it, browser('pass'), at(g, c))).runner;
  assert.equal(new Set(Object.values(home)).size, 3);
  for (const [g, c] of [...places].reverse())
    assert.equal((await browsed(it, browser('pass'), at(g, c))).runner, home[`${g}/${c}`]);
  // Another job takes any of them and starts none.
  const other = await browsed(it, browser('pass'), at(0, 9, '0193aaaa-0000-7000-8000-000000000002'));
  assert(Object.values(home).includes(other.runner));
});

test('where memory is short an idle browser leaves, a busy one stays', async () => {
  const it = await server();
  const mark = `short-${crypto.randomUUID()}`;
  const busy = `busy-${crypto.randomUUID()}`;
  const child = worker(it.url, { capacity: 2, env: { ...BROWSER, MEMORY_IS_SHORT: '1' } });
  const run = it.lease(browser('wait', { mark: busy }));
  await it.event(run, 'run.started');
  await browsed(it, browser('pass', { mark }));
  await gone(mark);
  await child.logged(/runner.memory/);
  assert.equal(marked(busy).length, 1);
  it.direct({ run, fence: 1, do: 'stop', reason: 'enough' });
  await it.result(run);
});

test('what a grouped job says reaches the runner', async () => {
  const it = await server();
  worker(it.url, { capacity: 1, env: BROWSER });
  const group = { name: 'phone', browser: 'chromium', config: { mobile: true } };
  const ctx = { job: { token: 'x' }, fixture: { cart: 3 } };
  const output = await browsed(it, browser('pass'),
    { browser: group, role: 'before_fixture', connection: 2, group: 1, ctx });
  assert.deepEqual([output.group, output.role, output.connection, output.ctx],
    [group, 'before_fixture', 2, ctx]);
});

test('a lost browser is reported as lost; after three in a row the runner is replaced', async () => {
  const it = await server();
  worker(it.url, { capacity: 1, env: BROWSER });
  const lose = async () => {
    const { outcome, reason, error } = await it.result(it.lease(browser('lose')));
    assert.deepEqual([outcome, reason, error], ['lost', 'browser_disconnected', undefined]);
  };
  const first = await browsed(it, browser('pass'));
  await lose();
  await lose();
  assert.equal((await browsed(it, browser('pass'))).runner, first.runner); // a finished run between
  for (let i = 0; i < 3; i++) await lose();
  assert.notEqual((await browsed(it, browser('pass'))).runner, first.runner);
});

test('a run that does not begin in its time is errored and its runner killed', async () => {
  const it = await server();
  const child = worker(it.url, { capacity: 2, env: BROWSER });
  const slow = it.lease(browser('hang'), { startTimeoutMs: 300 });
  const begun = it.lease(browser('wait'), { startTimeoutMs: 300, timeoutMs: 2000 });
  const { outcome, reason } = await it.result(slow);
  assert.deepEqual([outcome, reason], ['errored', 'start_timeout']);
  assert.equal((await it.result(begun)).outcome, 'timed_out'); // it had begun: its own limit
  assert.equal((await browsed(it, browser('pass'))).hadProfile, true);
  child.stdin.end();
  await child.ended;
  assert.deepEqual(folders(child.data), []);
});

test('a kind whose browser does not start is withdrawn for a while', async () => {
  const it = await server();
  const child = worker(it.url, { capacity: 1, env: BROWSER });
  await it.until(() => it.polls.find((p) => p.kinds.includes('browser')), 'the kind');
  for (let i = 0; i < 3; i++) {
    const { outcome, reason } = await it.result(it.lease(browser('start fails')));
    assert.deepEqual([outcome, reason], ['errored', 'browser_start']);
  }
  await it.until(() => it.polls.find((p) => !p.kinds.includes('browser')), 'a poll without the kind');
  await child.logged(/worker.kind_withdrawn/);
  // One that was leased before the server heard of it goes back; others are carried out.
  const late = it.lease(browser('pass'));
  await it.until(() => it.returned.includes(late), 'the return of the run');
  assert.equal((await it.result(it.lease(shell('true')))).outcome, 'passed');
  // Then it is offered again. The poll that waits has to say so: an older one may arrive late.
  await it.until(() => it.parked?.poll.kinds.includes('browser'), 'the kind again');
  await browsed(it, browser('pass'));
});

test('pictures are sent while somebody looks: ten a second, newest first, then none', async () => {
  const it = await server();
  worker(it.url, { capacity: 2, env: BROWSER });
  const quiet = it.lease(browser('show'), { timeoutMs: 20000 });
  const run = it.lease(browser('show'));
  await it.event(run, 'run.started');
  await it.event(quiet, 'run.started');
  const began = Date.now();
  it.direct({ run, fence: 1, do: 'watch' });
  await it.until(() => it.frames.length >= 5, 'pictures');
  const took = Date.now() - began;
  assert(took >= 390, `5 pictures in ${took} ms`);
  for (const frame of it.frames) {
    assert.equal(frame.run, run);
    assert.equal(frame.type, 'image/jpeg');
    assert.deepEqual(frame.query, { fence: '1', width: '640', height: '480' });
    assert.equal(frame.body.toString('latin1'), '\xff\xd8picture\xff\xd9');
  }
  await it.until(() => it.polls.some((p) => p.holds.some((h) => h.run === run && h.watching === true)),
    'a poll that says so');
  it.looks = false;
  assert.equal((await it.result(run)).outcome, 'passed'); // the runner heard that nobody looks
  assert.deepEqual(it.eventsOf(run, 'run.step').map((e) => e.data.title), ['screen on', 'screen off']);
  assert.equal(it.eventsOf(quiet, 'run.step').length, 0);
  it.direct({ run: quiet, fence: 1, do: 'stop', reason: 'enough' });
  await it.result(quiet);
});
