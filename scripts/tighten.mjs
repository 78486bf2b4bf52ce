// After `scripts/pack-chunks.mjs`: node scripts/tighten.mjs FOLDER NAME
// NAME.js and NAME.wasm name what they want of each other by long names with hashes, which no compression makes shorter: here
// they agree on short ones. The scripts are minified besides.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minify } from 'terser'
import { encoded, fail, reader } from './wasm.mjs'

const [folder, name] = process.argv.slice(2)
const at = (file) => join(folder, file)

// Classes for streams that the library offers and nobody takes: not exported, they go.
const offered = (code) => code.replace(/^export class /gm, 'class ').replace(/^if \(Symbol\.dispose\) .*$/gm, '')
const minified = async (file) => (await minify(offered(readFileSync(at(file), 'utf8')), { module: true, compress: { passes: 2 } })).code
let script = await minified(`${name}.js`)
const split = await minified('__wasm_split.js')

const bytes = readFileSync(at(`${name}.wasm`))
const wasm = reader(bytes)

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
    const [length, text] = wasm.number(at)
    const bytesOfName = Buffer.from(name)
    parts.push(bytes.subarray(from, at), Buffer.from(encoded(bytesOfName.length)), bytesOfName)
    from = text + length
  }
  return Buffer.concat([...parts, bytes.subarray(from, end)])
}

const imports = (start) => wasm.imports(start).map(({ field, name }) => [field, shortened(name)])
const exports = (start) => {
  const names = []
  let [count, at] = wasm.number(start)
  while (count--) {
    const [long, next] = wasm.text(at)
    names.push([at, shortened(long)])
    at = wasm.number(next + 1)[1]
  }
  return names
}

const out = [bytes.subarray(0, 8)]
for (const { id, start, end } of wasm.sections()) {
  const names = id === 2 ? imports(start) : id === 7 ? exports(start) : []
  const body = renamed(start, end, names)
  out.push(Buffer.from([id, ...encoded(body.length)]), body)
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
