// SPDX-License-Identifier: Apache-2.0
/* The crash loop's checker of grouped jobs finds what it is there to find. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkGroupedHistory } from './history_grouped.mjs';

/* A serial fixture of two units with both hooks: before, a, b (lost once), after. */
function sound() {
	let seq = 10;
	const event = (type, run, data = {}) => ({ seq: seq++, type, ...(run && { run }), data });
	const leased = (run, fence) => event('run.leased', run, { fence, connection: 1 });
	const finished = (run) => event('run.finished', run, { outcome: 'passed' });
	const released = (testIndex) => event('run.released', null, { iteration: 1, testIndex });
	const run = (id, testIndex) => ({ id, iteration: 1, testIndex, attempt: 1, outcome: 'passed' });

	return {
		job: {
			id: 'j', status: 'completed',
			counts: { passed: 2, failed: 0, errored: 0, skipped: 0 },
		},
		runs: [run('before', 2), run('a', 0), run('b', 1), run('after', 3)],
		events: [
			event('job.queued'), leased('before', 1), finished('before'),
			leased('a', 1), finished('a'), released(0),
			leased('b', 1), event('run.lost', 'b', { fence: 1 }), leased('b', 2), finished('b'),
			leased('after', 1), finished('after'), released(1), event('job.completed'),
		],
		wanted: {
			units: 2, iterations: 1, failing: 0, groups: [''], before: -1, after: -1,
			fixtures: [{ first: 0, count: 2, before: 2, after: 3, serial: true }],
		},
	};
}

const at = (history, type, n = 0) =>
	history.events.indexOf(history.events.filter((e) => e.type === type)[n]);

/* Moves the nth event of that type to where the mth is; numbers stay in order. */
function move(history, type, n, to, m) {
	const target = at(history, to, m);
	const [event] = history.events.splice(at(history, type, n), 1);

	history.events.splice(target, 0, event);
	history.events.forEach((e, i) => { e.seq = 10 + i; });
}

const breaches = {
	'a unit released twice': (h) => { h.events[at(h, 'run.released', 1)].data.testIndex = 0; },
	'a unit that is not released': (h) => { h.events.splice(at(h, 'run.released', 1), 1); },
	'releases out of order': (h) => { move(h, 'run.released', 1, 'run.released', 0); },
	'a hook that ran twice': (h) => { h.runs[1].testIndex = 2; },
	'a hook that did not run': (h) => {
		h.runs.pop();
		h.events = h.events.filter((e) => e.run !== 'after');
	},
	'a test before its hook': (h) => { move(h, 'run.leased', 1, 'run.leased', 0); },
	'a test after its hook': (h) => { move(h, 'run.leased', 1, 'job.completed', 0); },
	'two runs of a serial fixture': (h) => {
		move(h, 'run.finished', 1, 'run.released', 1);
		h.events[at(h, 'run.leased', 2)].data.connection = 2;
	},
	'two runs on a connection': (h) => {
		h.wanted.fixtures[0].serial = false;
		move(h, 'run.finished', 1, 'run.released', 1);
	},
	'a fence that does not grow': (h) => { h.events[at(h, 'run.leased', 3)].data.fence = 1; },
	'an outcome that was another': (h) => { h.runs[1].outcome = 'failed'; },
	'a run that never finished': (h) => { h.events.splice(at(h, 'run.finished', 1), 1); },
	'a result too few': (h) => { h.job.counts.passed = 1; },
	'a wrong status': (h) => { h.job.status = 'failed'; },
	'something after the end': (h) => { h.events.push({ seq: 99, type: 'run.log', run: 'a', data: {} }); },
	'no end': (h) => { h.events.pop(); },
};

test('a sound history passes', () => checkGroupedHistory(sound()));

for (const [what, breach] of Object.entries(breaches))
	test(`found: ${what}`, () => {
		const history = sound();

		breach(history);
		assert.throws(() => checkGroupedHistory(history), { name: 'AssertionError' });
	});
