// SPDX-License-Identifier: Apache-2.0
/* Live view with a real browser: pictures come while somebody looks, and stop when nobody does. */
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { findChromium } from './browsers.mjs';
import { Server, Worker, until } from './helper.mjs';

const page = `<!doctype html><title>clock</title><body style="font: 40px sans-serif"><p id="n">0</p>
<script>let n = 0; setInterval(() => { document.getElementById("n").textContent = ++n; }, 50);</script>`;

async function site(t) {
	const server = http.createServer((request, response) => {
		response.setHeader('content-type', 'text/html');
		response.end(page);
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => { server.closeAllConnections(); server.close(); });
	return `http://127.0.0.1:${server.address().port}/`;
}

/* Opens a stream; frames and the end come to take(). Resolves to a function that leaves. */
function look(server, target, take) {
	return new Promise((resolve, reject) => {
		const request = http.request({
			host: '127.0.0.1', port: server.port, path: `/api/v1${target}`, agent: false,
			headers: { authorization: `Bearer ${server.token}` },
		}, (response) => {
			let rest = '';

			response.setEncoding('utf8');
			response.on('data', (text) => {
				const blocks = (rest + text).split('\n\n');

				rest = blocks.pop();
				for (const block of blocks) {
					const event = /^event: (.*)$/m.exec(block)?.[1];

					if (event) take(event, JSON.parse(/^data: (.*)$/m.exec(block)[1]));
				}
			});
			response.on('error', () => {});
			resolve(() => request.destroy());
		});

		request.on('error', reject);
		request.end();
	});
}

/* Width and height that a JPEG has by its own words (its frame header). */
function sizeOf(jpeg) {
	assert.equal(jpeg.readUInt16BE(0), 0xffd8);
	assert.equal(jpeg.readUInt16BE(jpeg.length - 2), 0xffd9);
	for (let at = 2; at < jpeg.length;) {
		const marker = jpeg.readUInt16BE(at);

		assert.equal(marker >> 8, 0xff);
		if (marker >= 0xffc0 && marker <= 0xffc2)
			return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
		at += 2 + jpeg.readUInt16BE(at + 2);
	}
	return assert.fail('a JPEG without a size');
}

test('a running browser is seen, and nothing is sent when nobody looks', {
	timeout: 90000, skip: findChromium() ? false : 'no Chromium',
}, async (t) => {
	const url = await site(t);
	const server = await Server.start(t);
	const worker = Worker.start(t, server, { capacity: 1, args: ['--kind', 'browser'], log: 'debug' });
	const job = await server.api.post('/jobs', { tests: [{
		name: 'looks at a clock', kind: 'browser', steps: [{ open: url }, { wait: '6s' }],
	}] });
	const [run] = await until('a run', 20000, async () => {
		const runs = await server.api.all(`/jobs/${job.id}/runs?`);

		return runs.length > 0 && runs[0].status === 'leased' && runs;
	});
	const frames = [];
	let ended;
	const leave = await look(server, `/jobs/${job.id}/runs/${run.id}/screen`, (event, data) => {
		if (event === 'frame') frames.push(data);
		else ended = data;
	});

	await until('two pictures', 15000, () => frames.length >= 2);
	for (const { at, width, height, jpeg } of frames.slice(0, 2)) {
		assert.ok(Date.now() - Date.parse(at) < 20000);
		assert.deepEqual(sizeOf(Buffer.from(jpeg, 'base64')), { width, height });
	}
	assert.notEqual(frames[0].jpeg, frames[1].jpeg);
	assert.equal(ended, undefined);
	leave();
	/* The next picture is refused: the worker tells the runner, which ends the screencast. */
	await until('the screen is off', 10000, () => worker.said.includes('nobody looks any more'));
	const pictures = () => worker.said.split('a picture of run').length - 1;
	const n = pictures();
	const again = await server.api.get(`/jobs/${job.id}/runs/${run.id}`);

	assert.equal(again.status, 'leased', 'all that while the run went on');
	await server.api.final(job.id);
	/* One or two may have been on their way; several a second would have followed. */
	assert.ok(pictures() <= n + 2, `${pictures() - n} pictures came after that`);
	assert.equal((await server.api.all(`/jobs/${job.id}/runs?`))[0].outcome, 'passed');
});

test('the page of a view ticket shows a run in a browser, and its end', {
	timeout: 90000, skip: findChromium() ? false : 'no Chromium',
}, async (t) => {
	const url = await site(t);
	const server = await Server.start(t);

	Worker.start(t, server, { capacity: 2, args: ['--kind', 'browser'] });
	const job = await server.api.post('/jobs', { tests: [{
		name: 'looked at', kind: 'browser', steps: [{ open: url }, { wait: '4s' }],
	}] });
	const [run] = await until('a run', 20000, async () => {
		const runs = await server.api.all(`/jobs/${job.id}/runs?`);

		return runs.length > 0 && runs;
	});
	const view = await server.api.post(`/jobs/${job.id}/runs/${run.id}/view`, {});
	const onlooker = await server.api.post('/jobs', { tests: [{
		name: 'looks', kind: 'browser', steps: [
			{ open: `${view.url}~screen` },
			{ expect: { visible: 'img' }, timeout: '15s' },
			{ expect: { text: { css: 'p' }, is: 'The run is over: passed.' }, timeout: '20s' },
		],
	}] });
	const final = await server.api.final(onlooker.id);
	const [{ error }] = await server.api.all(`/jobs/${onlooker.id}/runs?`);

	assert.equal(final.counts.passed, 1, JSON.stringify(error));
});
