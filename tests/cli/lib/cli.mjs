// SPDX-License-Identifier: Apache-2.0
// Runs the real binary; every call gets an environment of its own, without the caller's settings.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const bin = process.env.PROCTOR_BIN ?? path.join(root, "build/proctor");
export const build = process.env.PROCTOR_BUILD_DIR ?? path.dirname(bin);

// A folder that goes away with the test.
export function
folder(t)
{
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "proctor-cli-"));
	t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
	return dir;
}

export function
write(dir, name, text)
{
	const file = path.join(dir, name);
	fs.writeFileSync(file, typeof text === "string" ? text : JSON.stringify(text));
	return file;
}

function
environment(extra)
{
	const env = { ...process.env };
	for (const name of Object.keys(env)) {
		if (name.startsWith("PROCTOR_") && name !== "PROCTOR_RUNNERS_DIR")
			delete env[name];
	}
	return { ...env, NO_COLOR: "1", ...extra };
}

export function
start(args, { env = {}, cwd = root, input = "ignore" } = {})
{
	const child = spawn(bin, args, { cwd, env: environment(env), stdio: [input, "pipe", "pipe"] });
	const result = { stdout: "", stderr: "" };
	child.stdout.setEncoding("utf8").on("data", (text) => { result.stdout += text; });
	child.stderr.setEncoding("utf8").on("data", (text) => { result.stderr += text; });
	const end = new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (status, signal) => resolve({ ...result, status, signal }));
	});
	return { child, result, end };
}

export function
proctor(args, options)
{
	return start(args, options).end;
}

// Waits until the stream has said something that matches.
export function
said({ child, result, end }, stream, pattern)
{
	return new Promise((resolve, reject) => {
		const look = () => {
			const match = pattern.exec(result[stream]);
			if (match)
				resolve(match);
			return match;
		};
		if (look())
			return;
		child[stream].on("data", look);
		end.then((last) => look() || reject(new Error(`never said ${pattern}: ${last.stdout}${last.stderr}`)));
	});
}

// A server on a free port and a folder of its own; it is gone when the test is over.
export async function
serve(t, args = [])
{
	const data = folder(t);
	const server = start(["serve", "--listen", "127.0.0.1:0", "--data", data, ...args]);
	t.after(async () => {
		server.child.kill("SIGTERM");
		await server.end;
	});
	const [, url] = await said(server, "stdout", /^listening on (http:\S+)$/m);
	return { ...server, data, url, call: (...words) => proctor([...words, "--data", data]) };
}

// Processes that still have the words on their command line.
export function
processesWith(words)
{
	return fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(words);
		} catch {
			return false;
		}
	});
}
