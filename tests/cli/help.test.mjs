// SPDX-License-Identifier: Apache-2.0
// Help, versions, wrong use: what the table of commands promises.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { proctor, root } from "./lib/cli.mjs";

const goldenFile = path.join(root, "tests/cli/golden/help.txt");

async function
commands()
{
	const { stdout } = await proctor(["--help"]);
	return [...stdout.matchAll(/^ {2}(\S+(?: \S+)?) {2,}\S/gm)].map((match) => match[1].split(" "));
}

test("the whole help is as it was agreed on", async () => {
	let text = (await proctor(["--help"])).stdout;
	for (const words of await commands()) {
		const { stdout, status } = await proctor([...words, "--help"]);
		assert.equal(status, 0, words.join(" "));
		text += `\n$ proctor ${words.join(" ")} --help\n${stdout}`;
	}
	if (process.env.UPDATE_GOLDEN)
		fs.writeFileSync(goldenFile, text);
	assert.equal(text, fs.readFileSync(goldenFile, "utf8"),
		"run it with UPDATE_GOLDEN=1 and look at the difference");
});

test("every command has an example that begins with its own words", async () => {
	const all = await commands();
	assert.ok(all.length > 25);
	for (const words of all) {
		const { stdout } = await proctor([...words, "--help"]);
		const examples = stdout.slice(stdout.search(/^Examples?:$/m));
		assert.match(examples, new RegExp(`^ {2}.*proctor ${words.join(" ")}`, "m"), words.join(" "));
		assert.match(stdout, / --json/, `${words.join(" ")} has --json`);
		for (const line of stdout.split("\n"))
			assert.ok(line.length <= 100, `${words.join(" ")}: ${line}`);
	}
});

test("a noun alone shows its verbs", async () => {
	const help = await proctor(["job", "--help"]);
	assert.equal(help.status, 0);
	assert.match(help.stdout, /^ {2}job submit /m);
	assert.doesNotMatch(help.stdout, /^ {2}run /m);
	const alone = await proctor(["job"]);
	assert.equal(alone.status, 2);
	assert.match(alone.stderr, /proctor job wait/);
});

test("help as a word", async () => {
	for (const words of [[], ["job"], ["run"], ["job", "submit"]]) {
		const { stdout, status } = await proctor(["help", ...words]);
		assert.equal(status, 0, words.join(" "));
		assert.equal(stdout, (await proctor([...words, "--help"])).stdout);
	}
	assert.equal((await proctor(["help", "nothing"])).status, 2);
});

test("version", async () => {
	const { stdout, status } = await proctor(["version"]);
	assert.equal(status, 0);
	assert.match(stdout, /^proctor \d+\.\d+\.\d+\n$/);
	const json = JSON.parse((await proctor(["version", "--json"])).stdout);
	assert.equal(stdout, `proctor ${json.version}\n`);
	assert.equal((await proctor(["--version"])).stdout, stdout);
});

const wrong = [
	[[], /^$/],
	[["jb"], /did you mean "job"/],
	[["job", "sow", "x"], /did you mean "job show"/],
	[["run", "--jnit", "a", "b"], /unknown option --jnit; did you mean --junit\?\nTry: proctor run --help/],
	[["run", "-z", "b"], /unknown option -z/],
	[["run"], /a path is expected, or kept tests by --tags, --test or --last/],
	[["job", "list", "--limit"], /--limit needs a value/],
	[["job", "list", "--limit", "many"], /--limit/],
	[["job", "list", "--limit", "0"], /--limit/],
	[["job", "list", "--limit", "1", "--limit", "2"], /--limit is given twice/],
	[["job", "odd"], /unknown command "job odd"\nTry: proctor job --help/],
	[["run", "--timeout", "5", "x"], /--timeout: "5" has no unit/],
	[["job", "list", "extra"], /unexpected argument "extra"/],
	[["job", "report", "x", "--format", "pdf"], /"pdf" is none of html, junit, json/],
	[["job", "show", "x", "--json=yes"], /--json takes no value/],
	[["run", "--param", "novalue", "x"], /is not NAME=VALUE/],
	[["serve", "--lease", "5ms"], /--lease/],
	[["completion", "fish"], /no completion for "fish"/],
];

for (const [args, message] of wrong) {
	test(`wrong use is refused with status 2: proctor ${args.join(" ")}`, async () => {
		const { status, stderr } = await proctor(args);
		assert.equal(status, 2);
		assert.match(stderr, message);
	});
}

test("a value from the environment is checked like one from the line", async () => {
	const { status, stderr } = await proctor(["serve"], { env: { PROCTOR_WORKERS: "many" } });
	assert.equal(status, 2);
	assert.match(stderr, /PROCTOR_WORKERS: --workers/);
});
