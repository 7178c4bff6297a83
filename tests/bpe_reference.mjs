// SPDX-License-Identifier: MIT
// What the npm package js-tiktoken, an implementation of byte pair encoding by others, makes of many strings: for
// src/text/bpe_reference_test.cc. `./dev test` installs it in build/npm.
//
//   node tests/bpe_reference.mjs gpt2 FOLDER COUNT SEED   GPT-2's vocab.json and merges.txt, out of the package's
//                                                         ranks; cases.txt: COUNT lines of "HEX id id ..."; and
//                                                         ids.txt: COUNT / 10 lines of random ids
//   node tests/bpe_reference.mjs decoded FOLDER           compares decoded.txt, "HEX" for each line of ids.txt
//   node tests/bpe_reference.mjs small                    prints tests/golden/text/bpe_small.txt: a vocabulary trained
//                                                         here, and cases, for tests without the package
import assert from "node:assert";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const root = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const require = createRequire(path.join(root, "build/npm/package.json"));
const { Tiktoken } = require("js-tiktoken/lite");
const kPublishedMerges = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5";  // SHA-256
const kEnd = "<|endoftext|>";

// ---- Bytes as vocab.json and merges.txt write them --------------------------------------------------------------

const stand_ins = [];
for (let byte = 0, next = 256; byte < 256; ++byte) {
  const printable = (byte > 32 && byte < 127) || (byte > 160 && byte < 173) || byte > 173;
  stand_ins.push(String.fromCodePoint(printable ? byte : next++));
}
const written = (latin1) => [...latin1].map((c) => stand_ins[c.charCodeAt(0)]).join("");

// Tokens are strings of one character a byte here.
function ranks_of(text) {
  const ranks = new Map();
  for (const line of text.split("\n").filter(Boolean)) {
    const [, first, ...tokens] = line.split(" ");
    tokens.forEach((token, i) => ranks.set(Buffer.from(token, "base64").toString("latin1"), Number(first) + i));
  }
  return ranks;
}

// The two tokens that were merged into `token`: what it is cut into by the ranks below its own.
function parts_of(token, ranks) {
  let parts = [...token];
  while (parts.length > 2) {
    let best = Infinity, at = -1;
    for (let i = 0; i + 1 < parts.length; ++i) {
      const rank = ranks.get(parts[i] + parts[i + 1]) ?? Infinity;
      if (rank < best && rank < ranks.get(token)) [best, at] = [rank, i];
    }
    assert(at >= 0);
    parts.splice(at, 2, parts[at] + parts[at + 1]);
  }
  return parts;
}

function merges_text(ranks) {
  let out = "#version: 0.2\n";
  for (const [token, rank] of [...ranks].sort((a, b) => a[1] - b[1]))
    if (rank >= 256) out += parts_of(token, ranks).map(written).join(" ") + "\n";
  return out;
}

const vocab_text = (ranks, end) =>
  JSON.stringify(Object.fromEntries([...[...ranks].map(([token, rank]) => [written(token), rank]), [kEnd, end]]));

// ---- Strings ----------------------------------------------------------------------------------------------------

function random_numbers(seed) {  // xorshift
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  return (limit) => {
    state = BigInt.asUintN(64, state ^ (state << 13n));
    state ^= state >> 7n;
    state = BigInt.asUintN(64, state ^ (state << 17n));
    return Number((state >> 11n) % BigInt(limit));
  };
}

