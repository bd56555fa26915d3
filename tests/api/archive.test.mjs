// SPDX-License-Identifier: Apache-2.0
/* Archives: what goes out comes in again as it was; what is no archive leaves nothing behind. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import { Server, assertProblem, commandTest, until, uuid7 } from './lib/server.mjs';
import { pack, unpack } from './lib/tar.mjs';
import { Worker } from './lib/worker.mjs';

let server;
let worker;

before(async () => {
	server = await Server.start();
	worker = new Worker(server);
});
after(() => server?.close());

const blobs = () => readdirSync(path.join(server.data, 'blobs'), { recursive: true, withFileTypes: true })
	.filter((entry) => entry.isFile()).length;
const status = async (id) => (await server.request('GET', `/jobs/${id}`)).status;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function putFile(lease, name, bytes) {
	const got = await server.request('PUT', `/runs/${lease.run}/artifacts/${name}?fence=${lease.fence}`,
		Buffer.from(bytes), { headers: { 'content-type': 'text/plain' } });

	assert.ok(got.status < 300, got.text);
}

/* A job that has ended, with files and a failure. */
async function ended(members = {}, outcome = 'passed', files = {}) {
	const job = await server.job(members);
	const lease = await worker.take();

	for (const [name, bytes] of Object.entries(files)) await putFile(lease, name, bytes);
	await worker.finish(lease, outcome);
	return job.id;
}

async function exported(query) {
	const got = await server.request('GET', `/archive?${query}`);

	assert.equal(got.status, 200, got.text);
	assert.equal(got.type, 'application/gzip');
	return got.bytes;
}

const take = (bytes, query = '') => server.request('POST', `/archive:import${query}`, bytes,
	{ headers: { 'content-type': 'application/gzip' } });

async function taken(bytes, query) {
	const got = await take(bytes, query);

	assert.equal(got.status, 200, got.text);
	return got.json;
}

/* All that readers see of a job, without what an import changes. */
async function seen(id) {
	const job = await server.get(`/jobs/${id}`);
	const runs = (await server.get(`/jobs/${id}/runs`)).items;
	const events = (await server.get(`/jobs/${id}/events?format=json`)).items;
	const files = (await server.get(`/jobs/${id}/artifacts`)).items;
	const html = (await server.request('GET', `/jobs/${id}/report?format=html`)).text;
	const junit = (await server.request('GET', `/jobs/${id}/report?format=junit`)).text;

	for (const name of ['updatedAt', 'importedAt', 'pinned', 'pinNote']) delete job[name];
	for (const event of events) delete event.seq;
	return { job, runs, events, files, junit, html: html.replace(/<footer>.*<\/footer>/s, '') };
}

function assertSame(now, then) {
	for (const part of Object.keys(then)) assert.deepEqual(now[part], then[part], part);
}

/* The archive's members, changed by `edit`, with a manifest that fits them. */
function changed(bytes, edit, editManifest = () => {}) {
	const members = edit(unpack(gunzipSync(bytes)).filter(({ name }) => name !== 'manifest.json'));
	const manifest = JSON.parse(unpack(gunzipSync(bytes)).at(-1).bytes);
	const list = members.map((m) => `${sha256(m.bytes)} ${m.name}\n`).join('');

	manifest.members = members.length;
	manifest.sha256 = sha256(list);
	editManifest(manifest);
	return gzipSync(pack([...members, { name: 'manifest.json', bytes: JSON.stringify(manifest) }]));
}

const changedLines = (bytes, edit) => changed(bytes, (members) => members.map((member) =>
	member.name.startsWith('jobs/')
		? { ...member, bytes: member.bytes.toString().split('\n').filter(Boolean)
			.map((line) => `${JSON.stringify(edit(JSON.parse(line)))}\n`).join('') }
		: member));

