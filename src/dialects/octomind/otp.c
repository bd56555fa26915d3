/* SPDX-License-Identifier: Apache-2.0 */
/* Two forms of one calculation; tests/runners/octomind.test.js holds both against a server. */
#include "dialects/octomind/otp.h"

/* clang-format off */
static const char page_code[] =
	"const turn = (x, n) => (x << n) | (x >>> (32 - n));\n"
	"const word = (bytes, at) => (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];\n"
	"const bytesOf = (x) => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255];\n"
	"const sha1 = (text) => {\n"
	"	const bytes = [...text, 0x80];\n"
	"	while (bytes.length % 64 !== 60)\n"
	"		bytes.push(0);\n"
	"	bytes.push(...bytesOf(text.length * 8));\n"
	"	let sum = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];\n"
	"	for (let start = 0; start < bytes.length; start += 64) {\n"
	"		const w = [];\n"
	"		let [a, b, c, d, e] = sum;\n"
	"		for (let i = 0; i < 80; i++) {\n"
	"			w[i] = i < 16 ? word(bytes, start + 4 * i) : turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);\n"
	"			const f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);\n"
	"			const k = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][Math.floor(i / 20)];\n"
	"			[a, b, c, d, e] = [(turn(a, 5) + f + e + k + w[i]) | 0, a, turn(b, 30), c, d];\n"
	"		}\n"
	"		sum = [a, b, c, d, e].map((x, i) => (x + sum[i]) | 0);\n"
	"	}\n"
	"	return sum.flatMap(bytesOf);\n"
	"};\n"
	"const bits = [...args.key.toUpperCase()].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one))\n"
	"	.filter((value) => value >= 0).map((value) => value.toString(2).padStart(5, '0')).join('');\n"
	"let key = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));\n"
	"if (key.length > 64)\n"
	"	key = sha1(key);\n"
	"const pad = (mask) => Array.from({ length: 64 }, (_, i) => (key[i] ?? 0) ^ mask);\n"
	"const count = Math.floor((args.now ?? Date.now()) / 30000);\n"
	"const counter = [...bytesOf(Math.floor(count / 2 ** 32)), ...bytesOf(count | 0)];\n"
	"const mac = sha1([...pad(0x5c), ...sha1([...pad(0x36), ...counter])]);\n"
	"return String((word(mac, mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');";

static const char node_code[] =
	"/* The one-time password of now (RFC 6238). */\n"
	"function oneTimePassword(key: string): string {\n"
	"\tconst bits = [...key.toUpperCase()].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one))\n"
	"\t\t.filter((value) => value >= 0).map((value) => value.toString(2).padStart(5, '0')).join('');\n"
	"\tconst counter = Buffer.alloc(8);\n"
	"\tcounter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));\n"
	"\tconst bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));\n"
	"\tconst mac = createHmac('sha1', bytes).update(counter).digest();\n"
	"\treturn String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');\n"
	"}\n\n";
/* clang-format on */

const char *
octo_otp_page_code(void)
{
	return page_code;
}

const char *
octo_otp_node_import(void)
{
	return "import { createHmac } from 'node:crypto';\n";
}

const char *
octo_otp_node_code(void)
{
	return node_code;
}
