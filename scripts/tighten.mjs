// After `scripts/pack-chunks.mjs`: node scripts/tighten.mjs FOLDER NAME
// NAME.js and NAME.wasm name what they want of each other by long names with hashes, which no compression makes shorter: here
// they agree on short ones. The scripts are minified besides.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minify } from 'terser'

const [folder, name] = process.argv.slice(2)
const at = (file) => join(folder, file)
const fail = (why) => {
  console.error(`tighten: ${why}`)
  process.exit(1)
}

// Classes for streams that the library offers and nobody takes: not exported, they go.
const offered = (code) => code.replace(/^export class /gm, 'class ').replace(/^if \(Symbol\.dispose\) .*$/gm, '')
const minified = async (file) => (await minify(offered(readFileSync(at(file), 'utf8')), { module: true, compress: { passes: 2 } })).code
let script = await minified(`${name}.js`)
const split = await minified('__wasm_split.js')

const bytes = readFileSync(at(`${name}.wasm`))
/** An unsigned LEB128 number at `at`, and where the next thing begins. */
const leb = (at) => {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return [value, at]
  }
}
const encoded = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...encoded(Math.floor(n / 128))])

const short = new Map()
/** The short name of what only these two files know. */
const shortened = (long) => {
  if (!/^(__wbg_|__wbindgen_|wasm_bindgen__)/.test(long) || split.includes(long)) return long
  if (!short.has(long)) short.set(long, `_${short.size.toString(36)}`)
  return short.get(long)
}

/** A copy of the bytes from `start` to `end`, in which `names` are written anew. */
const renamed = (start, end, names) => {
  const parts = []
  let from = start
  for (const [at, name] of names) {
    const [length, text] = leb(at)
    const bytesOfName = Buffer.from(name)
    parts.push(bytes.subarray(from, at), Buffer.from(encoded(bytesOfName.length)), bytesOfName)
    from = text + length
  }
  return Buffer.concat([...parts, bytes.subarray(from, end)])
}
const text = (at) => {
  const [length, start] = leb(at)
  return [bytes.toString('utf8', start, start + length), start + length]
}

const imports = (start) => {
  const names = []
  let [count, at] = leb(start)
  const limits = () => {
    const flags = bytes[at++]
    at = leb(at)[1]
    if (flags & 1) at = leb(at)[1]
  }
  while (count--) {
    const field = text(at)[1]
    const [long, next] = text(field)
    names.push([field, shortened(long)])
    at = next
    const kind = bytes[at++]
    if (kind === 0) at = leb(at)[1]
    else if (kind === 1) { at++; limits() }
    else if (kind === 2) limits()
    else if (kind === 3) at += 2
    else fail(`an import of kind ${kind}`)
  }
  return names
}
const exports = (start) => {
  const names = []
  let [count, at] = leb(start)
  while (count--) {
    const [long, next] = text(at)
    names.push([at, shortened(long)])
    at = leb(next + 1)[1]
  }
  return names
}

const out = [bytes.subarray(0, 8)]
for (let at = 8; at < bytes.length; ) {
  const id = bytes[at]
  const [size, start] = leb(at + 1)
  const names = id === 2 ? imports(start) : id === 7 ? exports(start) : []
  const body = renamed(start, start + size, names)
  out.push(Buffer.from([id, ...encoded(body.length)]), body)
  at = start + size
}
if (short.size < 50) fail(`only ${short.size} names were found: is this another wasm-bindgen?`)

// Longer names first: one may begin another.
for (const [long, name] of [...short].sort(([a], [b]) => b.length - a.length)) {
  if (!script.includes(long)) fail(`${long} is not in ${name}.js`)
  script = script.replaceAll(long, name)
}
writeFileSync(at(`${name}.wasm`), Buffer.concat(out))
writeFileSync(at(`${name}.js`), script)
writeFileSync(at('__wasm_split.js'), split)
console.log(`tighten: ${short.size} names`)