describe('there and back', () => {
	test('a job with files is as it was', async () => {
		const id = await ended({ name: 'round', tags: ['a', 'b'], labels: {}, queue: 'nightly' },
			'failed', { 'a.txt': 'alpha', 'sub/b.txt': 'beta', 'c.txt': 'alpha' });
		const before = await seen(id);
		const bytes = await exported('name=round');
		const members = unpack(gunzipSync(bytes)).map(({ name }) => name);

		assert.equal(members[0], 'archive.json');
		assert.equal(members.at(-1), 'manifest.json');
		assert.equal(members.filter((name) => name.startsWith('blobs/')).length, 2);
		assert.deepEqual(await taken(bytes),
			{ jobs: 0, existing: 1, runs: 0, artifacts: 0, events: 0, blobs: 0, void: 0 });

		const kept = blobs();
		await server.request('DELETE', `/jobs/${id}`);
		for (let i = 0; i < 500 && blobs() === kept; i++) await server.get('/jobs?limit=1');
		assert.deepEqual(await taken(bytes, '?dryRun=true'), { jobs: 1, existing: 0, runs: 1,
			artifacts: 3, events: before.events.length, blobs: 2, void: 0 });
		assert.equal(await status(id), 404);
		const { jobs, runs, artifacts, events } = await taken(bytes);

		assert.deepEqual({ jobs, runs, artifacts, events },
			{ jobs: 1, runs: 1, artifacts: 3, events: before.events.length });
		assertSame(await seen(id), before);
		const file = await server.request('GET',
			`/jobs/${id}/runs/${before.runs[0].id}/artifacts/sub/b.txt`);
		assert.equal(file.text, 'beta');
		const job = await server.get(`/jobs/${id}`);

		assert.equal(job.pinned, true);
		assert.equal(job.pinNote, 'imported');
		assert.ok(Date.parse(job.importedAt) > 0);
		assertProblem(await server.request('POST', `/jobs/${id}/start`, {}), 409, 'wrong_state');
		assert.equal((await taken(bytes)).existing, 1);
		assert.equal((await server.request('DELETE', `/jobs/${id}`)).status, 200);
		assert.equal(await status(id), 404);
	});

	test('a large job comes in slices', async () => {
		const tests = Array.from({ length: 150 }, (_, i) => commandTest({ name: `t${i}` }));
		const job = await server.job({ name: 'large', tests });

		for (let i = 0; i < tests.length; i++) await worker.finish(await worker.take(), 'passed');
		const before = await seen(job.id);
		const bytes = await exported('name=large');

		await server.request('DELETE', `/jobs/${job.id}`);
		assert.equal((await taken(bytes)).runs, 150);
		assertSame(await seen(job.id), before);
	});

	test('a flow goes and comes with the jobs of its stages', async () => {
		const one = (name, needs) => ({ name, needs, run: { tests: [commandTest({ name })] } });
		const flow = await server.post('/jobs', { name: 'flow there', stages: [one('first'), one('second', ['first'])] });

		for (let i = 0; i < 2; i++) await worker.finish(await worker.take(), 'passed');
		await server.get(`/jobs/${flow.id}?wait=10s`);
		const children = (await server.get(`/jobs?parent=${flow.id}`)).items.map(({ id }) => id);

		assert.equal(children.length, 2);
		const before = [await seen(flow.id), ...await Promise.all(children.map(seen))];
		const bytes = await exported('name=flow%20there');

		await server.request('DELETE', `/jobs/${flow.id}`);
		for (const id of children) await until('children are gone', async () => await status(id) === 404);
		assert.equal((await taken(bytes)).jobs, 3);
		assertSame(await seen(flow.id), before[0]);
		for (const [i, id] of children.entries()) assertSame(await seen(id), before[i + 1]);
		for (const start of [{}, { from: 'failed' }, { from: 'stage', stage: 'second' }])
			assert.equal((await server.request('POST', `/jobs/${flow.id}/start`, start)).status, 409);
		assertSame(await seen(flow.id), before[0]);

		const orphans = changed(bytes, (members) => members.filter((m) => !m.name.includes(flow.id)));

		assertProblem(await take(orphans), 400, 'invalid_field');
	});

	test('secrets stay', async () => {
		const secret = { ...commandTest({ name: 's' }), env: { PASSWORD: 'hunter2' }, secrets: ['/env/PASSWORD'] };
		await ended({ name: 'secret', tests: [secret] });
		const text = gunzipSync(await exported('name=secret')).toString('latin1');

		assert.ok(!text.includes('hunter2'));
		assert.ok(text.includes('********'));
	});

	test('what has not ended, and what the filter holds back, is not in it', async () => {
		const open = await server.job({ name: 'open', queue: 'held', labels: { never: 'there' } });
		const names = unpack(gunzipSync(await exported('queue=held'))).map(({ name }) => name);

		assert.deepEqual(names, ['archive.json', 'manifest.json']);
		assertProblem(await server.request('GET', '/archive?limit=3'), 400, 'invalid_parameter');
		await server.request('POST', `/jobs/${open.id}/cancel`, {});
	});

	test('into another project', async () => {
		const id = await ended({ name: 'moves' });
		const bytes = await exported('name=moves');
		const { id: project } = await server.post('/projects', { name: 'elsewhere' });

		assertProblem(await take(bytes, '?project=elsewhere'), 409, 'conflict');
		await server.request('DELETE', `/jobs/${id}`);
		assert.equal((await taken(bytes, '?project=elsewhere')).jobs, 1);
		assert.equal(await status(id), 404);
		assert.equal((await server.get(`/jobs/${id}?project=${project}`)).name, 'moves');
	});
});

