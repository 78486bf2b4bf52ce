// Before `flux-wasm split`: node scripts/drop-unused.mjs IN.wasm OUT.wasm
// Every view that the library erases carries a second way to take over server HTML, `hydrate_async`; routes can list themselves for a
// server; streams can be handed to JavaScript. The linker keeps them, because pointers to them are stored or they are exported;
// nobody calls them in a browser, because src/lib.rs uses `hydrate_body`. Here these functions become `unreachable` and lose
// what they refer to, so that the next tools can leave that out: a seventh of the first part.
// Wrong here means a trap on the first page that needs it: a page that is fetched later needs `hydrate_from_template`, say.
// The stories in end2end/ go over what this leaves after `scripts/build.sh parts`; `FLUX_CONSOLE=target/release/flux-console npm run end2end` goes over a release.
import { readFileSync, writeFileSync } from 'node:fs'
import { encoded, fail, reader } from './wasm.mjs'

const UNUSED = /(into_any13hydrate_async|into_any_nested_route15generate_routes)17h[0-9a-f]{16}E$|^(__wbg_)?intounderlying/
const [from, to] = process.argv.slice(2)
const bytes = readFileSync(from)

const { number: leb, text, sections: all, imports } = reader(bytes)
const sections = all().map((section) => {
  const [name, body] = section.id === 0 ? text(section.start) : ['', section.start]
  return { ...section, name, body }
})
const section = (id, name = '') => sections.find((s) => s.id === id && s.name === name) ?? fail(`${from} has no section ${name || id}`)

/** Functions that are imported are counted before those with code. */
const imported = () => imports(section(2).start).filter((one) => one.isFunction).length

const unused = new Set()
for (let { body: at, end } = section(0, 'name'); at < end; ) {
  const kind = bytes[at]
  const [size, start] = leb(at + 1)
  if (kind === 1) {
    let [count, entry] = leb(start)
    while (count--) {
      const [index, afterIndex] = leb(entry)
      const [name, next] = text(afterIndex)
      if (UNUSED.test(name)) unused.add(index)
      entry = next
    }
  }
  at = start + size
}
if (!unused.size) fail('nothing is called hydrate_async and so on any more: leave this step out, or name what takes its place')

// Same length, so that nothing else moves: no locals, `unreachable` all along, `end`.
const code = section(10)
const emptied = []
let [count, at] = leb(code.start)
for (let index = imported(); count--; index++) {
  const [size, start] = leb(at)
  if (unused.has(index)) {
    bytes.fill(0, start, start + size - 1)
    bytes[start + size - 1] = 0x0b
    emptied.push([start - code.start, start + size - code.start])
  }
  at = start + size
}

// What the linker noted about the old bodies would be written into the new ones.
const relocations = section(0, 'reloc.CODE')
const WITH_ADDEND = new Set([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25])
let [target, cursor] = leb(relocations.body)
let [entries, next] = leb(cursor)
const kept = []
for (let i = 0, range = 0; i < entries; i++) {
  const begin = next
  const kind = bytes[next]
  let offset
  ;[offset, next] = leb(next + 1)
  next = leb(next)[1]
  if (WITH_ADDEND.has(kind)) next = leb(next)[1]
  while (range < emptied.length && emptied[range][1] <= offset) range++
  if (!(range < emptied.length && offset >= emptied[range][0])) kept.push(bytes.subarray(begin, next))
}
if (next !== relocations.end) fail('its relocations have another shape than this script knows')

const name = Buffer.from([...encoded('reloc.CODE'.length), ...Buffer.from('reloc.CODE')])
const body = Buffer.concat([name, Buffer.from([...encoded(target), ...encoded(kept.length)]), ...kept])
writeFileSync(
  to,
  Buffer.concat([
    bytes.subarray(0, relocations.at),
    Buffer.from([0, ...encoded(body.length)]),
    body,
    bytes.subarray(relocations.end),
  ]),
)
console.log(`drop-unused: ${unused.size} functions, ${emptied.reduce((sum, [a, b]) => sum + b - a, 0)} bytes`)
