// What every story starts with: `import { expect, test } from './support'`.
import { test as base, expect, type Page } from '@playwright/test'
import { createClient, type RedisClientType } from 'redis'
import { Queues, Workers } from './jobs'
import { startConsole, startRedis, type Server } from './servers'

interface Fixtures {
  /** Arguments and environment of the console; change them with `test.use`. */
  consoleArgs: string[]
  consoleEnv: Record<string, string>
  /** Whether the console has counted what was seeded before the first page opens. */
  counted: boolean
  /** Console messages that a story expects, as patterns; everything else fails the test. */
  expectedErrors: RegExp[]
  redisServer: Server
  redis: RedisClientType
  queues: Queues
  workers: Workers
  /** Opens a page. The console starts with the first one, so that it counts what the story seeded before. */
  visit: (path: string) => Promise<Page>
  /** Opens a page and waits until it is alive. */
  open: (path: string) => Promise<Page>
}

export const test = base.extend<Fixtures>({
  consoleArgs: [[], { option: true }],
  consoleEnv: [{}, { option: true }],
  counted: [true, { option: true }],
  expectedErrors: async ({}, use) => use([]),

  redisServer: async ({}, use) => {
    const server = await startRedis()
    await use(server)
    await server.stop()
  },

  redis: async ({ redisServer }, use) => {
    const client = createClient({ url: redisServer.url }) as RedisClientType
    client.on('error', () => {}) // a story may stop Redis
    await client.connect()
    await use(client)
    client.destroy()
  },

  queues: async ({ redis }, use) => use(new Queues(redis)),

  workers: async ({ redis }, use) => {
    const workers = new Workers(redis)
    await use(workers)
    workers.end()
  },

  visit: async ({ page, redisServer, consoleArgs, consoleEnv, counted }, use) => {
    let server: Server | undefined
    await use(async (path) => {
      if (!server) {
        server = await startConsole(redisServer.url, consoleArgs, consoleEnv)
        if (counted) await firstCount(server)
      }
      await page.goto(server.url + path)
      return page
    })
    await page.close() // or the page would report that its console is gone
    await server?.stop()
  },

  open: async ({ visit }, use) =>
    use(async (path) => {
      const page = await visit(path)
      await hydrated(page)
      return page
    }),

  // Any error on the browser's console fails the test: a hydration mismatch is one.
  page: async ({ page, expectedErrors }, use) => {
    const errors: string[] = []
    const note = (text: string) => {
      if (!expectedErrors.some((pattern) => pattern.test(text))) errors.push(text)
    }
    page.on('console', (message) => {
      const text = `${message.text()} (${message.location().url})`
      if (message.type() === 'error' || /hydrat|panicked/i.test(text)) note(text)
    })
    page.on('pageerror', (error) => note(String(error)))
    await use(page)
    expect(errors, 'errors on the browser console').toEqual([])
  },
})

async function firstCount({ url }: Server) {
  await expect(async () => {
    const answer = await fetch(`${url}/api/v1/queues`)
    if (answer.status === 401) return // closed: the story signs in, which takes longer than counting
    expect((await answer.json()).discovery.complete).toBe(true)
  }).toPass({ intervals: [20, 50, 100], timeout: 10_000 })
}

/** The page is alive: clicks now reach the WebAssembly half. */
export async function hydrated(page: Page) {
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', /.*/, { timeout: 15_000 })
}

export const toasts = (page: Page) => page.getByRole('region', { name: 'Notifications' })

/** Opens a confirmation, checks what it says, and confirms. */
export async function confirm(page: Page, opener: string | RegExp, button: string | RegExp, says: RegExp) {
  await page.getByRole('button', { name: opener }).first().click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText(says)
  await dialog.getByRole('button', { name: button }).click()
  await expect(dialog).toBeHidden()
}

export { expect }
