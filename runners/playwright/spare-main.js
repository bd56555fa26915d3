/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that a spare (spare.js) waits in: loads Playwright's command line, has its worker
 * process do the same (spare-worker.js), and blocks until one line on descriptor 4 says what to
 * run. Then it is that command line. End of file instead means that nobody will ever want it.
 *
 * Whatever cannot be loaded early is left out: it is loaded, or fails, when it is really asked for.
 */
"use strict";

const childProcess = require("child_process");
const fs = require("fs");
const Module = require("module");
const path = require("path");
const { assume, differs } = require("./spare-env");
const { entryOfWorkers, libraries, preload } = require("./spare-modules");

const ORDER_FD = 4;
const WORKER = path.join(__dirname, "spare-worker.js");

const cli = process.argv[2];
const library = libraries(cli);
const wantsBrowser = process.argv[3];
const started = { ...process.env };
const plainFork = childProcess.fork;

/* As Playwright forks its workers: with pipes for what tests print, and colours. */
function
forkWorker()
{
	const env = { ...started, FORCE_COLOR: "1", DEBUG_COLORS: started.DEBUG_COLORS || "1" };
	const child = plainFork(WORKER, [library, wantsBrowser], { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
	child.on("error", () => {});
	hold(child, false);
	return { child, env };
}

/* Until it is wanted it must not keep this process from ending. */
function
hold(child, isWanted)
{
	for (const one of [child, child.channel, child.stdout, child.stderr])
		one[isWanted ? "ref" : "unref"]();
}

/* The first worker process that Playwright asks for is the one that waits; all others are plain. */
function
lendWorker(spare)
{
	const wanted = entryOfWorkers(library);

	childProcess.fork = function (entry, ...rest) {
		if (entry !== wanted)
			return plainFork.call(this, entry, ...rest);
		childProcess.fork = plainFork;
		if (!suits(spare, ...rest)) {
			spare.child.kill("SIGKILL");
			return plainFork.call(this, entry, ...rest);
		}
		hold(spare.child, true);
		spare.child.send({ cwd: process.cwd(), env: rest[0].env, entry });
		return spare.child;
	};
}

function
suits({ child, env }, options, ...rest)
{
	return rest.length === 0 && child.connected && child.exitCode === null && child.signalCode === null
		&& JSON.stringify(options.stdio) === '["ignore","pipe","pipe","ipc"]'
		&& !differs(env, options.env);
}

/* Blocks: nothing else happens in a process that waits. */
function
readOrder()
{
	const chunks = [];
	const chunk = Buffer.alloc(65536);
	for (;;) {
		const n = fs.readSync(ORDER_FD, chunk);
		if (n === 0)
			return undefined;
		chunks.push(Buffer.from(chunk.subarray(0, n)));
		if (chunk[n - 1] === 0x0a)
			return JSON.parse(Buffer.concat(chunks).toString("utf8"));
	}
}

/* Nothing was run: what compile-cache.js would keep now would lack the functions that matter. */
function
leave()
{
	process.removeAllListeners("exit");
	process.exit(0);
}

function
main()
{
	const worker = forkWorker();
	preload(library, "runner", cli);
	const order = readOrder();
	if (!order)
		return leave();
	fs.writeSync(ORDER_FD, "going\n");
	fs.closeSync(ORDER_FD);

	process.chdir(order.cwd);
	assume(started, order.env);
	process.argv = [process.argv[0], cli, ...order.args];
	lendWorker(worker);
	/* As `node cli.js` would: the main module, under its own name. */
	Module._load(cli, null, true);
}

main();
