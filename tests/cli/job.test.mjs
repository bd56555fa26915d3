// SPDX-License-Identifier: Apache-2.0
// The commands that talk to a server.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { bin, folder, proctor, serve, write } from "./lib/cli.mjs";

const command = (name, script) => ({ name, kind: "command", argv: ["sh", "-c", script] });

async function
submit(t, server, tests, ...args)
{
	const { stdout, stderr, status } = await server.call("job", "submit", write(folder(t), "j.json", { name: "sample", tests }), ...args);
	assert.equal(status, 0, stderr);
	return stdout.trim();
}

test("submit, wait, show, list, follow, report, artifacts", async (t) => {
	const server = await serve(t);
	const id = await submit(t, server, [command("good", "echo hello"), command("bad", "echo oh >&2; exit 1")]);
	assert.match(id, /^[0-9a-f-]{36}$/);

	const wait = await server.call("job", "wait", id, "--timeout", "20s");
	assert.equal(wait.status, 1);
	assert.match(wait.stdout, /^status +failed$/m);

	const show = await server.call("job", "show", id);
	assert.match(show.stdout, /passed .* good/);
	assert.match(show.stdout, /failed .* bad/);
	const json = JSON.parse((await server.call("job", "show", id, "--json")).stdout);
	assert.equal(json.runs.length, 2);

	const list = await server.call("job", "list", "--status", "failed");
	assert.match(list.stdout, new RegExp(`^${id} +failed +tests_failed`, "m"));
	assert.doesNotMatch((await server.call("job", "list", "--status", "completed")).stdout, new RegExp(id));
	const wrong = await server.call("job", "list", "--status", "odd");
	assert.equal(wrong.status, 2);

	const follow = await server.call("job", "follow", id);
	assert.equal(follow.status, 1);
	const types = follow.stdout.trim().split("\n").map((line) => line.split(/\s+/)[1]);
	assert.equal(types[0], "job.queued");
	assert.equal(types.at(-1), "job.failed");
	assert.match(follow.stdout, /  run\.finished +bad #1  failed/, "events of runs name the test");
	const filtered = await server.call("job", "follow", id, "--type", "job.*", "--json");
	for (const line of filtered.stdout.trim().split("\n"))
		assert.match(JSON.parse(line).type, /^job\./);

	const html = path.join(folder(t), "r.html");
	assert.equal((await server.call("job", "report", id, "-o", html)).status, 0);
	assert.match(fs.readFileSync(html, "utf8"), /<\/html>/);
	assert.match((await server.call("job", "report", id, "--format", "junit")).stdout, /^<\?xml/);
	assert.equal(JSON.parse((await server.call("job", "report", id, "--json")).stdout).id, id);

	const artifacts = await server.call("job", "artifacts", id);
	assert.match(artifacts.stdout, /log .* output\.log/);
	const out = folder(t);
	const fetched = (await server.call("job", "artifacts", id, "-o", out, "--kind", "log")).stdout.trim().split("\n");
	assert.ok(fetched.some((file) => fs.readFileSync(file, "utf8").includes("hello")));

	const explain = await server.call("job", "explain", id);
	assert.match(explain.stdout, /ended/);
});

test("commands: pause, unpause, stop, start, cancel, delete; refused ones name the state", async (t) => {
	const server = await serve(t, ["--workers", "0"]);
	const id = await submit(t, server, [command("x", "true")]);
	assert.match((await server.call("job", "pause", id)).stdout, /paused/);
	const twice = await server.call("job", "pause", id);
	assert.equal(twice.status, 2);
	assert.match(twice.stderr, /paused/);
	assert.match((await server.call("job", "unpause", id)).stdout, /queued/);
	assert.match((await server.call("job", "cancel", id)).stdout, /stopped/);
	assert.match((await server.call("job", "delete", id)).stdout, /deleted/);
	assert.equal((await server.call("job", "show", id)).status, 2);
});

test("wait gives up: status 5; submit --wait tells how it went", async (t) => {
	const idle = await serve(t, ["--workers", "0"]);
	const id = await submit(t, idle, [command("x", "true")]);
	assert.equal((await idle.call("job", "wait", id, "--timeout", "200ms")).status, 5);
	assert.match((await idle.call("job", "explain", id)).stdout, /worker[^]*^  begins +unknown: /m);
	const server = await serve(t);
	const file = write(folder(t), "j.json", { tests: [command("x", "exit 1")] });
	assert.equal((await server.call("job", "submit", file, "--wait")).status, 1);
});

test("dry run shows the plan and makes nothing; a key submits once", async (t) => {
	const server = await serve(t, ["--workers", "0"]);
	const file = write(folder(t), "j.json", { tests: [command("x", "true")] });
	assert.equal((await server.call("job", "submit", file, "--dry-run")).status, 0);
	assert.equal(JSON.parse((await server.call("job", "list", "--json")).stdout).items.length, 0);
	const one = await server.call("job", "submit", file, "--key", "k1");
	const two = await server.call("job", "submit", file, "--key", "k1");
	assert.equal(one.stdout, two.stdout);
	assert.equal(JSON.parse((await server.call("job", "list", "--json")).stdout).items.length, 1);
});

test("tests and templates: put, list, show, invoke, delete", async (t) => {
	const server = await serve(t);
	const dir = folder(t);
	const file = write(dir, "t.yaml", "name: hello\nkind: command\ntags: [smoke]\nargv: [echo, hello]\n");
	assert.match((await server.call("test", "put", file)).stdout, /hello {2}revision 1/);
	fs.appendFileSync(file, "description: changed\n");
	assert.match((await server.call("test", "put", file)).stdout, /hello {2}revision 2/);
	const stale = await server.call("test", "put", file, "--if-revision", "1");
	assert.equal(stale.status, 2);
	assert.match((await server.call("test", "list", "--tag", "smoke")).stdout, /^hello +2 +command/m);
	assert.equal(JSON.parse((await server.call("test", "show", "hello")).stdout).kind, "command");
	const wrong = await server.call("test", "put", write(dir, "w.yaml", "name: w\nkind: command\nargv: [x]\ncolour: red\n"));
	assert.equal(wrong.status, 2);
	assert.match(wrong.stderr, /w\.yaml:4: \/colour/);

	const template = write(dir, "p.yaml", "name: nightly\nparams:\n  word: { type: string, default: hi }\ntests:\n" +
		"  - { test: hello }\n  - { name: say, kind: command, argv: [sh, -c, 'test \"$1\" = yes', sh, \"${{ params.word }}\"] }\n");
	assert.equal((await server.call("template", "put", template)).status, 0);
	assert.equal((await server.call("template", "invoke", "nightly", "--wait")).status, 1);
	assert.equal((await server.call("template", "invoke", "nightly", "--wait", "-p", "word=yes")).status, 0);
	assert.match((await server.call("template", "delete", "nightly")).stdout, /deleted/);

	const typed = write(dir, "q.yaml", "name: often\nparams:\n  n: { type: integer }\ntests:\n" +
		"  - { name: a, kind: command, argv: [\"true\"] }\niterations: ${{ params.n }}\n");
	assert.equal((await server.call("template", "put", typed)).status, 0);
	const none = await server.call("template", "invoke", "often");
	assert.equal(none.status, 2);
	assert.match(none.stderr, /\/params\/n: the parameter "n" is required/);
	assert.match((await server.call("template", "invoke", "often", "-p", "n=two")).stderr, /"two" is no integer/);
	assert.match((await server.call("template", "invoke", "often", "-p", "n=2", "--wait")).stdout, /2 passed/);
	const often = write(dir, "often.yaml", "template: often\n");
	assert.match((await server.call("job", "submit", often, "-p", "n=3", "--wait")).stdout, /3 passed/);
	assert.match((await server.call("test", "delete", "hello")).stdout, /deleted/);
	assert.equal((await server.call("test", "show", "hello")).status, 2);
});

test("worker list shows the local worker", async (t) => {
	const server = await serve(t, ["--workers", "3"]);
	await submit(t, server, [command("x", "true")], "--wait");
	const workers = JSON.parse((await server.call("worker", "list", "--json")).stdout);
	assert.equal(workers.items[0].capacity, 3);
	assert.match((await server.call("worker", "list")).stdout, /online +0\/3 +local/);
});

test("no server: status 3, with a hint; a wrong token: status 2", async (t) => {
	const dir = folder(t);
	const none = await proctor(["job", "list", "--data", dir]);
	assert.equal(none.status, 3);
	assert.match(none.stderr, /start one with proctor serve/);
	const away = await proctor(["job", "list"], { env: { PROCTOR_URL: "http://127.0.0.1:1", PROCTOR_TOKEN: "x" } });
	assert.equal(away.status, 3);
	const json = await proctor(["job", "list", "--json", "--data", dir]);
	assert.equal(JSON.parse(json.stderr).error.code, "unavailable");
	const server = await serve(t, ["--workers", "0"]);
	const wrong = await proctor(["job", "list"], { env: { PROCTOR_URL: server.url, PROCTOR_TOKEN: "pr_wrong" } });
	assert.equal(wrong.status, 2);
	const missing = await proctor(["job", "list"], { env: { PROCTOR_URL: server.url, PROCTOR_DATA: dir } });
	assert.equal(missing.status, 2);
	assert.match(missing.stderr, /PROCTOR_TOKEN/);
	const token = fs.readFileSync(path.join(server.data, "admin.token"), "utf8").trim();
	assert.equal((await proctor(["job", "list"], { env: { PROCTOR_URL: server.url, PROCTOR_TOKEN: token } })).status, 0);
	const said = await proctor(["job", "list", "--token-file", path.join(server.data, "admin.token")],
		{ env: { PROCTOR_URL: server.url, PROCTOR_TOKEN: "pr_wrong" } });
	assert.equal(said.status, 0, "the command line counts for more than the environment");
});

test("view: a job whose runs kept no report has Proctor's own", async (t) => {
	const server = await serve(t);
	const { stdout } = await server.call("job", "submit", write(folder(t), "j.json", { tests: [command("x", "true")] }));
	const id = stdout.trim();
	assert.equal((await server.call("job", "wait", id)).status, 0);
	const view = await server.call("job", "view", id);
	assert.equal(view.status, 0);
	const [, file] = /^file:\/\/(\/\S+\/report\.html)\n$/.exec(view.stdout);
	t.after(() => fs.rmSync(path.dirname(file), { recursive: true }));
	assert.match(fs.readFileSync(file, "utf8"), /<html/);
	assert.equal((await server.call("job", "view", "nothing")).status, 2);
});

test("serve: one line, private files, a second server refused, gone in order", async (t) => {
	const server = await serve(t);
	assert.equal(server.result.stdout, `listening on ${server.url}\n`);
	assert.match(server.result.stderr, /access token: .*admin\.token/);
	for (const name of ["admin.token", "server.json", "proctor.db"])
		assert.equal(fs.statSync(path.join(server.data, name)).mode & 0o077, 0, name);
	const second = await proctor(["serve", "--listen", "127.0.0.1:0", "--data", server.data]);
	assert.equal(second.status, 4);
	assert.match(second.stderr, /proctor serve: /);
	server.child.kill("SIGTERM");
	const end = await server.end;
	assert.equal(end.status, 0);
	assert.ok(!fs.existsSync(path.join(server.data, "server.json")));
	const check = await server.call("check");
	assert.equal(check.status, 0, check.stderr);
	assert.ok(fs.existsSync(bin));
});

test("the local worker is started again when it is killed", async (t) => {
	const server = await serve(t);
	await submit(t, server, [command("x", "true")], "--wait");
	const before = JSON.parse((await server.call("worker", "list", "--json")).stdout).items[0].id;
	const children = fs.readFileSync(`/proc/${server.child.pid}/task/${server.child.pid}/children`, "utf8").trim().split(/\s+/);
	process.kill(Number(children[0]), "SIGKILL");
	assert.match(await submit(t, server, [command("y", "true")], "--wait"), /completed/);
	const after = JSON.parse((await server.call("worker", "list", "--json")).stdout).items.map((one) => one.id);
	assert.ok(!after.includes(before) || after.length > 1);
});
