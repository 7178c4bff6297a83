// SPDX-License-Identifier: MIT
// Runs smoke.wasm under Node's WASI and checks what it prints: node web/smoke.mjs build/wasm/smoke.wasm
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WASI } from 'node:wasi'

// x is 1 2 3; all of these are known in closed form.
const expected = {
  square: [1, 4, 9],
  gradient: [2, 4, 6],
  second: [2, 2, 2],
  softmax: [0.09003057, 0.24472847, 0.66524096],
}

const file = process.argv[2]
const module = await WebAssembly.compile(readFileSync(file))
const folder = mkdtempSync(join(tmpdir(), 'anneal-smoke-'))

async function run(...args) {
  const capture = join(folder, 'stdout')
  const stdout = openSync(capture, 'w')
  const wasi = new WASI({ version: 'preview1', args: ['smoke', ...args], stdout, returnOnExit: true })
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport })
  const exit = wasi.start(instance) ?? 0
  closeSync(stdout)
  return { exit, text: readFileSync(capture, 'utf8') }
}

let wrong = 0
function check(good, message) {
  if (good) return
  console.error(message)
  wrong += 1
}

const { exit, text } = await run()
process.stdout.write(text)
check(exit === 0, `exit code ${exit}`)
const printed = Object.fromEntries(text.trim().split('\n').map((line) => line.split(': ')))
for (const [name, want] of Object.entries(expected)) {
  const got = (printed[name] ?? '').split(' ').map(Number)
  const same = got.length === want.length && got.every((value, i) => Math.abs(value - want[i]) < 1e-6)
  check(same, `${name}: want ${want.join(' ')}, got ${printed[name]}`)
}

const mistake = await run('mistake')
process.stdout.write(mistake.text)
check(mistake.exit === 3 && mistake.text.startsWith('error[shape]'), `the mistake gave exit code ${mistake.exit}`)

rmSync(folder, { recursive: true })
console.log(`${file}: ${(statSync(file).size / 1024).toFixed(0)} KiB, ${wrong} wrong`)
process.exit(wrong === 0 ? 0 : 1)