// Blocks that have been full for long: another version of Unicode knows no more letters in them.
const kBlocks = [
  [0x20, 0x7e], [0xa1, 0xff], [0x100, 0x17f], [0x3b1, 0x3c9], [0x400, 0x45f], [0x531, 0x556], [0x5d0, 0x5ea],
  [0x620, 0x64a], [0x660, 0x669], [0x905, 0x939], [0x93e, 0x94d], [0x966, 0x96f], [0x985, 0x98c], [0xa05, 0xa0a],
  [0xb85, 0xb8a], [0xc05, 0xc0c], [0xd05, 0xd0c], [0xe01, 0xe3a], [0xe40, 0xe4e], [0xe81, 0xe82], [0xf40, 0xf47],
  [0x1000, 0x1021], [0x10d0, 0x10f0], [0x1100, 0x1159], [0x1200, 0x1206], [0x13a0, 0x13f4], [0x1401, 0x1676],
  [0x16a0, 0x16ea], [0x1780, 0x17b3], [0x1820, 0x1842], [0x1d00, 0x1d2b], [0x1e00, 0x1e9b], [0x2010, 0x2027],
  [0x2030, 0x205e], [0x2070, 0x2071], [0x2074, 0x208e], [0x20a0, 0x20b1], [0x2100, 0x2138], [0x2153, 0x2183],
  [0x2190, 0x21ff], [0x2200, 0x22ff], [0x2460, 0x24ff], [0x2500, 0x25ff], [0x2701, 0x2704], [0x3001, 0x3029],
  [0x3041, 0x3094], [0x30a1, 0x30fa], [0x3105, 0x3129], [0x4e00, 0x9fa5], [0xac00, 0xd7a3], [0xff01, 0xff5e],
  [0x10330, 0x1034a], [0x10400, 0x1044f], [0x1d400, 0x1d454], [0x1f300, 0x1f320], [0x1f600, 0x1f64f], [0x20000, 0x2a6d6],
];
// U+0085 and U+FEFF are left out: to JavaScript they are white space the other way round than to Unicode.
const kWhite = [" ", "  ", "    ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f",
  "\u205f", "\u3000", " \n ", "\v", "\f"];
const kPieces = ["I'm", "you're", "they'll", "we'd", "it's", "'S", "'tis", "don't", "hello", "world", "Hello", "the", "of", "and",
  "2024", "3.14159", "1,000,000", "0xff", "for (int i = 0; i < n; ++i) {", "}\n", "return x;", "def f(a, b=None):\n    pass",
  "#include <vector>\n", "<div class=\"a\">&amp;</div>", "{\"a\": [1, 2.5e-3, null]}", "SELECT * FROM t WHERE a='b';",
  "https://example.org/a?b=c&d=%20", "user@example.com", kEnd, "<|", "|>", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "😀😀😀", "e\u0301", "ﷺ",
  "ﬁ", "ß", "Ǆ", "İ", "日本語", "中文", "한국어", "العربية", "עברית", "हिन्दी", "ไทย", "Ελληνικά", "Русский", "ქართული", "---", "...",
  "!!!!", "====", "________", "\u0000", "\u0007", "\u001b[31m", "\u200b", "\u200d", "\ufffd", "\u{10ffff}", "aaaaaaaaaaaaaaaa",
  "antidisestablishmentarianism", "supercalifragilistic"];

function make_string(random) {
  let out = "";
  const character = () => {
    const [first, last] = kBlocks[random(kBlocks.length)];
    return String.fromCodePoint(first + random(last - first + 1));
  };
  const parts = 1 + random(random(10) === 0 ? 60 : 12);
  for (let i = 0; i < parts; ++i) {
    const kind = random(8);
    if (kind < 3) out += kPieces[random(kPieces.length)];
    else if (kind < 5) out += kWhite[random(kWhite.length)].repeat(random(6) === 0 ? 1 + random(9) : 1);
    else if (kind === 5) for (let n = 1 + random(8); n > 0; --n) out += character();
    else if (kind === 6) for (let n = 1 + random(20); n > 0; --n) out += String.fromCharCode(32 + random(95));
    else {
      const [first, last] = kBlocks[random(kBlocks.length)];  // a word of one script
      for (let n = 1 + random(12); n > 0; --n) out += String.fromCodePoint(first + random(last - first + 1));
      if (random(2)) out = " " + out;
    }
  }
  return out;
}

const case_line = (text, ids) => [Buffer.from(text).toString("hex"), ...ids].join(" ");

// ---- A small vocabulary -----------------------------------------------------------------------------------------

const kTraining = `The quick brown fox jumps over the lazy dog; the dog doesn't mind, it's asleep. They'll say that we're there.
  for (int i = 0; i < 100; ++i) { total += values[i]; return total; }    if (there) { they(); }
  Ein schöner Tag für die Größe. Être là où tu es. Привет, мир, это привет. 日本語の日本語。 नमस्ते 😀😀 2024 1000 1000 000`;

