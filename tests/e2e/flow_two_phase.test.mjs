// SPDX-License-Identifier: Apache-2.0
/*
 * examples/two-phase as people use it: with its services, a browser before and after the wait, and
 * exit statuses that tell apart what went wrong. Then the same while server and worker are killed.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { bin, freePort, root, Server, temporary, until, Worker } from './helper.mjs';

const example = path.join(root, 'examples/two-phase');
const missing = ['/usr/bin/redis-server', '/usr/bin/celery', '/usr/bin/chromium-headless-shell']
	.filter((file) => !existsSync(file));
const skip = missing.length > 0 && `not installed: ${missing}`;

/* One command; its exit status and what it said. */
function proctor(args, env = {}) {
	return new Promise((resolve) => {
		execFile(bin, args, {
			timeout: 120000,
			env: { ...process.env, PROCTOR_URL: '', PROCTOR_TOKEN: '', PROCTOR_DATA: '', ...env },
		}, (error, stdout, stderr) => resolve({ code: error ? error.code ?? error.signal : 0, stdout, stderr }));
	});
}

async function runExample(t, params) {
	const port = await freePort();

	return proctor(['flow', 'run', example, '--data', temporary(t), '--junit', path.join(temporary(t), 'r.xml'),
		...Object.entries({ port, ...params }).flatMap(([name, value]) => ['--param', `${name}=${value}`])]);
}

test('it passes', { skip }, async (t) => {
	const { code, stdout, stderr } = await runExample(t, { seconds: 1 });

	assert.equal(code, 0, stdout + stderr);
	assert.match(stdout, /done +look \d+: 200 {2}"SUCCESS" {2}satisfied/);
	assert.match(stdout, /validate +succeeded/);
});

test('a task that fails at once: 11', { skip }, async (t) => {
	const { code, stdout, stderr } = await runExample(t, { seconds: 0, outcome: 'failure' });

	assert.equal(code, 11, stdout + stderr);
	assert.match(stdout, /validate +skipped/);
});

test('a task that never ends: 12', { skip }, async (t) => {
	const { code, stdout, stderr } = await runExample(t, { outcome: 'never', patience: '2s' });

	assert.equal(code, 12, stdout + stderr);
});

/* The application by itself, for longer than one command. */
async function application(t) {
	const port = await freePort();
	const child = spawn('/usr/bin/python3', [path.join(example, 'start.py'), '--port', String(port)],
		{ stdio: ['ignore', 'pipe', 'pipe'] });
	let said = '';

	child.stderr.on('data', (text) => { said += text; });
	child.stdout.resume();
	t.after(() => new Promise((resolve) => {
		child.on('exit', resolve);
		child.kill('SIGTERM');
	}));
	const url = `http://127.0.0.1:${port}`;

	await until('the application is ready', 30000, async () => {
		assert.equal(child.exitCode, null, said);
		return (await fetch(`${url}/healthz`).catch(() => null))?.ok;
	});
	return url;
}

/* A task that the test itself starts and ends: the wait lasts as long as it wants. */
const waitsFor = (url) => ({
	name: 'killed', stages: [
		{ name: 'prepare', run: { name: 'prepare', tests: [{ name: 'prepare', kind: 'command', parse: 'json',
			argv: ['/usr/bin/python3', '-c', 'import json,sys,urllib.request as u\n' +
				'r=u.Request(sys.argv[1]+"/tasks",json.dumps({"seconds":float(sys.argv[2])}).encode(),{"content-type":"application/json"})\n' +
				'print(json.dumps({"outcome":"passed","output":json.load(u.urlopen(r))}))', url, '4'] }] } },
		{ name: 'done', timeout: '60s', wait: { http: {
			request: `GET ${url}/tasks/\${{ stages.prepare.results.id }}`, select: '/state',
			until: '. == "SUCCESS"', failIf: '. in ["FAILURE", "REVOKED"]', interval: { every: 200, max: 500 },
		} } },
		{ name: 'validate', run: { name: 'validate', tests: [{ name: 'validate', kind: 'command',
			argv: ['test', '${{ stages.done.value }}', '=', 'SUCCESS'] }] } },
	],
});

const stateOf = (flow, stage) => flow.stages.find((one) => one.name === stage).state;

test('server and worker are killed during the wait: nothing changes but time', { skip }, async (t) => {
	const url = await application(t);
	const data = temporary(t), port = await freePort(), args = ['--lease', '1s'];
	let server = await Server.start(t, { data, port, args });
	let worker = Worker.start(t, server);
	const { id } = await server.api.post('/jobs', waitsFor(url));
	const other = await server.api.post('/jobs', waitsFor(url));

	await until('both wait', 30000, async () => {
		const flows = await Promise.all([id, other.id].map((one) => server.api.get(`/flow-runs/${one}`)));

		return flows.every((flow) => stateOf(flow, 'done') === 'running');
	});
	await Promise.all([server.kill(), worker.kill()]);
	server.api.close();
	server = await Server.start(t, { data, port, args });
	worker = Worker.start(t, server);
	for (const one of [id, other.id]) {
		const flow = await until('the flow ends', 60000, async () => {
			const now = await server.api.get(`/flow-runs/${one}`);

			return ['completed', 'failed', 'stopped', 'invalid'].includes(now.status) && now;
		});

		assert.equal(flow.status, 'completed', JSON.stringify(flow.stages));
		assert.deepEqual((await server.api.get(`/jobs?parent=${one}&sort=createdAt`)).items
			.map((job) => [job.stage, job.stageAttempt]), [['prepare', 1], ['validate', 1]]);
		const looks = (await server.api.get(`/flow-runs/${one}/observations?limit=1000`)).items;

		assert.deepEqual(looks.map((look) => look.data.n), looks.map((_, i) => i + 1));
	}
	const [first, second] = await Promise.all([id, other.id].map((one) => server.api.get(`/flow-runs/${one}`)));

	assert.notEqual(first.stages[0].results.id, second.stages[0].results.id);
});
