// A Redis and a console of their own for every test: no test sees what another left behind.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const binary = process.env.FLUX_CONSOLE || resolve(import.meta.dirname, '../target/debug/flux-console')
const startWithin = 15_000

export interface Server {
  url: string
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))))
    })
  })
}

/** Starts a program and waits for the line that says it is ready; what it printed is in the error when it does not. */
async function start(program: string, args: string[], env: NodeJS.ProcessEnv, ready: RegExp): Promise<[ChildProcess, RegExpMatchArray]> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  const match = await new Promise<RegExpMatchArray>((done, fail) => {
    const give = (why: string) => fail(new Error(`${program} ${why}:\n${printed}`))
    const timer = setTimeout(() => give(`was not ready after ${startWithin} ms`), startWithin)
    const read = (chunk: Buffer) => {
      printed += chunk
      const found = printed.match(ready)
      if (found) {
        clearTimeout(timer)
        done(found)
      }
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', (error) => give(`cannot be started (${error.message})`))
    child.once('exit', (code) => give(`ended with ${code}`))
  })
  return [child, match]
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}

export async function startRedis(port?: number): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-console-e2e-'))
  const at = port ?? (await freePort())
  const args = ['--port', String(at), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const [child] = await start('redis-server', args, process.env, /Ready to accept connections/)
  return {
    url: `redis://127.0.0.1:${at}`,
    stop: async () => {
      await stop(child, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function startConsole(redisUrl: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Server> {
  // Only what a program needs to run: no setting of the developer's shell reaches the console.
  const { PATH, HOME, TMPDIR } = process.env
  // Its archive too is its own, not the one in the developer's home.
  const data = mkdtempSync(join(tmpdir(), 'flux-console-data-'))
  const [child, [url]] = await start(
    binary,
    ['start', '--url', redisUrl, '--port', '0', '--data-dir', data, ...args],
    { PATH, HOME, TMPDIR, NO_COLOR: '1', ...env },
    /http:\/\/127\.0\.0\.1:\d+/,
  )
  return {
    url,
    stop: async () => {
      await stop(child, 'SIGTERM')
      rmSync(data, { recursive: true, force: true })
    },
  }
}