function train(pattern, text, count) {
  let words = [...text.matchAll(new RegExp(pattern, "gu"))].map((m) => [...Buffer.from(m[0]).toString("latin1")]);
  const ranks = new Map();
  for (let byte = 0; byte < 256; ++byte) ranks.set(String.fromCharCode(byte), byte);
  while (ranks.size < 256 + count) {
    const pairs = new Map();
    for (const word of words)
      for (let i = 0; i + 1 < word.length; ++i) {
        const pair = word[i] + "|" + word[i + 1];
        pairs.set(pair, [(pairs.get(pair)?.[0] ?? 0) + 1, word[i], word[i + 1]]);
      }
    // Tokens of which another pair makes the same are passed over: ranks alone do not tell them apart.
    const [best] = [...pairs.values()].filter(([, a, b]) => !ranks.has(a + b))
      .sort((x, y) => y[0] - x[0] || (x[1] + x[2] < y[1] + y[2] ? -1 : 1));
    if (!best) break;
    const [, a, b] = best;
    ranks.set(a + b, ranks.size);
    words = words.map((word) => {
      const out = [];
      for (let i = 0; i < word.length; ++i)
        if (i + 1 < word.length && word[i] === a && word[i + 1] === b) out.push(a + word[++i]);
        else out.push(word[i]);
      return out;
    });
  }
  return ranks;
}

// ---- What is asked for ------------------------------------------------------------------------------------------

const [what, folder, count, seed] = process.argv.slice(2);
const gpt2 = require("js-tiktoken/ranks/gpt2");
const encode = (tokenizer, text) => tokenizer.encode(text, [], []);

if (what === "gpt2") {
  const ranks = ranks_of(gpt2.bpe_ranks), merges = merges_text(ranks);
  assert.equal(crypto.createHash("sha256").update(merges).digest("hex"), kPublishedMerges);
  fs.writeFileSync(path.join(folder, "merges.txt"), merges);
  fs.writeFileSync(path.join(folder, "vocab.json"), vocab_text(ranks, gpt2.special_tokens[kEnd]));
  const tokenizer = new Tiktoken(gpt2), random = random_numbers(seed), cases = [], ids = [];
  for (let i = 0; i < count; ++i) {
    const text = make_string(random);
    cases.push(case_line(text, encode(tokenizer, text)));
    if (i % 10 === 0) ids.push(Array.from({ length: 1 + random(20) }, () => random(50257)).join(" "));
  }
  fs.writeFileSync(path.join(folder, "cases.txt"), cases.join("\n") + "\n");
  fs.writeFileSync(path.join(folder, "ids.txt"), ids.join("\n") + "\n");
} else if (what === "decoded") {
  // A string of JavaScript holds no broken characters, so both sides are compared with U+FFFD in their place.
  const tokenizer = new Tiktoken(gpt2);
  const lines = (name) => fs.readFileSync(path.join(folder, name), "utf8").trimEnd().split("\n");
  const decoded = lines("decoded.txt");
  lines("ids.txt").forEach((line, i) => {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(decoded[i], "hex"));
    const wanted = tokenizer.decode(line.split(" ").map(Number));
    // Theirs takes a byte order mark in front away.
    assert.equal(text.replace(/^\ufeff/, ""), wanted.replace(/^\ufeff/, ""), `line ${i + 1}: ${line}`);
  });
  console.log(`${decoded.length} decoded`);
} else if (what === "small") {
  const ranks = train(gpt2.pat_str, kTraining, 220);
  const bpe_ranks = [...ranks.keys()].map((token) => Buffer.from(token, "latin1").toString("base64")).join(" ");
  const end = ranks.size;
  const tokenizer = new Tiktoken({ ...gpt2, special_tokens: { [kEnd]: end }, bpe_ranks: `! 0 ${bpe_ranks}` });
  const random = random_numbers(1), cases = [];
  for (const text of [...kPieces, ...kWhite, ...kTraining.split("\n")]) cases.push(text);
  for (let i = 0; i < 80; ++i) cases.push(make_string(random).slice(0, 40).toWellFormed?.() ?? "");
  console.log("Written by: node tests/bpe_reference.mjs small");
  console.log(merges_text(ranks) + "cases");
  for (const text of cases.filter(Boolean)) console.log(case_line(text, encode(tokenizer, text)));
} else {
  console.error("see the top of the file");
  process.exit(2);
}