describe('what is refused leaves nothing', () => {
	let id;
	let bytes;

	before(async () => {
		id = await ended({ name: 'victim' }, 'passed', { 'a.txt': 'victim' });
		bytes = await exported('name=victim');
		await server.request('DELETE', `/jobs/${id}`);
	});

	const refused = (name, make) => test(name, async () => {
		const got = await take(make());

		assertProblem(got, 400, 'invalid_field');
		assert.equal(await status(id), 404);
	});

	refused('nothing', () => Buffer.alloc(0));
	refused('no archive', () => Buffer.from('hello'));
	refused('another tar', () => gzipSync(pack([{ name: 'a', bytes: 'b' }])));
	refused('half of it', () => bytes.subarray(0, bytes.length / 2));
	refused('without its manifest', () => gzipSync(pack(unpack(gunzipSync(bytes)).slice(0, -1))));
	refused('a changed line', () => gzipSync(pack(unpack(gunzipSync(bytes)).map((m) => ({ ...m,
		bytes: Buffer.from(m.bytes.toString('latin1').replace('"victim"', '"other!"'), 'latin1') })))));
	refused('a newer version', () => changed(bytes, (members) => members.map((m) =>
		m.name === 'archive.json' ? { ...m, bytes: m.bytes.toString().replace('"version":1', '"version":2') } : m)));
	refused('a way out', () => changed(bytes, (members) => [...members, { name: '../../etc/passwd', bytes: 'x' }]));
	refused('a link', () => changed(bytes, (members) => [...members,
		{ name: `blobs/${sha256('')}`, bytes: '', type: '2', link: '/etc/passwd' }]));
	refused('a folder', () => changed(bytes, (members) => [...members, { name: 'jobs/', bytes: '', type: '5' }]));
	refused('bytes under another name', () => changed(bytes, (members) => members.map((m) =>
		m.name.startsWith('blobs/') ? { ...m, bytes: 'other!' } : m)));
	refused('a file without bytes', () => changed(bytes, (members) =>
		members.filter((m) => !m.name.startsWith('blobs/'))));
	refused('a job that goes on', () => changedLines(bytes, (line) => {
		if (line.job) line.job.state = 'queued';
		return line;
	}));
	refused('tags that are none', () => changedLines(bytes, (line) => {
		if (line.job) line.job.tags = '{"a"';
		return line;
	}));
	refused('a column that there is not', () => changedLines(bytes, (line) => {
		if (line.job) line.job.lane = 3;
		return line;
	}));
	refused('a run of no test', () => changedLines(bytes, (line) => {
		if (line.run) line.run.test = 7;
		return line;
	}));
	refused('an artifact that leads out', () => changedLines(bytes, (line) => {
		if (line.artifact) line.artifact.name = '../a';
		return line;
	}));

	test('a run that another job has', async () => {
		const other = await ended({ name: 'owner' });
		const [{ id: run }] = (await server.get(`/jobs/${other}/runs`)).items;
		const bad = changedLines(bytes, (line) => {
			if (line.run) line.run.id = run;
			if (line.artifact) line.artifact.run_id = run;
			if (line.event?.run) line.event.run = run;
			return line;
		});

		assertProblem(await take(bad), 409, 'conflict');
		assert.equal(await status(id), 404);
		assert.equal((await server.get(`/jobs/${other}/runs`)).items.length, 1);
	});

	test('and the archive itself is taken after all that', async () => {
		assert.equal((await taken(bytes)).jobs, 1);
		assertProblem(await take(changedLines(bytes, (line) => {
			if (line.job) line.job.name = 'forged';
			return line;
		})), 409, 'conflict');
		assert.equal((await server.get(`/jobs/${id}`)).name, 'victim');
	});
});

