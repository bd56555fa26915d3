// SPDX-License-Identifier: Apache-2.0
/*
 * Tests that do their worst: they fork, fork twice, leave their session, ignore SIGTERM and fill
 * the disk. Whatever ends them, nothing of them is left: no process, no file.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import {
	describe, processesWith, Server, temporary, until, Worker, workerRemains,
} from './helper.mjs';

const GONE_MS = 15000;
const KINDS = ['child', 'grandchild', 'session', 'ignores', 'closed', 'filler', 'main'];

/* Each of them says that it is there and then stays; $1 is where, and what to find them by. */
const script = `
here=$1
stay() { : > "$here/$1"; while :; do sleep 1; done; }
stay child &
( ( stay grandchild ) & )
setsid sh -c ': > "$1/session"; while :; do sleep 1; done' session "$here" &
sh -c 'trap "" TERM INT HUP; : > "$1/ignores"; while :; do sleep 1; done' ignores "$here" &
setsid sh -c 'exec 0<&- 1>&- 2>&-; trap "" TERM HUP; : > "$1/closed"; while :; do sleep 1; done' \
	closed "$here" &
( : > "$here/filler"; while :; do head -c 65536 /dev/zero >> fill.$$; sleep 0.01; done ) &
trap "" TERM INT
: > "$here/main"
while :; do sleep 1; done
`;

async function setUp(t) {
	const dir = temporary(t);
	const here = path.join(dir, 'here');
	const workerData = path.join(dir, 'worker');

	mkdirSync(here);
	const server = await Server.start(t, { args: ['--lease', '2s'] });
	const worker = Worker.start(t, server, {
		data: workerData, args: ['--grace', '500ms', '--kind', 'command'],
	});

	return { here, server, worker, workerData };
}

function nasty(here, more = {}) {
	return {
		name: 'nasty',
		tests: [{ name: 'nasty', kind: 'command', argv: ['sh', '-c', script, 'sh', here] }],
		...more,
	};
}

async function allThere(here) {
	await until('all processes are there', 30000,
		() => KINDS.every((kind) => existsSync(path.join(here, kind))));
	assert.ok(processesWith(here).length >= KINDS.length, 'they can be found');
}

async function nothingLeft(here, workerData) {
	await until('no process is left', GONE_MS, () => processesWith(here).length === 0)
		.catch(() => assert.fail(`left: ${processesWith(here).map(describe).join('; ')}`));
	await until('no file is left', GONE_MS, () => filesOfRuns(workerData).length === 0)
		.catch(() => assert.fail(`left: ${filesOfRuns(workerData).join(' ')}`));
}

/*
 * Files below the workers' folders. A warm runner keeps its
 * folders and its log for the next run, the folders empty.
 */
function filesOfRuns(workerData) {
	const below = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
		const inner = path.join(dir, entry.name);

		return entry.isDirectory() ? below(inner) : [inner];
	});

	try {
		return workerRemains(workerData).flatMap(below)
			.filter((file) => !/\/(lock|\d+\/output\.log)$/.test(file));
	} catch (error) {
		if (error.code === 'ENOENT') return ['(going)'];
		throw error;
	}
}

test('stopped on request', { timeout: 90000 }, async (t) => {
	const { here, server, workerData } = await setUp(t);
	const { id } = await server.api.post('/jobs', nasty(here));

	await allThere(here);
	await server.api.post(`/jobs/${id}/stop`);
	await nothingLeft(here, workerData);
	assert.equal((await server.api.final(id)).status, 'stopped');
});

test('stopped by its time limit', { timeout: 90000 }, async (t) => {
	const { here, server, workerData } = await setUp(t);
	const { id } = await server.api.post('/jobs', nasty(here, { runTimeout: '3s' }));

	await allThere(here);
	const job = await server.api.final(id);

	assert.equal(job.status, 'failed');
	const [run] = await server.api.all(`/jobs/${id}/runs`);

	assert.equal(run.outcome, 'timed_out');
	await nothingLeft(here, workerData);
});

test('its main process ends by itself: the rest goes with it', { timeout: 90000 }, async (t) => {
	const { here, server, workerData } = await setUp(t);
	const job = nasty(here);

	/* The last lines stay for ever; instead it leaves with success once all are there. */
	job.tests[0].argv[2] = script.replace(/: > "\$here\/main"\nwhile[^\n]*\n$/,
		': > "$here/main"; while [ $(ls "$here" | wc -l) -lt 7 ]; do sleep 0.02; done; exit 0\n');
	const { id } = await server.api.post('/jobs', job);
	const done = await server.api.final(id);

	assert.equal(done.status, 'completed');
	await nothingLeft(here, workerData);
});

test('the worker is killed with -9', { timeout: 90000 }, async (t) => {
	const { here, server, worker, workerData } = await setUp(t);
	const { id } = await server.api.post('/jobs', nasty(here));

	await allThere(here);
	await worker.kill();
	await nothingLeft(here, workerData);
	await server.api.post(`/jobs/${id}/stop`);
	assert.equal((await server.api.final(id)).status, 'stopped');
});

test('the server is killed with -9: its local worker leaves with everything', { timeout: 90000 },
	async (t) => {
		const here = temporary(t);
		const server = await Server.start(t, { workers: 1 });

		await server.api.post('/jobs', nasty(here));
		await allThere(here);
		await server.kill();
		await nothingLeft(here, server.data);
		await until('the worker is gone', GONE_MS, () => processesWith(server.data).length === 0)
			.catch(() => assert.fail(
				`left: ${processesWith(server.data).map(describe).join('; ')}`));
	});

test('a test that fills the disk is stopped and cleaned up', { timeout: 90000 }, async (t) => {
	const { here, server, workerData } = await setUp(t);
	const probe = path.join(here, 'probe');
	const fill = 'for i in 1 2 3 4; do fallocate -l 400M f$i || exit 99; done; ' +
		': > "$1/filled"; sleep 60';

	writeFileSync(probe, '');
	const { id } = await server.api.post('/jobs', {
		name: 'filler', runTimeout: '40s',
		tests: [{ name: 'filler', kind: 'command', argv: ['sh', '-c', fill, 'sh', here] }],
	});
	const job = await server.api.final(id, 80000);
	const [run] = await server.api.all(`/jobs/${id}/runs`);

	if (/99/.test(JSON.stringify(run.error ?? ''))) {
		t.skip('this file system cannot allocate ahead');
		return;
	}
	assert.equal(job.status, 'failed');
	assert.equal(run.outcome, 'errored');
	assert.equal(run.reason, 'limit_disk');
	await nothingLeft(here, workerData);
});
