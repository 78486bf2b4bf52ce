// Makes SITE hold exactly the files of the FOLDERs: node scripts/site.mjs SITE [--compress] FOLDER…
// Unchanged files keep their time, so that a build that changed nothing does not make cargo embed them again.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const args = process.argv.slice(2).filter((arg) => arg !== '--compress')
const compress = process.argv.includes('--compress')
const [site, ...folders] = args

const files = (root) =>
  !existsSync(root)
    ? []
    : readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))

const brotli = (bytes) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })

const keep = new Set()
for (const folder of folders) {
  for (const name of files(folder)) {
    const [from, to] = [join(folder, name), join(site, name)]
    const bytes = readFileSync(from)
    const changed = !existsSync(to) || !readFileSync(to).equals(bytes)
    keep.add(name)
    if (changed) {
      mkdirSync(dirname(to), { recursive: true })
      cpSync(from, to)
    }
    // Below a packet a compressed copy saves nothing.
    if (!compress || bytes.length < 1024) continue
    for (const [suffix, pack] of [['.br', brotli], ['.gz', (b) => gzipSync(b, { level: 9 })]]) {
      keep.add(name + suffix)
      if (changed || !existsSync(to + suffix)) writeFileSync(to + suffix, pack(bytes))
    }
  }
}
for (const name of files(site)) if (!keep.has(name)) rmSync(join(site, name))

// The first load is every part of pkg but what is fetched later (scripts/pack-chunks.mjs).
const list = join(site, 'pkg', 'chunks.json')
const later = existsSync(list) ? [...Object.values(JSON.parse(readFileSync(list, 'utf8'))).flat().map((file) => `pkg/${file}.wasm`), 'pkg/chunks.json'] : []
const parts = [...keep].filter((name) => name.startsWith('pkg') && !/\.(br|gz)$/.test(name) && !later.includes(name))
const size = (name) => statSync(join(site, keep.has(`${name}.br`) ? `${name}.br` : name)).size
const sum = parts.reduce((sum, name) => sum + size(name), 0)
console.log(`${site}: ${keep.size} files` + (compress ? `, first load ${Math.round(sum / 1000)} kB compressed` : ''))
