// SPDX-License-Identifier: Apache-2.0
/*
 * What must be true of one job's history, whatever was killed meanwhile. Pure; a breach is an
 * AssertionError that says where.
 *
 *	job         as GET /jobs/{id} answers, at the end
 *	runs        all of GET /jobs/{id}/runs
 *	events      all of GET /jobs/{id}/events
 *	wanted      { units, failing }: runs that were asked for, and those whose test always fails
 *	executions  how often the tests really began, by their own account
 */
import assert from 'node:assert/strict';
import { finalStatus } from './helper.mjs';

export const RUN_LOSSES_MAX = 3; // then a run is errored, by design (docs/protocol/worker.md §2)

const END = /^job\.(completed|failed|stopped|invalid)$/;
const LATE = ['run.stale_result', 'run.artifact']; // may follow the end: they change nothing

export function checkHistory(history) {
	checkCounts(history);
	checkRuns(history);
	checkEvents(history);
	checkExecutions(history);
}

/* Over, nothing lost, nothing counted twice. */
function checkCounts({ job, wanted, events }) {
	const { passed, failed, errored, skipped } = job.counts;
	const lost = events.filter((event) => event.type === 'run.lost').length;
	const where = `job ${job.id}`;

	assert.ok(finalStatus.has(job.status), `${where} is ${job.status}`);
	assert.equal(passed + failed + errored + skipped, wanted.units, `${where}: counts`);
	/* A run may be errored instead when it lost its worker again and again. */
	assert.ok(failed <= wanted.failing && failed + errored >= wanted.failing,
		`${where}: ${failed} failed and ${errored} errored of ${wanted.failing} that fail`);
	assert.equal(skipped, 0, `${where}: skipped`);
	assert.ok(lost >= errored * RUN_LOSSES_MAX, `${where}: ${errored} errored, ${lost} losses`);
	assert.equal(job.status, failed + errored > 0 ? 'failed' : 'completed', `${where}: status`);
}

/* Every unit has one run, and every run one end. */
function checkRuns({ job, runs, wanted, events }) {
	const units = new Set();

	for (const run of runs) {
		const where = `job ${job.id} run ${run.id}`;
		const unit = `${run.iteration}/${run.testIndex}/${run.target ?? ''}/${run.attempt}`;
		const ends = events.filter((e) => e.run === run.id && e.type === 'run.finished');

		assert.ok(run.outcome, `${where} has no outcome`);
		assert.equal(ends.length, 1, `${where}: times finished`);
		assert.equal(ends[0].data.outcome, run.outcome, `${where}: outcome`);
		assert.ok(!units.has(unit), `${where}: unit ${unit} twice`);
		units.add(unit);
	}
	assert.equal(runs.length, wanted.units, `job ${job.id}: runs`);
}

/* Numbers grow; a run's fences grow, its events lie behind its lease; nothing follows an end. */
function checkEvents({ job, runs, events }) {
	const known = new Set(runs.map((run) => run.id));
	const fences = new Map();
	const over = new Set();
	let last = 0;
	let isOver = false;

	assert.equal(events[0]?.type, 'job.queued', `job ${job.id}: first event`);
	for (const event of events) {
		const where = `job ${job.id} event ${event.seq} ${event.type}`;

		assert.ok(event.seq > last, `${where}: not after ${last}`);
		last = event.seq;
		if (event.run) assert.ok(known.has(event.run), `${where}: of no run`);
		if (event.type === 'run.leased') {
			assert.ok(event.data.fence > (fences.get(event.run) ?? 0), `${where}: fence`);
			fences.set(event.run, event.data.fence);
		} else if (event.run && event.type !== 'run.created') {
			assert.ok(fences.has(event.run), `${where}: before its lease`);
		}
		if (LATE.includes(event.type)) continue;
		assert.ok(!isOver, `${where}: after the end`);
		assert.ok(!event.run || !over.has(event.run), `${where}: after the run's end`);
		if (event.type === 'run.finished') over.add(event.run);
		isOver = END.test(event.type);
	}
	assert.ok(isOver, `job ${job.id}: no end`);
}

/* Each result was earned by an execution, and each execution has a lease that shows it. */
function checkExecutions({ job, events, executions }) {
	const leases = events.filter((event) => event.type === 'run.leased').length;
	const results = job.counts.passed + job.counts.failed;

	assert.ok(executions >= results, `job ${job.id}: ${results} results, ${executions} executions`);
	assert.ok(executions <= leases, `job ${job.id}: ${executions} executions, ${leases} leases`);
}