describe('a job of many slices', () => {
	const RUNS = 10000;
	let id;
	let bytes;

	/* Made of one that is there: each run once more, and again. */
	before(async () => {
		id = await ended({ name: 'many', iterations: 1 });
		bytes = changed(await exported('name=many'), (members) => members.map((member) =>
			member.name.startsWith('jobs/') ? { ...member, bytes: multiplied(member.bytes.toString()) } : member),
		(manifest) => { manifest.counts.runs = RUNS; });
		await server.request('DELETE', `/jobs/${id}`);
	});

	function multiplied(text) {
		return text.split('\n').filter(Boolean).flatMap((line) => {
			const object = JSON.parse(line);

			if (object.end) object.end.runs = RUNS;
			if (!object.run) return [`${JSON.stringify(object)}\n`];
			return [`${line}\n`, ...Array.from({ length: RUNS - 1 }, (_, i) => `${JSON.stringify({ ...object,
				run: { ...object.run, id: uuid7(), iteration: i + 2 } })}\n`)];
		}).join('');
	}

	const commits = async () => Number(/^proctor_commits_total (\d+)/m.exec(
		(await server.request('GET', '/metrics', undefined, { root: true })).text)?.[1]);

	test('a server that ends in between leaves nothing, and then takes it', async () => {
		const begun = await commits();
		const broken = take(bytes).catch(() => null);

		await until('some slices', async () => await commits() > begun + 5);
		await server.restart('SIGKILL');
		assert.equal((await broken)?.status ?? null, null);
		worker = new Worker(server);
		assert.equal(await status(id), 404);
		assert.deepEqual((await server.get('/events?format=json&limit=100&type=job.completed')).items
			.filter((event) => event.job === id), []);
		assert.equal((await taken(bytes)).runs, RUNS);
		assert.equal((await server.get(`/jobs/${id}`)).name, 'many');
	});

	test('others have their turns; it goes, and comes at once', async () => {
		await server.request('DELETE', `/jobs/${id}`);
		const coming = taken(bytes);
		let isOver = false;
		let slowest = 0;

		coming.finally(() => { isOver = true; }).catch(() => {});
		while (!isOver) {
			const began = performance.now();

			await server.job({ name: 'between', labels: { never: 'there' } });
			slowest = Math.max(slowest, performance.now() - began);
		}
		assert.equal((await coming).runs, RUNS);
		assert.ok(slowest < 1000, `${slowest} ms`);
	});
});
